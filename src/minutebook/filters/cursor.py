"""Where a page of events begins, as a link carries it.

What a link carries is sealed: an auditor, who sees a part of a log, must not learn its size from a link, and nobody may
make a link that tells of events that are not there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from struct import Struct
from typing import Literal, TypeAlias

from minutebook.errors import Invalid
from minutebook.filters.fields import Filter, write

Direction: TypeAlias = Literal["older", "newer"]

SEARCH_BYTES = 8
LAYOUT = Struct(f">{SEARCH_BYTES}s{SEARCH_BYTES}sQqQQQ?")
"""Of one length whatever the numbers are, so that the length says nothing of them."""
TAG_BYTES = 16
LENGTH = -(-8 * (TAG_BYTES + LAYOUT.size) // 6)
TAG = b"minutebook/cursor/v1/tag"
MASK = b"minutebook/cursor/v1/mask"
NO_SUCH_PAGE = "This is a link to a page of a log that was longer. Open the first page again."
"""What a link is answered with whose cursor has a size that the log does not have, since an older copy came back."""
ONE_OF_BOTH = "older and newer cannot be given together: leave one out."


@dataclass(frozen=True, slots=True)
class Cursor:
    """The row that a page continues from, in the log as it was when the first page was opened.

    `log` is the public id of the organization whose log it is, or of the auditor link that shows a part of it. `search`
    is what `search_of` says of the filter. `size` is that log's size, so that events recorded since shift
    nothing. `occurred_at` (UTC microseconds) and `seq` name the row; `rank` is how many events the filter finds that
    are newer than the page's first. `asked_at` is when the first page was asked for (UTC microseconds): what the search
    tells from now on counts from then on each of its pages.
    """

    log: str
    search: str
    size: int
    occurred_at: int
    seq: int
    rank: int
    direction: Direction
    asked_at: int = 0


@dataclass(frozen=True, slots=True)
class Seal:
    """Writes cursors as nobody can read, make or change them without the key: 32 random bytes of the deployment.

    The tag over the message is also what the mask over it is made from (a synthetic IV: Rogaway and Shrimpton, 2006;
    RFC 5297), so the same cursor is always the same text: an address has one form.
    """

    key: bytes = field(repr=False)

    def write(self, cursor: Cursor) -> str:
        """The cursor as one opaque word of a URL."""
        log, search = _digest(cursor.log), bytes.fromhex(cursor.search)
        row = (cursor.occurred_at, cursor.seq, cursor.rank, cursor.asked_at)
        message = LAYOUT.pack(log, search, cursor.size, *row, cursor.direction == "newer")
        tag = self._tag(message)
        return urlsafe_b64encode(tag + self._masked(message, tag)).decode().rstrip("=")

    def read(self, text: str, log: str, filter_: Filter, direction: Direction) -> Cursor:
        """The cursor of a link to a page of what the filter finds in a log (see Cursor).

        Raises Invalid for the field `direction`.
        """
        message = self._opened(text)
        if message is None:
            raise Invalid.one(direction, "This is not a link to a page of this log. Open the first page again.")
        of_log, search, size, occurred_at, seq, rank, asked_at, is_newer = LAYOUT.unpack(message)
        if of_log != _digest(log):
            raise Invalid.one(direction, "This link is to a page of another log. Open the first page of this one.")
        if search.hex() != search_of(filter_):
            raise Invalid.one(direction, "This link is to a page of another search. Open the first page of this one.")
        found: Direction = "newer" if is_newer else "older"
        if found != direction:
            raise Invalid.one(direction, f"This link is to {found} events. Use it as {found}=….")
        return Cursor(log, search.hex(), size, occurred_at, seq, rank, found, asked_at)

    def _opened(self, text: str) -> bytes | None:
        """What was sealed, or None where it was not this seal or the text is another than was written."""
        if len(text) != LENGTH or not text.isascii():
            return None
        sealed = urlsafe_b64decode(text + "=" * (-LENGTH % 4))
        tag, masked = sealed[:TAG_BYTES], sealed[TAG_BYTES:]
        message = self._masked(masked, tag)
        is_ours = hmac.compare_digest(tag, self._tag(message))
        return message if is_ours and urlsafe_b64encode(sealed).decode().rstrip("=") == text else None

    def _tag(self, message: bytes) -> bytes:
        return hmac.digest(self.key, TAG + message, "sha256")[:TAG_BYTES]

    def _masked(self, message: bytes, tag: bytes) -> bytes:
        """The message under its mask, or from under it."""
        blocks = (hmac.digest(self.key, MASK + tag + bytes([number]), "sha256") for number in range(2))
        return bytes(a ^ b for a, b in zip(message, b"".join(blocks), strict=False))


def search_of(filter_: Filter) -> str:
    """A short text that is another one for another filter: `rank` only holds for the search it was counted in."""
    return hashlib.sha256(json.dumps(write(filter_)).encode()).digest()[:SEARCH_BYTES].hex()


def _digest(log: str) -> bytes:
    return hashlib.sha256(log.encode()).digest()[:SEARCH_BYTES]
