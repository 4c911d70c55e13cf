"""What an erasure leaves of a secret: enough for the leaf, and nothing by which an erased value could be guessed."""

from __future__ import annotations

import hashlib
import itertools

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.evidence.leaf import Facts, commitment, commitments, leaf, leaf_of, nonce, salt
from minutebook.evidence.remains import NotRemains, remains_of
from tests.support import stored

FACTS = Facts("log_x", 4, "id", 1, 2, "user.login", "success")
SECRET = hashlib.sha256(b"secret").digest()
DISCLOSURES = {
    "actor.email": b'"bob@x.example"',
    "actor.name": b"null",
    "context.ip": b'"192.0.2.1"',
    "details.v": b"1",
}


@given(st.lists(st.sets(st.sampled_from(sorted(DISCLOSURES)), min_size=1), min_size=1, max_size=4))
def test_the_leaf_stays_whatever_is_erased_in_whatever_order(steps: list[set[str]]) -> None:
    before, kept, left = SECRET, DISCLOSURES, leaf_of(FACTS, SECRET, DISCLOSURES)
    for step in steps:
        paths = [path for path in sorted(step) if kept[path]]
        if paths:
            before = remains_of(before, kept).without(paths, kept).to_bytes()
            kept = kept | dict.fromkeys(paths, b"")
        remains = remains_of(before, kept)
        assert leaf(FACTS, remains.nonce, remains.commitments(kept)) == left
    assert {path for path, text in kept.items() if not text} == set().union(*steps)


def test_nothing_is_left_by_which_a_value_could_be_guessed() -> None:
    written = remains_of(SECRET, DISCLOSURES).without(["actor.email"], DISCLOSURES).to_bytes()
    for gone in (SECRET, salt(SECRET, "actor.email")):
        assert gone.hex().encode() not in written
    digest = commitment("actor.email", salt(SECRET, "actor.email"), b'"bob@x.example"')
    assert orjson.loads(written) == {
        "gone": {"actor.email": digest.hex()},
        "nonce": nonce(SECRET).hex(),
        "salts": {path: stored.salt(SECRET, path).hex() for path in DISCLOSURES if path != "actor.email"},
    }


def test_a_secret_remains_whole() -> None:
    remains = remains_of(SECRET, DISCLOSURES)
    assert remains.commitments(DISCLOSURES) == commitments(SECRET, DISCLOSURES)
    assert remains.gone == {}


def test_what_was_changed_is_no_remains() -> None:
    kept = DISCLOSURES | {"actor.email": b""}
    written = remains_of(SECRET, DISCLOSURES).without(["actor.email"], DISCLOSURES).to_bytes()
    junk = [b"", b"x" * 31, b"{}", b"[]", b"null", written + b" ", written[:-1], written.upper()]
    junk += [written.replace(b'"gone":{"actor.email"', b'"gone":{"actor.mail"')]
    junk += [written.replace(nonce(SECRET).hex().encode(), b"ab"), orjson.dumps({**orjson.loads(written), "more": 1})]
    for other in junk:
        with pytest.raises(NotRemains):
            remains_of(other, kept).commitments(kept)
    for path, text in itertools.product(kept, (b"", b'"back"')):
        if bool(kept[path]) != bool(text):
            with pytest.raises(NotRemains):
                remains_of(written, kept).commitments(kept | {path: text})
