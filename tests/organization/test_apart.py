"""Two organizations of the same people, with the same things in them: what is read of one, and done in one, is of that
one alone."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import select

from minutebook.errors import NotFound
from minutebook.model import DAY, HOUR, Plan, Role
from minutebook.organization import (
    auditor_links,
    credits,
    ending,
    invitations,
    modes,
    organizations,
    outbox,
    saved_searches,
    seats,
    sessions,
    settings,
    sittings,
    sso,
    support,
    tokens,
)
from minutebook.record import Command
from minutebook.store import schema
from tests.support.check_log import check_log
from tests.support.deployment import Deployment


class Two:
    """North and South. Ada owns both, and Bob holds a seat in both; Sam of support staff is let in to both."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.ada, self.bob, self.sam = (deployment.person(name=name) for name in ("Ada", "Bob", "Sam"))
        self.session, self.bobs = deployment.session(self.ada).id, deployment.session(self.bob).id
        support.change_staff(deployment.store, self.sam.id, to=True)
        self.north, self.south = (deployment.found(self.ada, name, session=self.session) for name in ("North", "South"))
        self.made = {number: self._fill(number) for number in (self.north, self.south)}

    def act(self, number: int, command: Command) -> Mapping[str, object]:
        return self.deployment.act(self.ada, number, command, self.session).details

    def _fill(self, number: int) -> dict[str, str]:
        """The ids of what there is to be found."""
        deployment, mailed = self.deployment, invitations.MailedLink(f"mailed {number}", "https://minutes.example/")
        deployment.join(number, self.ada, Role.ADMIN, self.bob, self.bobs)
        link = auditor_links.CreateLink(f"Acme {number}", "", 7, f"the token of Acme {number}")
        made = {
            "mode": self.act(number, modes.CreateMode("Review", "", ()))["mode"],
            "shared": self.act(number, saved_searches.SaveSearch("Ours", "outcome:denied", shared=True))["search"],
            "own": self.act(number, saved_searches.SaveSearch("Mine", "outcome:denied", shared=False))["search"],
            "token": self.act(number, tokens.CreateToken("SIEM", ("log.read",), 1, f"secret {number}"))["token"],
            "link": self.act(number, link)["link"],
            "invitation": self.act(
                number, invitations.InvitePerson("dan@calder.example", Role.MEMBER, f"for Dan {number}", mailed)
            )["invitation"],
            "grant": deployment.act(
                None, number, support.GrantSupport(self.sam.id, "Ticket", HOUR, (), f"for Sam {number}")
            ).details["grant"],
        }
        deployment.act(self.bob, number, saved_searches.SaveSearch("Bob's", "seq:1..", shared=False), self.bobs)
        self.act(number, credits.BuyCredits(100 * number, "inv-1"))
        self.act(number, sso.SetSsoDomain("calder.example"))
        self.act(number, settings.ChangeSessionLifetime(10 * number))
        self.act(number, sittings.OpenSitting(self.session))
        self.act(number, ending.RequestDeletion())
        return {what: str(id_) for what, id_ in made.items()}

    def rows(self, number: int) -> dict[str, list[tuple[object, ...]]]:
        """All that is stored of an organization, and the mail that waits."""
        with self.deployment.store.reading() as connection:
            stored = {
                table.name: [
                    tuple(row) for row in connection.execute(select(table).where(table.c.organization == number))
                ]
                for table in schema.ORGANIZATION_TABLES
            }
            own = [self.made[number]["token"]]
            uses = connection.execute(select(schema.token_use).where(schema.token_use.c.token.in_(own)))
            waiting = outbox.undelivered(connection, number)
            return stored | {"outbox": [(what,) for what in waiting], "token_use": [tuple(row) for row in uses]}


@pytest.fixture
def two(sqlite_deployment: Deployment) -> Two:
    return Two(sqlite_deployment)


