"""The static files, read once at start and served under an address that holds the hash of all of them.

With one hash for the whole tree (`/static/<hash>/scripts.js`) browsers keep each for ever: a changed file changes every
address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable

from starlette.requests import Request
from starlette.responses import Response

from minutebook.web.bundling import joined_scripts, joined_sheets

PREFIX = "/static"
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "webp": "image/webp",
    "txt": "text/plain; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
}
"""The content type by extension. A file of another kind fails at start, not in front of a user."""

FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes and their content type."""

    body: bytes
    content_type: str


class Assets:
    """The static files of the dashboard, in memory."""

    def __init__(self, contents: dict[str, bytes]) -> None:
        """`contents` maps a name such as `styles/log.css` to bytes. Raises ValueError for an unknown kind of file."""
        self._assets = {name: Asset(body, _content_type(name)) for name, body in sorted(contents.items())}
        digest = hashlib.sha256()
        for name, asset in self._assets.items():
            for part in (name.encode(), asset.body):
                digest.update(len(part).to_bytes(8, "big"))
                digest.update(part)
        self.tree_hash = digest.hexdigest()[:16]

    @classmethod
    def packaged(cls) -> Assets:
        """The files that are installed with Minutebook."""
        contents = dict(_read(files("minutebook.web") / "static"))
        sheets, scripts = _taken(contents, "styles/"), _taken(contents, "scripts/")
        return cls(
            {**contents, "styles.css": joined_sheets(sheets).encode(), "scripts.js": joined_scripts(scripts).encode()}
        )

    def url(self, name: str) -> str:
        """The address of the file `name`. Raises KeyError when there is none, so that a wrong name never ships."""
        if name not in self._assets:
            raise KeyError(f"no static file is called {name}")
        return f"{PREFIX}/{self.tree_hash}/{name}"

    def get(self, tree_hash: str, name: str) -> Asset | None:
        """The file at an address, or None: also for the address of another version."""
        return self._assets.get(name) if tree_hash == self.tree_hash else None


def handler(assets: Assets) -> Callable[[Request], Response]:
    """Answers GET and HEAD of `/static/{tree_hash}/{name:path}`."""

    def serve(request: Request) -> Response:
        asset = assets.get(request.path_params["tree_hash"], request.path_params["name"])
        if asset is None:
            return Response("Not found", status_code=404, media_type="text/plain")
        return Response(asset.body, media_type=asset.content_type, headers={"Cache-Control": FOREVER})

    return serve


def _content_type(name: str) -> str:
    extension = name.rpartition(".")[2]
    if extension not in TYPES:
        raise ValueError(f"{name}: no content type is known for .{extension}")
    return TYPES[extension]


def _taken(contents: dict[str, bytes], folder: str) -> dict[str, str]:
    """The texts of a folder by their names in it, taken out of the contents."""
    names = [name for name in contents if name.startswith(folder)]
    return {name.removeprefix(folder): contents.pop(name).decode() for name in names}


def _read(folder: Traversable, prefix: str = "") -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        name = prefix + entry.name
        if entry.is_dir():
            found += _read(entry, f"{name}/")
        elif not entry.name.startswith("."):
            found.append((name, entry.read_bytes()))
    return found
