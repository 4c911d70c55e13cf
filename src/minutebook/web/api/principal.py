"""Who asks the API: a program with an API token of the organization, or somebody who is signed in.

A request that sends a token is judged by it alone; its cookies are not looked at. In this order: who → how often →
where → permission → plan. An organization of others and one that is not there get the same answer.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Annotated, NamedTuple

import structlog
from fastapi import Path, Request
from sqlalchemy import Connection

from minutebook.denied import Standing, lacking
from minutebook.errors import (
    MinutebookError,
    NotFound,
    NotSignedIn,
    OutcomeUnknown,
    StoreUnavailable,
    TooManyRequests,
)
from minutebook.model import Client, Seat
from minutebook.organization import sittings, tokens
from minutebook.organization.held_seats import held_seats
from minutebook.organization.organizations import Organization
from minutebook.permissions import Permission, may, token_may
from minutebook.web import session
from minutebook.web.site import Site, site_of
from minutebook.web.source import context_of

ORGANIZATIONS = "/api/v1/organizations"
OF_ORGANIZATION = ORGANIZATIONS + "/{org}"
BEARER = "bearer"
ORGANIZATION = Path(
    description="The id of the organization, as it stands in the addresses of its pages.",
    examples=["org_k3v9d2m7q5xa"],
)

log = structlog.get_logger("minutebook.access")


class NoCredential(NotSignedIn):
    """Send an API token of the organization in the header Authorization: Bearer mbt_…, or sign in."""


class BadToken(MinutebookError):
    """This API token cannot be used: it is wrong, has expired or was revoked. Make another on the page API tokens."""

    status = 401
    code = "bad_token"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, in which organization, and what lets them. `sitting` is the id of their session or token; `at` is now,
    in UTC microseconds."""

    site: Site
    organization: Organization
    seat: Seat
    standing: Standing
    sitting: str
    at: int

    def sit(self) -> None:
        """Records that the log is read. No event is shown before. Raises as `perform` does."""
        sittings.sit(self.site.store, self.seat, self.sitting, self.at)

    def reading(self) -> AbstractContextManager[Connection]:
        """A snapshot to search in, when it is the turn of the organization. Raises TooManySearches."""
        return self.site.searches.reading(self.organization.number)


@dataclass(frozen=True, slots=True)
class Known:
    """Who asks, before they named an organization, and the organizations that they could name. `at` is now, in UTC
    microseconds."""

    organizations: tuple[Organization, ...]
    at: int


class Bearer(NamedTuple):
    """A token that can be used, and whose it is."""

    site: Site
    token: tokens.Token
    organization: Organization
    at: int


def known(request: Request) -> Known:
    """The dependency of an operation that is of no organization. Raises NoCredential, BadToken and TooManyRequests."""
    secret = _secret(request)
    if secret is not None:
        site, token, organization, at = _bearer(request, secret)
        _note_use(site, token, at)
        return Known((organization,), at)
    viewer = _viewer(request)
    with viewer.site.store.reading() as connection:
        held = held_seats(connection, viewer.user.id, viewer.session.id)
    return Known(tuple(seat.organization for seat in held), viewer.at)


def principal(permission: Permission) -> Callable[[Request, str], Principal]:
    """The dependency of an operation, for roles and tokens that have the permission.

    Raises NoCredential, BadToken, TooManyRequests, NotFound, Forbidden and NotAllowed.
    """

    def find(request: Request, org: Annotated[str, ORGANIZATION]) -> Principal:
        secret = _secret(request)
        found = _by_session(request, org, permission) if secret is None else _by_token(request, secret, org, permission)
        sittings.require_plan(found.organization.plan, found.seat, found.standing)
        return found

    return find


def _secret(request: Request) -> str | None:
    """What stands behind Bearer; None without it, also for another scheme, which a proxy in between may have added."""
    for header in request.headers.getlist("authorization"):
        scheme, _, credential = header.partition(" ")
        if scheme.lower() == BEARER:
            return credential.strip()
    return None


def _by_token(request: Request, secret: str, org: str, permission: Permission) -> Principal:
    site, token, organization, at = _bearer(request, secret)
    if organization.id != org:
        raise NotFound(why="no seat")
    seat = Seat(organization.number, token.actor(), context_of(request, client=Client.API))
    if not token_may(token.scopes, permission):
        raise lacking(seat, token.scopes, permission)
    _note_use(site, token, at)
    return Principal(site, organization, seat, token.scopes, token.id, at)


def _bearer(request: Request, secret: str) -> Bearer:
    """The token of a secret, once this request of it is counted. Raises BadToken and TooManyRequests."""
    site = site_of(request)
    at = site.store.clock()
    with site.store.reading() as connection:
        found = tokens.find_by_secret(connection, secret, at)
    if found is None:
        raise BadToken
    token, organization = found
    request.state.user = token.id
    standing = site.rates.ask(token.id)
    request.state.headers = standing.headers
    if standing.is_over:
        raise TooManyRequests(limit=f"{standing.limit:,}", seconds=standing.seconds)
    return Bearer(site, token, organization, at)


def _note_use(site: Site, token: tokens.Token, at: int) -> None:
    if token.used_at is not None and at - token.used_at < tokens.USED_EVERY:
        return
    try:
        tokens.note_use(site.store, token.id, at)
    except (StoreUnavailable, OutcomeUnknown):
        # A full disk must not keep programs from reading; "last used" is then a little older.
        log.warning("token_use_not_noted", token=token.id)


def _by_session(request: Request, org: str, permission: Permission) -> Principal:
    viewer = _viewer(request)
    with viewer.site.store.reading() as connection:
        here, _ = session.find_seat(connection, viewer, org)
    session.enter_unless_inside(viewer, here)
    seat = Seat(here.organization.number, viewer.user.actor(), replace(viewer.context, client=Client.API))
    if not may(here.role, permission):
        raise lacking(seat, here.role, permission)
    return Principal(viewer.site, here.organization, seat, here.role, viewer.session.id, viewer.at)


def _viewer(request: Request) -> session.Viewer:
    """Who is signed in. Raises NoCredential."""
    viewer = session.find_viewer(request)
    if viewer is None:
        raise NoCredential
    return viewer
