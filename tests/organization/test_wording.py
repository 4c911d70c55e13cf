"""What people may type: composed, without control characters, and with errors that can be shown."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.organization import wording


@given(st.text(max_size=120))
def test_a_name_is_one_printable_line_or_refused(text: str) -> None:
    try:
        name = wording.name(text, "name", "The name")
    except Invalid as refusal:
        (problem,) = refusal.problems
        assert problem.field == "name"
        assert problem.message.isprintable()
        return
    assert name == " ".join(name.split()) == unicodedata.normalize("NFC", name)
    assert 1 <= len(name) <= 100
    assert not {unicodedata.category(character) for character in name} & {"Cc", "Cs"}
    assert wording.name(name, "name", "The name") == name


@pytest.mark.parametrize(
    "text",
    [
        "\u200b",
        "\u00ad",
        "\u180e",
        "\u3164 \u115f\u1160",
        "\uffa0",
        "\u2800",
        "\U000e0041",
        "\ufe0f",
        "\u200d\u200c",
        "\u3164\ufe0f",
    ],
)
def test_a_name_that_nobody_sees_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="The name has nothing that can be seen"):
        wording.name(text, "name", "The name")
    assert wording.name(f"Zoë {text}", "name", "The name")


@given(st.text(max_size=120))
def test_a_text_keeps_its_lines(text: str) -> None:
    try:
        kept = wording.text(text, "text", "The text")
    except Invalid as refusal:
        assert "U+" in refusal.message
        return
    assert "\r" not in kept
    assert kept == kept.strip()
    assert wording.text(kept, "text", "The text") == kept


@given(st.text())
def test_what_is_shortened_can_be_shown(text: str) -> None:
    shown = wording.shortened(text)
    assert shown.isprintable()
    assert len(shown) <= 61


def test_choices_are_sorted_and_each_is_named() -> None:
    assert wording.choices(["b", "a", "b"], "abc", "letters") == ("a", "b")
    assert wording.choices([], "abc", "letters") == ()
    with pytest.raises(Invalid, match="“d” is not one of: a, b, c"):
        wording.choices(["a", "d"], "abc", "letters")
