"""Static files: addresses that change with their content, and what is vendored is what was published."""

import hashlib
import re
from importlib.resources import files

import pytest
from starlette.requests import Request
from starlette.responses import Response

from minutebook.web.assets import Assets, handler

STATIC = files("minutebook.web") / "static"


def get(assets: Assets, url: str) -> Response:
    _, prefix, tree_hash, name = url.split("/", 3)
    assert prefix == "static"
    return handler(assets)(Request({"type": "http", "path_params": {"tree_hash": tree_hash, "name": name}}))


def test_an_address_names_one_version() -> None:
    before = Assets({"scripts/app.js": b"1", "styles/log.css": b"2"})
    after = Assets({"scripts/app.js": b"1", "styles/log.css": b"3"})
    assert before.url("scripts/app.js") != after.url("scripts/app.js")
    assert get(after, after.url("scripts/app.js")).body == b"1"
    assert get(after, before.url("scripts/app.js")).status_code == 404


def test_names_and_contents_cannot_trade_places() -> None:
    assert Assets({"a.js": b"b.js"}).tree_hash != Assets({"a.js": b"", "b.js": b""}).tree_hash


def test_packaged_files_are_served_for_ever() -> None:
    assets = Assets.packaged()
    answer = get(assets, assets.url("scripts.js"))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert get(assets, assets.url("styles.css")).headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("name", ["../assets.py", "", "styles", "scripts/app.js\0"])
def test_nothing_else_is_served(name: str) -> None:
    assets = Assets.packaged()
    answer = get(assets, f"/static/{assets.tree_hash}/{name}")
    assert answer.status_code == 404


def test_a_wrong_name_never_ships() -> None:
    with pytest.raises(KeyError, match="styles/none"):
        Assets.packaged().url("styles/none.css")
    with pytest.raises(ValueError, match=r"\.exe"):
        Assets({"setup.exe": b""})


def test_vendored_files_are_as_published() -> None:
    readme = (STATIC / "vendor/README.md").read_text()
    listed = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", readme, re.MULTILINE)
    assert dict(listed) == {"htmx.min.js": hashlib.sha256((STATIC / "vendor/htmx.min.js").read_bytes()).hexdigest()}


def test_all_of_the_scripts_and_sheets_are_in_what_is_served() -> None:
    assets = Assets.packaged()
    scripts, styles = (get(assets, assets.url(name)).body for name in ("scripts.js", "styles.css"))
    for script in (STATIC / "scripts").iterdir():
        assert bytes(scripts).count(f"// {script.name}\n".encode()) == 1, script.name
    for sheet in (STATIC / "styles").iterdir():
        assert sheet.read_bytes() in bytes(styles)
