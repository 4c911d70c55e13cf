"""Links that work once: setting the deployment up, signing in, and choosing a new password.

A token leaves the address at once: it is put into a cookie and the browser is sent on. Opening such a link uses
nothing up, so that a preview in a mail program does no harm; only the button on the page does.
"""

from __future__ import annotations

import re
from dataclasses import replace

from fastapi import APIRouter, Request, Response

from minutebook.errors import Invalid, NotFound, Problem, kept
from minutebook.model import Plan, Seat
from minutebook.organization import links, people, sessions, wording
from minutebook.organization.passwords import ChoosePassword
from minutebook.organization.people import User
from minutebook.organization.set_up import FIRST_SEAT_LIMIT, SetUpDeployment, is_set_up
from minutebook.record import perform, perform_everywhere
from minutebook.web import session
from minutebook.web.forms import STAYS, Sent, Typed, form_after, kept_user
from minutebook.web.pages.second_step import end_sign_in
from minutebook.web.render import Said, go, show
from minutebook.web.site import Site, site_of
from minutebook.web.source import context_of
from minutebook.web.views.page import Form

router = APIRouter()

COOKIE_SECONDS = 60 * 60
METHOD = "a single-use link"
RESET_METHOD = "a new password"
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,100}")


@router.get("/set-up/{token}")
def open_set_up_link(request: Request, token: str) -> Response:
    """Takes the token out of the address."""
    return carry(site_of(request), links.SET_UP, token, "/set-up")


@router.get("/set-up")
def show_set_up(request: Request) -> Response:
    """The form that founds the first organization."""
    site = site_of(request)
    token = carried(request, links.SET_UP)
    with site.store.reading() as connection:
        done = is_set_up(connection)
    if done or not links.is_valid(site.store, links.SET_UP, token):
        return show(request, "link_over.html", status=410, kind="set_up", done=done)
    return show(request, "set_up.html", form=Form())


@router.post("/set-up")
def set_up(request: Request, sent: Sent) -> Response:
    """Founds the first organization with its owner, and signs them in."""
    site = site_of(request)
    try:
        command = _set_up_command(site, sent, carried(request, links.SET_UP))
        owner = command.owner
        perform(site.store, Seat(0, owner.actor(), context_of(request)), command)
    except NotFound:
        return show(request, "link_over.html", status=410, kind="set_up", done=False)
    except STAYS as error:
        form = form_after(sent, error, ("organization", "name", "email", "password"))
        return show(request, "set_up.html", status=error.status, form=form)
    token, _ = sessions.start_session(site.store, owner, "password", context_of(request))
    response = go(site, "/", Said.WELCOME)
    drop(response, site, links.SET_UP)
    session.begin(response, site, token)
    return response


@router.get("/enter/{token}")
def open_sign_in_link(request: Request, token: str) -> Response:
    """Takes the token out of the address."""
    return carry(site_of(request), links.SIGN_IN, token, "/enter")


@router.get("/enter")
def show_sign_in_link(request: Request) -> Response:
    """Asks whether to sign in as the person that the link is for."""
    site = site_of(request)
    owner = links.owner(site.store, links.SIGN_IN, carried(request, links.SIGN_IN))
    if owner is None:
        return show(request, "link_over.html", status=410, kind="enter", done=False)
    with site.store.reading() as connection:
        user = people.user_by_id(connection, owner)
    return show(request, "enter.html", user=user)


@router.post("/enter")
def enter_by_link(request: Request) -> Response:
    """Uses the link up and signs its person in."""
    site = site_of(request)
    valid, owner = links.use_link(site.store, links.SIGN_IN, carried(request, links.SIGN_IN))
    if not valid or owner is None:
        return show(request, "link_over.html", status=410, kind="enter", done=False)
    with site.store.reading() as connection:
        user = people.user_by_id(connection, owner)
    return _signed_in(request, user, METHOD, links.SIGN_IN, None)


