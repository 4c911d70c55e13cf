"""A cursor comes back as it was written, says nothing without the key, and everything else is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.filters import EVERYTHING, Filter
from minutebook.filters.cursor import LENGTH, Cursor, Seal, search_of

ORGANIZATION = "org_abcdefghijkl"
FILTER = Filter(actions=("user.login",), text="opus")
CURSOR = Cursor(
    ORGANIZATION, search_of(FILTER), size=50, occurred_at=1_793_923_200_000_001, seq=49, rank=7, direction="older"
)
SEAL = Seal(bytes(range(32)))
TEXT = SEAL.write(CURSOR)


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    size = draw(st.integers(1, 1 << 40))
    return Cursor(
        log=ORGANIZATION,
        search=search_of(FILTER),
        size=size,
        occurred_at=draw(st.integers(-(10**15), 10**17)),
        seq=draw(st.integers(0, size - 1)),
        rank=draw(st.integers(0, size)),
        direction=draw(st.sampled_from(["older", "newer"])),
    )


@given(cursors())
def test_a_cursor_comes_back_as_it_was_written(cursor: Cursor) -> None:
    text = SEAL.write(cursor)
    assert text.replace("-", "").replace("_", "").isalnum()
    assert len(text) == LENGTH, "its length says nothing"
    assert SEAL.read(text, ORGANIZATION, FILTER, cursor.direction) == cursor
    assert SEAL.write(cursor) == text, "an address has one form"


def refusal(text: str, seal: Seal = SEAL) -> str:
    with pytest.raises(Invalid) as caught:
        seal.read(text, ORGANIZATION, FILTER, "older")
    [problem] = caught.value.problems
    assert problem.field == "older"
    return problem.message


def test_a_cursor_of_another_organization_is_refused() -> None:
    assert "another log" in refusal(SEAL.write(replace(CURSOR, log="org_other")))


@pytest.mark.parametrize("other", [EVERYTHING, replace(FILTER, text="opu"), replace(FILTER, start=0)])
def test_a_cursor_of_another_search_is_refused(other: Filter) -> None:
    assert "another search" in refusal(SEAL.write(replace(CURSOR, search=search_of(other))))


def test_a_cursor_in_the_other_direction_is_refused() -> None:
    assert "newer" in refusal(SEAL.write(replace(CURSOR, direction="newer")))


def test_a_cursor_of_another_deployment_is_refused() -> None:
    assert "not a link" in refusal(TEXT, Seal(bytes(32)))


@pytest.mark.parametrize("bit", range(0, 65 * 8, 7))
def test_no_bit_of_a_cursor_can_be_changed(bit: int) -> None:
    sealed = bytearray(urlsafe_b64decode(TEXT + "=="))
    sealed[bit // 8] ^= 1 << bit % 8
    assert "not a link" in refusal(urlsafe_b64encode(sealed).decode().rstrip("="))


def test_a_cursor_is_written_in_one_way_only() -> None:
    """The last letter has four bits to spare."""
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    read = [letter for letter in last if TEXT[:-1] + letter == TEXT or "not a link" not in accepted(TEXT[:-1] + letter)]
    assert read == [TEXT[-1]]


def accepted(text: str) -> str:
    try:
        SEAL.read(text, ORGANIZATION, FILTER, "older")
    except Invalid as invalid:
        return invalid.message
    return ""


def test_a_cursor_says_nothing_of_what_is_in_it() -> None:
    """One more event in the log, and about half of all bits are others, wherever they stand."""
    texts = [SEAL.write(replace(CURSOR, size=size)) for size in range(1000, 1400)]
    numbers = [int.from_bytes(urlsafe_b64decode(text + "=="), "big") for text in texts]
    for bit in range(65 * 8):
        assert 120 < sum(number >> bit & 1 for number in numbers) < 280, bit


@pytest.mark.parametrize("text", ["", "x", "é", "\0", TEXT + "=", TEXT[:-2], "A" * 10**6, TEXT + "!", "é" * LENGTH])
def test_what_is_not_a_cursor_is_refused(text: str) -> None:
    assert "not a link" in refusal(text)


@given(st.text() | st.text("AZaz09-_", min_size=LENGTH, max_size=LENGTH) | st.text(min_size=LENGTH, max_size=LENGTH))
def test_any_text_is_refused_and_never_fails_otherwise(text: str) -> None:
    refusal(text)


def test_a_cursor_that_is_not_sealed_is_refused() -> None:
    plain = [ORGANIZATION, search_of(FILTER), 50, 1_793_923_200_000_001, 49, 7, "older"]
    refusal(urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("="))
