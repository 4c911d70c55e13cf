"""Where a page of events begins, as a link carries it."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass
from typing import Literal, TypeAlias, get_args

from minutebook.errors import Invalid
from minutebook.filters.fields import Filter, write
from minutebook.model import EPOCH, to_micros

Direction: TypeAlias = Literal["older", "newer"]

LONGEST = 400
MOST_EVENTS = 1 << 40  # the room for `seq` in a position
EARLIEST, LATEST = (to_micros(EPOCH.replace(year=year)) for year in (1, 9999))


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row that a page continues from, in the log as it was when the first page was opened.

    `search` is what `search_of` says of the filter. `size` is that log's size, so that events recorded since shift
    nothing. `occurred_at` (UTC microseconds) and `seq` name the row; `rank` is how many events the filter finds that
    are newer than the page's first. `asked_at` is when the first page was asked for (UTC microseconds): what the search
    tells from now on counts from then on each of its pages.
    """

    organization: str
    search: str
    size: int
    occurred_at: int
    seq: int
    rank: int
    direction: Direction
    asked_at: int = 0

    def write(self) -> str:
        """The cursor as one opaque word of a URL."""
        return urlsafe_b64encode(json.dumps(astuple(self), separators=(",", ":")).encode()).decode().rstrip("=")


def search_of(filter_: Filter) -> str:
    """A short text that is another one for another filter: `rank` only holds for the search it was counted in."""
    return hashlib.sha256(json.dumps(write(filter_)).encode()).hexdigest()[:16]


def parse_cursor(text: str, organization: str, filter_: Filter, direction: Direction) -> Cursor:
    """The cursor of a link to a page of what the filter finds in an organization (its public id).

    Raises Invalid for the field `direction`.
    """
    cursor = _read(text)
    if cursor is None:
        raise Invalid.one(direction, "This is not a link to a page of this log. Open the first page again.")
    if cursor.organization != organization:
        raise Invalid.one(direction, "This link is to a page of another organization's log. Open the first page again.")
    if cursor.search != search_of(filter_):
        raise Invalid.one(direction, "This link is to a page of another search. Open the first page of this one.")
    if cursor.direction != direction:
        raise Invalid.one(direction, f"This link is to {cursor.direction} events. Use it as {cursor.direction}=….")
    return cursor


def _read(text: str) -> Cursor | None:
    """The cursor that is written exactly so, or None."""
    if len(text) > LONGEST or not text.isascii():
        return None
    try:
        organization, search, *numbers, direction, asked_at = json.loads(
            urlsafe_b64decode(text + "=" * (-len(text) % 4))
        )
        size, occurred_at, seq, rank = numbers
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(organization, str) or not isinstance(search, str) or direction not in get_args(Direction):
        return None
    if any(type(number) is not int for number in (*numbers, asked_at)):  # True is an int, too
        return None
    if not (0 <= seq < size <= MOST_EVENTS and 0 <= rank <= size and EARLIEST <= occurred_at < LATEST):
        return None
    if not 0 <= asked_at < LATEST:
        return None
    cursor = Cursor(organization, search, size, occurred_at, seq, rank, direction, asked_at)
    return cursor if cursor.write() == text else None