@router.get("/password/{token}")
def open_reset_link(request: Request, token: str) -> Response:
    """Takes the token out of the address."""
    return carry(site_of(request), links.RESET, token, "/password")


@router.get("/password")
def ask_for_password(request: Request) -> Response:
    """The form that chooses a new password."""
    return _ask_for_password(request, Form())


@router.post("/password")
def choose_password(request: Request, sent: Sent) -> Response:
    """Uses the link up, sets the password and signs its person in."""
    try:
        user = _choose_password(request, sent.one("password"))
    except NotFound:
        return show(request, "link_over.html", status=410, kind="reset", done=False)
    except STAYS as error:
        return _ask_for_password(request, form_after(sent, error, ("password",)), error.status)
    return _signed_in(request, user, RESET_METHOD, links.RESET, Said.RESET_DONE)


def _choose_password(request: Request, password: str) -> User:
    token, site = carried(request, links.RESET), site_of(request)
    store = site.store
    owner = links.owner(store, links.RESET, token)
    if owner is None:
        raise NotFound
    hashed = people.hash_password(password)  # only now: it is much work, and anybody may ask for this page
    with store.reading() as connection:
        user = people.user_by_id(connection, owner)
    actor = replace(user.actor(), credential=None)
    command = ChoosePassword(user.id, token, hashed, site.settings.sends_mail)
    perform_everywhere(store, actor, context_of(request), command)
    return user


def _ask_for_password(request: Request, form: Form, status: int = 200) -> Response:
    site = site_of(request)
    owner = links.owner(site.store, links.RESET, carried(request, links.RESET))
    if owner is None:
        return show(request, "link_over.html", status=410, kind="reset", done=False)
    with site.store.reading() as connection:
        user = people.user_by_id(connection, owner)
    return show(request, "new_password.html", status=status, form=form, user=user)


def _signed_in(request: Request, user: User, method: str, purpose: str, said: Said | None) -> Response:
    """Begins a session in place of the one that the browser may have."""
    site, context = site_of(request), context_of(request)
    response = end_sign_in(request, lambda: site.sign_ins.go_on(user, method, context), "/", said)
    drop(response, site, purpose)
    return response


def carry(site: Site, purpose: str, token: str, path: str) -> Response:
    """Puts the token of a link into a cookie for an hour, and goes on to a page without it in the address."""
    response = go(site, path)
    if not TOKEN.fullmatch(token):
        drop(response, site, purpose)
        return response
    response.set_cookie(
        site.cookie(purpose), token, max_age=COOKIE_SECONDS, secure=site.is_https, httponly=True, samesite="lax"
    )
    return response


def carried(request: Request, purpose: str) -> str:
    """The token that was put into the cookie; nothing when there is none."""
    return request.cookies.get(site_of(request).cookie(purpose), "")


def drop(response: Response, site: Site, purpose: str) -> None:
    """Forgets the token."""
    response.delete_cookie(site.cookie(purpose), secure=site.is_https, httponly=True, samesite="lax")


def _set_up_command(site: Site, sent: Typed, token: str) -> SetUpDeployment:
    """Raises Invalid for all fields that are wrong, NotFound when the link cannot be used."""
    if not links.is_valid(site.store, links.SET_UP, token):
        raise NotFound
    with site.store.reading() as connection:
        if is_set_up(connection):
            raise NotFound
    problems: list[Problem] = []
    organization = kept(
        problems, wording.name, sent.one("organization"), "organization", "The name of the organization"
    )
    user = kept_user(problems, sent, sent.one("email"), site.store.randomness)
    password_hash = kept(problems, people.hash_password, sent.one("password"))
    if organization is None or user is None or password_hash is None:
        raise Invalid(*problems)
    return SetUpDeployment(
        organization, user, Plan.ENTERPRISE, FIRST_SEAT_LIMIT, token=token, password_hash=password_hash
    )
