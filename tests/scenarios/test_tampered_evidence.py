"""Whoever changes a row, or a bundle, without the signing key is found by the verifier, which names the place (R6).

Over every byte of 60 events, of 1,000 with FULL=1; and no clean run raises an alarm.
"""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from minutebook.actions.log import Format
from minutebook.deliver import bundle
from minutebook.deliver.export import Export, ExportLog
from minutebook.deliver.formats import Origin
from minutebook.errors import Conflict, MinutebookError
from minutebook.evidence.note import VerifierKey
from minutebook.evidence.verifier import minutebook_verify as verifier
from minutebook.filters import EVERYTHING, Filter
from minutebook.store import log, schema
from minutebook.store.engine import Store
from tests.support import evidence as making
from tests.support import stored, trees
from tests.support.deployment import Deployment
from tests.support.evidence import KEY, NOON, Log, signed
from tests.support.full import FULL
from tests.support.tampering import tamper
from tests.support.walk import FILLED, OTHER

EVENTS, CLEAN, PROOFS = (1_000, 1_000, 1_000_000) if FULL else (60, 25, 5_000)
pytestmark = pytest.mark.timeout(7200 if FULL else 120)
COLUMNS = [column.name for column in schema.event.c]
OTHERS = ", ".join(name for name in COLUMNS if name != "position")


