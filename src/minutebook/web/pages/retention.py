"""Retention & erasure: how long the log is kept, legal holds, and the clock that both go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions import NOUNS, known_details
from minutebook.actions.log_custody import ALL, FieldsErased, LogPruned, kept_for, title_of
from minutebook.actions.values import lasting, number_of
from minutebook.custody import retention
from minutebook.custody.clock import ConfirmClock, find_step
from minutebook.custody.holds import Hold, PlaceHold, ReleaseHold, find_hold, holds, meant_by
from minutebook.custody.retention import LEAST_DAYS, SetRetention
from minutebook.errors import Invalid, NotFound
from minutebook.filters import Here, filter_of
from minutebook.filters.expression import Term, all_of
from minutebook.filters.moments import resolved
from minutebook.filters.term_values import SeqRange
from minutebook.identifiers import event_number
from minutebook.model import DAY
from minutebook.permissions import Permission
from minutebook.record import NoChange, perform
from minutebook.store import log, survey
from minutebook.store.scope import Scope
from minutebook.web import times
from minutebook.web.forms import STAYS, Sent, Typed, confirm, form_after
from minutebook.web.log_address import Address
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, known_id, place
from minutebook.web.shell import AUDIT_LOGS, RETENTION
from minutebook.web.views.page import Form, Moment

router = APIRouter()

Owner = Annotated[Place, Depends(place(Permission.RETENTION_WRITE))]

FAMILIES = (ALL, *NOUNS)
EVERYTHING = "By default"
GONE = (FieldsErased.action.name, LogPruned.action.name)
MOST_ACTS = 10_000
"""Numbers that are looked at for the acts of one erasure, each of which is about a thousand events."""


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """How long one family of actions is kept."""

    title: str
    kept: str
    is_own: bool
    href: str
    log_href: str


@dataclass(frozen=True, slots=True)
class HoldRow:
    """One legal hold."""

    id: str
    name: str
    query: str
    created_by: str
    created: Moment
    href: str
    release_href: str


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was just erased, and where the log says so: `told` is "event 12" or "events 12 to 15"."""

    fields: int
    events: int
    told: str
    href: str


@router.get("/o/{org}/retention")
def show_retention(request: Request, place: Owner, erased: str = "") -> Response:
    """Every family with its policy, and every hold; and of an erasure, `erased` being from which to which number the
    log tells it, what was done."""
    return _list(request, place, done=_erasure(place, erased))


@router.get("/o/{org}/retention/families/{family}")
def ask_how_long(request: Request, place: Owner, family: str) -> Response:
    """The form for one policy, open over the list."""
    days = _policies(place).get(_family(family))
    return _list(request, place, setting=family, form=Form(values={"days": "" if days is None else str(days)}))


@router.post("/o/{org}/retention/families/{family}")
def set_retention(request: Request, place: Owner, family: str, sent: Sent) -> Response:
    """Sets a policy; where events would go by it, only once their number was seen and approved."""
    try:
        command = SetRetention(_family(family), _days(sent))
        retention.check_days(command.days)
        due = _due(place, family, command.days)
        if due and (typed := sent.one("confirm").strip()) != str(command.days):
            message = f"Type {command.days} to confirm, or cancel."
            form = Form({"confirm": typed}, {"confirm": message} if typed else {})
            return _list(request, place, approving=(family, command.days or 0, due), form=form, status=422)
        done = perform(place.site.store, place.seat, command)
    except STAYS as error:
        return _list(request, place, setting=family, form=form_after(sent, error, ("days",)), status=error.status)
    return _back(place, Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.RETENTION_SET)


@router.get("/o/{org}/retention/holds/new")
def ask_what_is_held(request: Request, place: Owner, query: str = "") -> Response:
    """The form for a new hold, open over the list."""
    return _list(request, place, placing=True, form=Form(values={"query": query}))


