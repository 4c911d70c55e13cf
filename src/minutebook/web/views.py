"""What the templates are filled with. Plain values, already in the viewer's words and zone: a template never computes.

Every page gets `frame`; a page inside an organization also gets `shell`. Forms are shown from a `Form`, Audit Logs from
a `LogPage`. An `href` is always a path with its query, ready for an attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from minutebook.actions.parts import Part
from minutebook.actions.values import Diff

Theme = Literal["auto", "light", "dark"]
ONE_LINE = 64
"""As many characters of a query stand side by side on any screen but that of a phone."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page needs. `zone` is the IANA name of the zone its times are written in."""

    theme: Theme = "auto"
    keys: bool = True
    """Whether single keys (`j`, `k`, `/` …) are on."""
    zone: str = "UTC"
    said: str = ""
    """One line that says what was just done, shown once."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """The person who is signed in."""

    name: str
    email: str
    role: str = ""
    """The title of the role in this organization, as people read it."""


@dataclass(frozen=True, slots=True)
class OrganizationLink:
    """One organization in the switcher. `role` is the title of the viewer's role there."""

    name: str
    role: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class NavItem:
    """A page of the dashboard. `icon` is the name of a symbol in `_icons.html`."""

    label: str
    icon: str
    href: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class NavGroup:
    """Pages that belong together. The server leaves out what the viewer may not open."""

    label: str
    items: tuple[NavItem, ...]


@dataclass(frozen=True, slots=True)
class Shell:
    """The frame of a page inside an organization."""

    viewer: Viewer
    organization: str
    plan: str
    """The title of the plan: `Enterprise` or `Teams`."""
    organizations: tuple[OrganizationLink, ...]
    nav: tuple[NavGroup, ...]
    new_organization_href: str | None = None
    sign_out_href: str = "/sign-out"


@dataclass(frozen=True, slots=True)
class Form:
    """What was typed and what is wrong with it, by the name of the field.

    `errors` is in the order of the fields: the first one takes the focus. A sequence is what a group of boxes holds.
    """

    values: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)

    def value(self, name: str, default: str = "") -> str:
        """What stands in the field `name`."""
        value = self.values.get(name, default)
        return value if isinstance(value, str) else " ".join(value)

    def holds(self, name: str, option: str) -> bool:
        """Whether the group of boxes `name` has `option` ticked."""
        value = self.values.get(name, ())
        return option == value if isinstance(value, str) else option in value

    def error(self, name: str) -> str:
        """What is wrong with the field `name`, or nothing."""
        return self.errors.get(name, "")

    def first_wrong(self, name: str) -> bool:
        """Whether `name` is the first field with an error."""
        return next(iter(self.errors), None) == name


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a select, a list of radio buttons or a list of boxes."""

    value: str
    label: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ChoiceGroup:
    """Choices under one heading, such as the models of a provider."""

    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Pager:
    """The way to the neighbouring pages. `text` says where this one is: "1–50 of 1,284, newest first"."""

    text: str
    newer_href: str | None = None
    older_href: str | None = None


# ── Audit Logs ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant. `utc` is RFC 3339 in UTC for machines; `text` and `exact` are in the zone of the page."""

    utc: str
    text: str
    exact: str


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
    """One field of an event. `code` marks what a machine reads, such as an id; `lines` a text of several lines."""

    label: str
    value: str
    small: str = ""
    href: str | None = None
    code: bool = False
    lines: bool = False


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
    severity: str
    action: str
    action_title: str
    action_href: str
    diffs: tuple[Diff, ...]
    facts: tuple[Fact, ...]
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
class ActionOption:
    """One action of the catalogue in the Actions popover. `count` is what the other filters find of it."""

    name: str
    title: str
    checked: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class ActionGroup:
    """The actions of one noun. `pattern` means all of them, also those to come."""

    noun: str
    title: str
    options: tuple[ActionOption, ...]
    count: int | None = None
    pattern: str = ""
    checked: bool = False
    """Whether the pattern is chosen."""


@dataclass(frozen=True, slots=True)
class ActorSuggestion:
    """Someone whose events are in the log; `href` is this search, by them, and `count` what it finds."""

    name: str
    email: str
    href: str
    count: int | None = None
    current: bool = False


@dataclass(frozen=True, slots=True)
class DatePreset:
    """A range such as "Last 7 days"."""

    label: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class BadClause:
    """One mistake in a query; `character` is the number of the first that is wrong, counted from 1.

    `subject`, `operator` and `value` are of the chip: of the whole clause, which `without_href` leaves out.
    """

    character: int
    message: str
    subject: str
    operator: str
    value: str
    without_href: str


@dataclass(frozen=True, slots=True)
class BadQueryView:
    """A query that was not understood: its pieces, each with whether it is wrong, and perhaps how to mend all of it."""

    pieces: tuple[tuple[str, bool], ...]
    clauses: tuple[BadClause, ...]
    fix: str = ""
    fix_href: str = ""

    @property
    def is_long(self) -> bool:
        """Whether it may need more than one line, so that nothing can point from the next."""
        return sum(len(piece) for piece, _ in self.pieces) > ONE_LINE


