"""Errors: every class is complete, and a fact is put into its message once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from minutebook import errors
from minutebook.errors import Conflict, Forbidden, Invalid, MinutebookError, Problem, StoreInUse


def classes(of: type[MinutebookError] = MinutebookError) -> Iterator[type[MinutebookError]]:
    yield of
    for child in of.__subclasses__():
        yield from classes(child)


@pytest.mark.parametrize("error", [error for error in classes() if error.__module__ == errors.__name__])
def test_every_class_is_complete(error: type[MinutebookError]) -> None:
    assert (error.__doc__ or "").strip().endswith((".", "}", "MINUTEBOOK_DATABASE_URL."))
    assert 400 <= error.status <= 599
    assert error.code.isidentifier()
    assert 1 <= error.exit_code <= 3


def test_codes_are_told_apart() -> None:
    codes = [error.code for error in classes() if error.__module__ == errors.__name__]
    assert len(set(codes)) == len(codes)


def test_messages() -> None:
    assert Forbidden(role="member", verb="buy credits").message == "The role member may not buy credits."
    assert str(Conflict("Too late.")) == "Too late."
    assert StoreInUse(directory="/d", holder="process 7").facts == {"directory": "/d", "holder": "process 7"}
    two = Invalid(Problem("a", "A is wrong."), Problem("b", "B is wrong."))
    assert (two.message, [problem.field for problem in two.problems]) == ("A is wrong. B is wrong.", ["a", "b"])


@pytest.mark.parametrize("typed", ["{verb}", "{0}", "%s", "{role.__class__}", "{"])
def test_what_a_person_typed_is_no_format(typed: str) -> None:
    assert Conflict(f"{typed} is taken.").message == f"{typed} is taken."
    assert Forbidden(role=typed, verb="look").message == f"The role {typed} may not look."
    assert Forbidden(verb=typed, role="member").message == f"The role member may not {typed}."


@pytest.mark.parametrize("problem", [Problem("actor", "Write one."), Problem("q", "No.", at=3, length=2, fix="a")])
def test_a_problem_is_read_as_it_was_written_by_this_version_and_a_later_one(problem: Problem) -> None:
    assert Problem.read(problem.written()) == problem
    assert Problem.read(problem.written() | {"severity": "new"}) == problem
