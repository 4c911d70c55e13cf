"""A cursor comes back as it was written, and everything else is refused."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.filters import EVERYTHING, Filter
from minutebook.filters.cursor import Cursor, parse_cursor, search_of

ORGANIZATION = "org_abcdefghijkl"
FILTER = Filter(actions=("user.login",), text="opus")
CURSOR = Cursor(
    ORGANIZATION, search_of(FILTER), size=50, occurred_at=1_793_923_200_000_001, seq=49, rank=7, direction="older"
)


@st.composite
def cursors(draw: st.DrawFn) -> Cursor:
    size = draw(st.integers(1, 1 << 40))
    return Cursor(
        organization=ORGANIZATION,
        search=search_of(FILTER),
        size=size,
        occurred_at=draw(st.integers(-(10**15), 10**17)),
        seq=draw(st.integers(0, size - 1)),
        rank=draw(st.integers(0, size)),
        direction=draw(st.sampled_from(["older", "newer"])),
    )


@given(cursors())
def test_a_cursor_comes_back_as_it_was_written(cursor: Cursor) -> None:
    text = cursor.write()
    assert text.replace("-", "").replace("_", "").isalnum()
    assert parse_cursor(text, ORGANIZATION, FILTER, cursor.direction) == cursor


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as caught:
        parse_cursor(text, ORGANIZATION, FILTER, "older")
    [problem] = caught.value.problems
    assert problem.field == "older"
    return problem.message


def test_a_cursor_of_another_organization_is_refused() -> None:
    assert "another organization" in refusal(replace(CURSOR, organization="org_other").write())


@pytest.mark.parametrize("other", [EVERYTHING, replace(FILTER, text="opu"), replace(FILTER, start=0)])
def test_a_cursor_of_another_search_is_refused(other: Filter) -> None:
    assert "another search" in refusal(replace(CURSOR, search=search_of(other)).write())


def test_a_cursor_in_the_other_direction_is_refused() -> None:
    assert "newer" in refusal(replace(CURSOR, direction="newer").write())


@pytest.mark.parametrize(
    "cursor",
    [
        replace(CURSOR, size=0, seq=0, rank=0),
        replace(CURSOR, seq=50),
        replace(CURSOR, seq=-1),
        replace(CURSOR, rank=51),
        replace(CURSOR, rank=-1),
        replace(CURSOR, size=(1 << 40) + 1),
        replace(CURSOR, occurred_at=10**18),
        replace(CURSOR, occurred_at=-(10**18)),
        replace(CURSOR, rank=True),
        replace(CURSOR, rank=1.0),  # type: ignore[arg-type]
        replace(CURSOR, direction="sideways"),  # type: ignore[arg-type]
        replace(CURSOR, search=7),  # type: ignore[arg-type]
        replace(CURSOR, direction=[]),  # type: ignore[arg-type]
    ],
)
def test_a_cursor_that_no_page_ever_had_is_refused(cursor: Cursor) -> None:
    assert "not a link" in refusal(cursor.write())


@pytest.mark.parametrize(
    "text",
    ["", "x", "é", "\0", CURSOR.write() + "=", CURSOR.write()[:-2], "A" * 10**6, CURSOR.write() + "!"],
)
def test_what_is_not_a_cursor_is_refused(text: str) -> None:
    assert "not a link" in refusal(text)


@given(st.text() | st.binary().map(lambda data: urlsafe_b64encode(data).decode().rstrip("=")))
def test_any_text_is_refused_and_never_fails_otherwise(text: str) -> None:
    refusal(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(json_values | st.lists(json_values, min_size=7, max_size=7))
def test_any_json_is_refused_and_never_fails_otherwise(value: object) -> None:
    refusal(urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("="))
