"""Times are exact, and ids and tokens are what they promise."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.identifiers import MOST_SEQ, event_number, new_id, new_token, token_hash
from minutebook.model import from_micros, rfc3339, to_micros
from minutebook.store.log import SEQ_MASK


@given(st.datetimes(timezones=st.just(UTC)))
def test_microseconds_are_exact_in_every_year(moment: datetime) -> None:
    assert from_micros(to_micros(moment)) == moment


@given(st.integers(-(10**15), 10**17), st.integers(-1439, 1439))
def test_an_offset_changes_nothing(micros: int, minutes: int) -> None:
    elsewhere = from_micros(micros).astimezone(timezone(timedelta(minutes=minutes)))
    assert to_micros(elsewhere) == micros


def test_times_are_written_with_six_digits() -> None:
    assert rfc3339(0) == "1970-01-01T00:00:00.000000Z"
    assert rfc3339(1_793_923_200_000_000 + 358_219) == "2026-11-06T00:00:00.358219Z"
    assert rfc3339(-1) == "1969-12-31T23:59:59.999999Z"


def test_ids_have_60_random_bits_and_tokens_256() -> None:
    assert new_id("usr", bytes) == "usr_aaaaaaaaaaaa"
    assert re.fullmatch(r"usr_[a-z2-7]{12}", new_id("usr", lambda size: b"\xff" * size))
    token = new_token(lambda size: b"\xfb" * size)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", token)  # 256 bits
    assert len(token_hash(token)) == 32
    assert token_hash("\ud800") != token_hash("")


def test_the_largest_number_is_that_of_the_store() -> None:
    assert (MOST_SEQ, event_number(str(MOST_SEQ))) == (SEQ_MASK, SEQ_MASK)


@pytest.mark.parametrize("text", ["", "-1", "+1", " 1", "1.0", "1e3", "\u0663", "\u00b2", str(MOST_SEQ + 1), "0" * 14])
def test_what_is_no_number_of_an_event(text: str) -> None:
    assert event_number(text) is None
    assert event_number("0042") == 42
