"""The query language: what is written is what is meant, and what is wrong is pointed at."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minutebook.actions import CATALOGUE
from minutebook.errors import MinutebookError
from minutebook.filters import EVERYTHING, FIELDS, Filter, expression_of, filter_of, language, parse, write
from minutebook.filters.expression import (
    NOTHING_ASKED,
    AllOf,
    AnyOf,
    Expression,
    Not,
    Term,
    all_of,
    any_of,
    none_of,
)
from minutebook.filters.expression import terms as expression_terms
from minutebook.filters.language import BadQuery, read, read_what_can_be
from minutebook.filters.moments import Here, Relative, is_backwards
from minutebook.filters.term_values import CLIENTS, SEVERITIES, ActorValue, DetailValue, SeqRange, parse_details
from minutebook.filters.terms import TERMS
from minutebook.filters.zones import UTC
from minutebook.model import HOUR, ActorKind, Outcome
from tests.filters.test_fields import filters, relatives

BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_794_700_800_000_000  # 2026-11-14T24:00:00Z
HERE = Here(BERLIN, NOW)
DETAIL = Term("details", DetailValue(("after",), "2026-11-06"))


def text(word: str) -> Term:
    return Term("text", word)


def action(name: str) -> Term:
    return Term("action", name)


@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ("", NOTHING_ASKED),
        ("  \n ", NOTHING_ASKED),
        ("opus", text("opus")),
        ("a b", AllOf((text("a"), text("b")))),
        ("a AND b", AllOf((text("a"), text("b")))),
        ("a b OR c", AnyOf((AllOf((text("a"), text("b"))), text("c")))),
        ("a (b OR c)", AllOf((text("a"), AnyOf((text("b"), text("c")))))),
        ("a OR b OR c", AnyOf((text("a"), text("b"), text("c")))),
        ("((a))", text("a")),
        ("(a)(b)", AllOf((text("a"), text("b")))),
        ("a a", text("a")),
        ("-a", Not(text("a"))),
        ("--a", text("a")),
        ("-(a b)", Not(AllOf((text("a"), text("b"))))),
        ("or and not", AllOf((text("or"), text("and"), text("not")))),
        ('"NOT" NOTE', AllOf((text("NOT"), text("NOTE")))),
        ('"OR"', text("OR")),
        ('"billing  manager"', text("billing manager")),
        (r'"say \"yes\" \\"', text('say "yes" \\')),
        ('5"', text('5"')),
        ("17:05", text("17:05")),
        ("target:foo-after:2026-11-06 17:05", all_of([Term("target", "foo-after:2026-11-06"), text("17:05")])),
        (
            "details.after:2026-11-06 9:05",
            all_of([Term("details", DetailValue(("after",), "2026-11-06")), text("9:05")]),
        ),
        ("100%", text("100%")),
        ("action:user.login", action("user.login")),
        ("ACTION:User.Login", action("user.login")),
        ('action:"user.login"', action("user.login")),
        ("action:user.login,member.remove", AnyOf((action("user.login"), action("member.remove")))),
        ("action:member.*", action("member.*")),
        ("-action:user.**", Not(action("user.*"))),
        ("actor:Ada@Example.com", Term("actor", ActorValue("email", "ada@example.com"))),
        ("actor:system", Term("actor", ActorValue("kind", "system"))),
        ("actor:usr_Ab12", Term("actor", ActorValue("id", "usr_ab12"))),
        ("target:Réviewer", Term("target", "reviewer")),
        ("ip:10.1.2.3/8", Term("ip", "10.0.0.0/8")),
        ("ip:10.1.2.3/32", Term("ip", "10.1.2.3")),
        ("ip:2001:DB8::1", Term("ip", "2001:db8::1")),
        ("ip:::ffff:10.1.2.3", Term("ip", "10.1.2.3")),
        ("ip:::ffff:0a01:0203/104", Term("ip", "10.0.0.0/8")),
        ("ip:::ffff:0:0/96", Term("ip", "0.0.0.0/0")),
        ("ip:::ffff:0:0/95", Term("ip", "::fffe:0:0/95")),
        ("outcome:failure,denied", AnyOf((Term("outcome", "failure"), Term("outcome", "denied")))),
        ("after:2026-11-06", Term("after", 1_793_919_600_000_000)),
        ("after:2026-11-06T00:00Z", Term("after", 1_793_923_200_000_000)),
        ("after:2026-11-06T01:00+01:00", Term("after", 1_793_923_200_000_000)),
        ("after:2026-11-06T01:00:00.5", Term("after", 1_793_923_200_500_000)),
        ("after:-7d", Term("after", Relative(7, "d"))),
        ("before:-90M", Term("before", Relative(90, "m"))),
        ("before:Now,-0d", Term("before", Relative(0, "s"))),
        ("after:yesterday", Term("after", Relative(1, "day"))),
        ("after:last-month", Term("after", Relative(1, "month"))),
        ("seq:1,12", AnyOf((Term("seq", SeqRange(1, 1)), Term("seq", SeqRange(12, 12))))),
        ('seq:"204","205"', AnyOf((Term("seq", SeqRange(204, 204)), Term("seq", SeqRange(205, 205))))),
        ("ip:10.0.0.1,192.168.0.1", AnyOf((Term("ip", "10.0.0.1"), Term("ip", "192.168.0.1")))),
        ('seq:"4,700"', Term("seq", SeqRange(4700, 4700))),
        ("seq:5..", Term("seq", SeqRange(5, None))),
        ("seq:..5", Term("seq", SeqRange(None, 5))),
        ("id:019372A45C6E7A108B3F2F1E0D9C8B7A", Term("id", "019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a")),
        ("details.role.after:Admin", Term("details", DetailValue(("role", "after"), "admin"))),
        ("details.models.added:*OPUS*", Term("details", DetailValue(("models", "added"), "*opus*"))),
        ('details.name:"a, b (c)"', Term("details", DetailValue(("name",), "a, b (c)"))),
    ],
)
def test_what_is_written_is_what_is_meant(query: str, meant: Expression) -> None:
    assert read(query, HERE) == meant


@pytest.mark.parametrize(
    ("query", "pointed_at", "message", "fix"),
    [
        (
            "outcome:sucess a",
            "sucess",
            "is not an outcome. The outcomes are success, failure and denied",
            "outcome:success a",
        ),
        ("a action:user.lgin", "user.lgin", "Did you mean user.login", "a action:user.login"),
        ("action:nothing.like_it", "nothing.like_it", "is not an action", None),
        ("action:zzz.*", "zzz.*", "is not an action", None),
        ("acton:user.login", "acton:", "Did you mean action", "action:user.login"),
        ("see https://x.example", "https:", "put it in quotation marks", 'see "https://x.example"'),
        ("text:a", "text:", "Words are searched for without one", "a"),
        ('-text:"a b" c', "text:", "Words are searched for without one", '-"a b" c'),
        ('subject:"a (b)" c', "subject:", "put it in quotation marks", '"subject:a (b)" c'),
        ('acton:"user.login"', "acton:", "Did you mean action", 'action:"user.login"'),
        ("details.amount:100", "details.amount:", "Did you mean details.amount.cents? ", "details.amount.cents:100"),
        ("start:2026-11-01", "start:", "Did you mean after", "after:2026-11-01"),
        ("End:-7d", "End:", "Did you mean before", "before:-7d"),
        ("details:a", "details:", "There is no field", '"details:a"'),
        ("action: user.login", "action:", "needs a value", "action:user.login"),
        ("actor:", "actor:", "needs a value", None),
        ("action:member a", "member", "Did you mean member.*, ", "action:member.* a"),
        ("action:user.login,", ",", "nothing follows it", "action:user.login"),
        ("actor:ada,,bob", ",", "nothing follows it", "actor:ada,bob"),
        ("actor:ada, bob", ",", "nothing follows it", "actor:ada,bob"),
        ("outcome:denied, actor:ada", ",", "nothing follows it", "outcome:denied actor:ada"),
        ("(outcome:denied,) a", ",", "nothing follows it", "(outcome:denied) a"),
        ("action:(user.login OR user.logout) a", "(", "takes no parentheses", "action:user.login,user.logout a"),
        ("-actor:(ada, bob)", "(", "takes no parentheses", "-actor:ada,bob"),
        ("target:(a AND b)", "(", "takes no parentheses", None),
        ("target:(", "(", "takes no parentheses", None),
        ("(a OR b", "(", "never closed", "(a OR b)"),
        ("a) b", ")", "closes nothing", "a b"),
        (") a", ")", "closes nothing", " a"),
        ("a ()", "()", "nothing in these parentheses", "a"),
        ("a OR", "OR", "nothing follows", "a"),
        ("OR a", "OR", "nothing is before", "a"),
        ("a OR OR b", "OR", "nothing follows", "a OR b"),
        ("a AND", "AND", "nothing follows", "a"),
        ("NOT a", "NOT", "write - before it", "-a"),
        ("a OR NOT action:user.login", "NOT", "write - before it", "a OR -action:user.login"),
        ("NOT(a b)", "NOT", "write - before it", "-(a b)"),
        ("a NOT", "NOT", 'write "NOT"', 'a "NOT"'),
        ("(NOT) a", "NOT", 'write "NOT"', '("NOT") a'),
        ("NOT OR a", "NOT", 'write "NOT"', '"NOT" OR a'),
        ("NOT NOT a", "NOT", "write - before it", None),
        ("a -", "-", "nothing does", "a"),
        ("- a", "-", "nothing does", "-a"),
        ('a "b', '"', "never closed", 'a "b"'),
        ("a\0b", "\0", "NUL", "ab"),
        ("a\0\x1bb", "\0", "NUL", "ab"),
        ("a:\0", "\0", "NUL", None),
        ("\0", "\0", "NUL", None),
        ("ip:10.0.0.256", "10.0.0.256", "is not an IP address", None),
        ("ip:10.0.0.0/33", "10.0.0.0/33", "is not an IP address", "ip:10.0.0.0/32"),
        ("ip:2001:db8::/129 a", "2001:db8::/129", "is not an IP address", "ip:2001:db8::/128 a"),
        ("-ip:203.0.113", "203.0.113", "is not an IP address", "-ip:203.0.113.0/24"),
        ("ip:[2001:db8::1] a", "[2001:db8::1]", "is not an IP address", "ip:2001:db8::1 a"),
        ("ip:[2001:db8::1]:443", "[2001:db8::1]:443", "is not an IP address", "ip:2001:db8::1"),
        ("ip:203.0.113.7:443", "203.0.113.7:443", "is not an IP address", "ip:203.0.113.7"),
        ("ip:[::ffff:203.0.113.7]:443", "[::ffff:203.0.113.7]:443", "is not an IP address", "ip:203.0.113.7"),
        ('ip:"[fe80::1%a b]"', '"[fe80::1%a b]"', "is not an IP address", None),
        ('ip:"fe80::1%a b/999"', '"fe80::1%a b/999"', "is not an IP address", None),
        ("ip:[2001:db8::]/32", "[2001:db8::]/32", "is not an IP address", None),
        ("ip:10.* a", "10.*", "is not an IP address", None),
        ("ip:10.1.*", "10.1.*", "is not an IP address", "ip:10.1.0.0/16"),
        ("ip:300.1", "300.1", "is not an IP address", None),
        ("ip:x/8", "x/8", "is not an IP address", None),
        ('actor:"ada okafor"', '"ada okafor"', "An address holds no blanks: “ada okafor”.", None),
        ("after:2026-02-30", "2026-02-30", "is not a time", None),
        ("after:7d", "7d", "is not a time", "after:-7d"),
        ("after:9999-12-31", "9999-12-31", "too far away", None),
        ("before:-9999w", "-9999w", "too far away", None),
        ("before:1970-01-01T00:00Z", "1970-01-01T00:00Z", "Nothing is before “1970-01-01T00:00Z”", None),
        ("after:2026-11-06 17:05 b", "17:05", "joined to its day by a T", "after:2026-11-06T17:05 b"),
        ("a before:2026-11-06  9:05:10", "9:05:10", "joined to its day by a T", "a before:2026-11-06T09:05:10"),
        ("severity:hi", "hi", "low, medium, high and critical", "severity:high"),
        ("target_id:", "target_id:", "needs a value behind it, such as target_id:usr_4ulpqrl4b6pd", None),
        ("seq:b", "b", "is not the number of an event", None),
        ("seq:9..5", "9..5", "is not the number of an event", None),
        ("a seq:4,700 b", "4,700", "without commas, 4700, or several as seq:4 OR seq:700.", "a seq:4700 b"),
        ("seq:200..300,400", "300,400", "or several as seq:200..300 OR seq:400.", "seq:200..300400"),
        ("seq:1,000..2,000", "1,000", "one number or several", "seq:1000..2000"),
        ("details.amount.cents:5,000", "5,000", "several as details.amount.cents:5 OR", "details.amount.cents:5000"),
        ("seq:..", "..", "is not the number of an event", None),
        ("id:7", "7", "is not the id of an event", None),
        ("a details.:x", "details.:", "which detail is meant", None),
        ("-details.foo:x", "details.foo:", "There is no “foo” in the details of any action. They are called", None),
        (
            "a details.role.aftr:admin",
            "details.role.aftr:",
            "Did you mean details.role.after,",
            "a details.role.after:admin",
        ),
        ("foo:bar", "foo:", ", session and details.NAME. To search for", '"foo:bar"'),
        ("actor:é", "é", "", None),
        ('""', '""', "nothing to search for", None),
        ("(" * 30 + "a" + ")" * 30, "(", "nested deeper", None),
        ("a " * 101, "a", "more than the 100 terms", None),
    ],
)
def test_what_is_wrong_is_pointed_at(query: str, pointed_at: str, message: str, fix: str | None) -> None:
    with pytest.raises(BadQuery) as caught:
        read(query, HERE)
    bad = caught.value
    assert query[bad.at : bad.at + bad.length] == pointed_at
    assert message in bad.message
    assert bad.fix == fix


@pytest.mark.parametrize(
    ("query", "understood", "left", "without", "fix"),
    [
        ("a outcome:sucess b", "a b", ["outcome:sucess"], ["a b"], "a outcome:success b"),
        (
            "outcome:sucess action:user.lgin",
            "",
            ["outcome:sucess", "action:user.lgin"],
            ["action:user.lgin", "outcome:sucess"],
            "outcome:success action:user.login",
        ),
        ("outcome:sucess seq:x a", "a", ["outcome:sucess", "seq:x"], ["seq:x a", "outcome:sucess a"], None),
        ('-(a outcome:x) "b c', "", ["-(a outcome:x)", '"b c'], ['"b c', "-(a outcome:x)"], None),
        ('actor:"x y" a', "a", ['actor:"x y"'], ["a"], None),
        ("a OR outcome:sucess", "", ["a OR outcome:sucess"], [""], "a OR outcome:success"),
        ("a) b", "b", ["a)"], ["b"], "a b"),
        ("a " * 101, "a", ["a"], ["a " * 99 + "a"], None),
        ("seq:x " * 9, "", ["seq:x"], [("seq:x " * 8).strip()], None),
        ("a outcome:success", "a outcome:success", [], [], None),
        # what a negation means goes with it, never stays as its opposite
        ("a NOT outcome:success b", "a b", ["NOT outcome:success"], ["a b"], "a -outcome:success b"),
        ("a - outcome:success b", "a b", ["- outcome:success"], ["a b"], "a -outcome:success b"),
        ("a NOT NOT (b c) d", "a d", ["NOT NOT (b c)"], ["a d"], None),
        ("a NOT", "a", ["NOT"], ["a"], 'a "NOT"'),
    ],
)
def test_what_is_understood_of_a_query_is_kept(
    query: str, understood: str, left: list[str], without: list[str], fix: str | None
) -> None:
    asked, mistakes = read_what_can_be(query, HERE)
    assert language.write(asked) == understood
    assert [query[slice(*bad.clause)] for bad in mistakes] == left
    assert [bad.without for bad in mistakes] == without
    assert [bad.fix for bad in mistakes] == [fix, *[None] * len(mistakes)][: len(mistakes)]
    for bad in mistakes:
        with pytest.raises(BadQuery):
            read(query[slice(*bad.clause)] if left != ["a"] else query, HERE)


def test_alternatives_are_no_more_terms_than_were_read() -> None:
    many = f"seq:{','.join(map(str, range(120)))}"
    for query in (f"{many} OR a", f"a OR {many} OR b", f"({many} OR a) OR -{many}"):
        assert language.write(read(query, HERE)).count("seq:") == query.count("seq:")
        assert read(language.write(read(query, HERE)), HERE) == read(query, HERE)


def test_what_was_meant_is_looked_for_only_where_something_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(language, "closest", None)
    read("action:user.login,member.* client:web", HERE)
    with pytest.raises(BadQuery):
        read("client:webb", HERE, suggesting=False)
    with pytest.raises(TypeError):
        read("client:webb", HERE)


def test_a_query_that_is_too_long() -> None:
    with pytest.raises(BadQuery, match="2,001 characters long; at most 2,000"):
        read("a" * 2_001, HERE)


def test_a_query_that_would_be_too_long_where_it_is_written_out() -> None:
    days = ",".join(f"2026-{month:02}-{day:02}" for month in range(1, 7) for day in range(1, 29))
    with pytest.raises(BadQuery, match="Written out, with times in UTC, the query is 3,031 characters") as caught:
        read(f"a after:{days}", HERE)
    assert caught.value.without == "a"
    assert language.write(read("target:" + "\ufdfa" * 100, HERE))
    asked, mistakes = read_what_can_be("a target:" + "\ufdfa" * 200, HERE)
    assert (language.write(asked), len(mistakes)) == ("a", 1)


# ── Properties ───────────────────────────────────────────────────────────────────────────────────────────────────────

printable = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)


def _parsed(key: str, texts: st.SearchStrategy[str]) -> st.SearchStrategy[Expression]:
    """Terms of what is understood of the texts."""

    def term(written: str) -> Expression | None:
        try:
            return Term(key, TERMS[key].parse(written, HERE))
        except MinutebookError:
            return None

    return texts.map(term).filter(lambda found: found is not None).map(lambda found: found or NOTHING_ASKED)


micros = st.integers(0, 253_000_000_000_000_000)
TERM_VALUES: dict[str, st.SearchStrategy[Expression]] = {
    "action": _parsed("action", st.sampled_from([*CATALOGUE, "member.*", "*", "*.c*"])),
    "actor": _parsed(
        "actor", st.one_of(st.sampled_from([*ActorKind, "usr_1"]), st.emails(), st.text("ab@.*-_", min_size=1))
    ),
    "target": _parsed("target", printable),
    "target_id": _parsed("target_id", printable),
    "request": _parsed("request", printable),
    "session": _parsed("session", printable),
    "severity": _parsed("severity", st.sampled_from(SEVERITIES)),
    "ip": _parsed(
        "ip", st.one_of(st.ip_addresses().map(str), st.sampled_from(["10.0.0.0/8", "2001:db8::/33", "::/0"]))
    ),
    "client": _parsed("client", st.sampled_from(list(CLIENTS))),
    "outcome": _parsed("outcome", st.sampled_from(list(Outcome))),
    "after": micros.map(lambda at: Term("after", at)) | relatives.map(lambda told: Term("after", told)),
    "before": st.integers(1, 4_000_000_000).map(lambda seconds: Term("before", seconds * 1_000_000))
    | relatives.map(lambda told: Term("before", told)),
    "seq": st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda two: Term("seq", SeqRange(min(two), max(two)))),
    "id": st.uuids().map(lambda id_: Term("id", str(id_))),
    "details": printable.map(lambda value: Term("details", parse_details("role.after", value))),
    "text": _parsed("text", printable),
}
terms = st.one_of(*TERM_VALUES.values())
expressions: st.SearchStrategy[Expression] = st.recursive(
    terms,
    lambda inner: st.one_of(
        inner.map(none_of),
        st.lists(inner, min_size=1, max_size=3).map(all_of),
        st.lists(inner, min_size=1, max_size=3).map(any_of),
    ),
    max_leaves=8,
)


def test_every_term_is_generated_and_told() -> None:
    for term in TERMS:
        assert term in TERM_VALUES, f"add values of {term} to TERM_VALUES above"
    assert set(TERM_VALUES) == set(TERMS), "take out of TERM_VALUES what is no term any more"


@given(expressions, st.sampled_from([UTC, BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/Los_Angeles")]))
@example(Term("after", 1_792_886_400_000_000 + HOUR), BERLIN)  # the second 02:00 of the October night
@example(text("-"), UTC)
@example(text("OR"), UTC)
@example(text("NOT"), UTC)
@example(text('a"b\\'), UTC)
def test_a_written_expression_reads_as_it_was(expression: Expression, zone: ZoneInfo) -> None:
    anywhere = language.write(expression)
    if len(anywhere) <= language.LONGEST:
        assert read(anywhere, Here(zone)) == expression
        assert read(language.write(expression, zone), Here(zone)) == expression


@given(expressions)
def test_every_expression_can_be_told(expression: Expression) -> None:
    for kind in TERMS.values():
        assert kind.examples
    for term in expression_terms(expression):
        assert TERMS[term.key].clause(term.value, BERLIN).sentence


@given(st.text(st.sampled_from('ab"\\()-:,. ORAND*action:details.ip7'), max_size=60))
def test_any_text_is_read_or_pointed_at(query: str) -> None:
    try:
        found = read(query, HERE)
    except BadQuery as bad:
        assert 0 <= bad.at < len(query)
        assert bad.length > 0
        assert bad.fix is None or read(bad.fix, HERE) is not None
    else:
        assert read(language.write(found, BERLIN), HERE) == found


@given(filters())
def test_a_filter_and_its_expression_are_one(filter_: Filter) -> None:
    assert expression_of(filter_of(expression_of(filter_))) == expression_of(filter_)


@given(expressions)
def test_the_controls_and_the_box_are_two_views_of_one_filter(expression: Expression) -> None:
    found = filter_of(expression)
    assert filter_of(expression_of(found)) == found
    if sum(len(value) for _, value in write(found)) <= language.LONGEST and not _is_empty_range(found):
        assert parse(write(found)) == found


def _is_empty_range(found: Filter) -> bool:
    return is_backwards(found.start, found.end)


def test_what_a_control_can_show_is_lifted_to_it() -> None:
    found = filter_of(
        read('-outcome:success action:user.login,log.view actor:ada after:2026-11-06 opus "a b" ip:::1', HERE)
    )
    assert found.actions == ("user.login", "log.view")
    assert (found.actor, found.start, found.end, found.text) == ("ada", 1_793_919_600_000_000, None, 'opus "a b"')
    assert language.write(found.more or NOTHING_ASKED) == "-outcome:success ip:::1"
    assert filter_of(NOTHING_ASKED) == EVERYTHING
    assert {field.attribute for field in FIELDS} == set(Filter.__dataclass_fields__)
