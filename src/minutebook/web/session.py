"""Who looks at a page, and where they stand in an organization: the two questions that every page asks first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from zoneinfo import ZoneInfo

import structlog
from fastapi import Depends, Request, Response
from sqlalchemy import Connection

from minutebook.denied import Denied, lacking, note
from minutebook.errors import (
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    SecondFactorRequired,
    SignInAgain,
    StoreUnavailable,
    TooManyForms,
)
from minutebook.filters import zone_named
from minutebook.identifiers import ID
from minutebook.model import SECOND, Context, Role, Seat
from minutebook.organization import access, invitations, seats, second_factor_rule, sessions, sittings, support
from minutebook.organization.ending import Deletion, find_deletion
from minutebook.organization.held_seats import HeldSeat, held_seats
from minutebook.organization.organizations import Organization, read_organization
from minutebook.organization.people import User
from minutebook.organization.sessions import Session
from minutebook.organization.support import Grant
from minutebook.permissions import Permission, Support, may
from minutebook.web.site import Site, site_of
from minutebook.web.source import context_of

SESSION = "session"
"""The cookie that holds the token of a session."""

log = structlog.get_logger("minutebook.access")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who is signed in. `zone` is that of their times; `at` is now, in UTC microseconds."""

    site: Site
    session: Session
    context: Context
    zone: ZoneInfo
    at: int

    @property
    def user(self) -> User:
        return self.session.user


@dataclass(frozen=True, slots=True)
class Place:
    """The viewer in one organization: with which role, and as who they act there."""

    viewer: Viewer
    organization: Organization
    role: Role | Support
    held: tuple[HeldSeat, ...]
    """All seats of the viewer, by the name of their organizations."""
    members: int
    invitations: int | None
    """How many can still be accepted; None for those who may not see them."""
    grants: tuple[Grant, ...] = ()
    """Support staff who are let in."""
    entry: Grant | None = None
    """By which the viewer is here, as one of support staff."""
    deletion: Deletion | None = None
    """That the organization will be deleted, if somebody asked for it."""

    @property
    def site(self) -> Site:
        return self.viewer.site

    @property
    def seat(self) -> Seat:
        """For `record.perform()`."""
        actor = self.entry.actor() if self.entry else self.viewer.user.actor()
        return Seat(self.organization.number, actor, self.viewer.context)

    def may(self, permission: Permission) -> bool:
        """Whether the viewer's role has the permission; what is done is decided again when it is recorded."""
        return may(self.role, permission)

    def require_plan(self) -> None:
        """Raises NotAllowed on a plan on which the log is not read."""
        sittings.require_plan(self.organization.plan, self.seat, self.role)

    def path(self, *parts: str) -> str:
        """`/o/org_…/members` for `members`, `/o/org_…` for nothing."""
        return "/".join(("/o", self.organization.id, *filter(None, parts)))


def find_viewer(request: Request) -> Viewer | None:
    """Who is signed in, or None. The sessions of people who do not come back are not kept alive."""
    site = site_of(request)
    token = request.cookies.get(site.cookie(SESSION))
    if not token:
        return None
    at = site.store.clock()
    with site.store.reading() as connection:
        found = sessions.find_session(connection, token, at)
    if found is None:
        return None
    session, seen_at = found
    request.state.user = session.user.id
    request.state.zone = session.zone
    if at - seen_at > sessions.SEEN_EVERY:
        _touch(site, session)
    return Viewer(site, session, context_of(request, session.id), zone_of(request), at)


def viewer(request: Request) -> Viewer:
    """Who is signed in. Raises NotSignedIn, TooManyForms."""
    found = find_viewer(request)
    if found is None:
        raise NotSignedIn
    if request.method == "POST":
        found.site.forms.check(found.user.id, TooManyForms)
    return found


Viewing = Annotated[Viewer, Depends(viewer)]


def place(permission: Permission) -> Callable[..., Place]:
    """The dependency of a page in an organization, for those whose role has the permission.

    Raises NotSignedIn; NotFound alike where there is no such organization and where the viewer has no seat; Forbidden.
    """

    def find(request: Request, org: str, viewer: Viewing) -> Place:
        found = _find_place(viewer, org)
        request.state.place = found
        if not found.may(permission):
            raise lacking(found.seat, found.role, permission)
        return found

    return find


