"""One tree of errors. Each class carries its HTTP status, its code and its exit code; its docstring is its message.

A message is a sentence for the person who caused it: it names what is wrong and what would be accepted. `{names}` in a
docstring are filled from the keyword arguments, which are also kept in `facts`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
PROBLEM = "application/problem+json"
"""The media type of an error as a program gets it (RFC 9457)."""
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one field: which field, and a sentence that says what would be accepted. Of a query also
    from which character on, how many of them, and a query that would be understood, if one is."""

    field: str
    message: str
    at: int | None = None
    length: int | None = None
    fix: str | None = None

    def written(self) -> dict[str, str | int]:
        """What there is to say of it, by name."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) is not None}

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Problem:
        """What `written` says; what another version says besides is left out."""
        return cls(**{name: written[name] for name in cls.__slots__ if name in written})


class MinutebookError(Exception):
    """Something went wrong inside Minutebook; nothing was changed."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    exit_code: ClassVar[int] = 1

    def __init__(self, **facts: object) -> None:
        self.facts = facts
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The sentence shown to the person, without any text from another organization."""
        text = " ".join((type(self).__doc__ or "").split())
        # in one pass: what a person typed is never a format
        return SLOT.sub(lambda slot: str(self.facts.get(slot[1], slot[0])), text)


class Invalid(MinutebookError):
    """{summary}"""

    status = 422
    code = "invalid"
    exit_code = 2

    def __init__(self, *problems: Problem) -> None:
        self.problems = problems
        super().__init__(summary=" ".join(problem.message for problem in problems))

    @classmethod
    def one(cls, field: str, message: str) -> Invalid:
        """The error for a single field."""
        return cls(Problem(field, message))


def kept(problems: list[Problem], check: Callable[P, T], *typed: P.args, **named: P.kwargs) -> T | None:
    """What the check returns; None when it raises Invalid, whose problems are then added to the others."""
    try:
        return check(*typed, **named)
    except Invalid as error:
        problems += error.problems
        return None


class NotSignedIn(MinutebookError):
    """Sign in first."""

    status = 401
    code = "not_signed_in"


class Sealed(MinutebookError):
    """This organization was deleted, and its log is sealed: only an erasure, or its own restoring, is recorded in
    it."""

    status = 410
    code = "sealed"


class SignInAgain(NotSignedIn):
    """Sign in again: an owner or admin ended your session in this organization, or it limits how long one gives
    access."""

    code = "sign_in_again"


class NotFound(MinutebookError):
    """There is nothing here, or it is not yours to see."""

    status = 404
    code = "not_found"


class NotSignedYet(MinutebookError):
    """No signed checkpoint proves this yet. A server signs what is recorded within a second: try again in a moment. If
    it is not signed then, the server has no key or cannot sign: minutebook doctor says why to whoever runs it. Without
    a server, minutebook sign signs."""

    status = 409
    code = "not_signed_yet"


class Pruned(MinutebookError):
    """Event {seq} was pruned, as event {by} of the log says: only the hash of its leaf is left, in a tile of level 0.
    An entry bundle is whole or none; its other events are each proven by events/<seq>/proof."""

    status = 410
    code = "pruned"


class Forbidden(MinutebookError):
    """The role {role} may not {verb}."""

    status = 403
    code = "forbidden"


class NotAllowed(MinutebookError):
    """{reason}"""

    status = 403
    code = "not_allowed"

    def __init__(self, reason: str, recorded: str | None = None) -> None:
        super().__init__(reason=reason)
        self.recorded = recorded or reason
        """What is recorded of the reason, where that says whom it is about."""


class SecondFactorRequired(NotAllowed):
    """{reason}"""

    code = "second_factor_required"

    def __init__(self) -> None:
        super().__init__(
            "This organization requires a second factor, and you signed in without one. Add one to your account; "
            "if you have one, sign out and sign in with it."
        )


class Conflict(MinutebookError):
    """{reason}"""

    status = 409
    code = "conflict"

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class CrossOrigin(MinutebookError):
    """This request came from another site, so it was refused. Open Minutebook itself and try again."""

    status = 403
    code = "cross_origin"


class TooLarge(MinutebookError):
    """The request is larger than the {limit} bytes that are accepted here."""

    status = 413
    code = "too_large"


class TooManyAttempts(MinutebookError):
    """Too many sign-in attempts. Try again in {minutes} minutes."""

    status = 429
    code = "too_many_attempts"


class TooManyRequests(MinutebookError):
    """This API token has asked more than {limit} times in a minute. Try again in {seconds} seconds."""

    status = 429
    code = "too_many_requests"


class TooManyOpenings(TooManyRequests):
    """Auditor links were opened too often: one may be opened {limit} times in 15 minutes. Where it is open it stays so;
    open it again in {seconds} seconds."""

    code = "too_many_openings"


class TooManySearches(TooManyRequests):
    """Too many searches of this organization run at once. Try again in {seconds} second."""

    code = "too_many_searches"


class TooManyLinks(TooManyRequests):
    """A link was asked for too often. Look at the mail that you have, and into the spam folder, or try again in
    {seconds} seconds."""

    code = "too_many_links"


class TooManyDomainChecks(TooManyRequests):
    """The name servers were asked too often: {limit} times in 15 minutes is the most. Try again in {seconds}
    seconds."""

    code = "too_many_domain_checks"


class TooManyFoundings(TooManyRequests):
    """You asked for {limit} organizations within 15 minutes, which is the most. Try again in {seconds} seconds."""

    code = "too_many_foundings"


class TooManyForms(TooManyRequests):
    """You sent more than {limit} forms within 15 minutes, which is the most. Try again in {seconds} seconds."""

    code = "too_many_forms"


class TooManyExports(TooManyRequests):
    """That are too many exports: {limit} may be begun in 15 minutes, and each is recorded. Try again in {seconds}
    seconds."""

    code = "too_many_exports"


class TooManyMails(TooManyRequests):
    """{reason} Try again in {wait}."""

    code = "too_many_mails"

    def __init__(self, reason: str, seconds: int) -> None:
        hours = -(-seconds // 3600)
        super().__init__(reason=reason, seconds=seconds, wait="an hour" if hours <= 1 else f"{hours} hours")


class TooManyTails(MinutebookError):
    """This log is already followed live in {limit} places{whose}, which is the most. Close one of them, or try again
    later."""

    status = 429
    code = "too_many_tails"


class TooManyTailsHere(MinutebookError):
    """This server already sends {limit} live tails, which is the most. Try again later."""

    status = 503
    code = "too_many_tails_here"
    exit_code = 3


class TooManyExportsAtOnce(TooManyRequests):
    """{limit} exports are being written {whose} already, which is the most at once. Try again in {seconds} seconds, or
    when one of them has ended."""

    code = "too_many_exports_at_once"


class StoreUnavailable(MinutebookError):
    """The database cannot be reached or is busy. Nothing was changed; try again in a moment."""

    status = 503
    code = "store_unavailable"
    exit_code = 3


class TooSlow(MinutebookError):
    """This search was given up after {seconds} seconds. Narrow it: give a start or end, an action or an actor, or leave
    out what is looked for inside details."""

    status = 503
    code = "too_slow"
    exit_code = 3


class OutcomeUnknown(MinutebookError):
    """The connection to the database broke while your change was being saved. Look whether it is there before you try
    again."""

    status = 503
    code = "outcome_unknown"
    exit_code = 3


class StoreInUse(MinutebookError):
    """The data directory {directory} is in use by {holder}, most likely the Minutebook server. With SQLite only one
    process writes at a time: stop it, do this, and start it again."""

    status = 503
    code = "store_in_use"
    exit_code = 3


class UnsafeSqlite(MinutebookError):
    """This SQLite is {version}, which can corrupt a database in WAL mode (3.7.0 to 3.51.2, save 3.44.6 and 3.50.7).
    Install a Python package with a newer one (pip install pysqlite3, on x86_64 Linux), a newer SQLite from your system,
    or use PostgreSQL by MINUTEBOOK_DATABASE_URL."""

    code = "unsafe_sqlite"
    exit_code = 3


class SchemaTooNew(MinutebookError):
    """The database has schema {found}, which this version of Minutebook does not know (it knows {known}).
    Install the version that wrote it, or a newer one."""

    code = "schema_too_new"
    exit_code = 3


class SchemaTooOld(MinutebookError):
    """The database has schema {found}; this version of Minutebook needs {known}. Start `minutebook serve` once: it
    backs the database up and brings it up to date."""

    code = "schema_too_old"
    exit_code = 3


class NoKey(MinutebookError):
    """There is no key to sign with: {why}. See minutebook key list."""

    code = "no_key"
    exit_code = 3


class NoFactorKey(MinutebookError):
    """Codes of authenticator apps cannot be checked here: of the key that their secrets are stored under, {why}. Use a
    recovery code, or ask whoever runs this Minutebook."""

    status = 503
    code = "no_factor_key"
    exit_code = 3


class CustodyBroken(MinutebookError):
    """What vouches for the logs is not as it was written: {why}. Restore the custody directory from its backup."""

    code = "custody_broken"
    exit_code = 3


class BehindHighWater(MinutebookError):
    """The database holds less than was signed of it: {what} It was rolled back, or restored from a backup. Run
    minutebook restore, which begins a new generation of the log that says so. Nothing is served before."""

    code = "behind_high_water"
    exit_code = 3


class BadSettings(MinutebookError):
    """{reason}"""

    code = "bad_settings"
    exit_code = 2

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)


class LeafTooLarge(MinutebookError):
    """The event has a leaf of {size} bytes; at most {limit} are possible."""

    code = "leaf_too_large"
    status = 422


class NotCanonical(MinutebookError):
    """{what} cannot be recorded: {why}."""

    code = "not_canonical"
    status = 422
