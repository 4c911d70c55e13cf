"""Erasing: nothing of a value is left anywhere, and the log is as whole as before."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from sqlalchemy import Connection, Text, select

from minutebook.actions import sentence
from minutebook.actions.parts import plain
from minutebook.custody.elsewhere import KINDS, copies
from minutebook.custody.erase import EraseFields, Plan, erase, plan_field, plan_person
from minutebook.custody.holds import PlaceHold, ReleaseHold
from minutebook.custody.ledger import Ledger
from minutebook.custody.retention import Prune, SetRetention
from minutebook.custody.unnamed import unnamed
from minutebook.errors import Conflict, Forbidden, Invalid
from minutebook.evidence.remains import remains_of
from minutebook.filters import EVERYTHING, Filter, text_of
from minutebook.model import DAY, Actor, ActorKind, Context, Event, Json, Outcome, Role
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.credits import BuyCredits, GrantCredits
from minutebook.organization.differences import check_organization
from minutebook.organization.invitations import InvitePerson
from minutebook.organization.modes import CreateMode
from minutebook.organization.people import User
from minutebook.organization.saved_searches import SaveSearch
from minutebook.organization.seats import ChangeRole
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.organization.tokens import CreateToken
from minutebook.store import body, check, index, log, migrate, schema, search, stripes, survey, text
from minutebook.store.check_index import check_index
from minutebook.store.engine import Store
from minutebook.store.event_json import event_json
from minutebook.store.scope import Scope
from tests.support.check_log import check_log
from tests.support.deployment import Deployment
from tests.support.tampering import tamper

BOB, NAME, ADDRESS = "robert.zweig@calder.example", "Robert Zweigelt", "203.0.113.77"


def live(deployment: Deployment) -> tuple[User, int]:
    """Bob was invited, came, did something, was changed, and is spoken of by others, among much else."""
    ada = deployment.person("ada@calder.example", "Ada")
    number = deployment.found(ada)
    bob = deployment.join(number, ada, Role.ADMIN, deployment.person(BOB, NAME))
    for attempt in range(300):
        deployment.act(ada, number, RecordFailedSignIn("Wrong password", attempt + 1))
    seat = deployment.elsewhere(deployment.seat(bob, number), ADDRESS)
    deployment.answer(bob.email, seat, CreateMode("Review", "Read", ()))
    deployment.act(ada, number, ChangeRole(bob.id, Role.MEMBER))
    deployment.act(ada, number, CreateMode("Note", f"Ask {BOB.upper()} first", ()))
    deployment.act(ada, number, InvitePerson("eve@calder.example", Role.MEMBER, "token"))
    return ada, number


def planned(deployment: Deployment, organization: int) -> Plan:
    with deployment.store.reading() as connection:
        return plan_person(connection, organization, BOB)


def erase_bob(deployment: Deployment, organization: int, ada: User) -> None:
    plan = planned(deployment, organization)
    (event,) = erase(
        deployment.store, deployment.seat(ada, organization), plan, "Asked by letter of 3 May", deployment.ledger
    )
    assert (event.details["fields"], event.details["events"]) == (plan.number, plan.events)


@pytest.mark.parametrize("other", ["xrobert.zweig@calder.example", "x.robert.zweig@calder.example", f"{BOB}.org"])
def test_somebody_whose_address_has_that_of_a_person_in_it_is_left(
    deployment: Deployment, organization: int, ada: User, other: str
) -> None:
    before = planned(deployment, organization)
    deployment.join(organization, ada, Role.ADMIN, deployment.person(other, "Somebody else"))
    assert planned(deployment, organization) == before


@pytest.mark.parametrize("said", ["<{}>", "-{}", "actor:{}", "First\n{}", "{}.", "Ask {}, then go on", "“{}”"])
def test_a_person_is_found_however_their_address_is_written(
    deployment: Deployment, organization: int, ada: User, said: str
) -> None:
    before = planned(deployment, organization)
    deployment.act(ada, organization, CreateMode("Other", said.format(BOB), ()))
    assert planned(deployment, organization).events == before.events + 1


@pytest.mark.parametrize("value", [BOB.upper(), NAME, ADDRESS])
def test_the_reason_does_not_say_what_is_erased(
    deployment: Deployment, organization: int, ada: User, value: str
) -> None:
    before, size = planned(deployment, organization), deployment.size(organization)
    with pytest.raises(Invalid, match=rf"(?i)Leave out what is being erased: {value}\.") as refused:
        erase(
            deployment.store, deployment.seat(ada, organization), before, f"Asked by {value}, 3 May", deployment.ledger
        )
    assert refused.value.problems[0].field == "reason"
    assert planned(deployment, organization) == before
    assert deployment.size(organization) == size


def test_the_command_itself_looks_at_its_reason(deployment: Deployment, organization: int, ada: User) -> None:
    with pytest.raises(Invalid, match=r"being erased: 192\.0\.2\.7, 5\."):
        fields = {7: ["context.ip", "details.attempt", "targets.0"]}
        deployment.act(ada, organization, EraseFields(fields, "Attempt 5, 192.0.2.7", deployment.ledger))
    fields = {7: ["details.attempt", "details.reason"]}  # as parts of other words they tell nothing
    deployment.act(ada, organization, EraseFields(fields, "By letter 57 of a user", deployment.ledger))


def test_a_plan_names_what_a_person_did_and_what_was_done_to_them(deployment: Deployment, organization: int) -> None:
    plan = planned(deployment, organization)
    planned_by = {}
    with deployment.store.reading() as connection:
        for event in log.events(connection, organization, plan.fields):
            planned_by[event.action, event.actor.email == BOB] = set(plan.fields[event.seq])
    own = {"actor.email", "actor.name", "context.ip"}
    assert planned_by == {
        ("user.invite", False): {"targets.0", "details.email"},
        ("user.accept_invite", True): own | {"targets.0", "details.member"},
        ("mode.create", True): own,
        ("member.change_role", False): {"targets.0", "details.member"},
        ("mode.create", False): {"details.instructions"},
    }
    assert plan.events == 5
    assert plan.by_path["targets"] == 3


def test_what_was_erased_is_told_as_erased_and_found_by_nothing(
    deployment: Deployment, organization: int, ada: User
) -> None:
    index.follow_all(deployment.store)
    with deployment.store.reading() as connection:
        size = log.read_head(connection, organization).size
        plan = planned(deployment, organization)
        scope = Scope(organization, size)
        assert survey.count(connection, scope, Filter(actor=BOB)).number == 2
        assert survey.count(connection, scope, Filter(text=BOB)).number > 2
        assert BOB in survey.count_by_actor(connection, scope, EVERYTHING, 100)
    erase_bob(deployment, organization, ada)
    for _ in range(2):  # at once, and when all is indexed anew
        with deployment.store.reading() as connection:
            for filter_ in (Filter(actor=BOB), Filter(text=BOB), Filter(text="zweigelt"), Filter(text=ADDRESS)):
                assert survey.count(connection, scope, filter_).number == 0, filter_
            assert survey.count(connection, scope, EVERYTHING).number == size
            assert BOB not in survey.count_by_actor(connection, scope, EVERYTHING, 100)
            page = search.page(connection, scope, EVERYTHING, None, 20)
            gone = [event for event in page.events if event.erased]
            assert len(gone) >= 2
            for event in gone:
                read = orjson.loads(event_json(event))
                assert set(read["erased"]) == event.erased == set(plan.fields[event.seq])
                assert BOB not in text_of(event)
                if event.action == "member.change_role":
                    says = plain(sentence(event.action, event.details, event.erased))
                    assert says == "Changed role of erased Admin → Member"
                    assert (read["targets"], read["details"]["member"]) == ([None], None)
        index.follow_all(deployment.store)
    check_log(deployment.store)


def test_the_log_says_of_what_it_cannot_tell(deployment: Deployment, organization: int, ada: User) -> None:
    erase_bob(deployment, organization, ada)
    untold = set[str]()
    with deployment.store.reading() as connection:
        assert list(check_organization(connection, organization, untold=untold.update)) == []
    assert untold == {"access", "invitation", "mode", "saved_search", "seat", "sitting"}


def test_nothing_of_it_is_left_in_the_data_directory(sqlite_deployment: Deployment) -> None:
    """Of a person without an account: that is not the log's."""
    deployment, store = sqlite_deployment, sqlite_deployment.store
    ada = deployment.person("ada@calder.example", "Ada")
    number = deployment.found(ada)
    bob = Actor(ActorKind.USER, "usr_zweigelt0000", BOB, NAME)
    for first in range(0, 5_000, 500):
        with store.housekeeping() as connection:
            drafts = [
                _failure(bob if at % 6 == 0 else ada.actor(), ADDRESS if at % 6 == 0 else "192.0.2.7")
                for at in range(first, first + 500)
            ]
            head = log.lock_head(connection, number)
            log.append_many(connection, head, [(one, deployment.clock()) for one in drafts], store.randomness)
    index.follow_all(store)
    with store.reading() as connection:
        plan = plan_person(connection, number, bob.id)
        before = _traces(connection, number, plan)
        assert survey.count(connection, Scope(number, deployment.size(number)), Filter(actor=BOB)).number == 834
    assert store.scrub()
    assert [trace for trace in before if trace not in _bytes(store)] == []

    erase(store, deployment.seat(ada, number), plan, "Asked by letter", deployment.ledger)
    index.follow_all(store)
    assert store.scrub()

    left = _bytes(store)
    assert [trace for trace in before if trace in left] == []
    with store.reading() as connection:
        assert list(check_index(connection, number)) == []  # marks, texts and columns are those of what is left
        assert index.behind(connection) == []
        assert survey.count(connection, Scope(number, deployment.size(number)), Filter(actor=BOB)).number == 0
    check_log(store)


