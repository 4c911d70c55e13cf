"""Times are exact, and ids and tokens are what they promise."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from minutebook.identifiers import new_id, new_token, token_hash
from minutebook.model import from_micros, rfc3339, to_micros


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
