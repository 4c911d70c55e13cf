"""The account of whoever is signed in: what they are called, how they sign in, and where they are signed in."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response

from minutebook.errors import Invalid, NotAllowed, TooManyAttempts
from minutebook.filters import zone_names
from minutebook.organization import people, seats, second_factors, sessions
from minutebook.organization.account_deletion import DeleteUser
from minutebook.organization.passwords import ChangePassword
from minutebook.organization.profiles import ChangeProfile
from minutebook.organization.sessions import EndSessions, OwnSession
from minutebook.record import NoChange, PersonalCommand, perform_everywhere
from minutebook.web import session, times
from minutebook.web.browsers import browser_of
from minutebook.web.forms import STAYS, Sent, Typed, confirm, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Viewer, Viewing, known_id
from minutebook.web.views.page import Choice, Form, Moment

router = APIRouter()

ACCOUNT = "/account"
OTHERS = "others"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One of the viewer's sessions."""

    id: str
    browser: str
    ip: str
    method: str
    """How it began: `password and authenticator app`."""
    began: Moment
    seen: str
    seen_exact: str
    this: bool


@router.get("/account")
def show_account(request: Request, viewer: Viewing) -> Response:
    """Where each part of the account is changed, and how it stands."""
    with viewer.site.store.reading() as connection:
        alive = len(sessions.sessions_of(connection, viewer.user.id, viewer.at))
        held = second_factors.held(connection, viewer.user.id)
    return show(
        request,
        "account.html",
        user=viewer.user,
        zone=viewer.session.zone,
        sessions=alive,
        second_factors=", ".join(factor.label.capitalize() for factor in held) or "None",
    )


@router.get("/account/profile")
def show_profile(request: Request, viewer: Viewing) -> Response:
    """The form with the name and the time zone."""
    values = {"name": viewer.user.name, "zone": viewer.session.zone or ""}
    return _show_profile(request, Form(values))


@router.post("/account/profile")
def change_profile(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Takes another name or time zone."""
    command = ChangeProfile(viewer.user.id, sent.one("name"), sent.one("zone") or None)
    try:
        is_changed = _perform(viewer, command)
    except STAYS as error:
        return _show_profile(request, form_after(sent, error, ("name", "zone")), error.status)
    return go(viewer.site, ACCOUNT, Said.PROFILE_SAVED if is_changed else Said.NOTHING_TO_CHANGE)


@router.get("/account/password")
def ask_for_new_password(request: Request, viewer: Viewing) -> Response:
    """The form that changes the password."""
    return _show_password(request, viewer, Form())


@router.post("/account/password")
def change_password(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Takes another password, for whoever knows the current one, and ends the other sessions."""
    try:
        _perform(viewer, _password_command(viewer, sent))
    except (*STAYS, TooManyAttempts) as error:
        return _show_password(request, viewer, form_after(sent, error, ("current", "password")), error.status)
    return go(viewer.site, ACCOUNT, Said.PASSWORD_CHANGED)


@router.get("/account/sessions")
def show_sessions(request: Request, viewer: Viewing) -> Response:
    """Where the viewer is signed in."""
    with viewer.site.store.reading() as connection:
        found = sessions.sessions_of(connection, viewer.user.id, viewer.at)
    return show(request, "account_sessions.html", sessions=[_row(viewer, session) for session in found])


@router.post("/account/sessions")
def end_sessions(viewer: Viewing, sent: Sent) -> Response:
    """Ends one other session, or all others."""
    chosen = sent.one("session")
    command = EndSessions(viewer.user.id, None if chosen == OTHERS else known_id(chosen))
    is_changed = _perform(viewer, command)
    return go(viewer.site, "/account/sessions", Said.SESSIONS_ENDED if is_changed else Said.NOTHING_TO_CHANGE)


@router.get("/account/delete")
def ask_to_delete(request: Request, viewer: Viewing) -> Response:
    """Says what happens when the account is deleted, or why it cannot be."""
    return _show_delete(request, viewer, Form())


@router.post("/account/delete")
def delete_account(request: Request, viewer: Viewing, sent: Sent) -> Response:
    """Deletes the account, when its address was typed, and the password where there is one."""
    try:
        confirm(sent, viewer.user.email)
        if _has_password(viewer):
            _prove(viewer, sent)
        _perform(viewer, DeleteUser(viewer.user.id))
    except (*STAYS, TooManyAttempts) as error:
        return _show_delete(request, viewer, form_after(sent, error, ("confirm", "current")), error.status)
    response = go(viewer.site, "/sign-in", Said.ACCOUNT_DELETED)
    session.end(response, viewer.site)
    return response


def _show_delete(request: Request, viewer: Viewer, form: Form, status: int = 200) -> Response:
    with viewer.site.store.reading() as connection:
        alone = seats.owned_alone(connection, viewer.user.id)
    return show(
        request,
        "account_delete.html",
        status=status,
        form=form,
        user=viewer.user,
        alone=alone,
        has_password=_has_password(viewer),
    )


def _has_password(viewer: Viewer) -> bool:
    with viewer.site.store.reading() as connection:
        return people.password_hash_of(connection, viewer.user.id) is not None


def _perform(viewer: Viewer, command: PersonalCommand) -> bool:
    """Whether anything was changed."""
    done = perform_everywhere(viewer.site.store, viewer.user.actor(), viewer.context, command)
    return not isinstance(done, NoChange)


def _row(viewer: Viewer, session: OwnSession) -> SessionRow:
    this = session.id == viewer.session.id
    return SessionRow(
        id=session.id,
        browser=browser_of(session.user_agent),
        ip=session.ip or "",
        method=" and ".join([session.method, *([session.second_factor.label] if session.second_factor else [])]),
        began=times.day_of(session.created_at, viewer.zone),
        seen="now" if this else times.ago(session.seen_at, viewer.at) or "just now",
        seen_exact=times.exact_time(session.seen_at, viewer.zone),
        this=this,
    )


def _show_profile(request: Request, form: Form, status: int = 200) -> Response:
    zones = [Choice("", "That of the browser"), *(Choice(name, name) for name in sorted(zone_names()))]
    return show(request, "account_profile.html", status=status, form=form, zones=zones)


def _show_password(request: Request, viewer: Viewer, form: Form, status: int = 200) -> Response:
    has_one = _has_password(viewer)
    return show(request, "account_password.html", status=status, form=form, user=viewer.user, has_one=has_one)


def _password_command(viewer: Viewer, sent: Typed) -> ChangePassword:
    """Raises Invalid, TooManyAttempts."""
    before = _prove(viewer, sent)  # first, since that is limited and the work of hashing is not
    hashed = people.hash_password(sent.one("password"))
    return ChangePassword(viewer.user.id, before, hashed, viewer.site.settings.sends_mail)


def _prove(viewer: Viewer, sent: Typed) -> str:
    """What is stored of the viewer's password, which they typed. Raises Invalid, TooManyAttempts."""
    try:
        _, hashed = viewer.site.sign_ins.prove(viewer.user.email, sent.one("current"), viewer.context)
    except NotAllowed:
        raise Invalid.one("current", "This is not your current password.") from None
    return hashed