def test_what_is_erased_while_the_index_follows_is_not_in_it(
    deployment: Deployment, organization: int, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its text has been made, and not yet been written."""
    texts: list[str] = []

    def erases(event: Event) -> str:
        texts.append(text_of(event))
        if sum(BOB in said for said in texts) == 1 and BOB in texts[-1]:
            erase_bob(deployment, organization, ada)
        return texts[-1]

    with monkeypatch.context() as beside:
        beside.setattr(index, "text_of", erases)
        index.follow_all(deployment.store)
    assert len(texts) > deployment.size(organization), "some were made twice"
    with deployment.store.reading() as connection:
        assert list(check_index(connection, organization)) == []
        known = text.of_groups(connection, organization, range(deployment.size(organization) // 64 * 64))
        assert not any(BOB.encode() in (of_group or b"") for of_group in known)
        assert index.reached(connection, organization).texts > 300


def _failure(actor: Actor, ip: str) -> log.Draft:
    details: dict[str, Json] = {"v": 1, "reason": "Wrong password", "attempt": 1}
    return log.Draft("user.login_failed", Outcome.FAILURE, actor, (), Context(ip=ip), details)


def _traces(connection: Connection, organization: int, plan: Plan) -> list[bytes]:
    """The bytes by which what is to be erased could be known, in what is stored."""
    event, block, groups = schema.event.c, schema.block.c, schema.event_text.c
    positions = [log.position(organization, seq) for seq in plan.fields]
    rows = connection.execute(select(event.disclosures, event.secret).where(event.position.in_(positions))).all()
    traces = [bytes(part) for row in rows for part in row]
    numbers = {position >> text.GROUP_BITS for position in positions}
    traces += [
        bytes(part) for part in connection.execute(select(groups.texts).where(groups.number.in_(numbers))).scalars()
    ]
    shared = select(block.content).where(block.organization == organization, block.name == "actor words")
    traces += [bytes(part) for part in connection.execute(shared).scalars()]
    traces += [found["actor words"] for found in stripes.written(connection, organization).values()]
    # a page is 4,096 bytes: what is longer is not in one piece
    return [trace[:40] for trace in traces if len(trace) >= 32]


def _bytes(store: Store) -> bytes:
    return b"".join(file.read_bytes() for file in sorted(store.file.parent.rglob("*")) if file.is_file())


def test_the_ledger_has_what_was_erased(deployment: Deployment, organization: int, ada: User) -> None:
    erase_bob(deployment, organization, ada)
    with deployment.store.reading() as connection:
        log_id = log.read_head(connection, organization).log_id
    (event,) = [event for event in deployment.events(organization) if event.action == "log.erase"]
    written = [[seq, path, digest.hex()] for seq, path, digest in deployment.ledger.read(log_id)]
    assert written == sorted(event.details["erased"])  # type: ignore[arg-type,type-var]
    assert (deployment.ledger.directory / "erasures.sqlite3").stat().st_mode & 0o777 == 0o600


def test_one_field_of_one_event(deployment: Deployment, organization: int, ada: User) -> None:
    with deployment.store.reading() as connection:
        for path in ("actor.kind", "details.v", "details.nothing", "context.user_agent"):
            with pytest.raises(Invalid, match=r"has no such field to erase\. It has: actor\.email, "):
                plan_field(connection, organization, 4, path)
        plan = plan_field(connection, organization, 4, "context.ip")
    erase(deployment.store, deployment.seat(ada, organization), plan, "By mistake", deployment.ledger)
    with deployment.store.reading() as connection:
        event = log.find(connection, organization, 4)
        assert (event.context.ip, set(event.erased)) == (None, {"context.ip"})
        with pytest.raises(Invalid, match="no such field"):
            plan_field(connection, organization, 4, "context.ip")
    assert erase(deployment.store, deployment.seat(ada, organization), plan, "Again", deployment.ledger) == []
    check_log(deployment.store)


def test_an_event_is_erased_from_again_and_again(deployment: Deployment, organization: int, ada: User) -> None:
    for path in ("context.ip", "details.reason", "actor.name"):
        deployment.act(ada, organization, EraseFields({9: [path]}, "By letter", deployment.ledger))
        deployment.check()
    assert deployment.events(organization)[9].erased == {"context.ip", "details.reason", "actor.name"}


def test_what_says_that_something_was_erased_stays(deployment: Deployment, organization: int, ada: User) -> None:
    event = deployment.act(ada, organization, EraseFields({9: ["context.ip"]}, "By letter", deployment.ledger))
    fields = {event.seq: ["details.erased", "details.reason", "context.ip"]}
    again = deployment.act(ada, organization, EraseFields(fields, "By letter", deployment.ledger))
    assert "context.ip" in str(again.details["erased"])
    assert "details" not in str(again.details["erased"])
    deployment.check()


WRITTEN_BY_MINUTEBOOK = {
    *("hold.placed_by", "invitation.invited_by", "mode.created_by", "auditor_link.created_by", "token.created_by"),
    *("credit_entry.entered_by", "sso_domain.set_by", "mode.name_key", "saved_search.name_key"),
    *("mode.tools", "token.scopes", "sso_domain.domain", "support_grant.may", "credit_entry.reference"),
    *("support_grant.granted_by", "deletion.asked_by"),
}
"""Columns of text in which nobody writes an address."""


def test_a_plan_names_what_has_the_address_beside_the_log(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    ada = deployment.person("ada@calder.example", "Ada")
    number = deployment.found(ada, f"Calder of {BOB}")
    asked, other = f"actor:{BOB}", f"actor:x{BOB}"
    for command in (
        InvitePerson(BOB, Role.MEMBER, "token"),
        InvitePerson(f"x{BOB}", Role.MEMBER, "another"),
        PlaceHold("Zweigelt v. Calder", asked),
        PlaceHold("Another", other),
        SaveSearch("Of Bob", asked, shared=True),
        SaveSearch("Secret", asked, shared=False),
        CreateLink("Acme", asked, 30, "link"),
        CreateMode("Note", f"Ask {BOB.upper()} first", ()),
        CreateToken(BOB, ("log.read",), 30, "secret"),
        BuyCredits(100, "inv-1"),
    ):
        deployment.act(ada, number, command)
    deployment.act(None, number, GrantCredits(100, "grant-1", "Eve", f"Asked by {BOB}"))
    plan = planned(deployment, number)
    searches = [one.name for one in plan.elsewhere if one.title == "Saved search"]
    assert sorted(searches) == ["Of Bob", f"one that {ada.id} alone sees"]
    assert [(one.title, one.name) for one in plan.elsewhere] == [
        ("Pending invitation", BOB),
        ("Legal hold", "Zweigelt v. Calder"),
        *[("Saved search", name) for name in searches],
        ("Auditor link", "Acme"),
        ("Mode", "Note"),
        ("API token", BOB),
        ("Entry of the ledger", f"Asked by {BOB}"),
        ("Organization", f"Calder of {BOB}"),
    ]
    migrate.backup(deployment.store, saved := deployment.store.file.parent / "backups" / "a.sqlite3")
    assert copies(deployment.store) == [saved]


def test_every_text_of_an_organization_is_looked_at_for_an_address() -> None:
    """A new column is one of KINDS, or nobody writes an address into it."""
    written = {f"{table.name}.{name}" for table, kind in KINDS.items() for name in kind.columns}
    texts = {
        str(column) for table in schema.ORGANIZATION_TABLES for column in table.columns if isinstance(column.type, Text)
    }
    assert texts == written | WRITTEN_BY_MINUTEBOOK


def test_a_hold_wins(deployment: Deployment, organization: int, ada: User) -> None:
    hold = deployment.act(ada, organization, PlaceHold("Zweigelt v. Calder", "action:member.change_role"))
    plan = planned(deployment, organization)
    assert len(plan.held) == 1
    assert plan.held[0] not in plan.fields
    with pytest.raises(Conflict, match="A legal hold is on event"):
        deployment.act(ada, organization, EraseFields({plan.held[0]: ["targets.0"]}, "All", deployment.ledger))
    deployment.act(ada, organization, ReleaseHold(str(hold.details["hold"])))
    assert planned(deployment, organization).held == ()
    deployment.check()


@pytest.mark.parametrize("role", [Role.ADMIN, Role.AUDITOR, Role.MEMBER, Role.BILLING_MANAGER])
def test_only_an_owner_erases(deployment: Deployment, organization: int, role: Role) -> None:
    other = deployment.join(organization, None, role)
    with pytest.raises(Forbidden):
        deployment.act(other, organization, EraseFields({9: ["context.ip"]}, "By letter", deployment.ledger))
    assert not any(event.erased for event in deployment.events(organization))


@pytest.mark.parametrize("reason", ["", " ", "x" * 501, "a\0b"])
def test_a_reason_is_given(deployment: Deployment, organization: int, ada: User, reason: str) -> None:
    with pytest.raises(Invalid, match="The reason"):
        deployment.act(ada, organization, EraseFields({9: ["context.ip"]}, reason, deployment.ledger))


def test_what_is_missing_without_its_event_is_found(
    sqlite_deployment: Deployment,
) -> None:
    """Whoever may drop the guard can take a value out; the log does not say that it was erased, and so it is found."""
    deployment = sqlite_deployment
    ada = deployment.person("ada@calder.example", "Ada")
    organization = deployment.found(ada)
    deployment.act(ada, organization, RecordFailedSignIn("Wrong password", 1))
    deployment.act(ada, organization, EraseFields({0: ["context.ip"]}, "By letter", deployment.ledger))
    with deployment.store.reading() as connection:
        row = next(
            connection.execute(select(schema.event).where(schema.event.c.position == log.position(organization, 1)))
        )
    disclosures = body.unpack(row.disclosures)
    remains = remains_of(row.secret, disclosures).without(["context.ip"], disclosures)
    left = body.pack(disclosures | {"context.ip": b""})
    tamper(
        deployment.store,
        f"UPDATE event SET disclosures = x'{left.hex()}', secret = x'{remains.to_bytes().hex()}' "
        f"WHERE position = {row.position}",
    )
    found = findings(deployment, organization)
    assert [(one.seq, one.problem) for one in found] == [
        (1, "Its context.ip is missing, and no event says that it was erased.")
    ]
    tamper(
        deployment.store,
        "UPDATE event SET disclosures = x'', secret = x'', id = '', action = '', outcome = '' "
        f"WHERE position = {row.position}",
    )
    assert [(one.seq, one.problem) for one in findings(deployment, organization)] == [
        (1, "The event is missing, and no event says that it was pruned.")
    ]
    with pytest.raises(AssertionError, match="the pruned events are not those"):
        check_log(deployment.store)


def test_what_was_erased_and_is_back_is_found(sqlite_deployment: Deployment) -> None:
    deployment = sqlite_deployment
    organization = deployment.found(deployment.person())
    with deployment.store.reading() as connection:
        row = next(connection.execute(select(schema.event)))
    deployment.act(None, organization, EraseFields({0: ["context.ip"]}, "By letter", deployment.ledger))
    tamper(
        deployment.store,
        f"UPDATE event SET disclosures = x'{row.disclosures.hex()}', secret = x'{row.secret.hex()}' "
        f"WHERE position = {row.position}",
    )
    assert [one.problem for one in findings(deployment, organization)] == [
        "It says that context.ip of event 0 was erased, which is there, or was another."
    ]


def test_what_the_ledger_does_not_name_is_found(sqlite_deployment: Deployment, tmp_path: Path) -> None:
    """Whoever writes to the database alone takes out what they like, and puts an event behind that says so."""
    deployment, elsewhere = sqlite_deployment, Ledger(tmp_path / "elsewhere")
    ada = deployment.person("ada@calder.example", "Ada")
    organization = deployment.found(ada)
    for number in range(4):
        deployment.act(ada, organization, CreateMode(f"Mode {number}", "", ()))
    deployment.act(ada, organization, SetRetention("mode", 90))
    deployment.act(ada, organization, EraseFields({1: ["context.ip"]}, "By letter", deployment.ledger))
    deployment.clock.go_on(100 * DAY)
    size = deployment.size(organization)

    def found() -> list[int | None]:
        assert findings(deployment, organization) == []
        with deployment.store.reading() as connection:
            return [one.seq for one in unnamed(connection, organization, deployment.ledger)]

    assert found() == []
    deployment.act(ada, organization, EraseFields({0: ["context.ip"], 2: ["context.ip"]}, "By letter", elsewhere))
    assert found() == [size]
    deployment.act(None, organization, Prune("mode", elsewhere, deployment.clock.now))
    assert found() == [size, size + 1]


def test_the_ledger_names_what_stands_under_one_number_again(tmp_path: Path) -> None:
    """As when events that nobody had signed were lost with the machine."""
    ledger = Ledger(tmp_path)
    for digest in (b"1" * 32, b"2" * 32, b"2" * 32):
        ledger.write("log_1", 1, [(7, "context.ip", digest)])
    assert sorted(ledger.read("log_1")) == [(7, "context.ip", b"1" * 32), (7, "context.ip", b"2" * 32)]


def findings(deployment: Deployment, organization: int) -> list[check.Finding]:
    with deployment.store.reading() as connection:
        return list(check.check_log(connection, organization))
