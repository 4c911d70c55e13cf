"""Exports on both databases: exactly what is found, one snapshot, recorded first, never cut off unnoticed."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from minutebook.actions.log import Format
from minutebook.deliver import export, pace
from minutebook.deliver.export import Export, ExportLog, Piece, Written, begin, pieces, stored
from minutebook.deliver.formats import FORMATS, Origin
from minutebook.errors import Forbidden, Invalid, StoreUnavailable
from minutebook.filters import EVERYTHING, Filter, expression_of, fits, parse
from minutebook.model import Event, Role
from minutebook.organization.credits import BuyCredits
from minutebook.store import search
from minutebook.store.event_json import event_json
from tests.support.deployment import Deployment
from tests.support.exports import CutOff, read
from tests.support.walk import FILLED, OTHER

ORIGIN = Origin("org_000000000000", "Calder")
FILTERS = {
    "everything": EVERYTHING,
    "one action": Filter(actions=("user.invite", "member.remove")),
    "what the database alone cannot tell": parse([("q", "details.role:auditor OR -outcome:success")]),
    "nothing": Filter(actor="nobody@x.example"),
}


def begun(deployment: Deployment, command: ExportLog, organization: int = FILLED) -> Export:
    return begin(deployment.store, deployment.seat(None, organization), ORIGIN, command)


def whole(deployment: Deployment, command: ExportLog, organization: int = FILLED) -> bytes:
    return b"".join(piece.data for piece in exported(deployment, command, organization))


def exported(deployment: Deployment, command: ExportLog, organization: int = FILLED) -> Iterator[Piece]:
    made = begun(deployment, command, organization)
    return pieces(made, stored(deployment.store, organization, made))


def numbers(format_: Format, events: list[dict[str, Any]]) -> list[int]:
    return [int(event["metadata"]["sequence"] if format_ is Format.OCSF else event["seq"]) for event in events]


@pytest.fixture(params=[1, 900, export.PIECE], ids=["an event a piece", "few", "as it is"])
def piece_size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces so small that a few events make many, also many transactions."""
    monkeypatch.setattr(export, "PIECE", request.param)


@pytest.mark.usefixtures("piece_size")
def test_every_format_has_exactly_what_is_found(filled: Deployment) -> None:
    history = filled.events(FILLED)
    for filter_ in FILTERS.values():
        expected = [event.seq for event in history if fits(expression_of(filter_))(event)]
        for format_ in FORMATS:
            events, trailer = read(format_, whole(filled, ExportLog(format_, filter_, len(history))))
            assert numbers(format_, events) == expected
            assert trailer == {
                "format": format_.value,
                "organization": ORIGIN.id,
                "query": export.query_of(filter_),
                "size": len(history),
                "first": 0,
                "count": len(expected),
                "sha256": trailer["sha256"],
            }


def test_json_lines_are_the_events_to_the_byte(filled: Deployment) -> None:
    history = filled.events(FILLED)
    lines = whole(filled, ExportLog(Format.JSONL)).split(b"\n")
    assert lines[:-2] == [event_json(event) for event in history]


def test_it_is_recorded_before_the_first_byte(filled: Deployment) -> None:
    size = filled.size(FILLED)
    filter_ = Filter(actions=("user.invite",))
    begun(filled, ExportLog(Format.CSV, filter_))
    last = filled.events(FILLED)[-1]
    assert (last.seq, last.action) == (size, "log.export")
    assert last.details == {"v": 1, "format": "csv", "size": size, "query": "action:user.invite"}
    begun(filled, ExportLog(Format.JSONL, size=5, first=3))
    assert filled.events(FILLED)[-1].details == {"v": 1, "format": "jsonl", "size": 5, "first": 3, "pruned": 0}


def test_what_is_recorded_meanwhile_is_not_in_it(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "PIECE", 1)
    size = filled.size(FILLED)
    data = b""
    for number, piece in enumerate(exported(filled, ExportLog(Format.JSONL))):
        filled.act(None, FILLED, BuyCredits(1, f"meanwhile-{number}"))
        data += piece.data
    events, trailer = read(Format.JSONL, data)
    assert [event["seq"] for event in events] == list(range(size))
    assert trailer["size"] == size


@pytest.mark.parametrize("format_", [format_ for format_ in FORMATS if FORMATS[format_].is_text])
@pytest.mark.usefixtures("piece_size")
def test_a_file_that_was_cut_off_goes_on_to_the_same_bytes(filled: Deployment, format_: Format) -> None:
    made = begun(filled, ExportLog(format_, FILTERS["one action"], 20))
    rows = stored(filled.store, FILLED, made)
    parts = list(pieces(made, rows))
    expected = b"".join(part.data for part in parts)
    assert [part.is_last for part in parts] == [*(False for _ in parts[1:]), True]
    for cut in range(len(parts) - 1):
        kept = b"".join(part.data for part in parts[: cut + 1])
        written = Written(hashlib.sha256(kept), parts[cut].next, parts[cut].events)
        assert kept + b"".join(part.data for part in pieces(made, rows, written)) == expected


