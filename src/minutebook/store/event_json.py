"""The JSON of an event as programs read it: one shape, wherever an event leaves Minutebook.

Of an event of which something was erased that is null, and `erased` has the paths; other events do not have that key.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import orjson

from minutebook.evidence.leaf import VERSION
from minutebook.model import HOUR, SECOND, Event, from_micros
from minutebook.store import body
from minutebook.store.log import SEQ_MASK, Stored, disclosures_of

FACTS = b'{"v":%d,"seq":%%d,"id":"%%b","recorded_at":"%%b","occurred_at":"%%b",' % VERSION
CLOCK = [b"%02d:%02d" % divmod(second, 60) for second in range(3600)]
"""Minutes and seconds of an hour."""
DONE = b'"action":"%b","outcome":"%b",'


def event_json(event: Event) -> bytes:
    """One line without a line feed: every key is there, null where nothing is known; times in RFC 3339, details as
    they were recorded."""
    facts = (event.seq, event.id, event.recorded_at, event.occurred_at, event.action, event.outcome.value)
    return _line(*facts, body.plain_of(disclosures_of(event)))


def row_json(row: Stored) -> bytes:
    """The same of a row of the table `event`, without reading what was disclosed."""
    position, id_, recorded_at, occurred_at, action, outcome, stored = row
    held = body.unchecked(stored)
    return _line(position & SEQ_MASK, id_, recorded_at, occurred_at, action, outcome, held)


def _line(seq: int, id_: str, recorded_at: int, occurred_at: int, action: str, outcome: str, held: bytes) -> bytes:
    lines, erased = body.told(held)
    template, pick = _template(lines[0])
    recorded = _time(recorded_at)
    occurred = recorded if occurred_at == recorded_at else _time(occurred_at)
    facts = (seq, id_.encode(), recorded, occurred, action.encode(), outcome.encode())
    line = template % (facts + pick(lines))
    return line if not erased else b'%b,"erased":%b}' % (line[:-1], orjson.dumps(erased))


@lru_cache(maxsize=4096)
def _template(head: bytes) -> tuple[bytes, Callable[[list[bytes]], tuple[bytes, ...]]]:
    shape = body.shape_of(head)
    return FACTS + DONE + shape.template + b"}", shape.pick


def _time(micros: int) -> bytes:
    """As `model.rfc3339` writes it, in a fraction of the time."""
    hour, rest = divmod(micros, HOUR)
    second, micros = divmod(rest, SECOND)
    return b"%b%b.%06dZ" % (_hour(hour), CLOCK[second], micros)


@lru_cache(maxsize=4096)
def _hour(hour: int) -> bytes:
    return f"{from_micros(hour * HOUR):%Y-%m-%dT%H}:".encode()
