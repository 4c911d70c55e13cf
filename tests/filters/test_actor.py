"""Whom an actor filter means."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minutebook.email_address import normal_email
from minutebook.errors import Invalid
from minutebook.filters.actor import ActorMatch, MatchKind, actor_match, matches

ADDRESS = "ada.lovelace+x_%@calder.example"


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (" Ada@X.example ", ActorMatch(MatchKind.EXACT, "ada@x.example")),
        ("ada", ActorMatch(MatchKind.PART, "ada")),
        ("@x.example", ActorMatch(MatchKind.PART, "@x.example")),
        ("ada@x", ActorMatch(MatchKind.PART, "ada@x")),
        ("*@x.example", ActorMatch(MatchKind.PATTERN, "*@x.example")),
        ("***A**", ActorMatch(MatchKind.PATTERN, "*a*")),
    ],
)
def test_a_text_says_how_it_is_compared(text: str, match: ActorMatch) -> None:
    assert actor_match(text) == match


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ADDRESS, True),
        (ADDRESS.upper(), True),
        (ADDRESS[1:], False),  # a complete address is that address, not its ending
        ("lovelace", True),
        ("_%", True),
        ("a_a", False),
        ("ada%example", False),
        ("*", True),
        ("ada*", True),
        ("*ada", False),
        ("ada.*@*.example", True),
        ("*love*calder*", True),
        ("*calder*love*", False),
        ("ada.lovelace+x_%@calder.example*", True),
        ("*xample*ample", False),  # no character is used twice
        ("ada?lovelace", False),
    ],
)
def test_who_is_meant(text: str, found: bool) -> None:
    assert matches(actor_match(text), ADDRESS) is found


def test_an_actor_without_an_address_is_never_meant() -> None:
    assert not matches(actor_match("*"), None)


def test_an_address_with_a_star_in_it_finds_itself() -> None:
    assert matches(actor_match("a*b@x.example"), normal_email("A*b@x.example"))


@given(st.text("ab*", min_size=1, max_size=8), st.text("ab", max_size=8))
@example("a*a", "a")
@example("*a*a*", "a")
@example("*ab*b", "ab")
def test_a_pattern_is_compared_with_the_whole_address(pattern: str, address: str) -> None:
    meant = re.fullmatch(pattern.replace("*", ".*") if "*" in pattern else f".*{pattern}.*", address)
    assert matches(actor_match(pattern), address) is bool(meant)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ada lovelace", "An address holds no blanks: “ada lovelace”. Write one, or a part of one."),
        ("ada love@x.example", "write a + as %2B"),
        ("adа@x.example", "CYRILLIC SMALL LETTER A"),
        ("\u212aim@x.example", "KELVIN SIGN"),
        ("ada\0", "U+0000"),
        ("a" * 257, "at most 256 characters"),
        (" ", "Enter an address"),
    ],
)
def test_what_no_address_can_hold_is_named(text: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        actor_match(text)
    [problem] = caught.value.problems
    assert problem.field == "actor"
    assert says in problem.message


@given(st.text())
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        match = actor_match(text)
    except Invalid:
        return
    assert actor_match(match.text) == match


def test_a_look_alike_is_refused_in_an_address_too() -> None:
    with pytest.raises(Invalid, match="KELVIN SIGN"):
        normal_email("\u212aim@x.example")
