"""API tokens: what programs read the log with, made here, shown once, and taken back here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from minutebook.model import Plan
from minutebook.organization import tokens
from minutebook.organization.tokens import MAX_DAYS, CreateToken, RevokeToken, Token, new_secret
from minutebook.permissions import Permission, TokenScope
from minutebook.record import perform
from minutebook.web import shell, shown_once, times
from minutebook.web.forms import STAYS, Sent, confirm, form_after
from minutebook.web.render import Said, go, show
from minutebook.web.session import Place, known_id, place
from minutebook.web.views.page import Choice, ChoiceGroup, Form, Moment

router = APIRouter()

Changed = Annotated[Place, Depends(place(Permission.TOKENS_WRITE))]

FIELDS, GROUPS = ("name", "days"), ("scopes",)
ON_THE_PAGE = ("", "name", "scopes", "days")
USUAL_DAYS = "90"
MADE = "token"
"""The cookie that holds the secret of a new token until it is shown."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token of the list. `used` is told as a length of time."""

    id: str
    name: str
    scopes: str
    created_by: str
    created: Moment
    expires: Moment
    expired: bool
    used: str
    used_exact: str
    revoke_href: str


@router.get("/o/{org}/tokens")
def show_tokens(request: Request, place: Changed) -> Response:
    """All tokens, with those that expired."""
    return _list(request, place)


@router.get("/o/{org}/tokens/new")
def show_new_token(request: Request, place: Changed) -> Response:
    """The form for a new token."""
    return _form(request, place, Form(values={"scopes": (TokenScope.LOG_READ.value,), "days": USUAL_DAYS}))


@router.post("/o/{org}/tokens/new")
def create_token(request: Request, place: Changed, sent: Sent) -> Response:
    """Makes a token, and leads to where its secret is shown."""
    site = place.site
    secret = new_secret(site.store.randomness)
    command = CreateToken(sent.one("name"), sent.every("scopes"), _days(sent.one("days")), secret)
    try:
        perform(site.store, place.seat, command)
    except STAYS as error:
        form = form_after(sent, error, FIELDS, GROUPS)
        errors = {field: form.errors[field] for field in ON_THE_PAGE if field in form.errors}
        return _form(request, place, replace(form, errors=errors), error.status)
    return shown_once.send(place.viewer, MADE, secret, place.path(shell.TOKENS, "made"))


@router.get("/o/{org}/tokens/made")
def show_secret(request: Request, place: Changed) -> Response:
    """The secret of the token that was just made, this once; after that, the list."""
    secret = shown_once.sent(request, place.viewer, MADE)
    with place.site.store.reading() as connection:
        found = tokens.find_by_secret(connection, secret, place.viewer.at)
    if found is None or found[1].number != place.organization.number:
        return go(place.site, place.path(shell.TOKENS), Said.SECRET_SHOWN)
    page = show(
        request,
        "token_made.html",
        place=place,
        current=shell.TOKENS,
        token=_row(place, found[0]),
        secret=secret,
        example=f'curl -H "Authorization: Bearer {secret}" {_address(place)}',
        tokens_href=place.path(shell.TOKENS),
    )
    return shown_once.forget(page, place.viewer, MADE)


@router.get("/o/{org}/tokens/{token}/revoke")
def ask_to_revoke(request: Request, place: Changed, token: str) -> Response:
    """Says what happens when the token is revoked, and asks to type its name."""
    return _list(request, place, _token(place, token), Form())


@router.post("/o/{org}/tokens/{token}/revoke")
def revoke_token(request: Request, place: Changed, token: str, sent: Sent) -> Response:
    """Takes a token back, when its name was typed."""
    now = _token(place, token)
    try:
        confirm(sent, now.name)
        perform(place.site.store, place.seat, RevokeToken(now.id))
    except STAYS as error:
        return _list(request, place, now, form_after(sent, error, ("confirm",)), error.status)
    return go(place.site, place.path(shell.TOKENS), Said.TOKEN_REVOKED)


def _days(text: str) -> int:
    """The number that was typed; for what is none, one that is refused."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_DAYS)) else 0


def _address(place: Place) -> str:
    return place.site.link(f"/api/v1/organizations/{place.organization.id}/events")


def _token(place: Place, token: str) -> Token:
    with place.site.store.reading() as connection:
        return tokens.read_token(connection, place.organization.number, known_id(token))


def _list(
    request: Request, place: Place, revoking: Token | None = None, form: Form | None = None, status: int = 200
) -> Response:
    with place.site.store.reading() as connection:
        found = tokens.all_tokens(connection, place.organization.number)
    return show(
        request,
        "tokens.html",
        place=place,
        current=shell.TOKENS,
        status=status,
        tokens=[_row(place, token) for token in found],
        address=_address(place),
        is_read=place.organization.plan is Plan.ENTERPRISE,
        new_href=place.path(shell.TOKENS, "new"),
        tokens_href=place.path(shell.TOKENS),
        revoking=_row(place, revoking) if revoking else None,
        form=form,
    )


def _form(request: Request, place: Place, form: Form, status: int = 200) -> Response:
    return show(
        request,
        "token_form.html",
        place=place,
        current=shell.TOKENS,
        status=status,
        form=form,
        scopes=(ChoiceGroup("", tuple(Choice(scope.value, scope.label, scope.value) for scope in TokenScope)),),
        most_days=MAX_DAYS,
        action=place.path(shell.TOKENS, "new"),
        tokens_href=place.path(shell.TOKENS),
    )


def _row(place: Place, token: Token) -> TokenRow:
    zone, at = place.viewer.zone, place.viewer.at
    return TokenRow(
        id=token.id,
        name=token.name,
        scopes=", ".join(scope.label for scope in token.scopes),
        created_by=token.created_by,
        created=times.minute_time(token.created_at, zone),
        expires=times.day_of(token.expires_at, zone),
        expired=not token.is_live(at),
        used="Never used" if token.used_at is None else times.ago(token.used_at, at) or "just now",
        used_exact="" if token.used_at is None else times.exact_time(token.used_at, zone),
        revoke_href=place.path(shell.TOKENS, token.id, "revoke"),
    )
