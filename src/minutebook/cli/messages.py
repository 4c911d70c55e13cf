"""Server-sent events as they arrive (HTML Living Standard, section 9.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple


class Message(NamedTuple):
    """One message: `data` is None where there is only an id or a time to wait; `retry` is in seconds."""

    id: int | None
    kind: str
    data: bytes | None
    retry: float | None


def messages_of(chunks: Iterable[bytes]) -> Iterator[list[Message]]:
    """The messages that are whole, those together that arrive together. One that was cut off is not given."""
    rest = b""
    for chunk in chunks:
        *blocks, rest = (rest + chunk).split(b"\n\n")
        messages = [message for block in blocks if (message := _message(block))]
        if messages:
            yield messages


def _message(block: bytes) -> Message | None:
    """What the lines of a block say; None for comments alone."""
    fields: dict[bytes, bytes] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        if name:
            fields[name] = value.removeprefix(b" ")
    if not fields:
        return None
    id_, retry = fields.get(b"id", b""), fields.get(b"retry", b"")
    return Message(
        int(id_) if id_.removeprefix(b"-").isdigit() else None,
        fields.get(b"event", b"message").decode(),
        fields.get(b"data"),
        int(retry) / 1000 if retry.isdigit() else None,
    )
