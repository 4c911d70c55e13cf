"""Owners are sent the head of their log, once a week, when it grew; what stands in the mail is what was signed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from minutebook.custody.anchoring import Rounds
from minutebook.custody.head_mail import HeadMail
from minutebook.custody.high_water import Custody
from minutebook.mailer import message_of
from minutebook.model import DAY, Role
from minutebook.organization import outbox
from minutebook.organization.outbox import Mail
from minutebook.store import checkpoints, schema
from minutebook.store.engine import Store
from tests.custody.test_anchoring import sign
from tests.store.test_query import fill
from tests.support.deployment import Deployment
from tests.support.walk import FILLED, NAME


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


def owners(store: Store) -> set[str]:
    seat, user = schema.seat.c, schema.user.c
    statement = select(user.email).join(schema.seat, seat.user == user.id)
    with store.reading() as connection:
        return set(
            connection.execute(statement.where(seat.organization == FILLED, seat.role == Role.OWNER.value)).scalars()
        )


def mails(store: Store) -> list[Mail]:
    """What was put into the outbox about the filled organization, and is taken out."""
    waiting = outbox.due(store, 100)
    for one in waiting:
        outbox.sent(store, one)
    return [one.mail for one in waiting if f"log of {NAME}:" in one.mail.subject]


def test_owners_are_sent_the_head_once_a_week(filled_sqlite: Deployment, custody: Custody) -> None:
    store = filled_sqlite.store
    mails(store)
    rounds = Rounds(store, [HeadMail(store)])
    sign(filled_sqlite, custody)
    rounds.go()
    sent = mails(store)
    assert {mail.to for mail in sent} == owners(store)
    with store.reading() as connection:
        head = checkpoints.latest(connection, FILLED)
    assert head
    for mail in sent:
        assert f"-----BEGIN HEAD-----\n{head}-----END HEAD-----\n" in mail.body
        assert f"Events  {head.size:,}\n" in mail.body
        arrived = message_of(mail, "minutebook@example.com").get_content()
        assert str(head) in arrived.replace("\r\n", "\n")
    rounds.go()
    filled_sqlite.clock.go_on(7 * DAY)
    rounds.go()
    assert mails(store) == []  # it has not grown
    fill(filled_sqlite, 1)
    sign(filled_sqlite, custody)
    rounds.go()
    assert len(mails(store)) == len(sent)
    fill(filled_sqlite, 1)
    filled_sqlite.clock.go_on(6 * DAY)
    sign(filled_sqlite, custody)
    rounds.go()
    assert mails(store) == []