def test_what_is_read_of_one_is_of_that_one(two: Two) -> None:
    with two.deployment.store.reading() as connection:
        for number, made in two.made.items():
            assert [one.id for one in modes.all_modes(connection, number)] == [made["mode"]]
            found = saved_searches.searches(connection, number, two.ada.id)
            assert [one.id for one in found] == [made["own"], made["shared"]]
            of_bob = saved_searches.searches(connection, number, two.bob.id)
            assert [(one.name, one.id == made["shared"]) for one in of_bob] == [("Bob's", False), ("Ours", True)]
            assert [one.id for one in tokens.all_tokens(connection, number)] == [made["token"]]
            assert tokens.count_live_by(connection, number, two.ada.id, 0) == 1
            assert [one.id for one in auditor_links.all_links(connection, number)] == [made["link"]]
            assert [one.id for one in invitations.pending(connection, number)] == [made["invitation"]]
            assert invitations.count_live(connection, number, 0) == 1
            refused = invitations.refusals(connection, number, ["dan@calder.example", two.bob.email, "x@y.example"], 0)
            assert refused.keys() == {"dan@calder.example", two.bob.email}
            assert [one.id for one in support.all_grants(connection, number)] == [made["grant"]]
            assert (seats.count(connection, number), credits.balance(connection, number)) == (2, 100 * number)
            assert [entry.balance for entry in credits.entries(connection, number)] == [100 * number]
            assert settings.read_settings(connection, number).session_hours == 10 * number
            assert outbox.undelivered(connection, number).keys() == {outbox.about(number, made["invitation"])}
    check_log(two.deployment.store)


def test_only_those_of_it_are_mailed(two: Two) -> None:
    deployment = two.deployment
    carol = deployment.join(two.south, two.ada, Role.OWNER, deployment.person("carol@calder.example"))
    for number, owners in ((two.north, [two.ada.email]), (two.south, sorted([two.ada.email, carol.email]))):
        two.act(number, ending.CancelDeletion())
        before = len(outbox.due(deployment.store))
        two.act(number, ending.RequestDeletion(mails=True))
        mails = [waiting.mail for waiting in outbox.due(deployment.store)[before:]]
        assert [mail.to for mail in mails] == owners
        name = "North" if number == two.north else "South"
        assert {mail.subject for mail in mails} == {f"{name} will be deleted"}


def of_ids(made: Mapping[str, str]) -> list[Command]:
    """Each command on what there is by its id."""
    return [
        modes.UpdateMode(made["mode"], "Other", "", ()),
        modes.DeleteMode(made["mode"]),
        saved_searches.RenameSearch(made["own"], "Theirs"),
        saved_searches.RenameSearch(made["shared"], "Theirs"),
        saved_searches.DeleteSearch(made["own"]),
        saved_searches.DeleteSearch(made["shared"]),
        tokens.RevokeToken(made["token"]),
        auditor_links.RevokeLink(made["link"]),
        invitations.ResendInvitation(made["invitation"], "again"),
        invitations.RevokeInvitation(made["invitation"]),
        support.EndSupport(made["grant"]),
    ]


def test_what_one_has_is_not_there_for_the_other(two: Two) -> None:
    for command in of_ids(two.made[two.south]):
        with pytest.raises(NotFound):
            two.act(two.north, command)
    check_log(two.deployment.store)


def test_what_ends_in_one_goes_on_in_the_other(two: Two) -> None:
    """Even when all of it ends: nothing that is stored of the other is another than before."""
    deployment = two.deployment
    deployment.open_link(two.south, two.made[two.south]["link"], "ses_of_acme")
    before = two.rows(two.south)
    for command in (
        *of_ids(two.made[two.north]),
        seats.ChangeRole(two.bob.id, Role.MEMBER),
        seats.EndMemberSessions(two.bob.id),
        seats.RemoveMember(two.bob.id),
        sso.RemoveSsoDomain(),
        settings.ChangeDataCollection("allow"),
        settings.ChangeSessionLifetime(None),
        organizations.RenameOrganization("The North"),
        ending.CancelDeletion(),
        ending.RequestDeletion(),
        sessions.LeaveOrganization(two.session),
    ):
        two.act(two.north, command)
        assert two.rows(two.south) == before, command
    deployment.act(None, two.north, organizations.ChangePlan(Plan.TEAMS, 3))
    deployment.clock.go_on(ending.WAITING_DAYS * DAY)
    deployment.act(None, two.north, ending.DeleteOrganization())
    assert two.rows(two.south) == before
    check_log(deployment.store)
