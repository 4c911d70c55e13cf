"""Signing in and out, and where somebody lands who is signed in."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from minutebook.errors import MinutebookError, NotAllowed, Problem, SignInAgain
from minutebook.model import SECOND
from minutebook.organization import sessions, support
from minutebook.organization.held_seats import held_seats
from minutebook.web import session
from minutebook.web.forms import Sent, Typed, form_after, form_with
from minutebook.web.own_path import own_path
from minutebook.web.pages.second_step import end_sign_in, show_sign_in
from minutebook.web.render import Said, go
from minutebook.web.session import Viewing, find_viewer
from minutebook.web.site import site_of
from minutebook.web.source import context_of
from minutebook.web.views.page import Form

router = APIRouter()

FIELDS = ("email", "password")
REFUSED_AFTER = SECOND // 2
"""A refusal is recorded in each organization of the account, which takes time that must not tell there is one."""


@router.get("/")
def start(viewer: Viewing) -> Response:
    """Leads to the first organization of the viewer, or where they are let in, or to the page that makes one."""
    user, session_ = viewer.user.id, viewer.session.id
    with viewer.site.store.reading() as connection:
        held = [seat.organization.id for seat in held_seats(connection, user, session_)]
        first = next(iter([*held, *support.entered_by(connection, user, session_, viewer.at)]), None)
    return go(viewer.site, f"/o/{first}" if first else "/organizations/new")


@router.get("/sign-in")
def ask_to_sign_in(request: Request) -> Response:
    """The form; somebody who is signed in goes on at once, unless an organization asks to sign in again."""
    then = own_path(request, request.query_params.get("next", ""))
    again = request.query_params.get("again") == "yes"
    if not again and find_viewer(request):
        return go(site_of(request), then)
    return show_sign_in(request, Form(), then, again=SignInAgain().message if again else "")


@router.post("/sign-in")
async def sign_in_by_password(request: Request, sent: Sent) -> Response:
    """Begins a session, new at every sign-in, and goes on to where somebody wanted to be.

    Whoever is refused is told so after half a second at least, during which no thread is held.
    """
    site = site_of(request)
    began = site.store.clock()
    response = await run_in_threadpool(_sign_in, request, sent)
    if response.status_code == NotAllowed.status:
        request.state.refused = ""  # noted with the account's organizations, or by its address
        left = REFUSED_AFTER - (site.store.clock() - began)
        await site.sleep(min(max(left, 0), REFUSED_AFTER) / SECOND)  # whatever a clock that was set meanwhile says
    return response


def _sign_in(request: Request, sent: Typed) -> Response:
    site = site_of(request)
    then = own_path(request, sent.one("next"))
    email, password, context = sent.one("email"), sent.one("password"), context_of(request)
    try:
        return end_sign_in(request, lambda: site.sign_ins.sign_in(email, password, context), then, None)
    except MinutebookError as error:
        # Which of the two is wrong is not said; the password is what is typed anew.
        problem = Problem("password", error.message)
        form = form_with(sent, [problem], FIELDS) if isinstance(error, NotAllowed) else form_after(sent, error, FIELDS)
        return show_sign_in(request, form, then, error.status)


@router.post("/sign-out")
def sign_out(request: Request, sent: Sent) -> Response:
    """Ends the session, if there is one, and the access of the viewer everywhere."""
    site = site_of(request)
    then = own_path(request, sent.one("next"))
    viewer = find_viewer(request)
    if viewer:
        sessions.sign_out(site.store, viewer.session, viewer.context)
    response = go(site, "/sign-in" if then == "/" else then, Said.SIGNED_OUT)
    session.end(response, site)
    return response
