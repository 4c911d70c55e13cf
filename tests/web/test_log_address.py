"""The address of Audit Logs: read, written, put right, and never narrower or wider than it says."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minutebook.actions import CATALOGUE
from minutebook.filters import UTC as UTC_ZONE
from minutebook.filters import Cursor, Filter, Seal, expression_of, in_order, search_of, wall_fields, zone_named
from minutebook.filters.expression import conjuncts
from minutebook.identifiers import MOST_SEQ
from minutebook.model import HOUR, MINUTE, SECOND, to_micros
from minutebook.web.log_address import WALL, Address, Pairs, Reading
from minutebook.web.log_reading import read

PATH = "/o/org_abcdefghijkl/audit-logs"
ORGANIZATION = "org_abcdefghijkl"
SEAL = Seal(bytes(32))
BERLIN = zone_named("Europe/Berlin")
NOW = to_micros(datetime(2026, 11, 6, 12, tzinfo=UTC))
ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu")


def utc(text: str) -> int:
    return to_micros(datetime.fromisoformat(text).replace(tzinfo=UTC))


def understood(*pairs: tuple[str, str], own: str = "Europe/Berlin") -> Reading:
    return read(pairs, PATH, ORGANIZATION, SEAL, zone_named(own))


def pairs_of(href: str) -> Pairs:
    assert urlsplit(href).path == PATH
    return tuple(parse_qsl(urlsplit(href).query, keep_blank_values=True, strict_parsing="?" in href))


def form(reading: Reading, **typed: str) -> Pairs:
    """What the controls of a page send, with something else typed into some of their fields."""
    values = dict(reading.values) | typed
    actions = [("action", name) for name in (*reading.wrong_actions, *reading.chosen_actions)]
    hidden = [(key, typed.get(key, value)) for key, value in (*reading.hidden, *reading.hidden_with_controls)]
    hidden += [("text", typed["text"])] if "text" in typed and "text" not in dict(hidden) else []
    turns = [(f"{key}_is", "not" if key in reading.turned else "only") for key in ("action", "actor")]
    return (*hidden, *actions, *turns, *((key, values[key]) for key in ("actor", *WALL)))


instants = st.integers(0, utc("2030-01-01T00:00")) | st.integers(
    utc("2026-10-24T22:00"), utc("2026-10-25T03:00")
)  # the night in which 02:00 to 03:00 comes twice in Berlin
filters = st.builds(
    lambda actions, actor, bounds, text: Filter(in_order(actions), actor, bounds[0], bounds[1], text),
    st.lists(st.sampled_from(list(CATALOGUE)), max_size=3),
    st.none() | st.sampled_from(["ada@calder.example", "ada", "*@calder.example", "a+b&c=d@x.example", "%_#"]),
    st.tuples(st.none() | instants, st.none() | instants)
    .map(lambda b: (b[0], max(b[0], b[1]) + 1) if b[0] is not None and b[1] is not None else b)
    .filter(lambda b: b[1] != 0),
    st.none() | st.sampled_from(['opus "billing manager"', "100 %", "a&b=c+d#e", "søk é", "{after.__class__}"]),
)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    filter_ = draw(filters)
    cursor = Cursor(ORGANIZATION, search_of(filter_), 40, utc("2026-11-06T00:00"), 39, 3, "older")
    return Address(
        PATH,
        filter_,
        draw(st.booleans()),
        draw(st.sampled_from([None, cursor])),
        draw(st.none() | st.integers(0, MOST_SEQ)),
        seal=SEAL,
    )


@given(addresses(), st.sampled_from(ZONES))
def test_an_address_is_read_as_it_was_written(address: Address, own: str) -> None:
    reading = understood(*pairs_of(address.href), own=own)
    assert reading.address == address
    assert not reading.problems
    assert reading.canonical
    assert reading.zone is (UTC_ZONE if address.in_utc else zone_named(own))


@given(addresses(), st.sampled_from(ZONES))
def test_a_form_that_is_sent_unchanged_changes_nothing(address: Address, own: str) -> None:
    shown = understood(*pairs_of(address.href), own=own)
    sent = understood(*form(shown), own=own)
    assert not sent.problems
    assert not sent.canonical
    assert sent.address == address.without()


@pytest.mark.parametrize(
    ("query", "actions", "actor", "turned"),
    [
        ("-action:user.login", ("user.login",), "", {"action"}),
        ("-action:member.*,user.login", ("member.*", "user.login"), "", {"action"}),
        ("action:member.*", ("member.*",), "", set()),
        ("action:*.remove,user.login", ("*.remove", "user.login"), "", set()),
        ("-actor:ada", (), "ada", {"actor"}),
        ("actor:ada@x.example,wen", (), "ada@x.example, wen", set()),
        ("-actor:usr_abc,token", (), "usr_abc, token", {"actor"}),
        ("-action:user.login -actor:ada", ("user.login",), "ada", {"action", "actor"}),
        ("action:user.* -action:user.login outcome:denied", ("user.*",), "", set()),
    ],
)
def test_the_controls_show_what_the_query_says_and_send_it_again(
    query: str, actions: tuple[str, ...], actor: str, turned: set[str]
) -> None:
    reading = understood(("query", query))
    assert (reading.chosen_actions, reading.values["actor"], set(reading.turned)) == (actions, actor, turned)
    sent = understood(*form(reading))
    assert not sent.problems
    parts = set(conjuncts(expression_of(reading.address.filter)))
    assert set(conjuncts(expression_of(sent.address.filter))) == parts


def test_what_a_control_shows_is_changed_by_it_alone() -> None:
    shown = dict(form(understood(("query", "-action:user.login -actor:ada"))))
    changed = understood(*(shown | {"action_is": "only", "actor": "wen"}).items())
    assert changed.values["query"] == "action:user.login -actor:wen"


def test_all_but_these_and_several_are_asked_of_the_controls() -> None:
    def asked(*pairs: tuple[str, str]) -> str:
        reading = understood(*pairs)
        assert not reading.problems
        return reading.values["query"]

    assert asked(("action", "user.login"), ("action_is", "not")) == "-action:user.login"
    assert asked(("action", "user.login"), ("action_is", "only")) == "action:user.login"
    assert asked(("action_is", "not"), ("actor_is", "not"), ("actor", " ")) == ""
    # What a group means already is not said again.
    assert asked(("action", "member.*"), ("action", "member.remove"), ("action_is", "not")) == "-action:member.*"
    assert asked(("actor", "ada, usr_abc"), ("actor_is", "only")) == "actor:ada,usr_abc"
    assert asked(("actor", "Ada"), ("actor_is", "not"), ("text", "opus")) == "opus -actor:ada"
    wrong = understood(("action", "member.*"), ("action", "user.logn"), ("action_is", "not"))
    assert (wrong.wrong_actions, wrong.chosen_actions, wrong.turned) == (
        ("user.logn",),
        ("member.*",),
        frozenset({"action"}),
    )
    assert "user.logn" in wrong.errors["action"]
    assert "“member.*”" not in wrong.errors["action"]
    assert understood(("actor", "ada, ö"), ("actor_is", "not")).errors["actor"].startswith("The character “ö”")
    (problem,) = understood(("action_is", "both")).problems
    assert problem.message == "action_is is only for these, or not for all but these."


def test_what_is_understood_of_a_bad_query_is_kept_and_no_more_is_left_of_it() -> None:
    reading = understood(("query", "-action:user.logout outcome:sucess after:2026-11-06 ip:x"), ("actor", "ada"))
    assert reading.address.pairs == (
        ("actor", "ada"),
        ("start", "2026-11-05T23:00Z"),
        ("q", "-action:user.logout"),
        ("query", "outcome:sucess ip:x"),
    )
    box = reading.values["query"]
    assert box == "actor:ada -action:user.logout outcome:sucess after:2026-11-06 ip:x"
    assert [box[bad.at : bad.at + bad.length] for bad in reading.bad_queries] == ["sucess", "x"]
    # The controls send along what was not understood, and so does every link.
    sent = understood(*form(reading))
    assert set(sent.address.pairs) == set(reading.address.pairs)
    assert understood(*pairs_of(reading.address.without("actor").href)).values["query"] == (
        "after:2026-11-06 -action:user.logout outcome:sucess ip:x"
    )
    # Of alternatives nothing is kept: without one of them the others would mean something else.
    either = understood(("query", "user OR outcome:sucess"), ("actor", "ada"))
    assert either.address.pairs == (("actor", "ada"), ("query", "user OR outcome:sucess"))
    assert either.values["query"] == "actor:ada (user OR outcome:sucess)"
    assert either.bad_queries[0].fix == "actor:ada (user OR outcome:success)"


@given(filters, st.sampled_from(ZONES))
def test_another_field_keeps_both_bounds_to_the_microsecond(filter_: Filter, own: str) -> None:
    shown = understood(*pairs_of(Address(PATH, filter_).href), own=own)
    sent = understood(*form(shown, text="haiku"), own=own)
    assert (sent.address.filter.start, sent.address.filter.end) == (filter_.start, filter_.end)
    assert sent.address.filter.text == "haiku"


@pytest.mark.parametrize("zone", ZONES)
def test_what_is_typed_is_meant_in_the_zone_that_was_shown(zone: str) -> None:
    start, end = utc("2026-10-24T23:15"), utc("2026-11-06T16:05") + MINUTE
    typed = wall_fields(Filter(start=start, end=end), zone_named(zone))
    reading = understood(*typed.items(), own=zone)
    assert (reading.address.filter.start, reading.address.filter.end) == (start, end)
    # Another tab has told the server another zone meanwhile: the label of this form still holds.
    reading = understood(*typed.items(), ("form_zone", zone), own="Pacific/Auckland")
    assert (reading.address.filter.start, reading.address.filter.end) == (start, end)


def test_an_end_of_17_05_includes_17_05_59() -> None:
    reading = understood(("end_date", "2026-11-06"), ("end_time", "17:05"))
    assert reading.address.filter.end == utc("2026-11-06T16:06")
    assert reading.address.href == f"{PATH}?end=2026-11-06T16:05Z"


def test_a_cleared_time_is_the_whole_day_and_a_cleared_day_no_bound() -> None:
    shown = understood(("start", "2026-11-06T08:00Z"), ("end", "2026-11-06T16:05Z"))
    sent = understood(*form(shown, start_time="", end_time=""))
    assert (sent.address.filter.start, sent.address.filter.end) == (utc("2026-11-05T23:00"), utc("2026-11-06T23:00"))
    sent = understood(*form(shown, start_date="", start_time="", end_date="", end_time=""))
    assert sent.address.filter == Filter()
    sent = understood(*form(shown, start_date=" "))
    assert list(sent.errors) == ["start_date"]


def test_the_second_0230_of_the_night_keeps_being_the_second() -> None:
    second = utc("2026-10-25T01:30")  # 02:30 CET; 02:30 CEST was an hour before
    shown = understood(("start", "2026-10-25T01:30Z"))
    assert (shown.values["start_date"], shown.values["start_time"]) == ("2026-10-25", "02:30")
    assert understood(*form(shown, text="opus")).address.filter.start == second
    assert understood(*form(shown, start_time="02:31")).address.filter.start == second - HOUR + MINUTE


def test_a_kept_bound_that_is_not_before_a_typed_one_is_an_error() -> None:
    shown = understood(("start", "2026-10-25T01:30Z"))
    sent = understood(*form(shown, end_date="2026-10-25", end_time="02:15"))
    assert "is before the start" in sent.errors["end_time"]
    assert sent.address.filter == Filter()


def test_a_bound_of_which_no_field_was_sent_stays() -> None:
    found = understood(("start", "2026-11-06T08:00Z"), ("end_date", "2026-11-07")).address.filter
    assert (found.start, found.end) == (utc("2026-11-06T08:00"), utc("2026-11-07T23:00"))


def test_blank_fields_are_left_out_of_the_address() -> None:
    reading = understood(("text", " "), ("actor", ""), ("action", ""), ("start", ""), ("zone", ""), ("older", ""))
    assert not reading.problems
    assert not reading.canonical
    assert reading.address == Address(PATH, seal=SEAL)
    assert reading.address.href == PATH


@pytest.mark.parametrize(
    ("pairs", "field", "says"),
    [
        ([("actoin", "user.login")], "actoin", "Did you mean action"),
        ([("foo", "")], "foo", "The filters are action, actor, start, end, text and q."),
        ([("\0", "x")], "\0", "[U+0000]"),
        ([("x" * 3_000, "x")], "x" * 60, "There is no filter"),
        ([("action", "user.logn")], "action", "Did you mean user.login"),
        ([("action", "user.login"), ("action", "\0")], "action", "[U+0000]"),
        ([("action", "x" * 3_000)], "action", "is not an action"),
        ([("actor", "ada okafor")], "actor", "holds no blanks"),
        ([("actor", "аda@calder.example")], "actor", "CYRILLIC SMALL LETTER A"),
        ([("actor", "a\0b")], "actor", "not accepted"),
        ([("actor", "a" * 3_000)], "actor", "at most 256 characters"),
        ([("actor", "a"), ("actor", "b")], "actor", "given 2 times"),
        ([("text", "a\0b")], "text", "NUL"),
        ([("text", "a" * 3_000)], "text", "at most 200"),
        ([("text", '""')], "text", "nothing to search for"),
        ([("start", "the other day")], "start_date", "2026-11-06T17:05Z"),
        ([("start", "2026-13-01")], "start_date", "not a day of the calendar"),
        ([("end", "9" * 3_000)], "end_date", "is not a time"),
        ([("start", "2026-11-06"), ("end", "2026-11-04")], "end_time", "is before the start"),
        ([("start", "2026-11-06T12:00Z"), ("end", "2026-11-06T11:00Z")], "end_time", "is before the start"),
        ([("start_date", "6/11/2026")], "start_date", "Write it as 2026-11-06"),
        ([("start_date", "2026-11-06"), ("start_time", "25:00")], "start_time", "from 00:00 to 23:59"),
        ([("start_time", "17:05")], "start_date", "needs a day"),
        ([("end_date", "\0")], "end_date", "is not a day"),
        ([("end_date", "2026-11-06"), ("end_date", "2026-11-07")], "end_date", "given once"),
        ([("start_date", "2026-11-06"), ("end_date", "2026-11-05")], "end_date", "is before the start"),
        ([("start_date", "2026-11-06"), ("start", "soon")], "start_date", "is not a time"),
        ([("start_date", "2026-11-06"), ("form_zone", "Europe/Atlantis")], "form_zone", "Europe/Berlin"),
        ([("zone", "Europe/Berlin")], "zone", "zone=utc"),
        ([("zone", "utc"), ("zone", "utc")], "zone", "given once"),
        ([("older", "x")], "older", "not a link"),
        ([("newer", "é" * 3_000)], "newer", "not a link"),
        ([("older", "x"), ("newer", "y")], "newer", "leave one out"),
        ([("event", "-1")], "event", "is not the number of an event"),
        ([("event", "٣")], "event", "is not the number of an event"),
        ([("event", "9" * 3_000)], "event", "is not the number of an event"),
    ],
)
def test_what_is_wrong_is_named_kept_and_can_be_left_out(pairs: list[tuple[str, str]], field: str, says: str) -> None:
    good = [("text", "opus")] if not any(key == "text" for key, _ in pairs) else [("zone", "utc")]
    reading = understood(*good, *pairs)
    [problem] = reading.problems
    assert problem.field == field
    assert says in problem.message
    assert len(problem.message) < 700
    # Everything that was given is still in the address: the good as it was understood, the wrong as it was typed.
    kept = reading.address.pairs
    assert set(good) <= set(kept)
    if field not in ("older", "newer"):
        assert set(pairs) <= set(kept)
    # Leaving it out leads to a page that is searched, with the good kept.
    mended = understood(*pairs_of(reading.address.leaving_out(problem).href))
    assert not mended.problems
    assert set(good) <= set(mended.address.pairs)


def test_several_mistakes_are_all_named_and_each_can_be_left_out_alone() -> None:
    reading = understood(("foo", "1"), ("action", "user.logn"), ("action", "user.login"), ("start_date", "x"))
    assert [problem.field for problem in reading.problems] == ["foo", "action", "start_date"]
    assert (reading.wrong_actions, reading.chosen_actions) == (("user.logn",), ("user.login",))
    assert reading.values["start_date"] == "x"
    without_foo = understood(*pairs_of(reading.address.leaving_out(reading.problems[0]).href))
    assert [problem.field for problem in without_foo.problems] == ["action", "start_date"]
    without_action = understood(*pairs_of(reading.address.leaving_out(reading.problems[1]).href))
    assert [problem.field for problem in without_action.problems] == ["foo", "start_date"]
    assert without_action.address.filter.actions == ("user.login",)


def cursor(organization: str = ORGANIZATION, filter_: Filter = Filter(text="opus")) -> str:
    return SEAL.write(Cursor(organization, search_of(filter_), 40, 5 * SECOND, 39, 3, "older"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (cursor("org_aaaaaaaaaaaa"), "another log"),
        (cursor(filter_=Filter()), "another search"),
        (cursor() + "A", "not a link"),
    ],
)
def test_a_cursor_is_of_this_search_in_this_organization(text: str, says: str) -> None:
    reading = understood(("text", "opus"), ("older", text))
    [problem] = reading.problems
    assert (problem.field, reading.address.cursor) == ("older", None)
    assert says in problem.message
    assert understood(("text", "opus"), ("older", cursor())).address.cursor


@given(st.lists(st.tuples(st.sampled_from([*WALL, "start", "end", "zone", "event", "text", "actor"]), st.text())))
def test_any_text_is_understood_or_named(pairs: list[tuple[str, str]]) -> None:
    reading = understood(*pairs)
    again = understood(*pairs_of(reading.address.href))
    if not reading.problems:
        assert again.canonical
        assert again.address == reading.address
    else:
        assert [problem.field for problem in again.problems] == [problem.field for problem in reading.problems]
