"""What the API answers, for its OpenAPI. Events are written by `event_json` and never pass through these models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from minutebook.filters.clause import listed
from minutebook.filters.term_values import CLIENTS
from minutebook.model import ActorKind, Outcome

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-12T14:12:40.358219Z"])]


class Answer(BaseModel):
    """Every key is always there."""

    model_config = ConfigDict(extra="forbid")


class ActorOf(Answer):
    """Who did it, as they were called when they did it."""

    kind: ActorKind
    id: str
    email: str | None
    name: str | None
    on_behalf_of: str | None
    credential: str | None


class TargetOf(Answer):
    """What it was done to, as it was called then."""

    kind: str
    id: str
    name: str


class ContextOf(Answer):
    """Where it came from."""

    ip: str | None
    user_agent: str | None
    request_id: str | None
    session_id: str | None
    client: str | None


class EventOf(Answer):
    """One recorded act. It never changes, but for what is erased of it."""

    v: int
    """The version of the record."""
    seq: int
    """Its number in the log of the organization: 0, 1, 2, … without a gap."""
    id: str
    recorded_at: Time
    occurred_at: Time
    action: str
    outcome: Outcome
    actor: ActorOf
    targets: list[TargetOf | None]
    context: ContextOf
    details: dict[str, JsonValue]
    erased: list[str] = Field(
        default=[],
        examples=[["actor.email", "targets.0", "details.member"]],
        description="Only where something was erased of it: the paths of that, each of which is null.",
    )


class Events(Answer):
    """Some of the events that were found."""

    events: list[EventOf]
    next: str | None = Field(description="The path of what follows; null where nothing does.")
    previous: str | None = Field(description="The path of what comes before; null in the order of the log.")
    size: int = Field(description="How many events the log had when the first of these pages was asked for.")


class OrganizationOf(Answer):
    """An organization, by the id that the other operations name it by."""

    id: str = Field(examples=["org_k3v9d2m7q5xa"])
    name: str


class Organizations(Answer):
    """The organizations that whoever asks may name."""

    organizations: list[OrganizationOf]


class Count(Answer):
    """How many events were found."""

    count: int
    is_exact: bool = Field(description="When false, there are at least so many: counting all would take too long.")
    size: int = Field(description="How many events the log has.")


class FacetValue(Answer):
    """One value, and how many events have it."""

    value: str
    count: int


AT_LEAST = (
    "False where counting all would take too long: the newest events were counted, and there are at least so many."
)


class Facets(Answer):
    """What there is to choose from, each with its count beside the other parts of the filter, the most frequent
    first."""

    is_exact: bool = Field(description=AT_LEAST)
    actions: list[FacetValue]
    actors: list[FacetValue] = Field(
        description="By what `actor:` finds them by: address, else id or kind; at most 100."
    )
    outcomes: list[FacetValue]
    clients: list[FacetValue] = Field(description=f"What the acts were done with: {listed(list(CLIENTS), 'or')}.")


class Bucket(Answer):
    """How many events happened from `start` until before `end`."""

    start: Time
    end: Time
    succeeded: int
    other: int = Field(description="Failed or denied.")


class Histogram(Answer):
    """When the events happened: at most about 60 buckets, exact on the clock and the calendar of the zone."""

    zone: str
    every: str = Field(description="How long a bucket is.", examples=["day"])
    is_exact: bool = Field(description=AT_LEAST)
    buckets: list[Bucket]


class Consistency(Answer):
    """That a log of one size begins with that of another."""

    old: int
    new: int
    proof: list[str] = Field(description="Hashes in base64; none when the sizes are the same, or the older one is 0.")


class KeyOf(Answer):
    """A key that signs the log, or did."""

    vkey: str = Field(description="Its name, its id and the key, by C2SP signed-note: what a verifier pins.")
    since: Time
    cut_off: Time | None = Field(description="Up to when it counts; null as long as it was not revoked.")


class Keys(Answer):
    """The keys of a log."""

    origin: str | None = Field(description="The first line of every checkpoint; null before the first one.")
    keys: list[KeyOf]
    statements: list[str] = Field(description="Signed notes, in their order: which key was added or revoked, by which.")


class AnchorOf(Answer):
    """What somebody else says of the log."""

    kind: str = Field(description="anchor_log, witness, timestamp, mail, directory or object_store.")
    name: str = Field(description="Of a witness the name of its key.")
    by_anchor_log: bool = Field(description="Whether it was shown the anchor log, which has the head of this log.")
    state: Literal["done", "failed"] = Field(description="failed as long as it could not be asked the last time.")
    size: int = Field(description="How many events of the log it vouches for; 0 before the first time.")
    at: Time | None = Field(description="Since when it does.")
    error: str | None = Field(description="What went wrong the last time; it is tried again.")


class Anchors(Answer):
    """Who has seen the log."""

    size: int = Field(description="How many events were signed.")
    anchors: list[AnchorOf]


class WrongField(Answer):
    """What is wrong with one parameter."""

    field: str
    message: str = Field(description="Names what is wrong and what would be accepted.")
    at: int | None = Field(None, description="Of a query: the place of the first character that is wrong, from 0.")
    length: int | None = Field(None, description="Of a query: how many characters are wrong.")
    fix: str | None = Field(None, description="Of a query: one that would be understood, where there is one.")


class ProblemDetails(Answer):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(description="Stays the same when the wording changes.")
    request_id: str = Field(description="What to name when asking for help; also in the header X-Request-Id.")
    errors: list[WrongField] | None = Field(default=None, description="Only where parameters are wrong.")
