"""The leaf: frozen bytes, and commitments that open in one way only."""

from __future__ import annotations

import hashlib
import json
import string
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import LeafTooLarge, NotCanonical
from minutebook.evidence import leaf as leaves
from minutebook.model import Actor, ActorKind, Context, Target
from tests.golden import leaf as golden
from tests.support import stored

VECTORS = json.loads(golden.FILE.read_text())
FROZEN = "dad568cb71c9671c21d127550c0bb3c552159efd8f415905dca555e0bebb9075"


def test_the_golden_file_is_the_one_that_was_frozen() -> None:
    assert hashlib.sha256(golden.FILE.read_bytes()).hexdigest() == FROZEN


def test_leaves_are_what_they_always_were() -> None:
    assert golden.computed() == VECTORS


@pytest.mark.parametrize("number", range(len(golden.EVENTS)))
def test_the_golden_leaf_by_hand(number: int) -> None:
    """The same bytes from hashlib, hmac and json alone, as somebody else would write a verifier."""
    vector = VECTORS["events"][number]
    secret = bytes.fromhex(vector["secret"])
    disclosures = {path: text.encode() for path, text in vector["disclosures"].items()}
    for path, text in disclosures.items():
        assert stored.canonical(json.loads(text)) == text
        assert stored.commitment(path, stored.salt(secret, path), text).hex() == vector["commitments"][path]
    assert stored.nonce(secret).hex() == vector["nonce"]
    leaf = stored.leaf_from(asdict(golden.facts(number)), secret, disclosures)
    assert leaf.hex() == vector["leaf"]
    assert stored.leaf_hash(leaf).hex() == vector["leaf_hash"]


def test_a_leaf_shows_no_value_that_may_have_to_be_erased() -> None:
    leaf = bytes.fromhex(VECTORS["events"][1]["leaf"]).decode()
    for told in ("ada", "calder", "Okafor", "192.0.2.7", "Mozilla", "bob", "usr_", "admin", "ses_1", "req_1"):
        assert told not in leaf
    opened = json.loads(leaf)
    assert opened.keys() == {"v", "log", "seq", "id", "recorded_at", "occurred_at", "action", "outcome", "nonce", "c"}


@pytest.mark.parametrize("number", range(len(golden.EVENTS)))
def test_an_erased_value_leaves_the_leaf_as_it_was(number: int) -> None:
    """After an erasure there is no secret: the surviving salts and the digests of what went are all there is."""
    vector = VECTORS["events"][number]
    secret = bytes.fromhex(vector["secret"])
    nonce = bytes.fromhex(vector["nonce"])
    commitments = {path: bytes.fromhex(value) for path, value in vector["commitments"].items()}
    for path in list(commitments)[1::2]:
        kept = leaves.commitment(path, leaves.salt(secret, path), vector["disclosures"][path].encode())
        assert kept == commitments[path]
    assert leaves.leaf(golden.facts(number), nonce, commitments).hex() == vector["leaf"]


def test_absent_and_present_fields_are_told_apart_by_nothing() -> None:
    nobody = leaves.disclose(Actor(ActorKind.SYSTEM, "cli"), (), Context(), {})
    somebody = leaves.disclose(golden.ADA, (), golden.HERE, {})
    assert nobody.keys() == somebody.keys()
    assert {len(value) for value in leaves.commitments(b"s" * 32, nobody).values()} == {32}


def test_a_leaf_is_at_most_65535_bytes() -> None:
    facts = golden.facts(0)
    empty = len(leaves.leaf(facts, b"n" * 32, {}))
    path = "p" * (leaves.MAX_LEAF - empty - len('"":""') - 64)
    assert len(leaves.leaf(facts, b"n" * 32, {path: b"c" * 32})) == leaves.MAX_LEAF
    with pytest.raises(LeafTooLarge, match="65536 bytes"):
        leaves.leaf(facts, b"n" * 32, {path + "p": b"c" * 32})


def test_a_value_that_has_no_canonical_text_is_refused() -> None:
    with pytest.raises(NotCanonical):
        leaves.disclose(Actor(ActorKind.USER, "usr_1", name="\ud800"), (), Context(), {})
    with pytest.raises(NotCanonical):
        leaves.disclose(Actor(ActorKind.USER, "usr_1"), (Target("user", "\udfff", ""),), Context(), {})


# few letters and short texts, so that boundaries meet often
parts = st.text(alphabet="a.\t\0", max_size=6)
texts = st.binary(max_size=6)


@given(parts, texts, parts, texts)
def test_no_commitment_opens_as_two_pairs(path: str, text: bytes, other_path: str, other_text: bytes) -> None:
    salt = b"s" * 32
    same = (path, text) == (other_path, other_text)
    assert (leaves.commitment(path, salt, text) == leaves.commitment(other_path, salt, other_text)) is same


@given(st.lists(st.tuples(parts, st.binary(max_size=40)), min_size=2, max_size=2), st.integers(-3, 3))
def test_moving_bytes_between_the_parts_changes_the_commitment(pairs: list[tuple[str, bytes]], move: int) -> None:
    (path, text), _ = pairs
    joined = path.encode() + text
    cut = len(path.encode()) + move
    if move == 0 or not 0 <= cut <= len(joined) or not joined[:cut].isascii():
        return
    moved = leaves.commitment(joined[:cut].decode(), b"s" * 32, joined[cut:])
    assert moved != leaves.commitment(path, b"s" * 32, text)


@given(st.text(alphabet=string.ascii_lowercase + "._0123456789"), st.binary(min_size=32, max_size=32))
def test_salts_and_nonce_are_apart_for_every_path_and_secret(path: str, secret: bytes) -> None:
    other = bytes([secret[0] ^ 1]) + secret[1:]
    values = [leaves.salt(secret, path), leaves.salt(secret, path + "a"), leaves.nonce(secret)]
    values += [leaves.salt(other, path), leaves.nonce(other)]
    assert len(set(values)) == 5
    assert values[0] == stored.salt(secret, path)
