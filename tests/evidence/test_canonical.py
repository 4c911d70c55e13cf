"""Canonical JSON: one text for a value, the same that the standard library makes, and refusals for what has none."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import NotCanonical
from minutebook.evidence.canonical import MAX_INTEGER, canonical
from tests.support import stored

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
scalars = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts
keys = st.text(alphabet=st.characters(max_codepoint=127))
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(keys, inner), max_leaves=20)


@given(values)
def test_it_is_the_text_of_the_standard_library(value: Any) -> None:
    assert canonical(value) == stored.canonical(value)


@given(values)
def test_it_reads_back_and_is_one_line(value: Any) -> None:
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(json.loads(text)) == text
    assert b"\n" not in text
    assert b"\t" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        # RFC 8785, section 3.2.2.2: the shortest escapes, lower-case hexadecimal, nothing else escaped
        ('\u20ac$\x0f\nA\'B"\\"/', '"€$\\u000f\\nA\'B\\"\\\\\\"/"'),
        ("\b\t\n\f\r\x00\x1f\x7f\u2028", '"\\b\\t\\n\\f\\r\\u0000\\u001f\x7f\u2028"'),
        ({"b": 1, "a": {"d": [], "c": {}}, "": None, "B": True}, '{"":null,"B":true,"a":{"c":{},"d":[]},"b":1}'),
        ((1, "x"), '[1,"x"]'),
        (-MAX_INTEGER, "-9007199254740991"),
    ],
)
def test_known_texts(value: Any, text: str) -> None:
    assert canonical(value) == text.encode()


def test_an_enum_of_texts_is_its_text() -> None:
    class Colour(StrEnum):
        RED = "red"

    assert canonical({"colour": Colour.RED}) == b'{"colour":"red"}'


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (1.0, "float"),
        (float("nan"), "float"),
        ({"a": [1, {"b": 0.5}]}, "float"),
        (MAX_INTEGER + 1, "integers"),
        ([-MAX_INTEGER - 1], "integers"),
        (2**64, "integers"),
        ("\ud800", "surrogate"),
        ({"a": ["x\udfff"]}, "surrogate"),
        ({"é": 1}, "not ASCII"),
        ({1: 1}, "not ASCII"),
        ({None: 1}, "not ASCII"),
        (b"bytes", "bytes"),
        ({"a": {1, 2}}, "set"),
        (object(), "object"),
    ],
)
def test_what_has_no_canonical_text_is_refused(value: Any, why: str) -> None:
    with pytest.raises(NotCanonical, match=why):
        canonical(value)


def test_the_refusal_names_the_place() -> None:
    value: Any = {"details": {"price": [1, 2.5]}}
    with pytest.raises(NotCanonical, match=r"The value\.details\.price cannot be recorded"):
        canonical(value)


def test_nesting_without_end_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotCanonical):
        canonical(deep)
    for _ in range(300):
        deep = {"a": 1} if not isinstance(deep, dict) else {"a": deep}
    with pytest.raises(NotCanonical):
        canonical(deep)