@dataclass(frozen=True, slots=True)
class QueryChip:
    """One part of the filter that only the query language can say. Without an operator it is shown as it is written."""

    subject: str
    operator: str
    value: str
    href: str
    """The same search without it."""
    turned_href: str | None
    """The same search with it turned around."""

    @property
    def sentence(self) -> str:
        return " ".join(word for word in (self.subject, self.operator, self.value) if word)


@dataclass(frozen=True, slots=True)
class Completion:
    """One thing to choose in the search box. `inserted` takes the place of what is typed; where it `goes_on`, what
    follows is asked for next."""

    text: str
    note: str
    inserted: str
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Completions:
    """What could be meant by the characters of the query from `start` to `end`."""

    start: int
    end: int
    options: tuple[Completion, ...]


@dataclass(frozen=True, slots=True)
class FilterControls:
    """The filter as people set it, with what was typed kept as it was typed.

    Two GET forms hold it. The search box sends `query`: the whole filter in the query language. The controls send
    `action` (repeated) and `actor`, `action_is` and `actor_is` (whether these or all but these), `start_date`,
    `start_time`, `end_date`, `end_time`, and, hidden, what they do not show and `start` and `end`: the instants from
    which the four date fields were filled. A bound whose two fields still read as they were filled keeps its instant,
    so seconds, and the second 02:30 of an October night, survive a change of another filter.

    `form.errors` may hold `query`, `action`, `actor`, `start_date`, `start_time`, `end_date`, `end_time`.
    """

    path: str
    """Where the form goes: the page without any parameter."""
    form: Form
    actions: tuple[ActionGroup, ...]
    patterns: tuple[ActionOption, ...] = ()
    """Patterns that are chosen and are of no group."""
    chosen_actions: tuple[str, ...] = ()
    wrong_actions: tuple[str, ...] = ()
    """Chosen, but not in the catalogue."""
    actions_operator: str = ""
    """How they are compared: "is", "is one of", "is not"."""
    actions_turned: bool = False
    """Whether all but these are asked for."""
    actions_told: str = ""
    """`action is user.login`, for whoever takes it away."""
    chosen_actors: tuple[str, ...] = ()
    actor_operator: str = ""
    """How the address is compared: "is", "contains", "matches"."""
    actor_turned: bool = False
    actor_told: str = ""
    actors: tuple[ActorSuggestion, ...] = ()
    presets: tuple[DatePreset, ...] = ()
    range_text: str = ""
    """The range that holds, short and in the zone of the page: "6 Nov 00:00 – now", "last 7 days". Nothing without
    one."""
    range_other: str = ""
    """The same range in the other zone: "5 Nov 23:00 – now in UTC"; one that is told from now on, as it is now."""
    start_told: str = ""
    """The start, where it is told from now on: "7 days ago". The fields of the date form are empty then."""
    end_told: str = ""
    hidden: tuple[tuple[str, str], ...] = ()
    """What both forms send besides: `zone` when it is set, and the zone in which they were shown."""
    hidden_with_controls: tuple[tuple[str, str], ...] = ()
    """What the form of the controls sends besides: `start`, `end`, `text` and `q`, when they are set."""
    bad_query: BadQueryView | None = None
    more: tuple[QueryChip, ...] = ()
    """What of the filter has no control of its own."""
    turned_actions_href: str | None = None
    turned_actor_href: str | None = None
    without_query_href: str = ""
    without_actions_href: str = ""
    without_actor_href: str = ""
    without_dates_href: str = ""


@dataclass(frozen=True, slots=True)
class SavedOption:
    """A saved search in the menu. `current` marks the one that the page shows."""

    name: str
    query: str
    href: str
    current: bool = False


@dataclass(frozen=True, slots=True)
class SavedMenu:
    """The searches that the viewer may use. `save_href` keeps the present one; nothing where it asks for nothing."""

    own: tuple[SavedOption, ...]
    shared: tuple[SavedOption, ...]
    all_href: str
    open_name: str
    """What the saved search is called that the page shows; nothing for a search that was not saved."""
    everything_href: str
    shows_everything: bool
    save_href: str = ""
    link_href: str = ""
    """Shows an auditor the present search, for those who may let them."""


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
    """A clause that can be left out, in the query language, and how many events there would be then; without a clause,
    all of them."""

    clause: str
    href: str
    count: int


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
class LogPage:
    """The Audit Logs page.

    Exactly one of these is shown below the controls: `failure`; else that nothing was searched, when a field is wrong
    or there are `mistakes`; else `days`; else `without` (nothing matches all of the filters); else the state of a log
    that holds nothing yet.
    """

    controls: FilterControls
    zone: ZoneSwitch
    total: int
    """Events in the log."""
    found: int = 0
    """Events that match the filter; at least so many where not `found_exactly`."""
    found_exactly: bool = True
    subject: Subject | None = None
    """Whose history this is, when nothing but one actor or one target is asked for."""
    kept_since: Moment | None = None
    """When the first event of the log happened; `text` is its day."""
    days: tuple[DayGroup, ...] = ()
    histogram: Histogram | None = None
    """None when nothing was found, or when counting would have taken too long."""
    facets: tuple[Facet, ...] = ()
    pager: Pager | None = None
    exports: tuple[ExportChoice, ...] = ()
    """How what was found can be exported; nothing where there is nothing."""
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
