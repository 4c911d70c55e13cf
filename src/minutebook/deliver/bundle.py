"""Evidence: a zip of events with all that shows offline that they are what was recorded. docs/verify.md describes it.

    begin (recorded) → signed (the head that everything is proven by) → pieces (the zip as it is written)

An event is shown with its leaf and with what opens it: for each value the salt and the exact text that was committed
to. A value can be withheld, and the leaf still verifies. Nothing here judges whether what is stored is right: whatever
somebody did to it is in the bundle, too, and the auditor's verifier names it.
"""

from __future__ import annotations

import hashlib
import re
import time
import zipfile
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, select

from minutebook.custody.high_water import Custody
from minutebook.deliver.export import STRIDE, Export, Piece
from minutebook.deliver.pace import LOOK_SECONDS, Pace
from minutebook.errors import Conflict, Invalid, MinutebookError, NotSignedYet
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import Note
from minutebook.evidence.proof import write_path
from minutebook.evidence.tree import HASH_SIZE
from minutebook.filters import EVERYTHING, Filter, expression_of
from minutebook.filters.expression import NOTHING_ASKED, Expression, Term, any_of
from minutebook.model import DAY
from minutebook.store import anchor_log, anchors, body, checkpoints, generations, opened, schema, tiles
from minutebook.store.anchors import AnchorKind
from minutebook.store.engine import Store
from minutebook.store.log import SEQ_MASK, Stored, position, seq_of
from minutebook.store.scope import Scope

MEDIA_TYPE = "application/zip"
EXTENSION = "zip"
HELP = (
    "For auditors: the events with all that shows offline that they are what was recorded, and the program that "
    "verifies it. Fields can be withheld. It has no trailer and cannot be gone on with; docs/verify.md describes it."
)
EXPLAINING = ("log.erase", "log.prune", "log.restore", "log.clock_step", "log.policy_change")
"""Actions whose events account for what is missing, or is not as one would expect: they are in every bundle, with all
their details."""
TAKEN_OUT = ("log.erase", "log.prune")
FEW = 65_536
"""Up to so many events the hashes of all of them are always in the bundle: with these, any earlier head is compared."""
AT_ONCE = 4_096
PATIENCE = 2.0
"""Seconds that are waited for a head that is about to be signed."""
Wait = Callable[[float], None]
_PATH = re.compile(r"(?:actor|context|details)\.[a-z0-9_]{1,64}|(?:actor|context|targets|details)\.\*")
_ROWS = select(schema.event).order_by(schema.event.c.position)
_PRUNED = select(schema.event.c.position, schema.event.c.leaf_hash).where(
    schema.event.c.position.between(bindparam("first"), bindparam("last")),
    schema.event.c.disclosures == body.PRUNED,
)


@dataclass(frozen=True, slots=True)
class Heads:
    """What is signed of a log. Notes are as they were written: the head that the bundle is proven by, earlier ones in
    ascending order, the statements about keys in theirs. `anchors` are files by name, `logs` the id of each generation
    of the log with the number that it begins with."""

    checkpoint: str
    logs: tuple[tuple[str, int], ...]
    chain: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    anchors: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def head(self) -> Checkpoint:
        return Checkpoint.parse(Note.parse(self.checkpoint.encode()).text)

    def log_of(self, seq: int) -> str:
        """The id that the log had when the event was recorded."""
        return next(log for log, first in reversed(self.logs) if first <= seq)


def require_signed(store: Store, organization: int) -> None:
    """Raises NotSignedYet where nothing of a log is signed, so that there can be no evidence of it."""
    with store.reading() as connection:
        if checkpoints.latest(connection, organization) is None:
            raise NotSignedYet


