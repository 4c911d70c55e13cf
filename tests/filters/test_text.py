"""What "the details contain" finds."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.errors import Invalid
from minutebook.filters.quote import quoted
from minutebook.filters.text import MAX_LENGTH, normal_text, parse_text, text_words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Billing  Manager", "billing manager"),
        ("Crème BRÛLÉE", "creme brulee"),
        ("Straße", "strasse"),
        ("Søren Łukasz Æon", "soren lukasz aeon"),
        ("İstanbul ISTANBUL ısparta", "istanbul istanbul isparta"),
        ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
        ("ﬁnal ㎒ Ⅳ", "final mhz iv"),
        ("a\r\n\tb\0c\x85d\u2028e", "a b c d e"),
        ("pay\u200bload \u202eevil\u202c so\u00adft", "payload evil soft"),
        ("pay\u3164load e\U000e0100vil\u2028so\u180bft", "payload evil soft"),
        ("\ud800x", "x"),
        ("100% _ [x] 'y' \\", "100% _ [x] 'y' \\"),
        ("हिन्दी", unicodedata.normalize("NFKD", "हिनदी")),
        ("  ", ""),
    ],
)
def test_normal_text(text: str, normal: str) -> None:
    assert normal_text(text) == normal


def test_normalizing_twice_changes_nothing_for_any_character() -> None:
    assigned = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) not in {"Cn", "Co"}]
    once = [normal_text(character) for character in assigned]
    assert [normal_text(text) for text in once] == once


@given(st.text(), st.text(), st.text())
def test_whatever_a_text_contains_is_found_in_it(before: str, part: str, after: str) -> None:
    assert normal_text(part) in normal_text(before + part + after)


@given(st.text())
def test_spelling_does_not_matter(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert normal_text(unicodedata.normalize(form, text)) == normal_text(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("opus sonnet", ("opus", "sonnet")),
        ('opus "Billing  Manager"', ("opus", "billing manager")),
        ('"billing manager', ('"billing', "manager")),
        ('say"hi', ('say"hi',)),
        ('"" " " x', ("x",)),
        ("Opus OPUS", ("opus",)),
    ],
)
def test_words(text: str, words: tuple[str, ...]) -> None:
    assert text_words(text) == words


def test_what_is_typed_is_kept_with_single_blanks() -> None:
    assert parse_text("  Opus \t “x”\u202e ") == "Opus “x”\u202e"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a\0b", "U+0000, NUL"),
        ("a\x1b[31m", "U+001B, a control character"),
        ("\udfff", "U+DFFF"),
        ("\u200b\u0301", "nothing to search for in “[U+200B]"),
        ('""', "nothing to search for"),
        ("x" * (MAX_LENGTH + 1), "201 characters long; at most 200"),
    ],
)
def test_what_cannot_be_searched_for_is_named(text: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse_text(text)
    [problem] = caught.value.problems
    assert problem.field == "text"
    assert says in problem.message


def test_the_longest_text_is_accepted() -> None:
    assert len(parse_text("x" * MAX_LENGTH)) == MAX_LENGTH


def test_a_message_names_what_cannot_be_seen() -> None:
    assert quoted("a\u202e\u3164❤\ufe0f\ufe0f") == "“a[U+202E][U+3164]❤\ufe0f[U+FE0F]”"
