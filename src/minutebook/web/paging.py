"""Numbered pages of a list that grows slowly: `?page=2`. The log itself is never paged so: its pages would shift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request

from minutebook.web.views.page import NEWEST_FIRST, Pager

KEY = "page"


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """One page of `count` entries, `most` on each; `number` is counted from 1."""

    number: int
    count: int
    most: int

    @property
    def first(self) -> int:
        """How many entries come before."""
        return (self.number - 1) * self.most

    @property
    def end(self) -> int:
        """How many there are up to the end of this page."""
        return min(self.number * self.most, self.count)

    def pager(self, path: str, query: Sequence[tuple[str, str]] = (), by_name: bool = False) -> Pager | None:
        """The way to its neighbours, whose addresses have the query, too; None where there is only one page."""
        if self.count <= self.most:
            return None

        def href(number: int) -> str:
            return f"{path}?{urlencode([*query, (KEY, str(number))])}"

        return Pager(
            f"{self.first + 1:,}–{self.end:,} of {self.count:,}, {'by name' if by_name else 'newest first'}",
            before_href=href(self.number - 1) if self.number > 1 else None,
            after_href=href(self.number + 1) if self.end < self.count else None,
            labels=("Previous", "Next") if by_name else NEWEST_FIRST,
        )


def number_asked(request: Request) -> int:
    """The number of the page that the address asks for; 1 for what is none."""
    asked = request.query_params.get(KEY, "1")
    return max(int(asked), 1) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 1


def page_asked(request: Request, count: int, most: int) -> NumberedPage:
    """The page that the address asks for; the first or the last one for a number that is none of a page."""
    return NumberedPage(min(number_asked(request), max(1, -(-count // most))), count, most)
