"""Members: who holds a seat, as what, and how that is changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from minutebook.actions import CATALOGUE
from minutebook.errors import Invalid, MinutebookError
from minutebook.model import Plan, Role
from minutebook.organization import auditor_links, invitations, roster, second_factor_rule, tokens
from minutebook.organization.invitations import Invitation
from minutebook.organization.roster import Member
from minutebook.organization.seats import (
    ChangeRole,
    EndMemberSessions,
    GiveUpSeat,
    RemoveMember,
    TransferOwnership,
)
from minutebook.permissions import SUMMARY, Permission, given_by
from minutebook.record import NoChange, perform
from minutebook.web import shell, times
from minutebook.web.forms import STAYS, Sent, confirm, form_after
from minutebook.web.paging import KEY, number_asked, page_asked
from minutebook.web.pending import invitation_row
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, known_id, place
from minutebook.web.views.page import Choice, Form, Moment

router = APIRouter()

Seen = Annotated[Place, Depends(place(Permission.SEATS_READ))]
Changed = Annotated[Place, Depends(place(Permission.SEATS_WRITE))]
Owned = Annotated[Place, Depends(place(Permission.OWNERSHIP))]

PAGE_SIZE = 50
MAX_SEARCH = 200
SIGNED_OUT = "Not signed in now"
"""A session is deleted when it ends, so nothing tells when somebody without one was active last."""
HISTORY = (
    "user.invite",
    "user.resend_invite",
    "user.accept_invite",
    "user.revoke_invite",
    *(name for name, action in CATALOGUE.items() if action.noun == "member"),
)
"""The actions that tell how the members became what they are."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Which members are shown: the state of the address."""

    text: str = ""
    roles: tuple[Role, ...] = ()
    without_factor: bool = False
    """Only who has no second factor: for those who may change people."""
    page: int = 1

    @classmethod
    def of(cls, request: Request) -> Listing:
        """What the address says; what cannot be meant is left out."""
        asked = request.query_params
        roles = tuple(role for role in Role if role.value in asked.getlist("role"))
        without = asked.get("factor") == "none"
        return cls(asked.get("q", "").strip()[:MAX_SEARCH], roles, without, number_asked(request))

    @property
    def is_narrow(self) -> bool:
        """Whether anybody may be left out."""
        return bool(self.text or self.roles or self.without_factor)

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Its part of a query, the page aside."""
        pairs = [("q", self.text)] if self.text else []
        pairs += [("role", role.value) for role in self.roles]
        return pairs + ([("factor", "none")] if self.without_factor else [])

    @property
    def query(self) -> str:
        """For the end of an address, with its question mark when there is anything."""
        pairs = self.pairs + ([(KEY, str(self.page))] if self.page > 1 else [])
        return f"?{urlencode(pairs)}" if pairs else ""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member. `roles` are those that the viewer may give; none when the role is only told."""

    id: str
    name: str
    email: str
    role: str
    you: bool
    without_factor: bool
    """They have no second factor, and the viewer may know."""
    joined: Moment
    seen: str
    seen_exact: str
    roles: tuple[Choice, ...]
    role_value: str
    role_href: str
    transfer_href: str | None
    remove_href: str | None
    sessions_href: str | None
    leave_href: str | None
    history_href: str | None


@dataclass(frozen=True, slots=True)
class Dialog:
    """The dialog that is open over the members and what it is about."""

    kind: str
    """`invite`, `remove`, `transfer`, `end` (of sessions), `resend`, `revoke` or `leave`."""
    action: str
    close_href: str
    form: Form
    member: Member | None = None
    sessions: int = 0
    tokens: int = 0
    links: int = 0
    """Auditor links that can be used, for those who may revoke them."""
    invitation: Invitation | None = None
    roles: tuple[Choice, ...] = ()
    free: int = 0
    mailed: bool = False


@router.get("/o/{org}/members")
def show_members(request: Request, place: Seen) -> Response:
    """Everybody with a seat, and for those who may invite, the invitations."""
    return members_page(request, place)


@router.post("/o/{org}/members/{user}/role")
def change_role(request: Request, place: Changed, user: str, sent: Sent) -> Response:
    """Gives a member another role, and leads back to their row."""
    listing = Listing.of(request)
    try:
        chosen = _role(sent.one("role"))
        done = perform(place.site.store, place.seat, ChangeRole(known_id(user), chosen))
    except STAYS as error:
        return members_page(request, place, wrong=_role_not_changed(place, user, error), status=error.status)
    said = Said.NOTHING_TO_CHANGE if isinstance(done, NoChange) else Said.ROLE_CHANGED
    return go(place.site, f"{place.path(shell.MEMBERS)}{listing.query}#{user}", said)


@router.get("/o/{org}/members/{user}/role")
def leave_role(request: Request, place: Changed) -> Response:
    """For somebody who loads the address of a refused change again."""
    return go(place.site, place.path(shell.MEMBERS) + Listing.of(request).query)