@router.post("/o/{org}/retention/holds/new")
def place_hold(request: Request, place: Owner, sent: Sent) -> Response:
    """Places a hold, once it was seen how many events it is on."""
    query = sent.one("query")
    try:
        PlaceHold(sent.one("name"), query).check()
        if sent.one("seen") != query:
            form = form_after(sent, Invalid(), ("name", "query"))
            return _list(request, place, placing=True, finds=_finds(place, query), form=form, status=422)
        perform(place.site.store, place.seat, PlaceHold(sent.one("name"), query))
    except STAYS as error:
        return _list(request, place, placing=True, form=form_after(sent, error, ("name", "query")), status=error.status)
    return _back(place, Said.HOLD_PLACED)


@router.get("/o/{org}/retention/holds/{hold}/release")
def ask_to_release(request: Request, place: Owner, hold: str) -> Response:
    """Says what happens when the hold is released, and asks to type its name."""
    return _list(request, place, releasing=_hold(place, hold), form=Form())


@router.post("/o/{org}/retention/holds/{hold}/release")
def release_hold(request: Request, place: Owner, hold: str, sent: Sent) -> Response:
    """Releases a hold, when its name was typed."""
    found = _hold(place, hold)
    try:
        confirm(sent, found.name)
        perform(place.site.store, place.seat, ReleaseHold(found.id))
    except STAYS as error:
        return _list(request, place, releasing=found, form=form_after(sent, error, ("confirm",)), status=error.status)
    return _back(place, Said.HOLD_RELEASED)


@router.get("/o/{org}/retention/clock")
def ask_about_clock(request: Request, place: Owner) -> Response:
    """Says what the clock did, and what is pruned once somebody has confirmed that it is right. Raises NotFound."""
    if _step(place) is None:
        raise NotFound
    return _list(request, place, confirming=True, form=Form())


@router.post("/o/{org}/retention/clock")
def confirm_clock(request: Request, place: Owner, sent: Sent) -> Response:
    """Confirms the clock, when the day that it shows was typed."""
    if _step(place) is None:
        raise NotFound
    try:
        confirm(sent, _today(place))
        perform(place.site.store, place.seat, ConfirmClock())
    except STAYS as error:
        return _list(request, place, confirming=True, form=form_after(sent, error, ("confirm",)), status=error.status)
    return _back(place, Said.CLOCK_CONFIRMED)


def _erasure(place: Place, erased: str) -> Erasure | None:
    """What the erasures between two numbers erased; None where there is none."""
    first, last = map(event_number, erased.partition("-")[::2])
    if first is None or last is None:
        return None
    last = min(last, first + MOST_ACTS)
    with place.site.store.reading() as connection:
        found = [
            (event.seq, known_details(event.action, event.details))
            for event in log.events(connection, place.organization.number, range(first, last + 1))
            if event.action == FieldsErased.action.name
        ]
    acts = [details for _, details in found if isinstance(details, FieldsErased)]
    if not acts:
        return None
    one, audit_logs = first == last, Address(place.path(AUDIT_LOGS))
    if one:
        href = audit_logs.showing(first).href
    else:
        asked = [Term("action", FieldsErased.action.name), Term("seq", SeqRange(first, last))]
        href = audit_logs.asking(all_of(asked)).href
    return Erasure(
        sum(act.fields for act in acts),
        sum(act.events for act in acts),
        f"event {first:,}" if one else f"events {first:,} to {last:,}",
        href,
    )


def _back(place: Place, said: Said) -> Response:
    return go(place.site, place.path(RETENTION), said)


def _family(family: str) -> str:
    if family not in FAMILIES:
        raise NotFound
    return family


def _days(sent: Typed) -> int | None:
    typed = sent.one("days").strip()
    if not typed and "days" in dict(sent.fields):
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) < 7):
        raise Invalid.one("days", f"Enter a number of days from {LEAST_DAYS} on, or leave it empty.")
    return int(typed)


