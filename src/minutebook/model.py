"""The words of the record as types: frozen, without I/O.

Every time is an integer: UTC microseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeAlias

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
Clock: TypeAlias = Callable[[], int]
"""Returns now, in UTC microseconds."""
Randomness: TypeAlias = Callable[[int], bytes]
"""Returns that many unpredictable bytes."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Role(StrEnum):
    """What a seat lets its user do; `permissions.py` has the table."""

    OWNER = "owner"
    ADMIN = "admin"
    AUDITOR = "auditor"
    BILLING_MANAGER = "billing_manager"
    MEMBER = "member"

    @property
    def label(self) -> str:
        return self.value.replace("_", " ").capitalize()


class Plan(StrEnum):
    """What the organization has bought. The log is recorded on both; it is read on `enterprise`."""

    TEAMS = "teams"
    ENTERPRISE = "enterprise"


class SecondFactor(StrEnum):
    """What somebody proves, besides a password, that they are who they say."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"
    PASSKEY = "passkey"

    @property
    def label(self) -> str:
        return {"totp": "authenticator app", "recovery_code": "recovery code", "passkey": "passkey"}[self]


class Outcome(StrEnum):
    """How an act ended; `denied` is a failure for want of a permission."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


class ActorKind(StrEnum):
    """Who can act. `token` is a program with an API token, `auditor_link` whoever reads by an auditor link, `support`
    somebody of support staff who is let in, `system` Minutebook itself or whoever runs it, at the command line."""

    USER = "user"
    TOKEN = "token"  # noqa: S105 - a kind, not a secret
    AUDITOR_LINK = "auditor_link"
    SUPPORT = "support"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it, as they were called when they did it."""

    kind: ActorKind
    id: str
    email: str | None = None
    name: str | None = None
    on_behalf_of: str | None = None
    credential: str | None = None

    @property
    def called(self) -> str:
        """Who it was, for what says so by a name alone."""
        return self.name or "Minutebook"


@dataclass(frozen=True, slots=True)
class Target:
    """What it was done to, as it was called then."""

    kind: str
    id: str
    name: str


ERASED_TARGET = Target("", "", "")
"""In the place of a target that was erased."""


class Client(StrEnum):
    """What an act was done with; `system` is Minutebook by itself."""

    WEB = "web"
    API = "api"
    CLI = "cli"
    DEMO = "demo"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Context:
    """Where an act came from; `client` is a Client."""

    ip: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    client: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One recorded act. `details` is the JSON of the action's Details as it was recorded.

    What was `erased` of it, by path (`actor.email`, `targets.0`, `details.member`), is None here, or ERASED_TARGET.
    """

    organization: int
    seq: int
    id: str
    recorded_at: int
    occurred_at: int
    action: str
    outcome: Outcome
    actor: Actor
    targets: tuple[Target, ...]
    context: Context
    details: Mapping[str, Json]
    erased: frozenset[str] = frozenset()

    @property
    def known_targets(self) -> tuple[Target, ...]:
        """Those of its targets that were not erased."""
        return tuple(target for target in self.targets if target != ERASED_TARGET)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who asks, in which organization, from where. The role is not here: it is read under the lock of the act."""

    organization: int
    actor: Actor
    context: Context


def from_micros(micros: int) -> datetime:
    """The aware UTC datetime of a time in microseconds."""
    return EPOCH + timedelta(microseconds=micros)


def to_micros(moment: datetime) -> int:
    """The time in UTC microseconds of an aware datetime, exact for every year datetime knows."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def rfc3339(micros: int) -> str:
    """`2026-11-12T14:12:40.358219Z`, always with six digits (RFC 3339, section 5.6)."""
    return from_micros(micros).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