def known_id(text: str) -> str:
    """The id as it was sent, when it can be one at all. Raises NotFound: PostgreSQL would stumble over a NUL."""
    if not ID.fullmatch(text):
        raise NotFound
    return text


def zone_of(request: Request) -> ZoneInfo:
    """The zone of the viewer's browser; until it is known, that of their profile, or UTC."""
    return zone_named(request.cookies.get("zone") or getattr(request.state, "zone", None))


def begin(response: Response, site: Site, token: str) -> None:
    """Gives the browser its session."""
    response.set_cookie(
        site.cookie(SESSION),
        token,
        max_age=sessions.SESSION_LIFETIME // SECOND,
        secure=site.is_https,
        httponly=True,
        samesite="lax",
    )


def end(response: Response, site: Site) -> None:
    """Takes the session from the browser."""
    response.delete_cookie(site.cookie(SESSION), secure=site.is_https, httponly=True, samesite="lax")


def find_seat(connection: Connection, viewer: Viewer, org: str) -> tuple[HeldSeat, list[HeldSeat]]:
    """The viewer's seat in an organization, and all of theirs. Raises NotFound without one, SecondFactorRequired,
    SignInAgain."""
    # One query over the viewer's own seats: an organization of others and none at all take the same way.
    held = held_seats(connection, viewer.user.id, viewer.session.id)
    here = next((seat for seat in held if seat.organization.id == org), None)
    if here is None:
        raise NotFound(why="no seat")
    seat = Seat(here.organization.number, viewer.user.actor(), viewer.context)
    _must_have_proven(connection, viewer, seat, here.role)
    # Here, too, not only where it would enter: being let in as support staff brings no ended session back to its seat,
    # and nobody waits for a turn to write to be told so.
    if access.is_ended(connection, seat.organization, viewer.session.id):
        raise SignInAgain
    return here, held


def _must_have_proven(connection: Connection, viewer: Viewer, seat: Seat, standing: Role | Support) -> None:
    if second_factor_rule.bars(connection, seat.organization, viewer.session.id):
        note(Denied(seat, standing, reason=SecondFactorRequired().message))
        raise SecondFactorRequired


def enter_unless_inside(viewer: Viewer, here: HeldSeat) -> None:
    """Lets the session in where it holds a seat and is not inside. Raises SignInAgain where it was inside too long.

    The session began, but a crash kept it from entering here: nobody is inside without a recorded entry.
    """
    if here.is_over(viewer.at):
        raise SignInAgain
    if here.entered_at is None:
        sessions.enter(viewer.site.store, viewer.session, here.organization.number, viewer.context)


def _find_place(viewer: Viewer, org: str) -> Place:
    with viewer.site.store.reading() as connection:
        # Asked for everybody: an organization of others and none at all take the same way.
        entry = support.entered_by(connection, viewer.user.id, viewer.session.id, viewer.at).get(org)
        role: Role | Support
        if entry:
            here, held = None, held_seats(connection, viewer.user.id, viewer.session.id)
            organization, role = read_organization(connection, entry.organization), Support(frozenset(entry.may))
            _must_have_proven(connection, viewer, Seat(organization.number, entry.actor(), viewer.context), role)
        else:
            here, held = find_seat(connection, viewer, org)
            organization, role = here.organization, here.role
        number = organization.number
        members = seats.count(connection, number)
        sees_invitations = may(role, Permission.SEATS_WRITE)
        live = invitations.count_live(connection, number, viewer.at) if sees_invitations else None
        grants = [grant for grant in support.all_grants(connection, number) if grant.expires_at > viewer.at]
        deletion = find_deletion(connection, number)
    if here:
        enter_unless_inside(viewer, here)
    return Place(viewer, organization, role, tuple(held), members, live, tuple(grants), entry, deletion)


def _touch(site: Site, session: Session) -> None:
    try:
        sessions.touch(site.store, session)
    except (StoreUnavailable, OutcomeUnknown):
        # A full disk must not keep people from reading; "last active" is then a little older.
        log.warning("session_not_touched", session=session.id)