def heads_of(connection: Connection, organization: int, custody: Path | None) -> Heads:
    """What is signed of a log now: its newest head, and of each day the last one and the last that a witness has seen;
    with what others said of them. Raises NotSignedYet."""
    newest, chain = checkpoints.latest(connection, organization), list[str]()
    if newest is None or newest.size == 0:
        raise NotSignedYet
    known = generations.generations(connection, organization)
    logs = tuple((one.log_id, one.first) for one in known if one.first < newest.size)
    witnessed = {size for log_id, _ in logs for size in anchors.sizes(connection, log_id, AnchorKind.WITNESS)}
    wanted = set(anchor_log.heads_in(connection, organization))
    days = {(newest.signed_at // DAY, False)}
    for earlier in checkpoints.every(connection, organization):
        day = (earlier.signed_at // DAY, earlier.size in witnessed)
        if 0 < earlier.size < newest.size and (earlier.size in wanted or day not in days):
            days.add(day)
            chain.append(str(anchors.cosigned(connection, earlier)))
    statements: list[str] = []
    if custody:
        with Custody(custody).reading() as held:
            statements = held.statements() if held else []
    seen = anchor_log.evidence(connection, organization)
    note = str(anchors.cosigned(connection, newest))
    return Heads(note, logs, tuple(reversed(chain)), tuple(statements), seen)


def await_heads(store: Store, organization: int, custody: Path | None, size: int, wait: Wait = time.sleep) -> Heads:
    """The same once `size` events are signed, which takes a second at most; after a few seconds without that, what
    there is. Raises NotSignedYet."""
    for _ in range(int(PATIENCE / LOOK_SECONDS)):
        with store.reading() as connection:
            signed = checkpoints.latest(connection, organization)
        if signed and signed.size >= size:
            break
        wait(LOOK_SECONDS)
    with store.reading() as connection:
        return heads_of(connection, organization, custody)


def parse_withheld(paths: Iterable[str]) -> tuple[str, ...]:
    """What is to be withheld, in one order: paths of disclosures, or `context.*` for a group. Raises Invalid."""
    given = tuple(sorted(set(paths)))
    for path in given:
        if not _PATH.fullmatch(path):
            raise Invalid.one(
                "withhold", f"{path[:40]!r} is no field of an event. Name one, as context.ip, or a group, as targets.*"
            )
    return given


def pieces(store: Store, organization: int, export: Export, signed: Heads) -> Generator[Piece]:
    """The zip from its first byte to its last; each piece takes a moment only, and is empty where nothing was found for
    a while. Raises StoreUnavailable, TooSlow, and Conflict when something was erased in the meantime.
    """
    writing = _Bundle(store, organization, export, signed)
    out = _Out()
    sums = []
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:  # type: ignore[call-overload]
        for name, content in writing.files():
            hashed = hashlib.sha256()
            with zipped.open(name, "w", force_zip64=True) as member:
                for data in content:
                    member.write(data)
                    hashed.update(data)
                    yield Piece(out.take(), writing.next, len(writing.found))
            sums.append(f"{hashed.hexdigest()}  {name}\n")
        with zipped.open("SHA256SUMS", "w") as member:
            member.write("".join(sorted(sums, key=lambda line: line[66:])).encode())
    yield Piece(out.take(), writing.head.size, len(writing.found), is_last=True)


class _Bundle:
    """What is in one bundle. `found` are the numbers of the events that are in it so far, `next` is how far was looked
    for them."""

    def __init__(self, store: Store, organization: int, export: Export, signed: Heads) -> None:
        self._store, self._organization, self._export, self._signed = store, organization, export, signed
        self.head = signed.head
        self.found = array("Q")
        self.next = 0

    def files(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        """Each file with its content, to be read in this order."""
        signed, verifier = self._signed, files("minutebook.evidence.verifier").joinpath("minutebook_verify.py")
        yield "README.md", [files("minutebook.deliver").joinpath("bundle_readme.md").read_bytes()]
        yield "minutebook_verify.py", [verifier.read_bytes()]
        yield "bundle.json", [self._description()]
        yield "checkpoint", [signed.checkpoint.encode()]
        for number, note in enumerate(signed.keys):
            yield f"keys/{number}", [note.encode()]
        yield from self._chain()
        for name, data in signed.anchors.items():
            yield f"anchors/{name}", [data]
        yield "events.jsonl", self._events()
        if self._prefers_hashes():
            yield "hashes", self._hashes()
        else:
            yield "proofs.jsonl", self._proofs()
        self._look_for_erasures()

    def _description(self) -> bytes:
        described = {
            "v": 1,
            "origin": self.head.origin,
            "logs": [{"log": log, "first": first} for log, first in self._signed.logs],
            "size": self.head.size,
            "everything": self._export.filter == EVERYTHING,
            "query": self._export.query,
            "withheld": list(self._export.withheld),
        }
        return orjson.dumps(described, option=orjson.OPT_SORT_KEYS) + b"\n"

    def _chain(self) -> Iterator[tuple[str, Iterable[bytes]]]:
        notes = {Checkpoint.parse(Note.parse(note.encode()).text).size: note for note in self._signed.chain}
        sizes = [*notes, self.head.size]
        for at, (size, note) in enumerate(notes.items()):
            with self._store.streaming() as connection:
                proof = tiles.consistency(connection, self._organization, size, sizes[at + 1])
            yield f"chain/{size}", [note.encode()]
            yield f"chain/{size}.consistency", [write_path(proof).encode()]

    def _events(self) -> Iterator[bytes]:
        """A line for each event; of all events also for those that were pruned, by their hashes."""
        filter_, pace = _with_explanations(self._export.filter), Pace(STRIDE)
        scope = Scope(self._organization, self.head.size)
        while self.next < scope.size:
            first, seqs = self.next, list[int]()

            def take(row: Stored, seqs: list[int] = seqs) -> bool:
                seqs.append(seq_of(row))
                return len(seqs) < 256

            with self._store.streaming() as connection:
                self.next = pace.look(connection, scope, filter_, take, first)
                positions = [position(self._organization, seq) for seq in seqs]
                rows = connection.execute(_ROWS.where(schema.event.c.position.in_(positions))).all()
                lines = {seq_of(row): self._line(row) for row in rows}
                if filter_ == EVERYTHING and len(lines) < self.next - first:
                    lines |= self._pruned(connection, first, self.next)
            self.found.extend(sorted(lines))
            yield b"".join(lines[seq] for seq in sorted(lines))

    def _pruned(self, connection: Connection, first: int, end: int) -> dict[int, bytes]:
        """The lines of those of the events that were pruned."""
        between = {"first": position(self._organization, first), "last": position(self._organization, end - 1)}
        found = [(row.position & SEQ_MASK, row.leaf_hash.hex()) for row in connection.execute(_PRUNED, between)]
        return {seq: f'{{"hash":"{hashed}","seq":{seq}}}\n'.encode() for seq, hashed in found}

    def _line(self, row: Row[Any]) -> bytes:
        seq = seq_of(row)
        try:
            return line_of(row, self._signed.log_of(seq), self._export.withheld)
        except (ValueError, TypeError, KeyError, AttributeError, MinutebookError) as error:
            problem = f"Event {seq} is not as it was stored, so there is no evidence of it. Run minutebook doctor."
            raise Conflict(problem) from error

    def _prefers_hashes(self) -> bool:
        """Whether the hashes of all events take less room than a proof for each that is in the bundle."""
        size, proof = self.head.size, 48 * self.head.size.bit_length()
        return size <= FEW or len(self.found) * proof > HASH_SIZE * size

    def _hashes(self) -> Iterator[bytes]:
        for first in range(0, self.head.size, AT_ONCE):
            with self._store.streaming() as connection:
                end = min(first + AT_ONCE, self.head.size)
                hashes = tiles.leaves(connection, self._organization, first, end)
            yield b"".join(hashes)

    def _proofs(self) -> Iterator[bytes]:
        for at in range(0, len(self.found), 256):
            lines = []
            with self._store.streaming() as connection:
                for seq in self.found[at : at + 256]:
                    path = tiles.inclusion(connection, self._organization, seq, self.head.size)
                    lines.append(b'{"proof":%b,"seq":%d}\n' % (orjson.dumps(write_path(path).split()), seq))
            yield b"".join(lines)

    def _look_for_erasures(self) -> None:
        """What was erased since the head was signed is missing without an explanation."""
        with self._store.streaming() as connection:
            now = select(schema.log_head.c.size).where(schema.log_head.c.organization == self._organization)
            scope = Scope(self._organization, connection.execute(now).scalar_one())
            later, pace, at = list[int](), Pace(STRIDE), self.head.size

            def take(row: Stored) -> bool:
                later.append(seq_of(row))
                return False

            while at < scope.size and not later:
                at = pace.look(connection, scope, Filter(more=_any_of_actions(TAKEN_OUT)), take, at)
        if later:
            raise Conflict("Something was erased while the evidence was written. Ask for it again.")


def line_of(row: Row[Any], log_id: str, withheld: Sequence[str] = ()) -> bytes:
    """The line of a row of the table `event`: its leaf, and what opens it but for what is withheld. Raises as
    `opened.of_row` does."""
    event = opened.of_row(row, log_id)
    shown = {
        path: [salt.hex(), text.decode()]
        for path, (salt, text) in event.open.items()
        if not _is_withheld(path, row.action, withheld)
    }
    written = orjson.dumps(shown, option=orjson.OPT_SORT_KEYS)
    return b'{"leaf":%b,"open":%b,"seq":%d}\n' % (event.leaf, written, event.seq)


def _is_withheld(path: str, action: str, withheld: Sequence[str]) -> bool:
    group = path.partition(".")[0]
    if group == "details" and action in EXPLAINING:
        return False
    return path in withheld or f"{group}.*" in withheld


def _with_explanations(filter_: Filter) -> Filter:
    """What the filter finds, and the events that account for what is missing of it."""
    asked = any_of([expression_of(filter_), _any_of_actions(EXPLAINING)])
    return EVERYTHING if asked == NOTHING_ASKED else Filter(more=asked)


def _any_of_actions(names: Iterable[str]) -> Expression:
    return any_of(Term("action", name) for name in names)


class _Out:
    """Takes what the zip is written to, until it is taken on. It cannot be sought in: what was taken is gone."""

    def __init__(self) -> None:
        self._data: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._data.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """There is nothing behind it."""

    def take(self) -> bytes:
        """What was written since it was last taken."""
        data, self._data = b"".join(self._data), []
        return data