@router.get("/o/{org}/members/{user}/remove")
def ask_to_remove(request: Request, place: Changed, user: str) -> Response:
    """Says what happens when the member is removed, and asks to type their address."""
    return members_page(request, place, _removing(request, place, user, Form()))


@router.post("/o/{org}/members/{user}/remove")
def remove_member(request: Request, place: Changed, user: str, sent: Sent) -> Response:
    """Takes the member's seat away, when their address was typed."""
    dialog = _removing(request, place, user, Form())
    assert dialog.member
    try:
        confirm(sent, dialog.member.person.email)
        perform(place.site.store, place.seat, RemoveMember(user))
    except STAYS as error:
        form = form_after(sent, error, ("confirm",))
        return members_page(request, place, replace(dialog, form=form), status=error.status)
    return go(place.site, dialog.close_href, Said.MEMBER_REMOVED)


@router.get("/o/{org}/members/{user}/sessions")
def ask_to_end_sessions(request: Request, place: Changed, user: str) -> Response:
    """Says what happens when the sessions of the member end here."""
    return members_page(request, place, _ending(request, place, user, Form()))


@router.post("/o/{org}/members/{user}/sessions")
def end_member_sessions(request: Request, place: Changed, user: str, sent: Sent) -> Response:
    """Ends every session of the member in this organization."""
    dialog = _ending(request, place, user, Form())
    try:
        perform(place.site.store, place.seat, EndMemberSessions(user))
    except STAYS as error:
        return members_page(request, place, replace(dialog, form=form_after(sent, error)), status=error.status)
    return go(place.site, dialog.close_href, Said.SESSIONS_ENDED_HERE)


@router.get("/o/{org}/leave")
def ask_to_leave(request: Request, place: Seen) -> Response:
    """Says what happens when the viewer leaves, and asks to type the name of the organization."""
    return members_page(request, place, _leaving(place, Form()))


@router.post("/o/{org}/leave")
def leave(request: Request, place: Seen, sent: Sent) -> Response:
    """Gives the viewer's seat up, when the organization's name was typed."""
    try:
        confirm(sent, place.organization.name)
        perform(place.site.store, place.seat, GiveUpSeat())
    except STAYS as error:
        dialog = _leaving(place, form_after(sent, error, ("confirm",)))
        return members_page(request, place, dialog, status=error.status)
    return go(place.site, "/", Said.LEFT)


@router.get("/o/{org}/members/{user}/transfer")
def ask_to_transfer(request: Request, place: Owned, user: str) -> Response:
    """Says what it means to hand over the ownership, asks for one's own role and to type the member's address."""
    return members_page(request, place, _transferring(request, place, user, Form(values={"role": Role.ADMIN.value})))


@router.post("/o/{org}/members/{user}/transfer")
def transfer_ownership(request: Request, place: Owned, user: str, sent: Sent) -> Response:
    """Makes the member owner and gives the viewer the role they chose, when the member's address was typed."""
    dialog = _transferring(request, place, user, Form())
    assert dialog.member
    try:
        role = _role(sent.one("role"))
        confirm(sent, dialog.member.person.email)
        perform(place.site.store, place.seat, TransferOwnership(user, role))
    except STAYS as error:
        form = form_after(sent, error, ("role", "confirm"))
        return members_page(request, place, replace(dialog, form=form), status=error.status)
    return go(place.site, dialog.close_href, Said.OWNERSHIP_TRANSFERRED)


def members_page(
    request: Request, place: Place, dialog: Dialog | None = None, *, wrong: str = "", status: int = 200
) -> Response:
    """The page, with a dialog open over it or with what was wrong above it."""
    listing, may_change = Listing.of(request), place.may(Permission.SEATS_WRITE)
    if not may_change:
        listing = replace(listing, without_factor=False)
    turned = replace(listing, without_factor=not listing.without_factor, page=1)
    number = place.organization.number
    with place.site.store.reading() as connection:
        without = second_factor_rule.without(connection, number) if may_change else frozenset()
        among = without if listing.without_factor else None
        everybody = roster.read_roster(connection, number, listing.text, listing.roles, among)
        page = page_asked(request, len(everybody.found), PAGE_SIZE)
        members = roster.members_of(connection, number, everybody.found[page.first : page.end])
        pending = invitations.pending(connection, number) if may_change else []
        required = may_change and second_factor_rule.read_rule(connection, number) == second_factor_rule.REQUIRED
    listing = replace(listing, page=page.number)
    return show(
        request,
        "members.html",
        place=place,
        current=shell.MEMBERS,
        status=status,
        listing=listing,
        members=[_row(place, member, listing, without) for member in members],
        found=page.count,
        roles=[(role.value, role.label, everybody.by_role[role], role in listing.roles) for role in Role],
        taken=place.members,
        held=place.invitations or 0,
        without=len(without),
        without_href=place.path(shell.MEMBERS) + turned.query,
        required=required,
        limit=place.organization.seat_limit,
        pager=page.pager(place.path(shell.MEMBERS), listing.pairs, by_name=True),
        members_path=place.path(shell.MEMBERS),
        invitations=[invitation_row(place, each, listing.query) for each in pending if each.is_live(place.viewer.at)],
        over=[invitation_row(place, each, listing.query) for each in pending if not each.is_live(place.viewer.at)],
        bulk_href=place.path("invitations", "bulk"),
        invite_href=_here(place, "invitations", "new", listing=listing),
        may_change=may_change,
        history_href=_history_href(place),
        dialog=dialog,
        wrong=wrong,
    )


