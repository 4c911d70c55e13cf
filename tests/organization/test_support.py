"""Support staff: let in for a reason and a time, to read, under both names, until it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from minutebook.errors import Conflict, Invalid, MinutebookError, NotAllowed, NotFound
from minutebook.model import HOUR, MINUTE, Context, Event, Role
from minutebook.organization import modes, organizations, saved_searches, sessions, sittings, sso, support
from minutebook.organization.modes import CreateMode
from minutebook.organization.people import User
from minutebook.organization.saved_searches import DeleteSearch, RenameSearch
from minutebook.organization.seats import RemoveMember
from minutebook.organization.support import EndSupport, EnterAsSupport, Grant, GrantSupport, SupportEnds
from minutebook.permissions import PERMISSIONS, SUPPORT_MAY, SUPPORT_READS, Permission
from minutebook.record import Command
from tests.support.check_log import check_log
from tests.support.deployment import Deployment

TOKEN = "the token of a link"


class Calder:
    """An organization, and Sam of support staff."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.ada = deployment.person("ada@calder.example", "Ada")
        self.number = deployment.found(self.ada)
        self.sam = deployment.person("sam@minutebook.example", "Sam")
        support.change_staff(deployment.store, self.sam.id, to=True)
        self.session = deployment.session(self.sam)

    def let_in(self, *may: str, lasts: int = HOUR, user: User | None = None, reason: str = "Ticket 4711") -> Grant:
        command = GrantSupport((user or self.sam).id, reason, lasts, may, TOKEN)
        self.deployment.act(None, self.number, command)
        return self.grants()[0]

    def enter(self, grant: Grant) -> Event:
        return self.by(grant, EnterAsSupport(TOKEN))

    def by(self, grant: Grant, command: Command) -> Event:
        return self.deployment.act_as_support(grant, self.number, command, self.session.id)

    def grants(self) -> list[Grant]:
        with self.deployment.store.reading() as connection:
            return support.all_grants(connection, self.number)

    def last(self) -> Event:
        return self.deployment.events(self.number)[-1]


@pytest.fixture
def calder(deployment: Deployment) -> Calder:
    return Calder(deployment)


@pytest.fixture
def light(sqlite_deployment: Deployment) -> Calder:
    return Calder(sqlite_deployment)


def test_everything_they_do_carries_both_identities(calder: Calder) -> None:
    """Their own, and of whoever let them in; from the entry to the end, reading the log included."""
    grant = calder.let_in("change modes")
    granted = calder.last()
    assert granted.actor.kind == "system"
    assert granted.details == {
        "v": 1,
        "grant": grant.id,
        "person": {"id": calder.sam.id, "email": "sam@minutebook.example", "name": "Sam"},
        "reason": "Ticket 4711",
        "may": ["change modes"],
        "lasts": HOUR,
    }
    done = [calder.enter(grant)]
    done += [
        calder.by(grant, command) for command in (sittings.OpenSitting(calder.session.id), CreateMode("A", "", ()))
    ]
    sessions.sign_out(calder.deployment.store, calder.session, calder.deployment.seat(calder.sam, 0).context)
    done.append(calder.last())
    assert [event.action for event in done] == ["support.enter", "log.view", "mode.create", "support.leave"]
    for event in done:
        who = (event.actor.kind, event.actor.id, event.actor.email, event.actor.name, event.actor.on_behalf_of)
        assert who == ("support", calder.sam.id, "sam@minutebook.example", "Sam", granted.actor.name)
        assert event.context.session_id == calder.session.id
    assert done[-1].details["how"] == "left"
    assert calder.grants() == []
    check_log(calder.deployment.store)


@pytest.mark.parametrize("change", [lambda search: RenameSearch(search, "Mine"), DeleteSearch])
def test_what_they_saved_with_a_seat_they_do_not_change(light: Calder, change: Callable[[str], Command]) -> None:
    by, number = light.deployment, light.number
    by.join(number, light.ada, Role.AUDITOR, light.sam)
    search = str(by.act(light.sam, number, saved_searches.SaveSearch("Ours", "seq:1..", shared=True)).details["search"])
    by.act(light.ada, number, RemoveMember(light.sam.id))
    grant = light.let_in()
    light.enter(grant)
    with pytest.raises(NotAllowed, match="by whoever saved it, an owner or an admin"):
        light.by(grant, change(search))
    light.deployment.check()


def test_they_read_and_do_only_what_the_grant_names(light: Calder) -> None:
    """And never what would let them stay, or change the log or who is in the organization."""
    commands = {
        Permission.MODES_WRITE: modes.CreateMode("A", "", ()),
        Permission.SSO_WRITE: sso.SetSsoDomain("calder.example"),
        Permission.SEATS_WRITE: RemoveMember(light.ada.id),
    }
    grant = light.let_in("change single sign-on")
    light.enter(grant)
    for permission, command in commands.items():
        if permission is Permission.SSO_WRITE:
            light.by(grant, command)
            continue
        with pytest.raises(NotAllowed, match=f"Support staff may not {permission.value} here"):
            light.by(grant, command)
    with pytest.raises(NotAllowed, match="A search belongs to whoever saved it"):
        light.by(grant, saved_searches.SaveSearch("A", "seq:1..", shared=True))
    never = set(PERMISSIONS) - SUPPORT_READS - set(SUPPORT_MAY.values())
    assert {
        Permission.SEATS_WRITE,
        Permission.TOKENS_WRITE,
        Permission.LINKS_WRITE,
        Permission.LOG_ERASE,
        Permission.RETENTION_WRITE,
    } <= never
    check_log(light.deployment.store)


