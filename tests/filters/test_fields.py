"""A filter comes back from its URL, and whatever is wrong with one is named."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.actions import CATALOGUE
from minutebook.errors import Invalid
from minutebook.filters import EVERYTHING, FIELDS, UTC, Filter, in_order, parse, write, zone_named
from minutebook.filters.actor import actor_match
from minutebook.filters.instants import LATEST
from minutebook.filters.moments import UNITS, WORD_OF, WORDS, Moment, Relative, is_backwards
from minutebook.filters.text import normal_text, parse_text

PLAIN = "".join(map(chr, range(0x21, 0x7F)))
actors = st.text(PLAIN, min_size=1, max_size=256).map(lambda text: actor_match(text).text)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=200).filter(normal_text)

relatives = st.builds(Relative, st.integers(1, 400), st.sampled_from(list(UNITS))) | st.sampled_from([*WORDS.values()])


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    start = draw(st.none() | st.integers(0, LATEST - 1) | relatives)
    return Filter(
        actions=in_order(draw(st.sets(st.sampled_from(sorted(CATALOGUE))))),
        actor=draw(st.none() | actors),
        start=start,
        end=draw(_ends_after(start)),
        text=draw(st.none() | texts.filter(_searchable).map(parse_text)),
    )


def _ends_after(start: Moment | None) -> st.SearchStrategy[Moment | None]:
    """Ends that a URL can say, none of them before the start."""
    first = start if isinstance(start, int) else 0
    told = relatives.filter(lambda end: not end.is_of_calendar or Relative(end.count + 1, end.unit) in WORD_OF)
    ends: st.SearchStrategy[Moment | None] = st.none() | st.integers(first + 1, LATEST) | told
    return ends.filter(lambda end: not is_backwards(start, end))


def _searchable(text: str) -> bool:
    try:
        parse_text(text)
    except Invalid:
        return False
    return True


@given(filters())
def test_a_filter_comes_back_from_its_url(written: Filter) -> None:
    assert parse(write(written)) == written


@given(filters(), st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe"]))
def test_every_value_can_be_told(told: Filter, zone: str) -> None:
    for field in FIELDS:
        value = field.value(told)
        if value not in (None, ()):
            assert field.sentence(value, zone_named(zone))


keys = st.sampled_from([field.key for field in FIELDS]) | st.text()
values = st.text() | st.sampled_from(sorted(CATALOGUE)) | st.dates().map(str) | st.datetimes().map(lambda d: f"{d}Z")


@given(st.lists(st.tuples(keys, values)))
def test_any_url_is_a_filter_or_says_what_is_wrong(pairs: list[tuple[str, str]]) -> None:
    try:
        found = parse(pairs)
    except Invalid as invalid:
        assert invalid.problems
        return
    assert parse(write(found)) == found


@pytest.mark.parametrize("text", ["x" * 10**6, "\0" * 10**5, "\u202e" * 10**5, "*" * 10**6, '"' * 10**5, "a " * 10**5])
def test_a_huge_url_is_refused_at_once(text: str) -> None:
    for field in FIELDS:
        if (field.key, text[:1]) == ("actor", "*"):
            continue  # any number of stars is one star
        with pytest.raises(Invalid) as caught:
            parse([(field.key, text), (text, "x"), *((f"{text[:100]}{n}", "x") for n in range(100))])
        assert len(caught.value.message) < 5_000


def test_every_attribute_of_a_filter_is_a_field() -> None:
    assert [field.attribute for field in FIELDS] == [attribute.name for attribute in fields(Filter)]


def test_every_example_is_accepted() -> None:
    for field in FIELDS:
        assert field.value(parse([(field.key, field.example)])) not in (None, ())


def test_blank_values_are_absent() -> None:
    assert parse([("action", ""), ("actor", " "), ("start", ""), ("text", ""), ("text", "")]) == EVERYTHING
    assert write(EVERYTHING) == []


def test_actions_are_kept_once_in_the_order_of_the_catalogue() -> None:
    names = ["user.login", "credits.purchase", "user.login", "member.remove", "member.change_role"]
    found = parse(("action", name) for name in names)
    assert found.actions == ("user.login", "member.change_role", "member.remove", "credits.purchase")


def test_the_canonical_order_is_that_of_the_fields() -> None:
    pairs = [
        ("text", "opus"),
        ("end", "2026-11-06T18:05+01:00"),
        ("start", "2026-11-06T00:00Z"),
        ("actor", "Ada@X.example"),
        ("action", "member.remove"),
    ]
    assert write(parse(pairs)) == [
        ("action", "member.remove"),
        ("actor", "ada@x.example"),
        ("start", "2026-11-06"),
        ("end", "2026-11-06T17:05Z"),
        ("text", "opus"),
    ]


@pytest.mark.parametrize(
    ("pairs", "field", "says"),
    [
        ([("actr", "ada")], "actr", "no filter “actr”. Did you mean actor"),
        ([("offset", "")], "offset", "The filters are action, actor, start, end, text and q."),
        ([("\0\u202e", "x")], "\0\u202e", "“[U+0000][U+202E]”"),
        ([("action", "user.logn")], "action", "“user.logn” is not an action. Did you mean user.login"),
        ([("action", "user.login"), ("action", "zzz")], "action", "“zzz” is not an action. An action is written noun."),
        ([("actor", "ada"), ("actor", "bob")], "actor", "actor is given 2 times; it can be given once."),
        ([("start", "soon")], "start", "“soon” is not a time. Write a day, such as 2026-11-06, a time in UTC, such as"),
        ([("end", "7d")], "end", "or a time told from now on, such as -7d."),
        ([("action", "member.*")], "action", "a query understands action:member.*"),
        ([("q", "before:2026-11-05 after:2026-11-06")], "q", "2026-11-04, is before the start, 2026-11-06."),
        ([("start", "2026-11-06"), ("q", "before:2026-11-05")], "q", "is before the start"),
        ([("start", "2026-11-06"), ("end", "2026-11-05")], "end", "2026-11-05, is before the start, 2026-11-06."),
        ([("start", "2026-11-06T17:05Z"), ("end", "2026-11-06T17:04:59Z")], "end", "is before the start"),
        ([("text", "a\0b")], "text", "NUL"),
    ],
)
def test_what_is_wrong_is_named(pairs: list[tuple[str, str]], field: str, says: str) -> None:
    with pytest.raises(Invalid) as caught:
        parse(pairs)
    [problem] = caught.value.problems
    assert problem.field == field
    assert says in problem.message


@pytest.mark.parametrize(
    ("query", "beside", "part"),
    [
        (f"{'İ' * 40} after:2026-11-06 Before:2026-11-05", [], "Before:2026-11-05"),  # longer in lower case
        (" before:2026-11-04 after:2026-11-06 before:2026-11-05 a", [], "before:2026-11-04"),
        ('"before: x" before:2026-11-05 after:2026-11-06 -before:2026-01-01', [], "before:2026-11-05"),
        ("before:2026-11-05 after:2026-11-06 (a OR before:2026-12-01)", [], "before:2026-11-05"),
        ("(before:2026-11-05 a) after:2026-11-06", [], "(before:2026-11-05 a) after:2026-11-06"),
        ("a after:2026-11-06", [("end", "2026-11-05")], "after:2026-11-06"),
        ("before:2026-12-01 a after:2026-11-06", [("end", "2026-11-05")], "after:2026-11-06"),
        ("before:2026-11-01,2026-11-02 before:2026-11-05 after:2026-11-06", [], "before:2026-11-05"),
    ],
)
def test_a_query_for_what_is_before_its_own_start_is_pointed_at(
    query: str, beside: list[tuple[str, str]], part: str
) -> None:
    with pytest.raises(Invalid) as caught:
        parse([("q", query), *beside])
    [problem] = caught.value.problems
    assert problem.at is not None
    assert problem.length is not None
    assert query[problem.at : problem.at + problem.length] == part


def test_everything_that_is_wrong_is_named_at_once() -> None:
    wrong = [("x", "1"), ("action", "a"), ("actor", "ä"), ("start", "?"), ("end", "?"), ("text", "\0")]
    with pytest.raises(Invalid) as caught:
        parse([("action", "user.login"), *wrong])
    assert [problem.field for problem in caught.value.problems] == [key for key, _ in wrong]


def test_an_end_may_be_the_minute_of_the_start() -> None:
    found = parse([("start", "2026-11-06T17:05Z"), ("end", "2026-11-06T17:05Z")])
    assert isinstance(found.start, int)
    assert found.end == found.start + 60_000_000


@pytest.mark.parametrize(
    ("key", "texts", "zone", "sentence"),
    [
        ("action", ["user.login"], "UTC", "action is user.login"),
        ("action", ["member.remove", "user.login"], "UTC", "action is user.login or member.remove"),
        (
            "action",
            ["member.remove", "user.login", "user.logout"],
            "UTC",
            "action is user.login, user.logout or member.remove",
        ),
        ("actor", ["ada@x.example"], "UTC", "actor is ada@x.example"),
        ("actor", ["ada@x"], "UTC", "actor contains ada@x"),
        ("actor", ["*@x.example"], "UTC", "actor matches *@x.example"),
        ("start", ["2026-11-05T23:00Z"], "Europe/Berlin", "from 6 Nov 2026 00:00 CET"),
        ("end", ["2026-11-06T17:05Z"], "Europe/Berlin", "up to 6 Nov 2026 18:05 CET"),
        ("end", ["2026-11-06T17:05:30Z"], "UTC", "up to 6 Nov 2026 17:05:30 UTC"),
        ("end", ["2026-11-06"], "UTC", "up to 6 Nov 2026 23:59 UTC"),
        ("end", ["2026-11-06T17:05Z"], "Asia/Kathmandu", "up to 6 Nov 2026 22:50 UTC+05:45"),
        ("text", ['opus "Billing manager"'], "UTC", "text contains “opus” and “Billing manager”"),
    ],
)
def test_a_field_is_told_in_a_sentence(key: str, texts: list[str], zone: str, sentence: str) -> None:
    found = parse((key, text) for text in texts)
    [field] = [field for field in FIELDS if field.key == key]
    assert field.sentence(field.value(found), zone_named(zone)) == sentence


def test_the_sentence_of_an_absurd_zone_is_in_utc() -> None:
    assert zone_named("../../etc/passwd") is UTC
