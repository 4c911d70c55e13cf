"""What Integrity and the proof of an event are filled with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from minutebook.web.views.page import Moment, Pager

Signing = Literal["empty", "unsigned", "up to date", "late", "wrong"]
"""Nothing is recorded yet; nothing was signed yet; all but the newest moment is signed; that is behind; the log is not
what was signed of it."""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint. `origin` is the name of the log in it, `root` is in base64, `key_id` says which key signed."""

    origin: str
    size: int
    root: str
    signed: Moment
    key_id: str
    href: str


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key that ever counted. `cut_off` is when it ceased to, `signs` that it is the one which signs now."""

    id: str
    vkey: str
    since: Moment
    cut_off: Moment | None
    signs: bool


@dataclass(frozen=True, slots=True)
class AnchorRow:
    """Who has seen the log: up to how many events, since when, and what went wrong the last time they were asked. What
    is `here` is on this server itself, and no anchor yet; through it others see the heads of all logs at once."""

    kind: str
    name: str
    size: int
    since: Moment | None
    error: str
    here: bool
    through: bool


@dataclass(frozen=True, slots=True)
class Integrity:
    """The page. `size` is how many events were recorded, `pruned` of how many only the hash is left, `waiting` how many
    are not signed, the oldest of these since `waits_since`; `newest` is the last checkpoint, and `vkey` the key that
    signs now, empty where none is known. `api` is where a program reads the log as a log."""

    signing: Signing
    size: int
    pruned: int
    waiting: int
    waits_since: Moment | None
    problem: str
    vkey: str
    newest: CheckpointRow | None
    newest_ago: str
    anchors: tuple[AnchorRow, ...]
    keys: tuple[KeyRow, ...]
    history: tuple[CheckpointRow, ...]
    history_count: int
    pager: Pager | None
    organization: str
    api: str
    log_href: str
    verified_href: str

    @property
    def is_anchored(self) -> bool:
        """Whether anything outside this server vouches for a head of the log."""
        return any(row.size and not row.here for row in self.anchors)


@dataclass(frozen=True, slots=True)
class ProofStep:
    """One of the steps: what it protects against, and what it does not until when. It is done if it has a time; else
    `note` says when it is due, or why it is not done."""

    title: str
    text: str
    until: str
    when: Moment | None = None
    note: str = ""

    @property
    def is_done(self) -> bool:
        return self.when is not None


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that one event is what was recorded; `problem` is a sentence where it is not. `covered_by` is the size
    of the smallest checkpoint that holds it; without one there is nothing to download."""

    seq: int
    problem: str
    leaf_hash: str
    steps: tuple[ProofStep, ...]
    covered_by: int | None
    download_href: str
    integrity_href: str | None

    @property
    def due(self) -> int:
        """How many steps are not done."""
        return sum(not step.is_done for step in self.steps)
