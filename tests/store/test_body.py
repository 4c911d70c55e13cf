"""The stored form of disclosures: every byte kept, every changed bit noticed, and JSON made without reading them."""

from __future__ import annotations

import hashlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.store import body
from tests.support import stored

DISCLOSURES = {
    **{f"actor.{name}": b'"a"' for name in stored.ACTOR},
    **{f"context.{name}": b"null" for name in stored.CONTEXT},
    "targets.0": b'{"id":"usr_1","kind":"user","name":"100% \\"sure\\""}',
    "targets.1": b'{"id":"usr_2","kind":"user","name":"%b"}',
    "details.v": b"1",
    "details.name": b'"%d"',
}

paths = st.sampled_from(["actor.id", "details.v", "targets.0", "details.name"])
texts = st.text(alphabet=st.characters(exclude_categories=["Cs"])).map(stored.canonical)


@given(st.dictionaries(paths, texts, min_size=1))
def test_packing_keeps_every_byte(disclosures: dict[str, bytes]) -> None:
    packed = body.pack(disclosures)
    assert body.unpack(packed) == disclosures
    assert dict(stored.lines_of(packed)) == disclosures
    assert body.texts(packed, tuple(disclosures)) == tuple(disclosures.values())
    assert [*map(body.value, disclosures.values())] == [*map(orjson.loads, disclosures.values())]


def test_what_was_never_packed_is_refused() -> None:
    for junk in (b"", b"\n", b"no frame", body.wrapped(b""), body.wrapped(b"actor.id\n"), None, "text"):
        with pytest.raises(body.NotStoredSo, match="disclosures"):
            body.unpack(junk)  # type: ignore[arg-type]
    for plain in (b"actor.id\tactor.id\n1\n1\n", b"actor.id\n1\n\n", b"actor.id\n1"):
        with pytest.raises(body.NotStoredSo, match="without their paths"):
            body.unpack(body.wrapped(plain))


def test_every_changed_bit_is_noticed() -> None:
    packed = body.pack(DISCLOSURES)
    for at in range(len(packed)):
        for bit in range(8):
            changed = bytes([packed[at] ^ 1 << bit])
            with pytest.raises(body.NotStoredSo):
                body.unpack(packed[:at] + changed + packed[at + 1 :])


def test_json_has_the_texts_as_they_were_committed_to() -> None:
    made, _ = body.json_of(body.pack(DISCLOSURES))
    for text in DISCLOSURES.values():
        assert text in made
    read = orjson.loads(b"{" + made + b"}")
    assert list(read) == ["actor", "targets", "context", "details"]
    assert read["targets"] == [orjson.loads(DISCLOSURES[f"targets.{number}"]) for number in (0, 1)]
    assert read["details"] == {"v": 1, "name": "%d"}


def test_what_is_not_disclosed_is_null() -> None:
    disclosures = {path: text for path, text in DISCLOSURES.items() if path not in {"actor.email", "context.ip"}}
    read = orjson.loads(b"{" + body.json_of(body.pack(disclosures))[0] + b"}")
    assert list(read["actor"]) == list(stored.ACTOR)
    assert list(read["context"]) == list(stored.CONTEXT)
    assert (read["actor"]["email"], read["context"]["ip"]) == (None, None)


def test_a_path_that_no_event_has_makes_no_json() -> None:
    with pytest.raises(body.NotStoredSo, match="no event has"):
        body.json_of(body.pack({**DISCLOSURES, "other.name": b"1"}))


def test_the_dictionary_is_the_one_that_the_version_means() -> None:
    """What was stored with another one could not be read: never change it, add one with the next number."""
    assert hashlib.sha256(body.dictionary().as_bytes()).hexdigest() == (
        "16943a26a19e953fbdbbea0b95b715572c7ab118edbde9a1cc577ae5dce7ebf7"
    )
