"""Which keys count: statements about them, each a signed note, one after the other.

    <host>/keys
    <number>
    add <public key> since <time>        or:  revoke <public key> cut-off <time>

The first statement adds a key by itself alone. Every later `add` is signed by a key that counted before and by the new
one; a `revoke` by a key that goes on counting. Whoever pins a key of the chain so learns those after it; not those
before it, since a statement does not say by which key it adds. All keys are
Ed25519, in base64; times are RFC 3339 in UTC, to the second; a number is that of the statement, from 0.

A revoked key counts up to its cut-off: for what an anchor shows to have existed before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal, Self

from minutebook.evidence.checkpoint import parse_number
from minutebook.evidence.note import KEY_SIZE, NotANote, Note, NotSigned, VerifierKey, from_base64, to_base64

ADD: Literal["add"] = "add"
REVOKE: Literal["revoke"] = "revoke"
Verb = Literal["add", "revoke"]
_WHEN = {ADD: "since", REVOKE: "cut-off"}
_LINE = re.compile(r"(add|revoke) ([A-Za-z0-9+/=]+) (since|cut-off) (\S+)")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class BrokenChain(ValueError):
    """The statements do not follow from one another."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. `at` is in seconds since 1970, UTC."""

    host: str
    number: int
    verb: Verb
    public: bytes
    at: int

    def text(self) -> str:
        """The three lines that are signed."""
        about = f"{self.verb} {to_base64(self.public)} {_WHEN[self.verb]} {write_time(self.at)}"
        return f"{name_of(self.host)}\n{self.number}\n{about}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """The statement whose `text()` this is. Raises NotANote."""
        lines = text.split("\n")
        match = _LINE.fullmatch(lines[2]) if len(lines) == 4 else None
        if match is None or not lines[0].endswith("/keys"):
            raise NotANote("this is no statement about a key")
        verb: Verb = ADD if match[1] == ADD else REVOKE
        host = lines[0].removesuffix("/keys")
        statement = cls(host, parse_number(lines[1]), verb, from_base64(match[2]), parse_time(match[4]))
        if statement.text() != text or len(statement.public) != KEY_SIZE:
            raise NotANote("this is no statement about a key as it is written")
        return statement


@dataclass(frozen=True, slots=True)
class Standing:
    """A key, since when it counts, and its cut-off once it is revoked (seconds since 1970)."""

    public: bytes
    since: int
    cut_off: int | None = None

    @property
    def counts(self) -> bool:
        """Whether it was not revoked."""
        return self.cut_off is None


def follow(notes: Iterable[str]) -> dict[bytes, Standing]:
    """The standing of every key of a chain, in the order in which they were added; empty for no statements.

    Raises BrokenChain where a statement does not follow from those before it. That the chain has a key which one
    trusts is for the caller to see.
    """
    keys: dict[bytes, Standing] = {}
    host = None
    for number, written in enumerate(notes):
        try:
            note = Note.parse(written.encode())
            statement = Statement.parse(note.text)
        except NotANote as error:
            raise BrokenChain(f"statement {number}: {error}") from error
        if statement.number != number or statement.host != (host or statement.host):
            raise BrokenChain(f"statement {number} is not the one that follows")
        host, public = statement.host, statement.public
        counting = [key.public for key in keys.values() if key.counts]
        if statement.verb == ADD:
            if public in keys:
                raise BrokenChain(f"statement {number} adds a key that is there already")
            _require(note, host, [public], number)
            keys[public] = Standing(public, statement.at)
        else:
            if public not in counting:
                raise BrokenChain(f"statement {number} revokes a key that does not count")
            counting.remove(public)
            keys[public] = replace(keys[public], cut_off=statement.at)
        if number:
            _require(note, host, counting, number)
    return keys


def name_of(host: str) -> str:
    """The name by which keys sign statements about keys."""
    return f"{host}/keys"


def write_time(at: int) -> str:
    """Seconds since 1970 as RFC 3339 in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime(_TIME)


def parse_time(text: str) -> int:
    """The time of what `write_time` wrote. Raises NotANote."""
    try:
        at = int(datetime.strptime(text, _TIME).replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise NotANote("a time is written such as 2026-11-06T17:05:30Z") from None
    if write_time(at) != text:
        raise NotANote("a time is written such as 2026-11-06T17:05:30Z")
    return at


def _require(note: Note, host: str, keys: Iterable[bytes], number: int) -> None:
    """That one of the keys has signed."""
    try:
        note.signed_by([VerifierKey(name_of(host), public) for public in keys])
    except NotSigned as error:
        raise BrokenChain(f"statement {number}: {error}") from error
