"""Completion of a query: what is being typed is seen, and what is offered is understood where it is put."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from minutebook.actions import CATALOGUE
from minutebook.filters import language
from minutebook.filters.completion import Typed, candidates, inserted, named, typed_at
from minutebook.filters.moments import WORDS, Here
from minutebook.filters.paths import detail_paths
from minutebook.filters.terms import TERMS
from minutebook.filters.text import unsearchable
from minutebook.filters.words import values, written
from minutebook.model import ActorKind, Client, Outcome
from tests.actions.examples import EXAMPLES
from tests.fuzz.queries import queries

HERE = Here(ZoneInfo("Europe/Berlin"), 1_794_700_800_000_000)  # 2026-11-15T01:00 there


def split(marked: str) -> tuple[str, int]:
    """A query in which `|` stands where the caret is."""
    return marked.replace("|", "", 1), marked.index("|")


def typed(marked: str) -> Typed | None:
    return typed_at(*split(marked))


def offered(marked: str) -> list[str]:
    found = typed(marked)
    return [candidate.written for candidate in candidates(found, HERE)] if found else []


def chosen(marked: str, number: int = 0) -> str:
    """The query once a candidate was chosen."""
    query, at = split(marked)
    found = typed_at(query, at)
    assert found
    return query[: found.start] + inserted(candidates(found, HERE)[number], found) + query[found.end :]


@pytest.mark.parametrize(
    ("query", "key", "text", "replaced"),
    [
        ("|", None, "", ""),
        ("act|", None, "act", "act"),
        ("opus act|", None, "act", "act"),
        ("a| b", None, "a", "a"),
        ("fo|o b", None, "fo", "foo"),
        ("-act|", None, "act", "act"),
        ("(a OR act|)", None, "act", "act"),
        ("a |", None, "", ""),
        ("act|ion:user.login", None, "act", "action:"),
        ("action:|", "action", "", ""),
        ("ACTION:Us|", "action", "Us", "Us"),
        ("action:us|er.login b", "action", "us", "user.login"),
        ("action:|user.login", "action", "", "user.login"),
        ("outcome:failure,d|", "outcome", "d", "d"),
        ("outcome:f|,denied", "outcome", "f", "f"),
        ('target:"code re|', "target", "code re", '"code re'),
        ('target:"code re| action:x', "target", "code re", '"code re'),
        ('target:"code re|viewer" b', "target", "code re", '"code reviewer"'),
        ('target:"code reviewer"|', "target", "code reviewer", '"code reviewer"'),
        (r'target:"say \"y|', "target", 'say "y', r'"say \"y'),
        ('target:"a","b|', "target", "b", '"b'),
        ("details.role.af|", None, "details.role.af", "details.role.af"),
        ("details.role.after:a|", "details.role.after", "a", "a"),
        ("-(action:a b) actor:c|", "actor", "c", "c"),
        (") actor:c|", "actor", "c", "c"),
        ("x:y|", "x", "y", "y"),
    ],
)
def test_what_is_being_typed_is_seen(query: str, key: str | None, text: str, replaced: str) -> None:
    found = typed(query)
    assert found
    assert (found.key, found.text) == (key, text)
    assert split(query)[0][found.start : found.end] == replaced
    assert found.is_last == (found.end == len(query) - 1)


@pytest.mark.parametrize("query", ["|foo", "a |b", '"billing m|', '"a b|"', 'a "b|" c'])
def test_nothing_is_offered_before_a_term_or_in_a_phrase(query: str) -> None:
    assert typed(query) is None


def test_places_outside_of_the_query_are_none() -> None:
    assert typed_at("a", 2) is None
    assert typed_at("a", -1) is None
    assert typed_at("a" * (language.LONGEST + 1), 3) is None


def test_keys_are_completed() -> None:
    assert offered("|") == [*(f"{key}:" for key in TERMS if key not in ("text", "details")), "details."]
    assert offered("AC|")[:2] == ["action:", "actor:"]
    assert offered("opus (outc|") == ["outcome:"]
    assert offered("act|ion:x")[0] == "action:"
    assert chosen("-outc|") == "-outcome:"
    assert chosen("tar|get:x") == "target:x"


def test_a_word_leads_to_the_actions_it_may_mean() -> None:
    assert offered("login|") == ["action:user.login", "action:user.login_failed"]
    assert "action:log.view" in offered("audit|")
    assert chosen("login|") == "action:user.login "
    assert offered("OR|") == offered("NOT|") == []
    assert offered("a OR |")[0] == offered("a |")[0] == "action:"


def test_actions_are_completed() -> None:
    assert set(CATALOGUE) < set(offered("action:|"))
    assert offered("action:user.l|") == ["user.login", "user.login_failed", "user.logout"]
    assert offered("action:user|")[-1] == "user.*"
    assert offered("action:signed|") == ["user.login", "user.logout"]
    assert chosen("-action:role|") == "-action:member.change_role "
    assert chosen("action:user.l| b") == "action:user.login b"


def test_outcomes_kinds_and_values_of_details_are_completed() -> None:
    assert offered("outcome:|") == list(Outcome)
    assert chosen("outcome:failure,d|)") == "outcome:failure,denied)"
    assert offered("actor:|") == list(ActorKind)
    assert offered("actor:SYS|") == ["system"]
    assert offered("details.role.after:a|")[0] == "admin"
    assert offered("details.after:b|")[0] == "billing_manager"
    assert offered("details.nothing:|") == offered("seq:|") == offered("ip:1|") == []


@pytest.mark.parametrize("key", [key for key, kind in TERMS.items() if kind.known])
def test_every_value_that_can_be_counted_is_completed(key: str) -> None:
    assert set(TERMS[key].known) <= set(offered(f"{key}:|"))
    for value, called in TERMS[key].known.items():
        assert value in offered(f"{key}:{value[:2]}|")
        assert value in offered(f'{key}:"{called}|')


def test_what_can_be_counted_is_what_is_accepted() -> None:
    assert [key for key, kind in TERMS.items() if kind.known] == ["action", "client", "outcome", "severity"]
    found = typed("client:dash|")
    assert found
    assert [(c.written, c.note) for c in candidates(found, HERE)] == [("web", "Dashboard")]
    assert set(TERMS["client"].known) == set(Client)


def test_times_are_completed_and_told_in_the_zone() -> None:
    assert offered("after:-7|") == ["-7d"]
    found = typed("before:y|")
    assert found
    assert [(c.written, c.note) for c in candidates(found, HERE)] == [("yesterday", "14 Nov 2026 00:00 CET")]
    for word in WORDS:
        assert word in offered(f"before:{word[:3]}|")
    assert offered("after:2026|") == ["2026-11-01", "2026-01-01", "2026-11-15"]
    assert [c.written for c in candidates(found, Here())] == []


def test_every_kind_of_actor_is_told() -> None:
    found = typed("actor:|")
    assert found
    assert {c.written: bool(c.note) for c in candidates(found, HERE)} == dict.fromkeys(ActorKind, True)


def test_details_are_completed_by_any_of_their_names() -> None:
    assert offered("details.role|")[0] == "details.role:"
    assert {"details.role.after:", "details.seat_limit.after:"} < set(offered("details.after|"))
    assert chosen("det|") == "details."
    assert chosen("details.role.a|") == "details.role.after:"


def test_the_paths_are_those_of_what_is_recorded() -> None:
    """Every value of every example lies where a path says, and is one of the values that there are."""
    known = detail_paths()
    for details in EXAMPLES:
        for path, value in values(details.model_dump(mode="json", exclude_none=True)):
            at = known[".".join(path)]
            assert details.action.name in at.actions
            assert not at.values or written(value) in at.values
    assert all(issubclass(action.details, BaseModel) for action in CATALOGUE.values())


@given(st.text(min_size=1, max_size=20))
def test_a_name_of_any_kind_is_put_where_it_is_one_value(name: str) -> None:
    written = named(name, "").written
    if unsearchable(written):
        return
    assert typed_at(f"target:{written}", len(f"target:{written}")) == Typed(
        "target", name, len("target:"), len(f"target:{written}"), is_last=True
    )


@given(queries(), st.data())
def test_whatever_is_typed_something_or_nothing_is_offered(query: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(query)))
    found = typed_at(query, at)
    if found is None:
        return
    assert 0 <= found.start <= at <= found.end <= len(query)
    for candidate in candidates(found, HERE):
        assert candidate.written in inserted(candidate, found)


@given(st.sampled_from(["", "opus ", "-", "(a OR ", "outcome:failure,denied "]), st.data())
def test_what_is_chosen_is_understood(before: str, data: st.DataObject) -> None:
    """Any candidate, and where it goes on, any candidate after it, makes a query that is read without an error."""
    query = before
    for _ in range(3):
        found = typed_at(query, len(query))
        choices = candidates(found, HERE) if found else []
        if not found or not choices:
            return
        candidate = data.draw(st.sampled_from(choices))
        query = query[: found.start] + inserted(candidate, found)
        if not candidate.goes_on:
            language.read(query + (")" if "(" in before else ""), HERE)
            return