def _due(place: Place, family: str, days: int | None) -> int:
    """How many events would go by a policy that does not let them go yet."""
    number = place.organization.number
    now = _policies(place)
    then = {**now, family: days} if days is not None else {name: kept for name, kept in now.items() if name != family}
    with place.site.store.reading() as connection:
        return sum(
            len(retention.due(connection, number, noun, place.viewer.at - kept * DAY))
            for noun in NOUNS
            if (kept := retention.days_of(then, noun)) is not None and kept < (retention.days_of(now, noun) or 10**6)
        )


def _policies(place: Place) -> dict[str, int]:
    with place.site.store.reading() as connection:
        return retention.policies(connection, place.organization.number)


def _hold(place: Place, hold: str) -> Hold:
    with place.site.store.reading() as connection:
        return find_hold(connection, place.organization.number, known_id(hold))


def _finds(place: Place, query: str) -> str:
    """How many events a hold is on now, in words."""
    number, meant = place.organization.number, filter_of(resolved(meant_by(query), Here(now=place.viewer.at)))
    with place.site.store.reading() as connection:
        count = survey.count(connection, Scope(number, log.read_head(connection, number).size), meant)
    return f"{'' if count.is_exact else 'at least '}{number_of(count.number, 'event')}"


def _step(place: Place) -> tuple[int, int] | None:
    with place.site.store.reading() as connection:
        return find_step(connection, place.organization.number)


def _today(place: Place) -> str:
    return times.local_date(place.viewer.at, place.viewer.zone).isoformat()


def _list(
    request: Request,
    place: Place,
    *,
    setting: str = "",
    approving: tuple[str, int, int] | None = None,
    placing: bool = False,
    finds: str = "",
    releasing: Hold | None = None,
    confirming: bool = False,
    done: Erasure | None = None,
    form: Form | None = None,
    status: int = 200,
) -> Response:
    now = _policies(place)
    with place.site.store.reading() as connection:
        held = holds(connection, place.organization.number)
        step = find_step(connection, place.organization.number)
    family, days, due = approving or (setting, 0, 0)
    return show(
        request,
        "retention.html",
        place=place,
        current=RETENTION,
        status=status,
        families=[_row(place, now, name) for name in FAMILIES],
        holds=[_hold_row(place, hold) for hold in held],
        family=_row(place, now, family) if family else None,
        due=due,
        days=days,
        placing=placing,
        finds=_finds(place, releasing.query) if releasing else finds,
        releasing=_hold_row(place, releasing) if releasing else None,
        step=lasting(step[1] - step[0]) if step else "",
        confirming=confirming,
        done=done,
        today=_today(place),
        form=form,
        gone_href=Address(place.path(AUDIT_LOGS)).only("action", GONE).href,
        list_href=place.path(RETENTION),
        hold_href=place.path(RETENTION, "holds", "new"),
        clock_href=place.path(RETENTION, "clock"),
        erase_href=place.path(RETENTION, "erase"),
    )


def _row(place: Place, now: dict[str, int], family: str) -> FamilyRow:
    log = Address(place.path(AUDIT_LOGS))
    return FamilyRow(
        title=EVERYTHING if family == ALL else title_of(family),
        kept=kept_for(retention.days_of(now, family)),
        is_own=family in now or family == ALL,
        href=place.path(RETENTION, "families", family),
        log_href=log.href if family == ALL else log.only("action", (f"{family}.*",)).href,
    )


def _hold_row(place: Place, hold: Hold) -> HoldRow:
    return HoldRow(
        id=hold.id,
        name=hold.name,
        query=hold.query,
        created_by=hold.placed_by,
        created=times.minute_time(hold.placed_at, place.viewer.zone),
        href=Address(place.path(AUDIT_LOGS), filter_of(meant_by(hold.query)), in_utc=True).href,
        release_href=place.path(RETENTION, "holds", hold.id, "release"),
    )
