"""Evidence as docs/verify.md describes it, made in memory by the definitions: no line of what writes it for real."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from minutebook.deliver import bundle
from minutebook.evidence.note import Note, PrivateKey, VerifierKey, cosign, sign, to_base64
from tests.support import stored, trees
from tests.support.deployment import Deployment

HOST = "log.example"
KEY = PrivateKey(bytes(range(32)))
OTHER_KEY = PrivateKey(bytes(range(1, 33)))
WITNESS = PrivateKey(bytes(range(2, 34)))
WITNESS_KEY = VerifierKey("witness.example/w", WITNESS.public, 4)
NOON = 1_800_000_000
"""Seconds since 1970."""
Files = dict[str, bytes]


@dataclass
class Generation:
    log: str
    first: int


@dataclass
class Made:
    """An event: its leaf, what opens it (path → salt, text), and what of it is gone."""

    leaf: dict[str, Any]
    open: dict[str, list[str]]
    is_pruned: bool = False

    @property
    def hash(self) -> bytes:
        return stored.leaf_hash(stored.canonical(self.leaf))

    def line(self, withheld: Iterable[str] = ()) -> bytes:
        if self.is_pruned:
            return stored.canonical({"seq": self.leaf["seq"], "hash": self.hash.hex()})
        groups = {name.removesuffix("*") for name in withheld if name.endswith(".*")}
        hidden = {path for path in self.open if path in withheld or path[: path.index(".") + 1] in groups}
        shown = {path: pair for path, pair in self.open.items() if path not in hidden}
        return stored.canonical({"seq": self.leaf["seq"], "leaf": self.leaf, "open": shown})


@dataclass
class Log:
    """A log that grows in memory."""

    generations: list[Generation] = field(default_factory=lambda: [Generation("log_" + "1" * 32, 0)])
    events: list[Made] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"{HOST}/o/{self.generations[-1].log}"

    @property
    def vkey(self) -> str:
        return str(VerifierKey(self.origin, KEY.public))

    @property
    def hashes(self) -> list[bytes]:
        return [event.hash for event in self.events]

    def add(self, action: str = "user.login", details: Mapping[str, Any] | None = None, at: int | None = None) -> int:
        """One more event, a second after the one before it unless `at` (seconds since 1970) says when."""
        seq = len(self.events)
        values: dict[str, Any] = {
            "actor.kind": "user",
            "actor.email": f"ada{seq % 3}@example.com",
            "actor.name": "Ada “the” Öne\n\u2028",
            "context.ip": "192.0.2.7",
            "context.user_agent": None,
            "targets.0": {"kind": "user", "id": "usr_1", "name": 'Bob "B" \\ \x7f'},
            "details.v": 1,
            **{f"details.{name}": value for name, value in (details or {"number": seq - 2}).items()},
        }
        secret = hashlib.sha256(str(seq).encode()).digest()
        texts = {path: stored.canonical(value) for path, value in values.items()}
        when = (NOON + seq if at is None else at) * 10**6
        facts = {
            "log": self.generations[-1].log,
            "seq": seq,
            "id": f"01900000-0000-7000-8000-{seq:012x}",
            "recorded_at": when,
            "occurred_at": when,
            "action": action,
            "outcome": "success",
        }
        leaf = json.loads(stored.leaf_from(facts, secret, texts))
        opened = {path: [stored.salt(secret, path).hex(), text.decode()] for path, text in texts.items()}
        self.events.append(Made(leaf, opened))
        return seq

    def fill(self, count: int) -> Log:
        for _ in range(count):
            self.add()
        return self

    def erase(self, *fields: tuple[int, str]) -> int:
        """Erases the fields, and records it."""
        erased = [[seq, path, self.events[seq].leaf["c"][path]] for seq, path in fields]
        for seq, path in fields:
            self.events[seq].open.pop(path)
        return self.add("log.erase", {"events": 1, "fields": len(erased), "erased": erased})

    def prune(self, *ranges: tuple[int, int]) -> int:
        for first, last in ranges:
            for event in self.events[first : last + 1]:
                event.is_pruned = True
        return self.add("log.prune", {"ranges": [list(one) for one in ranges]})

    def restore(self, size: int) -> None:
        """Goes on from a backup that held so many events, and knows nothing of generations that began behind them."""
        known, known_log, root = len(self.events), self.generations[-1].log, stored.root(self.hashes)
        new = Generation(f"log_{len(self.generations) + len(self.others) + 1:032x}", size)
        self.events = self.events[:size]
        self.others = {log: min(shared, size) for log, shared in self.others.items()}
        while self.generations[-1].first >= size > 0 and len(self.generations) > 1:
            self.others[self.generations.pop().log] = size
        before = self.generations[-1]
        self.generations.append(new)
        details = {
            "previous_log": before.log,
            "restored_size": size,
            "restored_root": stored.root(self.hashes).hex(),
            **({} if known_log == before.log else {"known_log": known_log}),
            "known_size": known,
            "known_root": root.hex(),
            "lost": known - size,
            "other_logs": [[log, shared] for log, shared in self.others.items()],
        }
        self.add("log.restore", details)

    def checkpoint(self, size: int | None = None, key: PrivateKey = KEY, at: int | None = None) -> Note:
        """The signed head over the first `size` events, cosigned at a time where one is given."""
        size = len(self.events) if size is None else size
        log = [one.log for one in self.generations if one.first < size or not one.first][-1]
        origin = f"{HOST}/o/{log}"
        text = f"{origin}\n{size}\n{to_base64(stored.root(self.hashes[:size]))}\n"
        signatures = [sign(text, origin, key)]
        if at is not None:
            signatures.append(cosign(text, WITNESS_KEY.name, WITNESS, at))
        return Note(text, tuple(signatures))

    def evidence(
        self,
        only: Iterable[int] | None = None,
        withheld: Iterable[str] = (),
        chain: Iterable[int] = (),
        *,
        by_hash: bool | None = None,
    ) -> Files:
        """The files of a bundle, by name; with the hashes of all events, or a proof for each that is in it."""
        withheld, hashes, size = list(withheld), self.hashes, len(self.events)
        seqs = range(size) if only is None else sorted(only)
        bundle = {
            "v": 1,
            "origin": self.origin,
            "logs": [vars(one) for one in self.generations],
            "size": size,
            "everything": only is None,
            "query": "" if only is None else "action:user.login",
            "withheld": withheld,
        }
        files = {
            "README.md": b"Read me.\n",
            "bundle.json": stored.canonical(bundle) + b"\n",
            "checkpoint": str(self.checkpoint()).encode(),
            "keys/0": key_statement(0, f"add {to_base64(KEY.public)} since 2026-11-01T00:00:00Z", KEY),
            "events.jsonl": b"".join(self.events[seq].line(withheld) + b"\n" for seq in seqs),
        }
        if by_hash or (by_hash is None and only is None):
            files["hashes"] = b"".join(hashes)
        else:
            proofs = ([to_base64(one) for one in trees.inclusion(seq, hashes)] for seq in seqs)
            files["proofs.jsonl"] = b"".join(
                stored.canonical({"seq": seq, "proof": proof}) + b"\n" for seq, proof in zip(seqs, proofs, strict=True)
            )
        sizes = [*sorted(chain), size]
        for old, new in pairwise(sizes):
            proof = trees.consistency(old, hashes[:new])
            files[f"chain/{old}"] = str(self.checkpoint(old)).encode()
            files[f"chain/{old}.consistency"] = "".join(f"{to_base64(one)}\n" for one in proof).encode()
        return summed(files)


def key_statement(number: int, says: str, *keys: PrivateKey) -> bytes:
    """A statement about keys, signed by these."""
    name = f"{HOST}/keys"
    text = f"{name}\n{number}\n{says}\n"
    return str(Note(text, tuple(sign(text, name, key) for key in keys))).encode()


def summed(files: Files) -> Files:
    """The files with SHA256SUMS as it must be."""
    rest = {name: files[name] for name in sorted(files) if name != "SHA256SUMS"}
    lines = (f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in rest.items())
    return {**rest, "SHA256SUMS": "".join(lines).encode()}


def written(files: Files, to: Path) -> Path:
    """The files as a zip."""
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as zipped:
        for name, data in files.items():
            zipped.writestr(name, data)
    return to


def unpacked(files: Files, to: Path) -> Path:
    """The files in a folder."""
    for name, data in files.items():
        file = to / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return to


def signed(
    deployment: Deployment, organization: int, chain: Iterable[int] = (), size: int | None = None
) -> bundle.Heads:
    """What is signed of a log in a database, made by its rows alone; `size` of its events, or all."""
    with deployment.store.reading() as connection:
        (head,) = (head for head in stored.heads(connection) if head.organization == organization)
        hashes = [event.leaf_hash for event in stored.events(connection, organization)]

    def note(size: int) -> str:
        origin = f"{HOST}/o/{head.log_of(size - 1)}"
        text = f"{origin}\n{size}\n{to_base64(stored.root(hashes[:size]))}\n"
        return str(Note(text, (sign(text, origin, KEY),)))

    keys = key_statement(0, f"add {to_base64(KEY.public)} since 2026-11-01T00:00:00Z", KEY).decode()
    firsts = (0, *(end for end, _ in head.begun))
    logs = tuple((head.log_of(first), first) for first in firsts if first < (size or len(hashes)))
    return bundle.Heads(note(size or len(hashes)), logs, tuple(map(note, chain)), (keys,))
