"""Witnesses: programs of others that see each head, refuse one that does not go on from what they saw before, and sign
it with the time (C2SP tlog-witness)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from minutebook.custody.anchor_log import is_anchor_log
from minutebook.custody.anchoring import Asked, Refused
from minutebook.errors import BadSettings
from minutebook.evidence.checkpoint import NotACheckpoint, parse_number
from minutebook.evidence.note import COSIGNATURE, NotANote, Note, Signature, VerifierKey
from minutebook.evidence.submission import SIZE_TYPE, Submission
from minutebook.model import MINUTE
from minutebook.outgoing import Answer, Outgoing, Unreachable
from minutebook.store import anchors, checkpoints, generations
from minutebook.store.anchors import AnchorKind, Said
from minutebook.store.schema import ANCHOR

TYPE = "application/octet-stream"
MOST_LINES = 100


@dataclass(frozen=True)
class Witness:
    """A witness at a URL, known by the key that is pinned: an Anchor for every log and the anchor log."""

    url: str
    key: VerifierKey
    outgoing: Outgoing
    kind = AnchorKind.WITNESS
    every = MINUTE

    @property
    def name(self) -> str:
        return self.key.name

    def takes(self, organization: int) -> bool:
        del organization
        return True

    def ask(self, asked: Asked) -> bytes:
        """The signature line of the witness."""
        answer = self._submit(asked, asked.known)
        seen = _size_of(answer)
        if seen is not None and seen != asked.known and seen <= asked.head.size:
            answer = self._submit(asked, seen)
            seen = _size_of(answer)
        if seen is not None:
            raise Refused(f"has seen another log with {seen:,} events, and this one has {asked.head.size:,}")
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"answers with status {answer.status}")
        if answer.status != 200:
            raise Refused(_WHY.get(answer.status, f"answers with status {answer.status}"))
        return self._cosignature(asked.head.checkpoint.text(), answer.body)

    def _submit(self, asked: Asked, old: int) -> Answer:
        own = Note(asked.head.checkpoint.text(), asked.head.signatures)
        submission = Submission(old, asked.prove(old), str(own))
        return self.outgoing.post(f"{self.url}/add-checkpoint", submission.to_bytes(), TYPE)

    def _cosignature(self, text: str, body: bytes) -> bytes:
        for line in body.split(b"\n")[:MOST_LINES]:
            try:
                signature = Signature.parse(line.decode())
            except ValueError:  # of another kind than those that we know
                continue
            if self.key.has_signed(text, signature):
                return signature.line().encode()
        raise Refused("does not sign with the key that is pinned")


_WHY = {
    400: "does not understand what it is sent",
    403: "does not know the key that signed this log",
    404: "does not look after this log",
    422: "does not accept the proof that this log goes on from what it saw",
}


def not_signed(connection: Connection, keys: Iterable[VerifierKey]) -> Iterator[Said]:
    """Each head that one of these witnesses is said to have seen, and whose signature that is there is not theirs. One
    of a key that they had before is not judged."""
    known = {key.name: key for key in keys}
    numbers = {
        one.log_id: head.organization
        for head in (each.head for each in checkpoints.heads(connection))
        for one in generations.of_head(connection, head.organization, head.log_id)
    }
    for said in anchors.done(connection, AnchorKind.WITNESS):
        number = ANCHOR if is_anchor_log(said.log_id) else numbers.get(said.log_id)
        head = None if number is None else checkpoints.of_size(connection, number, said.size)
        if head is None or said.name not in known:
            continue
        key, text = known[said.name], head.checkpoint.text()
        lines = [one for one in anchors.cosignatures(said.evidence) if one.name == key.name]
        if not lines or any(key.is_of(one) and not key.has_signed(text, one) for one in lines):
            yield said


def parse(setting: str, outgoing: Outgoing) -> Witness:
    """The witness of a setting: its URL, a space, its key. Raises BadSettings."""
    return Witness(setting.partition(" ")[0].rstrip("/"), key_of(setting), outgoing)


def key_of(setting: str) -> VerifierKey:
    """The key of the witness of a setting. Raises BadSettings."""
    url, _, vkey = setting.partition(" ")
    try:
        key = VerifierKey.parse(vkey.strip())
    except NotANote as error:
        raise BadSettings(f"witnesses: the key behind {url} is not accepted: {error}.") from None
    if key.kind != COSIGNATURE:
        raise BadSettings(f"witnesses: the key behind {url} is that of a log, and not of a witness.")
    return key


def _size_of(answer: Answer) -> int | None:
    """The size that the witness says that it has seen; None when it says no such thing."""
    if answer.status != 409:
        return None
    try:
        if answer.content_type != SIZE_TYPE or not answer.body.endswith(b"\n"):
            raise NotACheckpoint
        return parse_number(answer.body[:-1].decode("ascii"))
    except ValueError:
        raise Refused("answers with status 409 and no size") from None
