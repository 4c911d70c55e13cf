"""Whose history is shown: the heading of Audit Logs when it is asked for one actor or one target, and nothing else."""

from __future__ import annotations

from contextlib import suppress
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from minutebook.errors import TooSlow
from minutebook.filters import expression_of, filter_of, normal_text
from minutebook.filters.expression import Expression, Term
from minutebook.filters.term_values import IDS, ActorValue
from minutebook.identifiers import ID
from minutebook.model import Event
from minutebook.store import search
from minutebook.store.scope import Scope
from minutebook.web import times
from minutebook.web.log_address import Address
from minutebook.web.views.log import Subject, SubjectSide


def everything_by(actor: str) -> Expression | None:
    """What asks for all that was done by an actor, by their id; None for an actor that cannot be asked for so."""
    normal = normal_text(actor)
    return Term("actor", ActorValue("id", normal)) if IDS.fullmatch(normal) else None


def everything_to(target: str) -> Expression:
    """What asks for all that was done to a target, by its id."""
    return Term("target_id", normal_text(target))


def subject_of(connection: Connection, scope: Scope, address: Address, zone: ZoneInfo) -> Subject | None:
    """The heading; None where the address asks for anything else, or for somebody of whom the log knows nothing."""
    id_, is_actor = _asked(expression_of(address.filter))
    if not id_:
        return None
    by, to = everything_by(id_), everything_to(id_)
    with suppress(TooSlow):
        did = _Side(connection, scope, by) if by else None
        done = _Side(connection, scope, to)
        told = _told(did, done, id_)
        if told is None:
            return None
        name, email, kind, recorded_id = told
        sides = [
            SubjectSide(
                label, side.total.number, address.afresh.asking(asked).href, side.total.is_exact, current=current
            )
            for label, side, asked, current in (
                ("Done by them", did, by, is_actor),
                ("Done to them" if by else "Done to it", done, to, not is_actor),
            )
            if side and asked
        ]
        seen = [event.occurred_at for side in (did, done) if side for event in side.ends]
        first, last = times.full_time(min(seen), zone), times.full_time(max(seen), zone)
        return Subject(name, email, kind, recorded_id, tuple(sides), first, last)
    return None


class _Side:
    """What there is in one direction: how much, and the newest and the oldest of it."""

    def __init__(self, connection: Connection, scope: Scope, asked: Expression) -> None:
        filter_ = filter_of(asked)
        page = search.page(connection, scope, filter_, None, 1)
        self.total = page.total
        oldest = search.window(connection, scope, filter_, first=0, limit=1) if page.events else []
        self.ends: tuple[Event, ...] = (*page.events, *oldest)


def _asked(expression: Expression) -> tuple[str, bool]:
    """The id that is asked for, and whether as the actor; nothing when anything else is asked."""
    match expression:
        case Term("actor", ActorValue("id", id_)):
            return id_, True
        case Term("target_id", str(id_)):
            return id_, False
        case Term("target", str(id_)) if ID.fullmatch(id_):
            return id_, False
    return "", False


def _told(did: _Side | None, done: _Side, id_: str) -> tuple[str, str, str, str] | None:
    """Name, address, kind and id as the newest event has them."""
    for event in did.ends[:1] if did else ():
        actor = event.actor
        return actor.name or actor.email or actor.id, actor.email or "", actor.kind.value, actor.id
    for event in done.ends[:1]:
        for target in event.targets:
            if normal_text(target.id) == id_:
                return target.name or target.id, "", target.kind, target.id
    return None
