"""The guide: the pages of the dashboard lead to parts of it that are there, and it tells of all that is recorded."""

import re
from importlib.resources import files

import pytest
from httpx2 import Response

from minutebook.actions import CATALOGUE
from minutebook.model import DAY, Role
from minutebook.organization import links
from minutebook.web.assets import Assets
from minutebook.web.guide import ORDER, Guide, source
from minutebook.web.shell import NAVIGATION
from tests.support.dashboard import Dashboard, Somebody, told
from tests.support.deployment import Deployment
from tests.web.test_links import invited, opened, set_up_link
from tests.web.test_refusals import LEAD_ON, filled_in, routes

OF_AN_ACCOUNT = (
    *("/account", "/account/profile", "/account/password", "/account/sessions", "/account/second-factors"),
    *("/account/delete", "/account/authenticator-app/new", "/organizations/new", "/organizations"),
)
SIGNED_OUT = ("/sign-in", "/forgot")
HELP = re.compile(r'<a class="help" href="([^"#]+)(?:#([^"]+))?">')
PART = "The way in is here.\n"


def test_every_page_leads_to_a_part_that_is_there(light_dashboard: Dashboard) -> None:
    ada, anybody = light_dashboard.signed_in(Role.OWNER), light_dashboard.anybody()
    inside = {path: ada.get(filled_in(light_dashboard, path)) for path in routes("GET") if path not in LEAD_ON}
    shown = inside | {path: ada.get(path) for path in OF_AN_ACCOUNT} | {path: anybody.get(path) for path in SIGNED_OUT}
    pages = {path: page for path, page in shown.items() if "<title>" in page.text}
    navigation = {path.partition("#")[0] for _, entries in NAVIGATION for _, _, path, _ in entries}
    assert {f"/o/{{org}}/{path}".rstrip("/") for path in navigation} <= set(pages)
    for path, page in pages.items():
        assert_leads_to_a_part(anybody, path, page)


def test_links_and_errors_lead_to_a_part_that_is_there(light_dashboard: Dashboard) -> None:
    member, anybody = light_dashboard.signed_in(Role.MEMBER), light_dashboard.anybody()
    ada = light_dashboard.people[Role.OWNER].id
    live = [
        invited(light_dashboard, "new@x.example"),
        f"/enter/{links.new_link(light_dashboard.store, links.SIGN_IN, lifetime=DAY, user=ada)}",
        f"/password/{links.new_link(light_dashboard.store, links.RESET, lifetime=DAY, user=ada)}",
    ]
    for link in live:
        page = anybody.get(opened(anybody, link))
        assert page.status_code == 200
        assert_leads_to_a_part(anybody, link, page)
    for kind in ("invitation", "enter", "password", "set-up", "audit"):
        page = anybody.get(opened(anybody, f"/{kind}/over"))
        assert page.status_code == 410
        assert_leads_to_a_part(anybody, kind, page)
    page = member.get(opened(member, "/support/over"))
    assert page.status_code == 410
    assert_leads_to_a_part(anybody, "support", page)
    for path, status in ((light_dashboard.path("audit-logs"), 403), ("/nothing", 404)):
        page = member.get(path)
        assert page.status_code == status
        assert_leads_to_a_part(anybody, path, page)


def test_setting_up_leads_to_a_part_that_is_there(sqlite_deployment: Deployment) -> None:
    dashboard = Dashboard(sqlite_deployment)
    anybody = dashboard.anybody()
    assert_leads_to_a_part(anybody, "set up", anybody.get(opened(anybody, set_up_link(dashboard))))


def assert_leads_to_a_part(anybody: Somebody, path: str, page: Response) -> None:
    """The page has one way to the guide, to a part that is there."""
    found = HELP.findall(page.text)
    assert len(found) == 1, f"{path} leads to no part of the guide, or to several: {told(page)}"
    [(href, id_)] = found
    part = anybody.get(href)
    assert part.status_code == 200, (path, href)
    assert not id_ or f' id="{id_}"' in part.text, f"{path} leads to {href}#{id_}, which is not there"


def test_it_is_the_same_for_everybody(light_dashboard: Dashboard) -> None:
    ada, anybody = light_dashboard.signed_in(Role.OWNER), light_dashboard.anybody()
    for name in ORDER[1:]:
        page = anybody.get(f"/guide/{name}")
        assert page.status_code == 200
        assert page.text == ada.get(f"/guide/{name}").text
    assert anybody.get("/guide").text == anybody.get("/guide/index").text
    assert anybody.get("/guide/nothing").status_code == 404


def test_every_action_is_told() -> None:
    told_of = {name for page in ORDER for name in re.findall(r"`([\w.]+)`", source(page))}
    for action in CATALOGUE:
        assert action in told_of, f"tell of {action} in src/minutebook/web/guide/audit-logs.md"


def test_every_file_of_it_is_shown() -> None:
    folder = files("minutebook.web")
    assert {f"{name}.md" for name in ORDER} == {
        file.name for file in (folder / "guide").iterdir() if file.name.endswith(".md")
    }
    text = "".join(source(name) for name in ORDER)
    for picture in (folder / "static" / "guide").iterdir():
        assert f"](../static/guide/{picture.name})" in text


def test_headings_are_parts_and_links_lead_to_them() -> None:
    guide = Guide(
        {"one": "# One\n\n[Two](two.md#a-part-of-it)\n", "two": f"# Two\n\n## A `part`, of it\n\n{PART}"}, NONE
    )
    assert guide("two#a-part-of-it") == "/guide/two#a-part-of-it"
    assert '<a href="/guide/two#a-part-of-it" class="link">Two</a>' in guide.pages["one"].body
    assert f'<h2 id="a-part-of-it">A <code>part</code>, of it</h2>\n<p>{PART.strip()}</p>' in guide.pages["two"].body
    with pytest.raises(KeyError, match="two#nothing"):
        guide("two#nothing")


def test_html_is_shown_as_text() -> None:
    assert "&lt;script&gt;" in Guide({"one": "# One\n\n<script>alert(1)</script>\n"}, NONE).pages["one"].body


@pytest.mark.parametrize(
    "link", ["[x](two.md)", "[x](#nothing)", "[x](https://x.example)", "![x](../static/guide/x.webp)"]
)
def test_what_leads_to_nothing_fails_at_start(link: str) -> None:
    with pytest.raises(KeyError):
        Guide({"one": f"# One\n\n{link}\n"}, NONE)


@pytest.mark.parametrize("text", ["Words.\n\n# One\n", "# One\n\n# Two\n", "## One\n"])
def test_a_page_begins_with_its_only_title(text: str) -> None:
    with pytest.raises(ValueError, match="title"):
        Guide({"one": text}, NONE)


NONE = Assets({})
