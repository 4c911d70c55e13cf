"""Ordinary days: people come to work, mistype their password, read the log, go home; and strangers try the door."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial

from minutebook.actions.access import AccessDenied
from minutebook.demo.cast import CALDER
from minutebook.demo.props import INTRUDERS
from minutebook.demo.stage import Player, Stage, days_between
from minutebook.model import HOUR, MINUTE, Client, Context, Seat
from minutebook.organization.denials import RecordDenial
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.organization.sittings import OpenSitting
from minutebook.permissions import Permission, may
from minutebook.record import perform

READERS = {"ada": 0.4, "mateo": 0.45, "priya": 0.35, "sofia": 0.6, "camille": 0.2, "kwame": 0.1}
"""How likely each of those who may read the log does so on a working day."""
CURIOUS = 89
"""On one working day in so many, somebody opens what they may not."""
NIGHTS_WITH_INTRUDERS = 0.04
HOLIDAYS = {(12, 24), (12, 25), (12, 26), (12, 31), (1, 1), (5, 1), (10, 3)}


def live(stage: Stage) -> None:
    """Plans every day when the day before is half over, for those who hold a seat by then."""
    for day in days_between(stage.beginning, stage.end)[1:]:
        noon_before = stage.wall(stage.players["ada"], day, -12 * 60)
        stage.at(max(noon_before, stage.beginning), partial(_plan, stage, day))


def _plan(stage: Stage, day: date) -> None:
    for player in stage.players.values():
        if player.seats and _comes_to_work(stage, player, day):
            _plan_for(stage, player, day)
    if stage.chance.random() < NIGHTS_WITH_INTRUDERS:
        _plan_intruder(stage, day)


def _comes_to_work(stage: Stage, player: Player, day: date) -> bool:
    chance = stage.chance.random()
    if day.weekday() > 4:
        return chance < 0.03
    if (day.month, day.day) in HOLIDAYS:
        return chance < 0.1
    away = (player.number * 37 + day.toordinal() // 7) % 26 == 0  # two weeks of every year
    return not away and chance < 0.9


def _plan_for(stage: Stage, player: Player, day: date) -> None:
    begins = stage.wall(player, day, stage.chance.gauss(9 * 60, 40))
    ends = stage.wall(player, day, stage.chance.gauss(17 * 60 + 40, 55))
    stage.at(begins, lambda: _begin(stage, player))
    if stage.chance.random() < READERS.get(player.persona.key, 0):
        reads = stage.wall(player, day, stage.chance.uniform(9 * 60 + 30, 17 * 60))
        stage.at(reads, lambda: read_log(stage, player))
        if stage.chance.random() < 0.3:
            stage.at(reads + stage.chance.randrange(HOUR, 3 * HOUR), lambda: read_log(stage, player))
    if (player.number * 37 + day.toordinal()) % CURIOUS == 0:
        stage.at(begins + HOUR, lambda: _be_refused(stage, player))
    if stage.chance.random() < 0.19:
        stage.at(ends, lambda: stage.sign_out(player))


def _begin(stage: Stage, player: Player) -> None:
    """Signs in, unless the session of a day before still lives; some mistype the password first."""
    other_device = stage.chance.random() < 0.08
    if not player.seats or (stage.is_signed_in(player) and not other_device):
        return
    context = stage.context_of(player)
    if stage.chance.random() < 0.07:
        for attempt in range(1, stage.chance.choice((2, 2, 2, 3))):
            fail(stage, player, context, attempt)
            stage.takes(6, 25)
    stage.sign_in(player, context)


def read_log(stage: Stage, player: Player) -> None:
    """Opens the audit log, when the player holds a seat that may."""
    number = stage.organizations[CALDER]
    if not stage.able(player.persona.key, CALDER, Permission.LOG_READ):
        return
    if not stage.is_signed_in(player):
        stage.sign_in(player)
        stage.takes(5, 40)
    assert player.session is not None
    perform(stage.store, stage.seat(player, number), OpenSitting(session=player.session.id))


def _be_refused(stage: Stage, player: Player) -> None:
    """Looks for the audit log, without a seat that may read it."""
    number = stage.organizations[CALDER]
    role = player.seats.get(number)
    if role is None or may(role, Permission.LOG_READ) or not stage.is_signed_in(player):
        return
    denial = AccessDenied(
        operation="open the page audit-logs",
        route="GET /o/{org}/audit-logs",
        needed=Permission.LOG_READ.value,
        role=role,
        since=stage.clock.now,
        until=stage.clock.now,
    )
    perform(stage.store, stage.seat(player, number), RecordDenial(denial))


def fail(stage: Stage, player: Player, context: Context, attempt: int) -> None:
    """A sign-in as the player that is refused, recorded in each of their organizations."""
    assert player.user is not None
    actor = replace(player.user.actor(), credential=None)
    for number in sorted(player.seats):
        seat = Seat(number, actor, stage.again(context))
        perform(stage.store, seat, RecordFailedSignIn(reason="Wrong password", attempt=attempt))


def _plan_intruder(stage: Stage, day: date) -> None:
    at = stage.wall(stage.players["ada"], day, stage.chance.uniform(0, 4 * 60))
    agent = stage.chance.choice(INTRUDERS)
    context = Context(ip=f"192.0.2.{stage.chance.randrange(1, 255)}", user_agent=agent, client=Client.DEMO)
    known = [player for player in stage.players.values() if player.user and player.seats]
    for player in stage.chance.sample(known, k=min(len(known), stage.chance.choice((1, 1, 2, 4)))):
        for attempt in range(1, stage.chance.randrange(4, 11)):
            stage.at(at, partial(fail, stage, player, context, attempt))
            at += stage.chance.randrange(MINUTE // 30, MINUTE // 5)