def test_nobody_is_let_in_without_a_reason_a_limit_and_the_operator(light: Calder) -> None:
    guest = light.deployment.person()
    right = GrantSupport(light.sam.id, "Ticket", HOUR, (), TOKEN)
    for change, wrong in (
        ({"reason": " "}, ["reason"]),
        ({"reason": "x" * 501}, ["reason"]),
        ({"lasts": 24 * HOUR + 1}, ["for"]),
        ({"lasts": 5 * MINUTE - 1}, ["for"]),
        ({"may": ("invite people",)}, ["may"]),
        ({"reason": "", "lasts": 0, "may": ("fly",)}, ["reason", "may", "for"]),
    ):
        with pytest.raises(Invalid) as caught:
            light.deployment.act(None, light.number, replace(right, **change))
        assert [problem.field for problem in caught.value.problems] == wrong
    with pytest.raises(NotFound):
        light.deployment.act(None, light.number, replace(right, user=guest.id))
    with pytest.raises(NotAllowed, match="Only whoever runs Minutebook"):
        light.deployment.act(light.ada, light.number, GrantSupport(light.sam.id, "Ticket", HOUR, (), TOKEN))
    support.change_staff(light.deployment.store, light.ada.id, to=True)
    with pytest.raises(Conflict, match="hold a seat"):
        light.let_in(user=light.ada)
    elsewhere = light.deployment.found(light.ada, "Elsewhere")
    light.deployment.join(elsewhere, light.ada, Role.MEMBER, light.sam)
    light.let_in(lasts=24 * HOUR, reason="x" * 500)
    with pytest.raises(Conflict, match="let in already"):
        light.let_in()
    with capture_logs() as logs:
        support.change_staff(light.deployment.store, light.sam.id, to=False)
    assert [[entry[name] for name in ("event", "user", "by", "is_staff")] for entry in logs] == [
        ["support_staff_changed", light.sam.id, "system", False]
    ]
    with pytest.raises(NotFound):  # also before their grants are ended, which comes next
        light.enter(light.grants()[0])
    light.deployment.act(None, light.number, EndSupport(light.grants()[0].id))
    with pytest.raises(NotFound):
        light.let_in()
    check_log(light.deployment.store)


def test_the_link_works_once_and_for_one_person(calder: Calder) -> None:
    grant = calder.let_in()
    tom = calder.deployment.person()
    other = replace(grant, person=tom.person())
    for wrong, token in ((other, TOKEN), (grant, "another token")):
        with pytest.raises(NotFound):
            calder.by(wrong, EnterAsSupport(token))
    with pytest.raises(MinutebookError):
        calder.by(grant, sittings.OpenSitting(calder.session.id))  # not before they have entered
    calder.enter(grant)
    with pytest.raises(NotFound):
        calder.enter(grant)
    second = calder.deployment.session(calder.sam)
    with pytest.raises(NotFound, match="nothing here"):  # nor in another session of the same person
        calder.deployment.act_as_support(grant, calder.number, CreateMode("A", "", ()), second.id)
    check_log(calder.deployment.store)


@pytest.mark.parametrize("how", ["ended by an owner", "ended by the operator", "expired"])
def test_it_ends_at_once_by_an_owner_and_by_itself(calder: Calder, how: str) -> None:
    grant = calder.let_in("change modes")
    calder.enter(grant)
    ends = SupportEnds(calder.deployment.store)
    ends.round()
    assert calder.last().action == "support.enter", "its time is not over"
    if how == "expired":
        calder.deployment.clock.go_on(HOUR)
        with pytest.raises(NotFound):
            calder.by(grant, CreateMode("A", "", ()))
        ends.round()
        ends.round()
    else:
        owner = calder.ada if "owner" in how else None
        calder.deployment.act(owner, calder.number, EndSupport(grant.id))
    with pytest.raises(NotFound):
        calder.by(grant, CreateMode("A", "", ()))
    event = calder.last()
    assert (event.action, event.details["how"]) == ("support.leave", "expired" if how == "expired" else "ended")
    assert event.actor.kind == ("user" if "owner" in how else "system")
    with calder.deployment.store.reading() as connection:
        at = calder.deployment.clock()
        assert not support.entered_by(connection, calder.sam.id, calder.session.id, at)
    check_log(calder.deployment.store)