def grantable(place: Place, before: Role | None = None) -> tuple[Choice, ...]:
    """The roles that the viewer may give to somebody who has the role `before`."""
    given = given_by(place.role)
    if before is not None and before not in given:
        return ()
    return tuple(Choice(role.value, role.label, SUMMARY[role]) for role in Role if role in given)


def _row(place: Place, member: Member, listing: Listing, without: Collection[str]) -> MemberRow:
    zone, at = place.viewer.zone, place.viewer.at
    person = member.person
    you = person.id == place.viewer.user.id
    roles = grantable(place, member.role) if not you and place.may(Permission.SEATS_WRITE) else ()
    return MemberRow(
        id=person.id,
        name=person.name,
        email=person.email,
        role=member.role.label,
        you=you,
        without_factor=person.id in without,
        joined=times.day_of(member.joined_at, zone),
        seen=times.ago(member.seen_at, at) or "just now" if member.seen_at is not None else SIGNED_OUT,
        seen_exact=times.exact_time(member.seen_at, zone) if member.seen_at is not None else "",
        roles=roles,
        role_value=member.role.value,
        role_href=_here(place, "members", person.id, "role", listing=listing),
        transfer_href=_here(place, "members", person.id, "transfer", listing=listing)
        if not you and place.may(Permission.OWNERSHIP) and member.role is not Role.OWNER
        else None,
        remove_href=_here(place, "members", person.id, "remove", listing=listing) if roles else None,
        sessions_href=_here(place, "members", person.id, "sessions", listing=listing) if roles else None,
        leave_href=place.path("leave") if you else None,
        history_href=f"{place.path(shell.AUDIT_LOGS)}?{urlencode({'actor': person.email})}" if _reads(place) else None,
    )


def _removing(request: Request, place: Place, user: str, form: Form) -> Dialog:
    listing = Listing.of(request)
    number = place.organization.number
    with place.site.store.reading() as connection:
        member = roster.read_member(connection, number, known_id(user))
        sessions = roster.entered_sessions(connection, number, user)
        made = tokens.count_live_by(connection, number, user, place.viewer.at)
        # whoever made one, or saw it when it was made, may have kept its address
        links = auditor_links.count_live(connection, number, place.viewer.at)
    return Dialog(
        kind="remove",
        action=_here(place, "members", user, "remove", listing=listing),
        close_href=place.path(shell.MEMBERS) + listing.query,
        form=form,
        member=member,
        sessions=sessions,
        tokens=made,
        links=links if place.may(Permission.LINKS_WRITE) else 0,
    )


def _ending(request: Request, place: Place, user: str, form: Form) -> Dialog:
    return replace(
        _removing(request, place, user, form),
        kind="end",
        action=_here(place, "members", user, "sessions", listing=Listing.of(request)),
    )


def _leaving(place: Place, form: Form) -> Dialog:
    return Dialog("leave", place.path("leave"), place.path(shell.MEMBERS), form)


def _transferring(request: Request, place: Place, user: str, form: Form) -> Dialog:
    listing = Listing.of(request)
    with place.site.store.reading() as connection:
        member = roster.read_member(connection, place.organization.number, known_id(user))
    return Dialog(
        kind="transfer",
        action=_here(place, "members", user, "transfer", listing=listing),
        close_href=place.path(shell.MEMBERS) + listing.query,
        form=form,
        member=member,
        roles=tuple(choice for choice in grantable(place) if choice.value != Role.OWNER.value),
    )


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError as error:
        labels = ", ".join(role.value for role in Role)
        raise Invalid.one("role", f"Choose one of these roles: {labels}.") from error


def _role_not_changed(place: Place, user: str, error: MinutebookError) -> str:
    with place.site.store.reading() as connection:
        member = roster.read_member(connection, place.organization.number, known_id(user))
    return f"The role of {member.person.name} is still {member.role.label.lower()}. {error.message}"


def _reads(place: Place) -> bool:
    return place.may(Permission.LOG_READ) and place.organization.plan is Plan.ENTERPRISE


def _history_href(place: Place) -> str | None:
    query = urlencode([("action", action) for action in HISTORY])
    return f"{place.path(shell.AUDIT_LOGS)}?{query}" if _reads(place) else None


def _here(place: Place, *parts: str, listing: Listing) -> str:
    return place.path(*parts) + listing.query
