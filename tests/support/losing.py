"""How somebody who reads a log, or a program with a token, stops being allowed to while they are reading."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from minutebook.model import DAY, HOUR, Context, Plan, Role, Seat
from minutebook.organization import sessions
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.passwords import TakePassword
from minutebook.organization.people import User
from minutebook.organization.seats import ChangeRole, RemoveMember
from minutebook.organization.second_factor_rule import REQUIRED, ChangeSecondFactor
from minutebook.organization.sessions import Session
from minutebook.organization.settings import ChangeSessionLifetime
from minutebook.organization.tokens import RevokeToken
from minutebook.record import Command, perform, perform_everywhere
from tests.support.deployment import OPERATOR
from tests.support.server import Site

Loss: TypeAlias = Callable[[Site, User, Session], object]


def _by_operator(site: Site, command: Command) -> None:
    perform(site.store, Seat(site.company.number, OPERATOR, Context()), command)


def _end_its_hours(site: Site) -> None:
    site.company.act(site.company.owner, ChangeSessionLifetime(1))
    site.clock.run(site.clock() + HOUR)


LOSSES: dict[str, Loss] = {
    "role": lambda site, user, _: site.company.act(site.company.owner, ChangeRole(user.id, Role.MEMBER)),
    "seat": lambda site, user, _: site.company.act(site.company.owner, RemoveMember(user.id)),
    "session": lambda site, _, session: sessions.sign_out(site.store, session, Context()),
    "password": lambda site, user, _: perform_everywhere(site.store, OPERATOR, Context(), TakePassword(user.id)),
    "plan": lambda site, *_: _by_operator(site, ChangePlan(Plan.TEAMS, 25)),
    "hours": lambda site, *_: _end_its_hours(site),
    "second factor": lambda site, *_: _by_operator(site, ChangeSecondFactor(REQUIRED)),
}
"""Of a session of the user, by what is lost."""

TOKEN_LOSSES: dict[str, Callable[[Site, str], object]] = {
    "revoked": lambda site, token: site.company.act(site.company.owner, RevokeToken(token)),
    "expired": lambda site, _: site.clock.run(site.clock() + 30 * DAY),
}
"""Of an API token for 30 days, by its id."""
