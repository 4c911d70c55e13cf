"""Every command once, by the hands of several people; the oracle looks at it."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from sqlalchemy import select

from minutebook.actions import CATALOGUE
from minutebook.model import Event, Seat
from minutebook.organization import outbox
from minutebook.organization.people import User
from minutebook.record import Command, NoChange, PersonalCommand
from minutebook.store import schema
from tests.support.commands import all_commands, personal_commands
from tests.support.deployment import Deployment
from tests.support.sentences import check_mail
from tests.support.walk import fill, walk, work


class Noting(Deployment):
    """A deployment that notes which commands were performed, and what was recorded, which may be pruned after it."""

    performed: set[type[Command | PersonalCommand]]
    recorded: set[str]

    def answer(self, writer: str, seat: Seat, command: Command) -> Event | NoChange:
        self.performed.add(type(command))
        answer = super().answer(writer, seat, command)
        if isinstance(answer, Event):
            self.recorded.add(answer.action)
        return answer

    def act_everywhere(
        self, user: User | None, command: PersonalCommand, session: str | None = None
    ) -> tuple[Event, ...]:
        self.performed.add(type(command))
        events = super().act_everywhere(user, command, session)
        self.recorded |= {event.action for event in events}
        return events


def test_every_command_under_the_oracle(deployment: Deployment) -> None:
    noting = Noting(deployment.store, deployment.clock, deployment.told)
    noting.performed, noting.recorded = set(), set()
    walk(noting)
    noting.check()
    for waiting in outbox.due(deployment.store, limit=1000):
        check_mail(waiting.mail.subject, waiting.mail.body)
    for command in (*all_commands(), *personal_commands()):
        assert command in noting.performed, (
            f"walk() in tests/support/walk.py does not perform {command.__name__}: add it"
        )
    for action in CATALOGUE:
        assert action in noting.recorded, (
            f"walk() in tests/support/walk.py does not record {action}: add an act that does"
        )


SECRET = ("token", "secret", "codes")
"""How fields of commands are called whose values nobody but their holder may know."""
NO_SECRET = {"RevokeToken"}
"""Their `token` is the id of one."""


def secrets_of(command: Any) -> set[str]:
    """What the command was given and must not be kept."""
    if type(command).__name__ in NO_SECRET:
        return set()
    given = [getattr(command, field.name) for field in fields(command) if field.name in SECRET]
    return {one for value in given for one in ((value,) if isinstance(value, str) else value)}


def test_no_secret_is_ever_stored(deployment: Deployment) -> None:
    """Of no command of all, in no table and no event, however deep inside it."""
    secrets: set[str] = set()

    class Overhearing(Deployment):
        def answer(self, writer: str, seat: Seat, command: Command) -> Event | NoChange:
            secrets.update(secrets_of(command))
            return super().answer(writer, seat, command)

        def act_everywhere(
            self, user: User | None, command: PersonalCommand, session: str | None = None
        ) -> tuple[Event, ...]:
            secrets.update(secrets_of(command))
            return super().act_everywhere(user, command, session)

    overhearing = Overhearing(deployment.store, deployment.clock, deployment.told)
    organization = work(overhearing)
    stored = deployment.everything_stored() + repr(deployment.events(organization)).encode()
    assert len(secrets) > 10
    for secret in secrets:
        assert secret.encode() not in stored, secret


KINDS = {
    "organization": "org",
    "user": "usr",
    "session": "ses",
    "invitation": "inv",
    "mode": "mod",
    "token": "tok",
    "auditor_link": "aud",
    "saved_search": "sav",
    "support_grant": "sup",
    "hold": "hol",
}
"""How the ids of what a table holds begin: people see them in events and addresses."""


def test_every_id_says_of_what_it_is(sqlite_deployment: Deployment) -> None:
    fill(sqlite_deployment)
    with sqlite_deployment.store.reading() as connection:
        for name, kind in KINDS.items():
            ids = connection.execute(select(schema.metadata.tables[name].c.id)).scalars().all()
            assert ids, name
            assert all(re.fullmatch(rf"{kind}_[a-z2-7]{{12}}", one) for one in ids), (name, ids)
