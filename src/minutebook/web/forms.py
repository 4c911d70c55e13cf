"""What a form sends, and how it is shown again with what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from minutebook.email_address import normal_email
from minutebook.errors import (
    Conflict,
    Invalid,
    LeafTooLarge,
    MinutebookError,
    NotAllowed,
    OutcomeUnknown,
    Problem,
    StoreUnavailable,
    TooManyMails,
    kept,
)
from minutebook.model import Randomness
from minutebook.organization import people, wording
from minutebook.organization.people import User
from minutebook.web.templating import visible
from minutebook.web.views.page import Form

ENCODING = "application/x-www-form-urlencoded"
MAX_FIELDS = 2_000

STAYS = (Invalid, NotAllowed, Conflict, LeafTooLarge, TooManyMails, StoreUnavailable, OutcomeUnknown)
"""Errors after which a form is shown again with what was typed, since the same form can still be sent."""


class NotAForm(MinutebookError):
    """{reason}"""

    status = 415
    code = "not_a_form"


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form as they were sent: any text, and any name once, several times or not at all."""

    fields: tuple[tuple[str, str], ...] = ()

    def one(self, name: str) -> str:
        """The first value of a field; nothing when it was not sent."""
        return next((value for field, value in self.fields if field == name), "")

    def every(self, name: str) -> tuple[str, ...]:
        """All values of a field."""
        return tuple(value for field, value in self.fields if field == name)


async def typed(request: Request) -> Typed:
    """The fields of the body. Raises NotAForm for another kind of body or more than 2,000 fields, TooLarge at 1 MiB."""
    kind = request.headers.get("content-type", ENCODING).partition(";")[0].strip().lower()
    if kind != ENCODING:
        raise NotAForm(reason=f"Send this as {ENCODING}, as the form on the page does.")
    body = (await request.body()).decode("utf-8", "replace")
    try:
        fields = parse_qsl(body, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError as error:
        raise NotAForm(reason=f"The form has too many fields; at most {MAX_FIELDS:,} are accepted.") from error
    return Typed(tuple(fields))


Sent = Annotated[Typed, Depends(typed)]


def confirm(sent: Typed, name: str) -> None:
    """Raises Invalid on `confirm` unless the name of what is at stake was typed as pages show it, unseen characters as
    their marks. What is in lower case, such as an address, may be typed in any case."""
    shown, typed = visible(name), sent.one("confirm").strip()
    if shown not in (typed, typed.lower()):
        raise Invalid.one("confirm", f"Type {shown} to confirm, or cancel.")


def kept_user(problems: list[Problem], sent: Typed, email: str, randomness: Randomness) -> User | None:
    """A new user with the name that was typed, all that is wrong with them told at once."""
    address = kept(problems, normal_email, email)
    name = kept(problems, wording.name, sent.one("name"), "name", "Your name")
    return people.new_user(address, name, randomness) if address and name else None


def form_after(
    sent: Typed,
    error: MinutebookError,
    one: Iterable[str] = (),
    every: Iterable[str] = (),
    more: tuple[Problem, ...] = (),
) -> Form:
    """The form with what was typed kept and what is wrong beside its field, or above all of them."""
    problems = (*error.problems, *more) if isinstance(error, Invalid) else (Problem("", error.message),)
    return form_with(sent, problems, one, every)


def form_with(sent: Typed, problems: Iterable[Problem], one: Iterable[str] = (), every: Iterable[str] = ()) -> Form:
    """The form with what was typed in the fields `one`, and ticked in the groups `every`."""
    values: dict[str, str | tuple[str, ...]] = {name: sent.one(name) for name in one}
    values |= {name: sent.every(name) for name in every}
    errors: dict[str, str] = {}
    for problem in problems:
        field = problem.field if problem.field in values else ""
        errors[field] = f"{errors[field]} {problem.message}" if field in errors else problem.message
    return Form(values, {name: errors[name] for name in ("", *values) if name in errors})
