"""What Audit Logs is filled with: the events as lines and as panels, the overview, and all around them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from minutebook.actions.parts import Part
from minutebook.actions.values import Diff, DiffLine
from minutebook.web.views.controls import ActionOption, FilterControls
from minutebook.web.views.integrity import Proof
from minutebook.web.views.page import Moment, Pager


@dataclass(frozen=True, slots=True)
class ActorLink:
    """Who did it, as recorded then. `kind` is a value of `ActorKind`; `href` narrows the search to them."""

    kind: str
    name: str
    email: str = ""
    on_behalf_of: str = ""
    href: str | None = None
    history_href: str | None = None
    """Everything that they ever did, whatever is searched for now."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One line of the table. `severity` is low, medium, high or critical; `href` opens it beside this same page."""

    seq: int
    href: str
    time: Moment
    action: str
    action_href: str
    severity: str
    outcome: str
    actor: ActorLink
    says: tuple[Part, ...]
    says_hrefs: Mapping[str, str] = field(default_factory=dict)
    """Where the names in the sentence lead: to everything that was done to them."""


@dataclass(frozen=True, slots=True)
class DayGroup:
    """The events of one day in the zone of the page. `note` is "Today", "Yesterday" or nothing."""

    label: str
    rows: tuple[EventRow, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of an event, and how to narrow the search to what has its value, or what stands small beside it. `code`
    marks what a machine reads, such as an id; `lines` a text of several lines; `gone` one that was erased, `small` then
    leads to the event that says so. A field of several values has `each`, with its own link."""

    label: str
    value: str
    small: str = ""
    href: str | None = None
    small_href: str | None = None
    each: tuple[tuple[str, str | None], ...] = ()
    code: bool = False
    lines: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class EventPanel:
    """Everything about one event. The neighbours are those in what was found; `close_href` is this page without it."""

    seq: int
    says: tuple[Part, ...]
    actor: ActorLink
    when: Moment
    """`text` is the full date and time in the zone of the page."""
    when_utc: str
    """The same in UTC, and how long ago: "14:12:40.358 UTC, 29 minutes ago"."""
    outcome: str
    outcome_href: str
    severity: str
    severity_href: str
    action: str
    action_title: str
    action_href: str
    diffs: tuple[Diff, ...]
    diff_hrefs: Mapping[tuple[str, DiffLine], str]
    """Where lines of the diffs lead, each by the name of its field."""
    facts: tuple[Fact, ...]
    proof: Proof
    raw_json: str
    """The event as indented JSON, one key a line."""
    permalink: str
    close_href: str
    newer_href: str | None = None
    older_href: str | None = None
    by_actor_href: str | None = None
    by_actor_count: int | None = None
    to_target_hrefs: tuple[tuple[str, str, int | None], ...] = ()
    """What each target is called, where all that was done to it is found, and how much that is, if it was counted."""


@dataclass(frozen=True, slots=True)
class LinkNote:
    """What is said to whoever reads by an auditor link. `query` is empty where it shows all of the log; if it `moves`,
    it shows other events as time goes by."""

    name: str
    query: str
    moves: bool
    expires: Moment


@dataclass(frozen=True, slots=True)
class ZoneSwitch:
    """The zone of the page and the way to the other. `local_name` is empty where the viewer's own zone is UTC."""

    shown: str
    """The zone that holds, for the Time heading: "CET", "UTC"."""
    is_utc: bool
    local_name: str
    """The short name of the viewer's zone now: "CET"."""
    local_title: str
    """In full: "Europe/Berlin". Its offset depends on the day, so only times tell it."""
    local_href: str
    utc_href: str


@dataclass(frozen=True, slots=True)
class Without:
    """A clause that can be left out, in the query language, and how many events there would be then, at least so many
    where not `is_exact`; without a clause, all of them."""

    clause: str
    href: str
    count: int
    is_exact: bool


@dataclass(frozen=True, slots=True)
class SubjectSide:
    """One direction of a history: how many events there are of it, at least so many where not `is_exact`."""

    label: str
    count: int
    href: str
    is_exact: bool = True
    current: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose history the page shows: what they were called in the newest event, and in which directions there is one."""

    name: str
    email: str
    kind: str
    id: str
    sides: tuple[SubjectSide, ...]
    first_seen: Moment
    last_seen: Moment


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong in the address and stands in no field: an unknown parameter, a cursor of another search.

    `href` is the same search put right, `remedy` what following it does.
    """

    message: str
    href: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The search could not be answered. Nothing about the cause but the number under which it was noted."""

    message: str
    request_id: str
    retry_href: str
    advice: str = ""
    """What may be done about it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bucket of a histogram. Places and lengths are in the units of its drawing; `start` and `end` as in a URL."""

    x: int
    top: float
    up: float
    down: float
    count: int
    title: str
    told: str
    until: str
    """When it is over, in the zone of the page."""
    start: str
    end: str
    href: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A label under a histogram, `place` per cent from its left edge."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """When the events happened. `base` is the height of the base line, `most` the count of the highest bar on it,
    `most_other` that of the longest that hangs below."""

    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    width: int
    base: float
    most: int
    most_other: int
    every: str
    """How long a bucket is: "3 hours"."""
    path: str
    """The same search in any range; a script adds `start` and `end`."""


@dataclass(frozen=True, slots=True)
class FacetRow:
    """One value with its count; `share` of 40 is how long its meter is. `href` leads to the search with it alone, or,
    where it is chosen or left out, without saying so."""

    name: str
    label: str
    href: str
    count: int
    share: float
    is_chosen: bool = False
    is_left_out: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """The most frequent values of one field."""

    title: str
    rows: tuple[FacetRow, ...]


@dataclass(frozen=True, slots=True)
class LiveTail:
    """Where what is recorded from now on is sent from; `after` is the number of the newest event of this page's log."""

    href: str
    after: int


@dataclass(frozen=True, slots=True)
class ExportChoice:
    """One way to export what was found: "CSV", and what it is for."""

    format: str
    label: str
    purpose: str
    href: str


@dataclass(frozen=True, slots=True)
class EvidenceChoice:
    """What was found as evidence: the form's address and what it repeats, and fields to withhold with their labels."""

    action: str
    pairs: tuple[tuple[str, str], ...]
    withhold: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LogPage:
    """The Audit Logs page.

    Exactly one of these is shown below the controls: `failure`; else that nothing was searched, when a field is wrong
    or there are `mistakes`; else `days`; else that nothing is left on this page, when something was `found`; else
    `without` (nothing matches all of the filters); else the state of a log that holds nothing yet.
    """

    controls: FilterControls
    zone: ZoneSwitch
    total: int
    """Events in the log; at least so many where not `total_exactly`."""
    total_exactly: bool = True
    found: int = 0
    """Events that match the filter; at least so many where not `found_exactly`."""
    found_exactly: bool = True
    counts_href: str | None = None
    """Where, with `Prefer: wait`, more is counted; None where all is, or as much as there is time for."""
    subject: Subject | None = None
    """Whose history this is, when nothing but one actor or one target is asked for."""
    kept_since: Moment | None = None
    """When the first event of the log happened; `text` is its day."""
    signed: Moment | None = None
    """When the newest checkpoint of the log was signed; not told to whoever reads by a link."""
    integrity_href: str | None = None
    days: tuple[DayGroup, ...] = ()
    histogram: Histogram | None = None
    """None when nothing was found, or when counting would have taken too long."""
    facets: tuple[Facet, ...] = ()
    pager: Pager | None = None
    exports: tuple[ExportChoice, ...] = ()
    """How what was found can be exported; nothing where there is nothing."""
    evidence: EvidenceChoice | None = None
    event: EventPanel | None = None
    event_missing: str = ""
    """Says so when the event of the address is not there: shown above the table."""
    newer: int = 0
    """Events that match the filter and were recorded since the first page was opened, so that no page here has them."""
    live: LiveTail | None = None
    """For a first page: what comes later belongs on it."""
    newest_href: str = ""
    """The first page of the same search, as the log is now."""
    without: tuple[Without, ...] = ()
    instead: tuple[Without, ...] = ()
    """Wider clauses that find something where an address found nobody."""
    mistakes: tuple[Mistake, ...] = ()
    failure: Failure | None = None
    first_acts: tuple[ActionOption, ...] = ()
    """What will come next, for a log that has only just begun: shown below its few events, or instead of them."""

    @property
    def searched(self) -> bool:
        """Whether the log was asked and answered, so that the number found means something."""
        return not (self.failure or self.mistakes or self.controls.form.errors or self.controls.wrong_actions)
