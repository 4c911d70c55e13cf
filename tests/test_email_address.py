"""Addresses and domains: one normal form, and nothing that only looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.email_address import ascii_lower, is_email, normal_domain, normal_email
from minutebook.errors import Invalid


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada@EXAMPLE.com\n", "ada@example.com"),
        ("a.b+c_d-e@mail.example.co.uk", "a.b+c_d-e@mail.example.co.uk"),
        ("!#$%&'*+/=?^_`{|}~-@x.example", "!#$%&'*+/=?^_`{|}~-@x.example"),
        ("ada@xn--mnchen-3ya.example", "ada@xn--mnchen-3ya.example"),
        (f"{'a' * 64}@x.example", f"{'a' * 64}@x.example"),
    ],
)
def test_one_normal_form(typed: str, normal: str) -> None:
    assert normal_email(typed) == normal
    assert is_email(typed)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter an email address"),
        ("   ", "Enter an email address"),
        ("ada", "needs an @"),
        ("ada@", "missing"),
        ("ada@localhost", "needs a dot"),
        ("@x.example", "before the @"),
        ("ada@@x.example", "before the @"),
        (".ada@x.example", "before the @"),
        ("a..b@x.example", "before the @"),
        ("ada.@x.example", "before the @"),
        ('"ada"@x.example', "before the @"),
        ("ada@-x.example", "after the @ has a part that is not"),
        ("ada@x_y.example", "letters, digits"),
        ("ada@x..example", "letters, digits"),
        ("ada@192.0.2.7", "top-level domain"),
        ("ada b@x.example", "An email address holds no blanks: “ada b@x.example”."),
        ("ada@x.example, bob@x.example", "no blanks: “ada@x.example, bob@x.example”"),
        ("аda@x.example", "It is in “аda@x.example”."),
        (f"{'a' * 300} b@x.example", f"“{'a' * 60}…”"),
        ("a" * 300, f"“{'a' * 60}…” is not a complete address"),
        ("ada@x.example\0", "U+0000"),
        ("ada\r\nBcc: eve@x.example", "U+000D"),
        (f"{'a' * 65}@x.example", "too long"),
        (f"a@{'b.' * 130}example", "too long"),
    ],
)
def test_what_is_no_address_is_named(typed: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        normal_email(typed, "address")
    (problem,) = caught.value.problems
    assert problem.field == "address"
    assert said in problem.message
    assert not is_email(typed)


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("аda@example.com", "CYRILLIC SMALL LETTER A"),
        ("ada@exаmple.com", "CYRILLIC SMALL LETTER A"),
        ("ada@example.com\u200b", "ZERO WIDTH SPACE"),
        ("\u202eada@example.com", "RIGHT-TO-LEFT OVERRIDE"),
        ("ｅve@example.com", "FULLWIDTH LATIN SMALL LETTER E"),
        ("\u212aarl@example.com", "KELVIN SIGN"),
        ("ada@münchen.example", "LATIN SMALL LETTER U WITH DIAERESIS"),
        ("ada\u3002b@example.com", "IDEOGRAPHIC FULL STOP"),
    ],
)
def test_look_alikes_are_refused_and_named_never_merged(typed: str, named: str) -> None:
    with pytest.raises(Invalid, match=named):
        normal_email(typed)
    with pytest.raises(Invalid):
        normal_domain(typed.partition("@")[2] if "@example.com" not in typed else typed)


@given(st.text(max_size=40))
def test_lower_case_touches_only_ascii(text: str) -> None:
    lowered = ascii_lower(text)
    assert len(lowered) == len(text)
    assert all(a == b or (a.isascii() and a.lower() == b) for a, b in zip(text, lowered, strict=True))


@given(st.emails())
def test_an_address_is_its_own_normal_form(address: str) -> None:
    if is_email(address):
        assert normal_email(normal_email(address)) == normal_email(address)
        assert normal_email(address).isascii()


@pytest.mark.parametrize(
    "domain",
    [
        "",
        " ",
        "localhost",
        "x..y",
        "-x.example",
        "x.example.",
        "münchen.example",
        "x\0.example",
        "192.0.2.7",
        "https://x.example",
        "x.example/y",
        "@x.example",
        "a" * 64 + ".example",
    ],
)
def test_what_is_no_domain_is_refused(domain: str) -> None:
    with pytest.raises(Invalid) as caught:
        normal_domain(domain)
    assert [problem.field for problem in caught.value.problems] == ["domain"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("nonsense", "“nonsense” is not a domain: it needs a dot. Enter one such as example.com."),
        ("http://x.example/", "Enter only the domain, without what is around it: x.example."),
        ("https://x.example:8080/a?b#c", "Enter only the domain, without what is around it: x.example."),
        ("ada@x.example", "Enter only the domain, without what is around it: x.example."),
        ("x.example/about", "Enter only the domain, without what is around it: x.example."),
        ("@x.example", "Enter only the domain, without what is around it: x.example."),
        ("http://nonsense/", "“http://nonsense/” is not a domain: it needs a dot. Enter one such as example.com."),
        ("x y.example", "A domain holds no blanks: “x y.example”. Enter one such as example.com."),
        ("münchen.example", "Write “münchen.example” in its ASCII form: xn--mnchen-3ya.example."),
        ("пример.испытание", "Write “пример.испытание” in its ASCII form: xn--e1afmkfd.xn--80akhbyknj4f."),
        ("straße.example", "The character “ß” (LATIN SMALL LETTER SHARP S) is not accepted here"),
        ("ｘ.example", "(FULLWIDTH LATIN SMALL LETTER X) is not accepted here"),
        ("ü" * 64 + ".example", "LATIN SMALL LETTER U WITH DIAERESIS"),
        (f"{'a' * 300}.example", f"“{'a' * 60}…” is not a domain: it is longer than 253 characters."),
    ],
)
def test_what_is_no_domain_is_said_once_and_shortly(typed: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        normal_domain(typed)
    assert said in caught.value.message


def test_a_domain_is_kept_in_lower_case() -> None:
    assert normal_domain("  Calder.EXAMPLE ") == "calder.example"
