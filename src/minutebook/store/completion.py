"""The names in an organization's log that complete a query: its actors, and what was acted on.

Bounded in time and number: busy actors by their counts, targets by the text search, and both from the newest events.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection

from minutebook.actions import CATALOGUE
from minutebook.email_address import is_email
from minutebook.errors import TooSlow
from minutebook.filters import EVERYTHING, Filter, normal_text
from minutebook.filters.expression import Term, all_of, any_of
from minutebook.filters.globs import STAR
from minutebook.filters.term_values import SeqRange
from minutebook.model import ActorKind
from minutebook.store import body, search, survey
from minutebook.store.log import Stored, event_of
from minutebook.store.scope import Scope

RECENT = 2_000
BUSIEST = 1_000
OLDER_SECONDS = 0.2
TARGETED = tuple(name for name, action in CATALOGUE.items() if action.has_targets)
UNTARGETED = CATALOGUE.keys() - set(TARGETED)
ACTOR = ("actor.kind", "actor.id", "actor.email", "actor.name")
"""The paths of the disclosures by which an actor is known."""


@dataclass(frozen=True, slots=True)
class Known:
    """Something that a query can name: `text` is what finds it, `note` what else it is called."""

    text: str
    note: str = ""


def actors(connection: Connection, scope: Scope, part: str, limit: int) -> list[Known]:
    """At most `limit` actors whose address, id or name holds the part in any case: the latest, then the busiest."""
    return _holding(part, limit, (*_actors(_recent(connection, scope)), *_busiest(connection, scope)))


def busy_actors(connection: Connection, scope: Scope, part: str, limit: int) -> list[Known]:
    """At most `limit` actors whose address or id holds the part, the busiest first; without a look at events."""
    return _holding(part, limit, _busiest(connection, scope))


def targets(connection: Connection, scope: Scope, part: str, limit: int) -> list[Known]:
    """At most `limit` targets whose name or id holds the part in any case, the latest first.

    However long ago something was done to them, as far back as OLDER_SECONDS reach; without a part, only those of the
    newest events.
    """
    older = _older(connection, scope, part) if part.strip() else ()
    return _holding(part, limit, _targets(itertools.chain(_recent(connection, scope), older)))


def _busiest(connection: Connection, scope: Scope) -> list[Known]:
    busiest = survey.count_by_actor(connection, scope, EVERYTHING, BUSIEST)
    return [Known(text) for text in busiest if text != ActorKind.SYSTEM]  # which the language offers


def _recent(connection: Connection, scope: Scope) -> Sequence[Stored]:
    """The newest events, the newest first."""
    with suppress(TooSlow):
        first = max(0, scope.size - RECENT)
        return search.window_rows(connection, scope, EVERYTHING, first=first, limit=RECENT)[::-1]
    return []


def _older(connection: Connection, scope: Scope, part: str) -> Iterator[Stored]:
    """Those before the newest that were done to something with the part in its name or id; looked for as they are
    wanted."""
    first = scope.size - RECENT
    if first > 0:
        terms = [Term("seq", SeqRange(None, first - 1)), Term("target", f"{STAR}{normal_text(part)}{STAR}")]
        asked = Filter(more=all_of([*terms, any_of(Term("action", name) for name in TARGETED)]))
        yield from search.newest(connection, scope, asked, OLDER_SECONDS)


def _actors(rows: Iterable[Stored]) -> Iterator[Known]:
    for told in dict.fromkeys(body.texts(row.disclosures, ACTOR) for row in rows):  # few people do most of it
        kind, id_, email, name = map(body.value, told)
        if email:
            yield Known(email, name or "")
        elif kind != ActorKind.SYSTEM:  # which is found by its kind
            yield Known(id_, name or "")


def _targets(rows: Iterable[Stored]) -> Iterator[Known]:
    events = (event_of(row) for row in rows if row.action not in UNTARGETED)
    for target in (target for event in events for target in event.known_targets):
        name = _typeable(target.name)
        if name:
            yield Known(name, target.kind if is_email(name) or name == target.id else f"{target.kind} {target.id}")
        elif target.id:
            yield Known(target.id, target.kind)


def _typeable(name: str) -> str:
    """A name as it can stand in a query, which finds it in any case: without what cannot be typed or seen."""
    folded = " ".join(name.split())
    return folded if folded.isprintable() else normal_text(name)


def _holding(part: str, limit: int, known: Iterable[Known]) -> list[Known]:
    """The first of those that hold the part, each text once."""
    sought = normal_text(part)
    found: dict[str, Known] = {}
    for one in known:
        if one.text not in found and (sought in normal_text(one.text) or sought in normal_text(one.note)):
            found[one.text] = one
            if len(found) == limit:
                break
    return list(found.values())
