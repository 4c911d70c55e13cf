"""What an operation does not accept is an error that names the parameter and what it accepts; nothing else happens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from minutebook.filters import FIELDS, Cursor, Filter, Seal, search_of
from minutebook.web import api
from tests.support.dashboard import Dashboard, Somebody

OPERATIONS = {
    path: {parameter["name"] for parameter in operations["get"]["parameters"] if parameter["in"] == "query"}
    for path, operations in api.OPENAPI["paths"].items()
}


class Program:
    """A program that may read."""

    def __init__(self, dashboard: Dashboard) -> None:
        self.dashboard = dashboard
        self.token = dashboard.token("log.read", "log.export")
        self.somebody: Somebody = dashboard.anybody()

    def refused(self, operation: str, *pairs: tuple[str, str]) -> dict[str, str]:
        """What is said to be wrong, by parameter; nothing was recorded."""
        before = self.dashboard.recorded()
        own = self.dashboard.api() if operation == "events" else self.dashboard.api(operation)
        path = operation if operation.startswith("/") else own
        filled = {"{org}": self.dashboard.organization.id, "{seq}": "0", "{tile}": "entries/000.p/1"}
        for name, value in filled.items():
            path = path.replace(name, value)
        answer = self.somebody.ask(path, *pairs, token=self.token)
        assert answer.status_code == 422, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert self.dashboard.recorded() == before
        body: dict[str, Any] = answer.json()
        assert body["code"] == "invalid"
        return {error["field"]: error["message"] for error in body["errors"]}


@pytest.fixture
def program(dashboard: Dashboard) -> Program:
    return Program(dashboard)


@pytest.fixture
def light_program(light_dashboard: Dashboard) -> Program:
    return Program(light_dashboard)


def test_an_unknown_parameter_is_told_those_that_are_known(light_program: Program) -> None:
    for operation, known in OPERATIONS.items():
        errors = light_program.refused(operation, ("actr", "ada"), ("x\0", "1"))
        assert errors.keys() == {"actr", "x\0"}
        assert all(name in errors["actr"] for name in known)
        assert ("Did you mean actor" in errors["actr"]) is ("actor" in known)
        if not known:
            assert "accepts none" in errors["actr"]


def test_everything_that_is_wrong_is_said_at_once(light_program: Program) -> None:
    wrong = [("action", "user.fly"), ("start", "soon"), ("limit", "0"), ("q", "ip:x"), ("order", "up"), ("more", "1")]
    errors = light_program.refused("events", *wrong)
    assert errors.keys() == {"action", "start", "limit", "q", "order", "more"}
    assert "from 1 to 1,000" in errors["limit"]
    assert "newest and log" in errors["order"]


def test_a_query_that_is_wrong_is_told_from_where_to_where_and_how_to_mend_it(light_program: Program) -> None:
    path = light_program.dashboard.api()
    answer = light_program.somebody.ask(path, ("q", "opus action:user.lgin"), token=light_program.token)
    [error] = answer.json()["errors"]
    assert (error["field"], error["at"], error["length"]) == ("q", 12, 9)
    assert error["fix"] == "opus action:user.login"
    other = light_program.somebody.ask(path, ("limit", "0"), token=light_program.token)
    assert [set(error) for error in other.json()["errors"]] == [{"field", "message"}]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *(("limit", text) for text in ("", "0", "-1", "1001", "1.0", "٣", "1e1", " 5", "9" * 6000, "\0", "null")),
        *(("after", text) for text in ("", "-1", str(1 << 40), "9" * 6000, "x", "\0")),
        *(("older", text) for text in ("", "x", "\0", "=" * 500, "bnVsbA", "é")),
        *(("newer", text) for text in ("", "x", "\0")),
        *(("order", text) for text in ("", "\0", "LOG")),
        *(("action", text) for text in ("", "\0", "user", "*")),
        *(("actor", text) for text in ("", "\0", "a b", "x" * 5000)),
        *(("start", text) for text in ("", "\0", "2026-13-01", "9" * 6000, "0000-00-00")),
        *(("end", text) for text in ("", "\0", "tomorrow")),
        *(("now", text) for text in ("", "\0", "soon", "-7d")),
        *(("text", text) for text in ("", "x" * 20_000)),
        *(("q", text) for text in ("", "((", "seq:" + "9" * 6000, "id:\0", "actor:\0", "ip:\0", "x:y")),
    ],
)
def test_what_cannot_be_meant_is_refused(light_program: Program, name: str, text: str) -> None:
    order = [("order", "log")] if name == "after" else []
    assert light_program.refused("events", (name, text), *order).keys() == {name}


def test_any_text_is_searched_for_on_both_databases(program: Program) -> None:
    """NUL and everything else that no event holds finds nothing, and is no error of the server."""
    for text in ("\0", "a\0b", "\ufffe", "%", "_", "\\", "'", '"', "\u202e", "𝕏" * 50, "\x1b[2J", "\ud7ff"):
        for name in ("text", "q", "actor"):
            for operation in ("", "count", "facets", "histogram"):
                path = program.dashboard.api(*filter(None, [operation]))
                answer = program.somebody.ask(path, (name, text), token=program.token)
                assert answer.status_code in (200, 422), (name, text, answer.text)


@pytest.mark.parametrize("name", ["limit", "order", "older", "after", "actor", "start", "text", "q"])
def test_what_is_given_twice_is_refused(light_program: Program, name: str) -> None:
    text = {"limit": "1", "order": "log", "after": "1", "start": "2026-01-01"}.get(name, "ada")
    errors = light_program.refused("events", (name, text), (name, text))
    assert "given 2 times" in errors[name]


def test_a_parameter_of_the_other_order_is_refused(light_program: Program) -> None:
    assert light_program.refused("events", ("after", "1")).keys() == {"after"}
    log = ("order", "log")
    assert light_program.refused("events", log, ("older", "x"), ("newer", "y")).keys() == {"older", "newer"}
    assert light_program.refused("events", ("older", "x"), ("newer", "y")).keys() == {"newer"}


def test_the_zone_is_one_that_exists(light_program: Program) -> None:
    for text in ("", "Nowhere/City", "\0", "../../etc/passwd", "europe/berlin", "x" * 5000):
        assert light_program.refused("histogram", ("zone", text)).keys() == {"zone"}


def test_a_cursor_is_of_this_log_and_this_search(light_program: Program) -> None:
    """Made up or taken from elsewhere, it opens nothing."""
    here, events = light_program.dashboard.organization.id, light_program.dashboard.events()
    size, at = len(events), events[-1].occurred_at
    seal = light_program.dashboard.seal
    good = Cursor(here, search_of(Filter()), size, at, 1, 1, "older")
    answer = light_program.somebody.ask(
        light_program.dashboard.api(), token=light_program.token, older=seal.write(good)
    )
    assert answer.status_code == 200
    for cursor, what in (
        (replace(good, log="org_aaaaaaaaaaaa"), "another log"),
        (replace(good, search=search_of(Filter(actor="ada"))), "another search"),
        (replace(good, direction="newer"), "newer events"),
        (replace(good, size=1 << 40), "a log that was longer"),
    ):
        assert what in light_program.refused("events", ("older", seal.write(cursor)))["older"]
    made_up = Seal(bytes(32)).write(good)
    assert "not a link" in light_program.refused("events", ("older", made_up))["older"]


@pytest.mark.parametrize("seq", ["x", "-1", "1.0", "٣", "%00", str(1 << 40), "9" * 6000, "1e1", "+1"])
def test_a_number_of_an_event_is_one(light_program: Program, seq: str) -> None:
    assert light_program.refused(seq).keys() == {"seq"}


def test_every_filter_of_the_page_is_accepted(light_program: Program) -> None:
    for field in FIELDS:
        answer = light_program.somebody.ask(
            light_program.dashboard.api("count"), (field.key, field.example), token=light_program.token
        )
        assert answer.status_code == 200, answer.text


def test_the_description_is_for_everybody(light_dashboard: Dashboard) -> None:
    answer = light_dashboard.anybody().get("/api/v1/openapi.json")
    assert answer.json() == api.OPENAPI
    assert answer.json()["openapi"] == "3.1.0"
    missing = light_dashboard.anybody().get("/api/v1/nowhere")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")
