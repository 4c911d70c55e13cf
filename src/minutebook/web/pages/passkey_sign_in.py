"""Signing in by a passkey alone, which says who it is and verifies them."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response

from minutebook.errors import NotFound, TooManyAttempts
from minutebook.organization import ceremonies, passkeys
from minutebook.organization.attempts import WINDOW_MINUTES
from minutebook.organization.ceremonies import Ceremony, Purpose
from minutebook.organization.sessions import BY_PASSKEY
from minutebook.security import neighbourhood
from minutebook.web.begun import Begun
from minutebook.web.forms import Sent
from minutebook.web.own_path import own_path
from minutebook.web.pages.second_step import end_step, show_step
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
    return show_step(request, ASKED, _show)


@router.post(PATH)
def sign_in_by_passkey(request: Request, sent: Sent) -> Response:
    """Signs in whoever's passkey has signed."""
    signs, context, answer = site_of(request).sign_ins, context_of(request), sent.one("credential")
    return end_step(request, sent, ASKED, lambda token: signs.sign_in_by_passkey(token, answer, context), _show)


def _show(request: Request, waiting: Ceremony, form: Form, then: str, status: int) -> Response:
    site = site_of(request)
    assert site.party, "begun where there are passkeys"
    with site.store.reading() as connection:
        options = passkeys.request_options(connection, site.party, "", waiting.secret)
    return show(request, "passkey_sign_in.html", status=status, form=form, next=then, options=options)
