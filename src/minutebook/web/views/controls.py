"""What the search box and the controls of Audit Logs are filled with, the completions, and the saved searches."""

from __future__ import annotations

from dataclasses import dataclass

from minutebook.web.views.page import Form

ONE_LINE = 64
"""As many characters of a query stand side by side on any screen but that of a phone."""


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
    def first_wrong(self) -> tuple[int, int]:
        """Where the first wrong piece begins and how long it is, in characters."""
        before, wrong = (len(piece) for piece, _ in self.pieces[:2])
        return before, wrong

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
    alone_href: str
    """The search for it and nothing else."""

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
    others: tuple[tuple[str, str], ...] = ()
    """What can be asked for without a control of its own: what people call it, and how it begins in a query."""
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
    actions_alone_href: str | None = None
    """The search for what the control asks for and nothing else, to be shared; None where it asks for nothing."""
    actor_alone_href: str | None = None
    dates_alone_href: str | None = None


@dataclass(frozen=True, slots=True)
class SavedOption:
    """A saved search in the menu. `current` marks the one that the page shows."""

    name: str
    query: str
    href: str
    id: str
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
    counts_href: str = ""
    """Where a script asks how many events each of them finds."""
