"""axe finds nothing wrong, in light and dark, wide and narrow, and no page scrolls sideways.

The Content Security Policy stays on throughout, and every complaint of the browser fails the test (`page_context`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

import pytest
from playwright.sync_api import Page

from minutebook.organization.people import User
from tests.support.axe import COLOURS, Axe
from tests.support.browser import Contexts
from tests.support.deployment import Deployment
from tests.support.full import FULL
from tests.support.history import live_a_little
from tests.support.server import Company, Site, serving, site_on
from tests.support.states import STATES, State, set_up
from tests.support.visitor import Arrive

NARROW = (1024, 360, 320)
Looks: TypeAlias = tuple[tuple[int, Literal["light", "dark"]], ...]
LOOKS: Looks = ((1440, "light"), (360, "dark"), (1440, "dark"), (360, "light"), (1024, "light"))

# Whatever reaches over the edge of the screen, unless a box around it cuts it off or scrolls.
SIDEWAYS = r"""() => {
    const scrollers = ".page, .panel, dialog[open], .pop, .pop__list";
    const boxes = [document.scrollingElement, ...document.querySelectorAll(scrollers)];
    const told = element => element.outerHTML.slice(0, 120).replace(/\s+/g, " ");
    const scrolls = boxes.filter(box => box.checkVisibility() && box.scrollWidth > box.clientWidth + 1).map(told);
    const inABox = element => {
        for (let box = element.parentElement; box && box !== document.body; box = box.parentElement)
            if (getComputedStyle(box).overflowX !== "visible") return true;
        return false;
    };
    const over = [...document.body.querySelectorAll("*")]
        .filter(element => element.checkVisibility({visibilityProperty: true}) && !element.childElementCount)
        .filter(element => element.getBoundingClientRect().right > innerWidth + 1 && !inABox(element)).map(told);
    return [...scrolls, ...over];
}"""

# The navigation stays where it is: the page scrolls inside the shell, never the document with it.
SHELL_SCROLLS = """() => document.querySelector(".shell") !== null
    && document.scrollingElement.scrollHeight > document.scrollingElement.clientHeight + 1"""

# axe no longer asks for this, but labels and links to a place need it.
TWICE = """() => {
    const ids = [...document.querySelectorAll("[id]")].map(element => element.id);
    return ids.filter((id, place) => ids.indexOf(id) !== place);
}"""


def looks_of(place: int) -> Looks:
    """All five in the full form; in the short one each state in the next of them: what one is made of is on others,
    too."""
    return LOOKS if FULL else (LOOKS[place % len(LOOKS)],)


@pytest.fixture(scope="module")
def site(site_url: str) -> Iterator[Site]:
    """A site with a little of everything, long and hostile names among it, that gives up soon on a busy database."""
    with site_on(site_url, patience=0.3) as site:
        live_a_little(site.company)
        yield site


@pytest.mark.parametrize(
    ("state", "looks"), [pytest.param(state, looks_of(place), id=state.name) for place, state in enumerate(STATES)]
)
def test_nothing_is_wrong_with(state: State, looks: Looks, site: Site, arrive: Arrive) -> None:
    visitor = arrive(somebody(site.company, state.who))
    state.leads(visitor)
    check(visitor.page, looks, state.leave_out)


def test_nothing_is_wrong_with_the_set_up(sqlite_deployment: Deployment, page_context: Contexts) -> None:
    store = sqlite_deployment.store
    with serving(store) as address:
        page = page_context(base_url=address).new_page()
        for place, _ in enumerate(set_up(page, store)):
            check(page, looks_of(place))


def check(page: Page, looks: Looks, leave_out: tuple[str, ...] = ()) -> None:
    """Fails with everything that axe finds and that reaches over the edge."""
    axe, found = Axe(page), []
    for width, scheme in looks:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        only = COLOURS if scheme == "dark" and (width, "light") in looks else ()
        found += [f"{width} px, {scheme}: {each}" for each in axe.violations(leave_out, only=only)]
    found += [f"the id {id_} is there twice" for id_ in page.evaluate(TWICE)]
    page.set_viewport_size({"width": 1440, "height": 240})
    found += ["1440 px: the document scrolls, and the navigation with it"] if page.evaluate(SHELL_SCROLLS) else []
    for width in NARROW:
        page.set_viewport_size({"width": width, "height": 900})
        found += [f"{width} px, sideways: {each}" for each in page.evaluate(SIDEWAYS)]
    assert not found, "\n".join(dict.fromkeys(found))


def somebody(company: Company, who: str) -> User | None:
    """The owner, a member or nobody."""
    return {"owner": company.owner, "member": company.member}.get(who)
