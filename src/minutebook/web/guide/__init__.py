"""The guide for people: Markdown that is packed with the code, shown as pages in the look of the dashboard.

The first heading of a file is its title; every other one is a part that pages of the dashboard lead to. A link to a
file, a heading or a picture that is not there fails at start, and a page that leads to such a part cannot be shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from minutebook.web.assets import Assets

PREFIX = "/guide"
START = "index"
ORDER = (
    START,
    "account",
    "members",
    "models",
    "credits",
    "sso",
    "tokens",
    "audit-logs",
    "integrity",
    "retention",
    "settings",
    "billing",
    "auditors",
    "operators",
)
"""The pages in the order of reading."""

NOT_IN_AN_ID = re.compile(r"[^\w\- ]")
LINK = re.compile(r"(?:(?P<page>[\w-]+)\.md)?(?:#(?P<id>[\w-]+))?")
PICTURES = "../static/"
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True, slots=True)
class Part:
    """A heading below the title of a page. `level` is 2 or more."""

    level: int
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class GuidePage:
    """One page as it is shown."""

    name: str
    title: str
    parts: tuple[Part, ...]
    body: Markup

    @property
    def href(self) -> str:
        """Its address."""
        return PREFIX if self.name == START else f"{PREFIX}/{self.name}"


class Guide:
    """All pages. Called with `members` or `members#roles`, it answers with the address of that part."""

    def __init__(self, sources: dict[str, str], assets: Assets) -> None:
        """`sources` maps names of pages to Markdown. Raises KeyError for what a page leads to and is not there, and
        ValueError for a page without a title."""
        parsed = {name: MARKDOWN.parse(source) for name, source in sources.items()}
        parts = {name: tuple(_parts(tokens)) for name, tokens in parsed.items()}
        self._ids = {name: {part.id for part in found if part.level > 1} for name, found in parts.items()}
        self.pages = {name: self._page(name, tokens, parts[name], assets) for name, tokens in parsed.items()}

    @classmethod
    def packaged(cls, assets: Assets) -> Guide:
        """The guide that is installed with Minutebook."""
        return cls({name: source(name) for name in ORDER}, assets)

    def __call__(self, part: str) -> str:
        """Raises KeyError when there is no such part, so that a page never leads to nothing."""
        name, _, id_ = part.partition("#")
        if name not in self._ids or (id_ and id_ not in self._ids[name]):
            raise KeyError(f"the guide has no part {part}")
        return (PREFIX if name == START else f"{PREFIX}/{name}") + (f"#{id_}" if id_ else "")

    def _page(self, name: str, tokens: list[Token], parts: tuple[Part, ...], assets: Assets) -> GuidePage:
        if [part.level for part in parts].count(1) != 1 or tokens[0].type != "heading_open":
            raise ValueError(f"the page {name} of the guide does not begin with its title, the only one")
        for token in (child for each in tokens for child in each.children or ()):
            if token.type == "link_open":
                token.attrSet("href", self._address(name, str(token.attrs["href"])))
                token.attrSet("class", "link")
            elif token.type == "image":
                token.attrSet("src", assets.url(str(token.attrs["src"]).removeprefix(PICTURES)))
        body = MARKDOWN.renderer.render(tokens[3:], MARKDOWN.options, {})
        # Nothing in it is from outside: the sources are packed with the code, and HTML in them is shown as text.
        return GuidePage(name, parts[0].title, parts[1:], Markup(body))  # noqa: S704

    def _address(self, name: str, href: str) -> str:
        link = LINK.fullmatch(href)
        if link is None:
            raise KeyError(f"the page {name} of the guide leads out of it, to {href}")
        return self(f"{link['page'] or name}#{link['id'] or ''}")


def source(name: str) -> str:
    """The Markdown of a page."""
    return (files("minutebook.web.guide") / f"{name}.md").read_text(encoding="utf-8")


def _parts(tokens: list[Token]) -> Iterator[Part]:
    """The headings, each of which gets its id: the same that GitHub gives it."""
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            title = "".join(child.content for child in inline.children or ())
            id_ = NOT_IN_AN_ID.sub("", title.lower()).replace(" ", "-")
            token.attrSet("id", id_)
            yield Part(int(token.tag[1:]), id_, title)