def test_who_leaves_after_their_time_is_over_leaves_no_trace_of_an_act(light: Calder) -> None:
    """Signing out then is no act of theirs in the organization; the end of their time is recorded."""
    light.enter(light.let_in())
    light.deployment.clock.go_on(2 * HOUR)
    sessions.sign_out(light.deployment.store, light.session, light.deployment.seat(light.sam, 0).context)
    assert (light.last().action, light.last().actor.kind, light.last().details["how"]) == (
        "support.leave",
        "system",
        "expired",
    )
    check_log(light.deployment.store)


def test_only_owners_and_themselves_end_it(light: Calder) -> None:
    grant = light.let_in()
    admin = light.deployment.join(light.number, light.ada, Role.ADMIN)
    with pytest.raises(MinutebookError, match="may not end the access of support staff"):
        light.deployment.act(admin, light.number, EndSupport(grant.id))
    assert light.grants() == [grant]


def test_it_is_known_by_which_grant_a_session_is_inside(calder: Calder) -> None:
    """There, in this session, and until its time is over."""
    grant, store = calder.let_in(), calder.deployment.store

    def inside(user: str = calder.sam.id, session: str = calder.session.id, at: int = 0) -> dict[str, Grant]:
        with store.reading() as connection:
            return support.entered_by(connection, user, session, at or calder.deployment.clock.now)

    assert inside() == {}
    support.enter(store, grant, TOKEN, Context(session_id=calder.session.id))
    assert calder.last().context.session_id == calder.session.id
    (entered,) = calder.grants()
    assert entered == replace(grant, entered_at=calder.last().recorded_at)
    with store.reading() as connection:
        public_id = organizations.read_organization(connection, calder.number).id
    calder.deployment.found(calder.ada, "Other")
    tom = calder.deployment.person(name="Tom")
    support.change_staff(store, tom.id, to=True)
    calder.deployment.act(None, calder.number, GrantSupport(tom.id, "Ticket", HOUR, (), "for Tom"))
    by_tom = next(one for one in calder.grants() if one.person.id == tom.id)
    support.enter(store, by_tom, "for Tom", Context(session_id="ses_of_tom"))
    assert inside(user=tom.id) == inside(session="ses_of_tom") == {}, "neither by the grant of another"
    assert inside() == inside(at=grant.expires_at - 1) == {public_id: entered}
    for nowhere in (inside(at=grant.expires_at), inside(user=calder.ada.id), inside(session="ses_another")):
        assert nowhere == {}


def test_whoever_was_let_in_last_is_told_of_first(light: Calder) -> None:
    first = light.let_in()
    tom = light.deployment.person()
    support.change_staff(light.deployment.store, tom.id, to=True)
    light.deployment.act(None, light.number, GrantSupport(tom.id, "Ticket", HOUR, (), "another token"))
    assert [grant.person.id for grant in light.grants()] == [tom.id, light.sam.id]
    assert light.grants()[1] == first
    elsewhere = light.deployment.found(light.ada, "Elsewhere")
    light.deployment.act(None, elsewhere, GrantSupport(light.sam.id, "Ticket", HOUR, (), "one more token"))
    with light.deployment.store.reading() as connection:
        found = support.grants_of(connection, light.sam.id)
    assert [grant.organization for grant in found] == [light.number, elsewhere]
    assert found[0] == first


def test_the_end_of_a_grant_is_recorded_at_its_moment(light: Calder) -> None:
    grant, clock = light.let_in(), light.deployment.clock
    clock.step = 0
    for early, action in ((1, "support.grant"), (0, "support.leave")):
        clock.now = grant.expires_at - early
        SupportEnds(light.deployment.store).round()
        assert light.last().action == action


def test_who_may_be_let_in_is_listed_by_address(light: Calder) -> None:
    people = [light.deployment.person(f"{name}@minutebook.example", name) for name in ("zoe", "ada")]
    for person in people:
        support.change_staff(light.deployment.store, person.id, to=True)
    with light.deployment.store.reading() as connection:
        assert support.all_staff(connection) == [people[1], light.sam, people[0]]
        assert [support.is_staff(connection, user.id) for user in (light.sam, light.ada)] == [True, False]


def test_an_account_that_is_deleted_is_no_support_staff(deployment: Deployment) -> None:
    with pytest.raises(NotFound):
        support.change_staff(deployment.store, "usr_nobody", to=True)
    with deployment.store.reading() as connection:
        assert support.all_staff(connection) == []


def test_who_is_let_in_and_takes_a_seat_is_inside_by_the_seat_until_the_link_is_used(light: Calder) -> None:
    """As support staff nobody is inside without a recorded entry, and nobody is kept from signing out."""
    deployment, sam = light.deployment, light.sam
    grant = light.let_in()
    deployment.join(light.number, light.ada, Role.MEMBER, sam, light.session.id)
    with deployment.store.reading() as connection:
        assert not support.entered_by(connection, sam.id, light.session.id, deployment.clock.now)
    sessions.sign_out(deployment.store, light.session, deployment.seat(sam, 0).context)
    assert light.last().action == "user.logout"
    assert light.grants() == [grant]
    check_log(deployment.store)