def test_a_piece_is_no_larger_than_it_must_be(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is what is kept for a reader who does not take it."""
    monkeypatch.setattr(export, "PIECE", 2_000)
    longest = max(len(event_json(event)) for event in filled.events(FILLED))
    made = begun(filled, ExportLog(Format.JSONL))
    sizes = [len(piece.data) - piece.data.count(b"\n") for piece in pieces(made, stored(filled.store, FILLED, made))]
    assert max(sizes[:-1]) < 2_000 + longest
    assert sum(size >= 2_000 for size in sizes[1:-2]) == len(sizes) - 3


def test_where_nothing_is_found_it_says_so_again_and_again(filled: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that whoever hands it on can stop it."""
    monkeypatch.setattr(export, "LOOK_SECONDS", 0)
    monkeypatch.setattr(pace, "LOOK_SECONDS", 0)
    monkeypatch.setattr(pace, "FEWEST", 1)
    monkeypatch.setattr(search, "AT_FIRST", 1)
    monkeypatch.setattr(search, "AT_ONCE", 1)
    filter_ = parse([("q", "details.remark:*")])
    made = begun(filled, ExportLog(Format.JSONL, filter_))
    found = list(pieces(made, stored(filled.store, FILLED, made)))
    assert len(found) > made.size / 2
    assert {piece.data for piece in found[:-1]} == {b""}


def test_two_parts_have_every_event_once(filled: Deployment) -> None:
    size = filled.size(FILLED)
    for first in (0, 1, size // 2, size):
        events, trailer = read(Format.JSONL, whole(filled, ExportLog(Format.JSONL, size=size, first=first)))
        assert [event["seq"] for event in events] == list(range(first, size))
        assert trailer["first"] == first


@pytest.mark.parametrize(
    ("size", "first", "field", "said"),
    [
        (9_999, 0, "size", "The log holds {held} events, so it never held 9,999."),
        (None, 9_999, "first", "9,999 lies beyond the {held} events of the snapshot."),
        (3, 4, "first", "4 lies beyond the 3 events of the snapshot."),
    ],
)
def test_what_cannot_be_exported_says_why(
    filled: Deployment, size: int | None, first: int, field: str, said: str
) -> None:
    held = filled.size(FILLED)
    with pytest.raises(Invalid) as refused:
        begun(filled, ExportLog(Format.CSV, size=size, first=first))
    assert [problem.field for problem in refused.value.problems] == [field]
    assert refused.value.message == said.format(held=held)
    assert filled.size(FILLED) == held


def test_who_may_not_gets_nothing(deployment: Deployment) -> None:
    owner = deployment.person()
    organization = deployment.found(owner)
    member = deployment.join(organization, owner, Role.MEMBER)
    size = deployment.size(organization)
    with pytest.raises(Forbidden):
        begin(deployment.store, deployment.seat(member, organization), ORIGIN, ExportLog(Format.CSV))
    assert deployment.size(organization) == size


def test_nothing_of_another_organization_is_in_it(filled: Deployment) -> None:
    size = filled.size(OTHER)
    for format_ in FORMATS:
        data = whole(filled, ExportLog(format_, size=size), OTHER)
        events, _ = read(format_, data)
        assert len(events) == size
        assert b"ada@calder.example" not in data


@pytest.mark.parametrize("format_", FORMATS)
def test_an_error_on_the_way_leaves_no_trailer(
    filled: Deployment, format_: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PIECE", 1)
    real, reads = export._slice, itertools.count()

    def breaking(*arguments: Any) -> Any:
        if next(reads) == 7:
            raise StoreUnavailable
        return real(*arguments)

    monkeypatch.setattr(export, "_slice", breaking)
    data = b""
    with pytest.raises(StoreUnavailable):
        for piece in exported(filled, ExportLog(format_)):
            data += piece.data
    with pytest.raises((CutOff, ValueError)):
        read(format_, data)


@pytest.mark.parametrize("format_", FORMATS)
def test_a_file_that_lost_an_event_or_its_end_is_noticed(filled: Deployment, format_: Format) -> None:
    data = whole(filled, ExportLog(format_))
    read(format_, data)
    for end in range(len(data) - 1, len(data) - 400, -37):
        with pytest.raises((CutOff, ValueError)):
            read(format_, data[:end])
    if format_ in (Format.JSONL, Format.OCSF):
        lines = data.split(b"\n")
        with pytest.raises(CutOff, match="and not"):
            read(format_, b"\n".join(lines[1:]))
        with pytest.raises(CutOff, match="hash"):
            read(format_, b"\n".join([lines[1], lines[0], *lines[2:]]))


def test_the_trailer_of_json_lines_is_no_event(filled: Deployment) -> None:
    line = whole(filled, ExportLog(Format.JSONL)).split(b"\n")[-2]
    assert list(json.loads(line)) == ["trailer"]
    assert isinstance(filled.events(FILLED)[0], Event)