class Damaged:
    """A log in a database as it was when its head was signed, and what the verifier says after somebody changed it."""

    def __init__(self, deployment: Deployment, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.heads = signed(deployment, FILLED)
        self.size = self.heads.head.size
        self._file, self._folder, self._capsys = Path(deployment.store.file), folder, capsys
        deployment.store.close()

    def verdict(self, *statements: str, heads: bundle.Heads | None = None, head: str | None = None) -> tuple[int, str]:
        """Exit code and answer for evidence of everything; what cannot even be exported counts as found, too."""
        heads, copy = heads or self.heads, self._folder / "copy.sqlite3"
        shutil.copy(self._file, copy)
        store = Store(f"sqlite:///{copy}")
        try:
            tamper(store, *statements)
            export = Export(Origin("org_x", "Calder"), heads.head.size, EVERYTHING, Format.BUNDLE, 0)
            data = b"".join(piece.data for piece in bundle.pieces(store, FILLED, export, heads))
        except Conflict as error:
            return 1, error.message.lower()
        finally:
            store.close()
            copy.unlink()
        file = self._folder / "evidence.zip"
        file.write_bytes(data)
        earlier = self._folder / "head"
        earlier.write_text(head or heads.checkpoint)
        key = str(VerifierKey(heads.head.origin, KEY.public))
        code = verifier.main([str(file), "--key", key, *(["--head", str(earlier)] if head else [])])
        return code, "".join(self._capsys.readouterr())

    def found(self, *statements: str) -> list[int]:
        """Which event the verifier names."""
        code, said = self.verdict(*statements)
        assert code == 1, (statements, said)
        return [int(number) for number in re.findall(r"event (\d+)", said)]


@pytest.fixture
def damaged(filled_sqlite: Deployment, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Damaged:
    return Damaged(filled_sqlite, tmp_path, capsys)


def at(seq: int) -> int:
    return log.position(FILLED, seq)


def some(size: int) -> Iterator[int]:
    """Numbers of events: all with FULL=1, else the first, the last and a few between."""
    yield from range(size) if FULL else sorted({0, size // 2, size - 1})


# ── Rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_nobody_changed(damaged: Damaged) -> None:
    code, said = damaged.verdict("UPDATE event SET secret = secret")
    assert code == 0 and f"{damaged.size}: every one" in said


def test_every_byte_of_every_row(filled_sqlite: Deployment) -> None:
    """Through what makes a line of it and what verifies a line; the hashes are those that the signed root is over."""
    store = filled_sqlite.store
    while filled_sqlite.size(FILLED) < EVENTS:
        size = filled_sqlite.size(FILLED)
        filled_sqlite.act(None, FILLED, ExportLog(Format.JSONL, Filter(text=f"“{size}” Öne"), size))
    heads = signed(filled_sqlite, FILLED)
    with store.reading() as connection:
        rows = connection.execute(schema.event.select().where(schema.event.c.organization == FILLED)).all()
    count = 0
    for row in rows:
        seq = row.position & log.SEQ_MASK
        assert not is_found(row, seq, row.leaf_hash, heads)
        for name in ("disclosures", "secret", "leaf_hash", "id", "action", "outcome", "recorded_at", "occurred_at"):
            for value in changed(getattr(row, name), random.Random(seq)):
                forged = SimpleNamespace(**{**row._asdict(), name: value})
                assert is_found(forged, seq, row.leaf_hash, heads), (seq, name, value)
                count += 1
    assert len(rows) >= EVENTS and count > 300 * len(rows)


def changed(value: Any, chance: random.Random) -> Iterator[Any]:
    """The value with each of its bytes changed in one bit, cut short, and gone on with."""
    match value:
        case int():
            yield from (value ^ 1 << bit for bit in range(53))
        case str():
            for number in range(len(value)):
                yield value[:number] + chr(ord(value[number]) ^ 1 << chance.randrange(7)) + value[number + 1 :]
            yield from (value[:-1], value + "x", value + "\0")
        case bytes():
            for number in range(len(value)):
                yield value[:number] + bytes([value[number] ^ 1 << chance.randrange(8)]) + value[number + 1 :]
            yield from (value[:-1], value + b"\0", b"")


def is_found(row: Any, seq: int, hashed: bytes, heads: bundle.Heads) -> bool:
    if row.leaf_hash != hashed:
        return True  # then the hashes do not make the signed root, and this event does not fit its own
    try:
        read = verifier.read_event(bundle.line_of(row, heads.log_of(seq))[:-1], seq + 1)
    except (ValueError, TypeError, KeyError, AttributeError, MinutebookError, verifier.Wrong):
        return True
    return read.hash != hashed


def test_every_column(damaged: Damaged) -> None:
    for seq in some(damaged.size):
        for name in COLUMNS[2:]:
            other = f"CASE WHEN substr({name}, -1) = x'ff' THEN x'00' ELSE x'ff' END"
            value = {
                "recorded_at": f"{name} + 1",
                "occurred_at": f"{name} - 1",
                **dict.fromkeys(
                    ("disclosures", "secret", "leaf_hash"),
                    f"CAST(substr({name}, 1, length({name}) - 1) || {other} AS BLOB)",
                ),
            }.get(name, f"{name} || 'x'")
            named = damaged.found(f"UPDATE event SET {name} = {value} WHERE position = {at(seq)}")
            assert seq in named, (seq, name, named)


def test_rows_deleted_and_tails_cut(damaged: Damaged) -> None:
    for seq in some(damaged.size):
        assert damaged.found(f"DELETE FROM event WHERE position = {at(seq)}")[0] == seq
        cut = f"DELETE FROM event WHERE position >= {at(seq)} AND position < {at(damaged.size)}"
        assert damaged.found(cut)[0] == seq


def test_rows_swapped(damaged: Damaged) -> None:
    aside = at(2**30)
    for seq in some(damaged.size - 1):
        swap = (
            f"UPDATE event SET position = {aside} WHERE position = {at(seq)}",
            f"UPDATE event SET position = {at(seq)} WHERE position = {at(seq + 1)}",
            f"UPDATE event SET position = {at(seq + 1)} WHERE position = {aside}",
        )
        assert damaged.found(*swap)[0] == seq


def test_rows_put_in_twice_or_from_another_log(damaged: Damaged) -> None:
    for seq in some(damaged.size):
        over = (seq + 1) % damaged.size
        copy = f"SELECT {at(over)}, {OTHERS} FROM event WHERE position = {at(seq)}"
        assert damaged.found(f"INSERT OR REPLACE INTO event (position, {OTHERS}) {copy}")[0] == over
        theirs = OTHERS.replace("organization", str(FILLED), 1)
        copy = f"SELECT {at(seq)}, {theirs} FROM event WHERE position = {log.position(OTHER, 0)}"
        assert damaged.found(f"INSERT OR REPLACE INTO event (position, {OTHERS}) {copy}")[0] == seq


def test_rows_behind_the_signed_head(damaged: Damaged) -> None:
    """What was put in behind the head is no part of what was signed, and not in the evidence."""
    size = damaged.size
    copy = f"SELECT {at(size)}, {OTHERS} FROM event WHERE position = {at(3)}"
    code, said = damaged.verdict(f"INSERT INTO event (position, {OTHERS}) {copy}")
    assert code == 0 and f"{size}: every one" in said


def test_a_row_rewritten_with_its_own_hash(damaged: Damaged, filled_sqlite: Deployment) -> None:
    """Row, hash and head of the log fit one another again; only the signature does not."""
    with filled_sqlite.store.reading() as connection:
        events = stored.events(connection, FILLED)
    for seq in some(damaged.size):
        forged = stored.Stored(**{**vars(events[seq]), "secret": bytes(32)})
        hashed = stored.leaf_hash(stored.leaf(damaged.heads.log_of(seq), forged))
        hashes = [hashed if event.seq == seq else event.leaf_hash for event in events]
        code, said = damaged.verdict(
            f"UPDATE event SET secret = x'{bytes(32).hex()}', leaf_hash = x'{hashed.hex()}' WHERE position = {at(seq)}",
            f"UPDATE log_head SET peaks = x'{stored.peaks(hashes).hex()}' WHERE organization = {FILLED}",
        )
        assert code == 1
        assert "hashes: do not make the root" in said or "the restored log is not the one before it" in said


def test_the_whole_rolled_back(damaged: Damaged, filled_sqlite: Deployment) -> None:
    """Nothing but a head that was kept elsewhere shows it: the older head was signed, too."""
    older = signed(filled_sqlite, FILLED, size=damaged.size - 3)
    nothing = "UPDATE event SET secret = secret"
    assert damaged.verdict(nothing, heads=older)[0] == 0
    code, said = damaged.verdict(nothing, heads=older, head=damaged.heads.checkpoint)
    assert code == 3 and "was rolled back" in said
    assert damaged.verdict(nothing, head=older.checkpoint)[0] == 0


# ── Bundles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_byte_of_every_line() -> None:
    """A byte of an event in a bundle: the line is refused, or its hash is another and does not lead to the root."""
    chance = random.Random(6)
    log_ = Log().fill(EVENTS - 2)
    log_.erase((1, "context.ip"))
    log_.prune((2, 2))
    for number, event in enumerate(log_.events, 1):
        line = event.line()
        assert verifier.read_event(line, number).hash == event.hash
        for place in range(len(line)):
            forged = line[:place] + bytes([line[place] ^ 1 << chance.randrange(8)]) + line[place + 1 :]
            try:
                read = verifier.read_event(forged, number)
            except verifier.Wrong as wrong:
                assert f"line {number}" in wrong.place
            else:
                assert (read.hash, read.seq) != (event.hash, event.leaf["seq"]), (number, place, forged)
                assert read.seq != event.leaf["seq"] or read.hash != event.hash


def test_every_byte_of_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log_ = Log().fill(9)
    log_.erase((1, "context.ip"))
    files = log_.evidence(withheld=["actor.name"], chain=[4, 7])
    folder = making.unpacked(files, tmp_path / "evidence")
    command = [str(folder), "--key", log_.vkey]
    assert verifier.main(command) == 0
    chance = random.Random(7)
    for name, data in files.items():
        for place in range(0, len(data), 1 if FULL or len(data) < 600 else len(data) // 150):
            forged = data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]
            (folder / name).write_bytes(forged)
            capsys.readouterr()
            assert verifier.main(command) == 1, (name, place)
            assert capsys.readouterr().out.startswith("INVALID: ")
        for forged in (data[:-1], data + b"\n", data[len(data) // 2 :], b""):
            (folder / name).write_bytes(forged)
            assert verifier.main(command) == 1, name
        (folder / name).write_bytes(data)
    assert verifier.main(command) == 0


def test_lines_taken_out_put_in_and_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also by somebody who sees to it that everything that is not signed fits."""
    log_ = Log().fill(12)
    lines = log_.evidence()["events.jsonl"].splitlines(keepends=True)
    proofs = log_.evidence(by_hash=False)["proofs.jsonl"].splitlines(keepends=True)
    hashes = log_.hashes
    for seq in range(12):
        for kind, changed_lines in spliced(lines, seq).items():
            if changed_lines == lines:
                continue
            for by_hash in (True, False):
                files = log_.evidence(by_hash=by_hash)
                files["events.jsonl"] = b"".join(changed_lines)
                if by_hash:
                    files["hashes"] = b"".join(spliced(hashes, seq)[kind])
                else:
                    files["proofs.jsonl"] = b"".join(spliced(proofs, seq)[kind])
                file = making.written(making.summed(files), tmp_path / "evidence.zip")
                capsys.readouterr()
                assert verifier.main([str(file), "--key", log_.vkey]) == 1, (kind, seq)
                said = capsys.readouterr().out
                assert "event" in said or "hash" in said, (kind, said)


def spliced(rows: list[bytes], seq: int) -> dict[str, list[bytes]]:
    """What can be done to rows at one place, without a byte of any being changed."""
    before, behind = rows[:seq], rows[seq + 1 :]
    return {
        "out": [*before, *behind],
        "twice": [*before, rows[seq], rows[seq], *behind],
        "swapped": [*before, *rows[seq : seq + 2][::-1], *rows[seq + 2 :]],
        "cut": before,
        "over": [*before, rows[seq - 1], *behind],
    }


def test_clean_runs_raise_no_alarm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(CLEAN):
        chance = random.Random(seed)
        log_ = Log().fill(chance.randrange(1, 40))
        for _ in range(chance.randrange(8)):
            size = len(log_.events)
            some_ = [chance.randrange(size) for _ in range(3)]
            match chance.randrange(5):
                case 0:
                    fields = {(seq, "context.ip") for seq in some_ if "context.ip" in log_.events[seq].open}
                    log_.erase(*fields)
                case 1:
                    ordinary = [seq for seq in some_ if log_.events[seq].leaf["action"] == "user.login"]
                    log_.prune(*((seq, seq) for seq in ordinary))
                case 2:
                    known = [event for event in log_.events if event.leaf["action"] != "user.login"]
                    if not known:  # what explains must not be lost with a backup, or what it explains comes back
                        log_.restore(chance.randrange(1, size + 1))
                case 3:
                    now = NOON + chance.randrange(-100, 100)
                    log_.add("log.clock_step", at=now)
                    for later in range(3):
                        log_.add(at=now + later)
                    log_.add("log.clock_step", at=NOON + len(log_.events))
                case _:
                    log_.fill(chance.randrange(5))
        size = len(log_.events)
        explaining = [event.leaf["seq"] for event in log_.events if event.leaf["action"].startswith("log.")]
        only = None if chance.random() < 0.5 else {*explaining, *(chance.randrange(size) for _ in range(5))}
        earlier = range(log_.generations[-1].first or 1, size)
        chain = sorted({chance.choice(earlier) for _ in range(3)} if earlier else ())
        withheld = chance.sample(["context.ip", "actor.email", "targets.*", "details.v"], chance.randrange(3))
        files = log_.evidence(only, withheld, chain, by_hash=chance.choice([True, False]))
        file = making.written(files, tmp_path / "evidence.zip")
        code = verifier.main([str(file), "--key", log_.vkey])
        assert code == 0, (seed, capsys.readouterr())


def test_proofs_that_were_changed() -> None:
    """0 of so many are accepted: another hash, order, index, root or number of hashes. The size is the checkpoint's."""
    chance = random.Random(9162)
    trees_ = [(size, trees.leaf_hashes(size)) for size in (2, 3, 7, 8, 9, 21)]
    known = [
        (size, i, hashes, trees.inclusion(i, hashes), stored.root(hashes))
        for size, hashes in trees_
        for i in range(size)
    ]
    for _ in range(PROOFS):
        size, index, hashes, path, root = chance.choice(known)
        hashed, forged = hashes[index], list(path)
        match chance.randrange(6):
            case 0:
                forged[chance.randrange(len(path))] = chance.randbytes(32)
            case 1:
                at_ = chance.randrange(len(path))
                forged[at_] = bytes([forged[at_][0] ^ 1 << chance.randrange(8)]) + forged[at_][1:]
            case 2:
                forged.pop(chance.randrange(len(forged)))
            case 3:
                forged.insert(chance.randrange(len(forged) + 1), chance.choice([root, hashed, chance.randbytes(32)]))
            case 4:
                index = chance.choice([other for other in range(size + 3) if other != index])
            case _:
                hashed = chance.choice([one for one in (*hashes, root, bytes(32)) if one != hashed])
        assert not verifier.is_included(hashed, index, size, forged, root)
