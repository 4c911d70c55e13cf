"""An export that arrives is held against its trailer, however its bytes arrive."""

from __future__ import annotations

import re

import pytest

from minutebook.actions.log import Format
from minutebook.deliver.export import Export, ExportLog, begin, pieces, stored
from minutebook.deliver.formats import Origin
from minutebook.deliver.received import Altered, Incomplete, received
from minutebook.filters import EVERYTHING
from minutebook.store import log
from minutebook.store.event_json import event_json
from tests.support.deployment import Deployment
from tests.support.walk import FILLED

ORIGIN = Origin("org_000000000000", "Calder")


@pytest.fixture
def sent(filled_sqlite: Deployment) -> tuple[Export, bytes, list[bytes]]:
    """An export from number 3 on, as it is sent, and its events."""
    store = filled_sqlite.store
    made = begin(store, filled_sqlite.seat(None, FILLED), ORIGIN, ExportLog(Format.JSONL, EVERYTHING, first=3))
    data = b"".join(piece.data for piece in pieces(made, stored(store, FILLED, made)))
    with store.reading() as connection:
        events = [event_json(event) for event in log.events(connection, FILLED)][3 : made.size]
    return made, data, events


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_every_event_arrives_as_it_is(sent: tuple[Export, bytes, list[bytes]], size: int) -> None:
    export, data, events = sent
    rows = list(received([data[at : at + size] for at in range(0, len(data), size)], export))
    assert [row.json for row in rows] == events
    assert [row.seq for row in rows] == list(range(3, export.size))


def test_without_its_end_it_is_not_whole(sent: tuple[Export, bytes, list[bytes]]) -> None:
    export, data, _ = sent
    for end in (0, 100, data.rindex(b'{"trailer"'), len(data) - 1):
        with pytest.raises(Incomplete):
            list(received([data[:end]], export))


@pytest.mark.parametrize(
    ("pattern", "instead"),
    [
        (rb"^.*\n", b""),  # an event is missing
        (rb"user\.invite", b"user.invitE"),
        (rb'"count":\d+,"sha256"', b'"count":1,"sha256"'),
        (rb'"first":3', b'"first":4'),
        (rb'"size":\d+', b'"size":5'),
        (rb'"sha256":".', b'"sha256":"x'),
        (rb'"organization":"org_0', b'"organization":"org_1'),
        (rb'"query":"', b'"query":"x'),
        (rb'"trailer":\{.*', b'"trailer":{}}'),
        (rb'"seq":5', b'"sec":5'),
        (rb'^\{"v"', b'{v"'),
        (rb"^", b"[]\n"),
    ],
)
def test_what_was_altered_is_noticed(sent: tuple[Export, bytes, list[bytes]], pattern: bytes, instead: bytes) -> None:
    export, data, _ = sent
    other = re.sub(pattern, instead, data, count=1)
    assert other != data
    with pytest.raises(Altered):
        list(received([other], export))
