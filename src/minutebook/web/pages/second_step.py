"""The second step of a sign-in, for those who have a second factor; and how every sign-in ends: with a session."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from minutebook.errors import MinutebookError, NotAllowed, NotFound
from minutebook.model import SecondFactor
from minutebook.organization import passkeys, second_factors, sessions
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.sessions import Session
from minutebook.organization.sign_in import SecondFactorNeeded
from minutebook.web import session
from minutebook.web.begun import Begun
from minutebook.web.forms import Sent, Typed
from minutebook.web.own_path import own_path
from minutebook.web.render import Said, go, show
from minutebook.web.session import find_viewer
from minutebook.web.site import site_of
from minutebook.web.source import context_of
from minutebook.web.views.page import Form

router = APIRouter()

PATH = "/sign-in/second-factor"
WAITING = Begun("second-factor", Purpose.SIGN_IN, "lax")
Shown = Callable[[Request, Ceremony, Form, str, int], Response]
"""Shows the page of a step: what waits, the form, the path to go on to, the status."""
OVER = "That took too long, or was done already. Sign in again."


def end_sign_in(request: Request, begin: Callable[[], tuple[str, Session]], then: str, said: Said | None) -> Response:
    """Begins a session, in place of the one that the browser may have, and goes on to `then`; by way of the second
    factor where one is needed. Raises what `begin` raises."""
    site, before = site_of(request), find_viewer(request)
    try:
        token, _ = begin()
    except SecondFactorNeeded as needed:
        return WAITING.keep(go(site, f"{PATH}?{urlencode({'next': then})}", said), site, needed.token)
    if before:
        sessions.sign_out(site.store, before.session, before.context)
    response = go(site, then, said)
    session.begin(response, site, token)
    return response


def show_sign_in(request: Request, form: Form, then: str, status: int = 200, again: str = "") -> Response:
    """The page on which every sign-in begins; `again` is why somebody who is signed in signs in again."""
    has_passkeys = site_of(request).party is not None
    return show(request, "sign_in.html", status=status, form=form, next=then, again=again, passkeys=has_passkeys)


@router.get(PATH)
def ask_for_second_factor(request: Request) -> Response:
    """The form, for somebody whose first factor was right; others begin anew."""
    return show_step(request, WAITING, _show)


@router.post(PATH)
def prove_second_factor(request: Request, sent: Sent) -> Response:
    """Ends the sign-in with a session, once the code is right."""
    signs, context, answer = site_of(request).sign_ins, context_of(request), sent.one("credential")

    def begin(token: str) -> tuple[str, Session]:
        if answer:
            return signs.finish_by_passkey(token, answer, context)
        return signs.finish(token, sent.one("code"), context)

    return end_step(request, sent, WAITING, begin, _show, "" if answer else "code")


def show_step(request: Request, step: Begun, shown: Shown) -> Response:
    """The page of a step in which the browser's sign-in waits; others begin anew."""
    then = own_path(request, request.query_params.get("next", ""))
    waiting = step.find(request)
    if waiting is None:
        return go(site_of(request), f"/sign-in?{urlencode({'next': then})}")
    return shown(request, waiting, Form(), then, 200)


def end_step(
    request: Request,
    sent: Typed,
    step: Begun,
    begin: Callable[[str], tuple[str, Session]],
    shown: Shown,
    field: str = "",
) -> Response:
    """Ends the sign-in that waits in a step, with the session that `begin` makes of its token. Shows the page again
    with what was wrong beside the field, or the first page for a step that took too long or was done already."""
    then = own_path(request, sent.one("next"))
    waiting, token = step.find(request), step.token(request)
    if waiting is None:
        return _show_over(request, then)
    try:
        response = end_sign_in(request, lambda: begin(token), then, None)
    except NotFound:
        return _show_over(request, then)
    except MinutebookError as error:
        if error.status == NotAllowed.status:
            request.state.refused = ""  # noted with the organizations of the account, or by its address
        return shown(request, waiting, Form({}, {field: error.message}), then, error.status)
    return step.forget(response, site_of(request))


def _show_over(request: Request, then: str) -> Response:
    return show_sign_in(request, Form({}, {"": OVER}), then, 410)


def _show(request: Request, waiting: Ceremony, form: Form, then: str, status: int) -> Response:
    site = site_of(request)
    party = site.party
    with site.store.reading() as connection:
        held = second_factors.held(connection, waiting.user)
        options = ""
        if SecondFactor.PASSKEY in held and party:
            options = passkeys.request_options(connection, party, waiting.user, waiting.secret)
    app = SecondFactor.TOTP in held
    return show(request, "second_factor.html", status=status, form=form, next=then, app=app, options=options)
