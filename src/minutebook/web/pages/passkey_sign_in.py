"""Signing in by a passkey alone, which says who it is and verifies them."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from minutebook.errors import MinutebookError, NotAllowed, NotFound, TooManyAttempts
from minutebook.organization import ceremonies, passkeys
from minutebook.organization.attempts import WINDOW_MINUTES
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.sessions import BY_PASSKEY
from minutebook.security import neighbourhood
from minutebook.web.begun import Begun
from minutebook.web.forms import Sent, Typed
from minutebook.web.own_path import own_path
from minutebook.web.pages.second_step import end_sign_in, show_over
from minutebook.web.render import go, show
from minutebook.web.site import site_of
from minutebook.web.source import context_of
from minutebook.web.views.page import Form

router = APIRouter()

PATH = "/sign-in/passkey"
ASKED = Begun("passkey", Purpose.PASSKEY, "lax")


@router.post(f"{PATH}/begin")
def begin(request: Request, sent: Sent) -> Response:
    """Makes what is to be signed, and leads to the page that asks for it. Raises TooManyAttempts, NotFound."""
    site = site_of(request)
    if site.party is None:
        raise NotFound
    if site.passkeys_from.ask(neighbourhood(context_of(request).ip)).is_over:
        raise TooManyAttempts(minutes=WINDOW_MINUTES)
    token = ceremonies.begin(site.store, Purpose.PASSKEY, "", BY_PASSKEY)
    response = go(site, f"{PATH}?{urlencode({'next': own_path(request, sent.one('next'))})}")
    return ASKED.keep(response, site, token)


@router.get(PATH)
def ask_for_passkey(request: Request) -> Response:
    """The page on which the browser asks for a passkey."""
    then = own_path(request, request.query_params.get("next", ""))
    waiting = ASKED.find(request)
    if waiting is None:
        return go(site_of(request), f"/sign-in?{urlencode({'next': then})}")
    return _show(request, waiting, Form(), then)


@router.post(PATH)
async def sign_in_by_passkey(request: Request, sent: Sent) -> Response:
    """Signs in whoever's passkey has signed."""
    response = await run_in_threadpool(_sign_in, request, sent)
    if response.status_code == NotAllowed.status:
        request.state.refused = ""  # noted with the account's organizations, or by its address
    return response


def _sign_in(request: Request, sent: Typed) -> Response:
    site = site_of(request)
    then = own_path(request, sent.one("next"))
    waiting = ASKED.find(request)
    if waiting is None:
        return show_over(request, then)
    token, answer, context = ASKED.token(request), sent.one("credential"), context_of(request)
    try:
        response = end_sign_in(request, lambda: site.sign_ins.sign_in_by_passkey(token, answer, context), then, None)
    except NotFound:
        return show_over(request, then)
    except MinutebookError as error:
        return _show(request, waiting, Form({}, {"": error.message}), then, error.status)
    return ASKED.forget(response, site)


def _show(request: Request, waiting: Ceremony, form: Form, then: str, status: int = 200) -> Response:
    site = site_of(request)
    assert site.party, "begun where there are passkeys"
    with site.store.reading() as connection:
        options = passkeys.request_options(connection, site.party, "", waiting.secret)
    return show(request, "passkey_sign_in.html", status=status, form=form, next=then, options=options)
