"""Retention: what is older than its policy goes, what is held stays, and a wrong clock prunes nothing (R10)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from minutebook.actions.log_custody import ALL
from minutebook.custody import retention
from minutebook.custody.clock import ConfirmClock, RecordForwardStep, Watch, find_step, record_step_at_start
from minutebook.custody.custodian import Custodian
from minutebook.custody.erase import EraseFields
from minutebook.custody.holds import PlaceHold, ReleaseHold
from minutebook.custody.retention import Prune, SetRetention, due, prune_log, runs
from minutebook.errors import Conflict, Invalid, NotAllowed, NotFound, StoreUnavailable
from minutebook.filters import EVERYTHING, Filter
from minutebook.model import DAY, HOUR, SECOND, Context, Plan, Role
from minutebook.organization import auditor_links, invitations, links, sessions, tokens
from minutebook.organization.auditor_links import CreateLink
from minutebook.organization.credits import BuyCredits
from minutebook.organization.differences import check_organization
from minutebook.organization.held_seats import held_seats
from minutebook.organization.invitations import AcceptInvitation, InvitePerson
from minutebook.organization.organizations import ChangePlan
from minutebook.organization.people import User
from minutebook.organization.settings import ChangeSessionLifetime
from minutebook.organization.sign_in import RecordFailedSignIn
from minutebook.organization.tokens import CreateToken
from minutebook.store import expiry, index, log, schema, search, survey
from minutebook.store.engine import Store
from minutebook.store.scope import Scope
from tests.store.test_query import stridden
from tests.support.check_log import check_log
from tests.support.deployment import Deployment

SECRET = "mbt_" + "s" * 43


def live(deployment: Deployment) -> tuple[User, int]:
    """300 failures to sign in, with purchases between; then 100 days; then some of both again."""
    ada = deployment.person("ada@calder.example", "Ada")
    number = deployment.found(ada)
    for day in range(2):
        for attempt in range(300 if day == 0 else 3):
            deployment.act(ada, number, RecordFailedSignIn("Wrong password", attempt + 1))
            if attempt % 100 == 0:
                deployment.act(ada, number, BuyCredits(100, f"{day}-{attempt}"))
        if day == 0:
            deployment.clock.go_on(100 * DAY)
    return ada, number


def old(deployment: Deployment, organization: int, noun: str) -> list[int]:
    """The numbers of the events of a noun before the 100 days."""
    before = deployment.clock.now - 50 * DAY
    events = deployment.events(organization)
    return [one.seq for one in events if one.action.startswith(noun) and one.recorded_at < before]


def test_what_is_older_goes_from_everything_that_is_found(deployment: Deployment, organization: int, ada: User) -> None:
    index.follow_all(deployment.store)
    seqs = old(deployment, organization, "user.")
    assert len(seqs) == 300
    deployment.act(ada, organization, SetRetention("user", 90))
    size = deployment.size(organization)
    with deployment.store.reading() as connection:  # whatever was in memory before
        assert survey.count(connection, Scope(organization, size), EVERYTHING).number == size
    (event,) = prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    assert (event.details["count"], event.details["first"], event.details["last"]) == (300, seqs[0], seqs[-1])
    assert event.details["ranges"] == [list(run) for run in runs(seqs)]
    for _ in range(2):  # at once, and when all is indexed anew
        with deployment.store.reading() as connection:
            scope = Scope(organization, size)
            assert survey.count(connection, scope, EVERYTHING) == (size - 300, True)
            failures = Filter(actions=("user.login_failed",))
            assert survey.count(connection, scope, failures).number == 3
            assert survey.count_by(connection, scope, EVERYTHING, "action")["user.login_failed"] == 3
            assert "" not in survey.count_by(connection, scope, EVERYTHING, "outcome")
            assert stridden(connection, scope, EVERYTHING) == [seq for seq in range(size) if seq not in set(seqs)]
            page = search.page(connection, scope, EVERYTHING, None, 500)
            assert len(page.events) == page.total.number == size - 300
            assert search.window(connection, scope, Filter(text="wrong"), first=0, limit=500)[0].seq > seqs[-1]
            with pytest.raises(NotFound):
                search.find(connection, scope, seqs[0])
            span = search.span(connection, scope)
            assert span is not None
        index.follow_all(deployment.store)
    check_log(deployment.store)


def test_where_nothing_has_a_policy_nothing_is_begun(
    deployment: Deployment, organization: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each beginning locks the log, and SQLite as a whole: there may be thousands of logs."""
    monkeypatch.delattr(retention, "perform")
    assert prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now) == []


def test_what_is_pruned_is_no_error_but_cannot_be_told(deployment: Deployment, organization: int, ada: User) -> None:
    deployment.act(ada, organization, SetRetention("credits", 90))
    prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    untold = set[str]()
    with deployment.store.reading() as connection:
        assert list(check_organization(connection, organization, untold=untold.update)) == []
    assert untold == {"credit_entry"}


def test_the_policy_of_all_is_that_of_families_without_one(
    deployment: Deployment, organization: int, ada: User
) -> None:
    deployment.act(ada, organization, SetRetention(ALL, 90))
    deployment.act(ada, organization, SetRetention("credits", 365))
    prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    assert old(deployment, organization, "user.") == []
    assert len(old(deployment, organization, "credits.")) == 3
    assert old(deployment, organization, "organization.") == [0], "the first event stays"
    check_log(deployment.store)


def test_what_explains_the_log_stays(deployment: Deployment, organization: int, ada: User) -> None:
    erased = deployment.act(ada, organization, EraseFields({3: ["context.ip"]}, "By letter", deployment.ledger))
    deployment.act(ada, organization, PlaceHold("Matter", "seq:1000000"))
    deployment.act(ada, organization, SetRetention(ALL, 90))
    prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    deployment.clock.go_on(200 * DAY)
    prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    left = deployment.events(organization)
    explaining = {"log.erase", "log.hold", "log.policy_change", "log.prune"}
    assert {event.action for event in left} == {"organization.create", *explaining}
    assert erased.seq in {event.seq for event in left}
    check_log(deployment.store)


def test_a_long_prune_goes_by_one_moment(
    deployment: Deployment, organization: int, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Act after act it takes minutes, in which other events grow old enough."""
    monkeypatch.setattr(retention, "AT_ONCE", 100)
    deployment.act(ada, organization, SetRetention("user", 100))
    deployment.clock.step = 10 * SECOND
    at = deployment.clock.now - 200 * SECOND  # so that 200 seconds of the first day are not old enough
    acts = prune_log(deployment.store, organization, deployment.ledger, at)
    assert [one.details["before"] for one in acts] == [at - 100 * DAY] * len(acts)
    assert len(acts) > 1
    assert len(old(deployment, organization, "user.")) > 10
    deployment.clock.go_on(-7 * DAY)
    assert prune_log(deployment.store, organization, deployment.ledger, at + DAY) == []
    check_log(deployment.store)


def test_a_hold_keeps_what_it_finds(deployment: Deployment, organization: int, ada: User) -> None:
    deployment.act(ada, organization, SetRetention("user", 90))
    seqs = old(deployment, organization, "user.")
    hold = deployment.act(ada, organization, PlaceHold("Matter", f"seq:{seqs[10]}..{seqs[12]}"))
    prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    assert old(deployment, organization, "user.") == seqs[10:13]
    deployment.act(ada, organization, ReleaseHold(str(hold.details["hold"])))
    prune_log(deployment.store, organization, deployment.ledger, deployment.clock.now)
    assert old(deployment, organization, "user.") == []
    check_log(deployment.store)


def test_a_hold_is_meant_from_when_it_was_placed(deployment: Deployment, organization: int, ada: User) -> None:
    event = deployment.act(ada, organization, PlaceHold("Matter", "after:-7d"))
    assert event.details["query"] == "after:2027-02-07T00:05Z"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (SetRetention("user", 89), "Enter 90 to 36,500 days"),
        (SetRetention("user", 36_501), "Enter 90 to 36,500 days"),
        (SetRetention("planets", 90), "Choose one of: all, organization, user"),
        (PlaceHold("", "seq:1"), "The name is missing"),
        (PlaceHold("Matter", ""), "Say what is held"),
        (PlaceHold("Matter", "seq:x"), "is not the number of an event"),
    ],
)
def test_what_cannot_be_is_refused(
    deployment: Deployment, ada: User, command: SetRetention | PlaceHold, complaint: str
) -> None:
    with pytest.raises(Invalid, match=complaint):
        deployment.act(ada, deployment.found(ada), command)


def test_there_are_a_hundred_holds_at_most(sqlite_deployment: Deployment) -> None:
    ada = sqlite_deployment.person()
    number = sqlite_deployment.found(ada)
    for matter in range(100):
        sqlite_deployment.act(ada, number, PlaceHold(f"Matter {matter}", "seq:1"))
    with pytest.raises(Conflict, match="There are 100 holds"):
        sqlite_deployment.act(ada, number, PlaceHold("One more", "seq:1"))


@pytest.mark.parametrize("command", ["prune", "step"])
def test_only_minutebook_itself_prunes(deployment: Deployment, organization: int, ada: User, command: str) -> None:
    deployment.act(ada, organization, SetRetention("user", 90))
    with pytest.raises(NotAllowed, match="Minutebook itself"):
        deployment.act(
            ada,
            organization,
            Prune("user", deployment.ledger, deployment.clock.now) if command == "prune" else RecordForwardStep(1, 2),
        )


@pytest.mark.parametrize("step", [30 * DAY, 3_650 * DAY])
def test_a_clock_that_went_forward_prunes_nothing_until_it_is_confirmed(
    deployment: Deployment, organization: int, ada: User, step: int
) -> None:
    deployment.act(ada, organization, SetRetention(ALL, 110))
    passed = 0.0
    custodian = Custodian(deployment.store, deployment.ledger, Watch(deployment.store, lambda: passed))
    deployment.clock.step = 0
    custodian.round()
    before = deployment.events(organization)
    deployment.clock.go_on(step)
    passed += 60
    custodian.round()
    custodian.round()
    (recorded,) = deployment.events(organization)[len(before) :]
    assert recorded.action == "log.clock_step"
    assert recorded.details["after"] - recorded.details["before"] == step - 60 * SECOND  # type: ignore[operator]
    deployment.act(ada, organization, ConfirmClock())
    deployment.clock.go_on(DAY)
    passed += DAY / SECOND
    custodian.round()
    assert deployment.events(organization)[-1].action == "log.prune"
    assert len(deployment.events(organization)) < len(before)
    check_log(deployment.store)


def test_a_clock_that_is_kept_right_says_nothing(deployment: Deployment, organization: int) -> None:
    passed = 0.0
    watch = Watch(deployment.store, lambda: passed)
    deployment.clock.step = 0
    watch.step()
    for seconds in (60, 3_600, 86_400 * 30):
        passed += seconds
        deployment.clock.go_on(seconds * SECOND + 9 * SECOND)
        assert watch.step() is None
    deployment.clock.go_on(11 * SECOND)
    assert watch.step() is not None
    deployment.clock.go_on(-HOUR)
    expected, now = watch.step() or (0, 0)
    assert (expected - now) == HOUR


def test_a_server_that_was_away_for_long_does_not_trust_its_clock(deployment: Deployment, organization: int) -> None:
    deployment.clock.go_on(8 * DAY)
    Custodian(deployment.store, deployment.ledger).round()
    assert deployment.events(organization)[-1].action == "log.clock_step"
    with deployment.store.reading() as connection:
        assert connection.execute(select(schema.clock_step.c.after)).scalars().all()


def test_a_step_that_could_not_be_recorded_at_once_is_recorded_later(
    deployment: Deployment, organization: int, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.act(ada, organization, SetRetention(ALL, 110))
    deployment.clock.step = 0
    custodian = Custodian(deployment.store, deployment.ledger, Watch(deployment.store, lambda: 0.0))
    custodian.round()
    before = deployment.events(organization)
    deployment.clock.go_on(3_650 * DAY)
    with monkeypatch.context() as patched, pytest.raises(StoreUnavailable):
        patched.setattr(Store, "acting", _away)
        custodian.round()
    custodian.round()
    assert [one.action for one in deployment.events(organization)[len(before) :]] == ["log.clock_step"]


def _away(_: Store) -> None:
    raise StoreUnavailable


def test_what_acts_by_a_wrong_clock_does_not_make_it_look_right(
    deployment: Deployment, organization: int, ada: User
) -> None:
    """A command at the command line of one organization, while the server is stopped."""
    deployment.act(ada, organization, SetRetention(ALL, 110))
    before = deployment.events(organization)
    deployment.clock.go_on(3_650 * DAY)
    record_step_at_start(deployment.store)
    deployment.found(ada, "Other")
    Custodian(deployment.store, deployment.ledger).round()
    assert [one.action for one in deployment.events(organization)[len(before) :]] == ["log.clock_step"]
    with deployment.store.reading() as connection:
        assert find_step(connection, organization)


def test_a_step_back_is_recorded_before_the_event_that_it_befell(
    deployment: Deployment, organization: int, ada: User
) -> None:
    deployment.clock.go_on(-7 * DAY)
    event = deployment.act(ada, organization, BuyCredits(100, "later"))
    step = deployment.events(organization)[event.seq - 1]
    assert (step.action, step.details["after"]) == ("log.clock_step", event.recorded_at)
    assert step.actor.name == "Minutebook"
    assert event.seq == deployment.size(organization) - 1
    deployment.act(ada, organization, BuyCredits(100, "last"))
    assert deployment.events(organization)[-1].action == "credits.purchase"
    check_log(deployment.store)


@pytest.mark.parametrize("runs", ["server", "terminal"])
@pytest.mark.parametrize("step", [-7 * DAY, 30 * DAY, 3_650 * DAY])
def test_whatever_the_clock_does_what_has_expired_stays_so_and_nothing_goes(
    deployment: Deployment, organization: int, ada: User, step: int, runs: str
) -> None:
    """R10. A server finds out within ten seconds, a command at the terminal before it does anything."""
    store, passed = deployment.store, 0.0
    custodian = Custodian(store, deployment.ledger, Watch(store, lambda: passed))
    deployment.act(ada, organization, SetRetention(ALL, 150))
    deployment.act(ada, organization, CreateLink("Acme", "", 30, "the link"))
    deployment.act(ada, organization, InvitePerson("eve@calder.example", Role.MEMBER, "the offer"))
    quiet = deployment.found(ada, "Quiet")
    deployment.act(ada, quiet, CreateToken("SIEM", ("log.read",), 30, SECRET))
    session, _ = sessions.start_session(store, ada, "password", Context())
    reset = links.new_link(store, links.RESET, lifetime=HOUR, user=ada.id)
    deployment.clock.go_on(31 * DAY)
    passed += 31 * DAY / SECOND
    deployment.act(ada, organization, BuyCredits(100, "meanwhile"))
    if runs == "server":
        custodian.round()
    before = {number: deployment.events(number) for number in (organization, quiet)}

    deployment.clock.go_on(step)
    if runs == "server":
        custodian.round()
    else:
        record_step_at_start(store)
        assert prune_log(store, organization, deployment.ledger, deployment.clock.now) == []
    for number, events in before.items():
        *same, recorded = deployment.events(number)
        assert same == events
        assert recorded.action == "log.clock_step"
        assert (recorded.details["after"] > recorded.details["before"]) == (step > 0)  # type: ignore[operator]
    with store.reading() as connection:
        now = deployment.clock.now
        assert tokens.find_by_secret(connection, SECRET, now) is None
        assert auditor_links.find_by_token(connection, "the link", now) is None
        assert invitations.find_by_token(connection, "the offer", now) is None
        assert sessions.find_session(connection, session, now) is None
    assert not links.is_valid(store, links.RESET, reset)
    event = deployment.act(ada, organization, BuyCredits(100, "after"))
    assert event.seq == len(before[organization]) + 1
    check_log(store)


def test_an_act_by_a_clock_that_was_set_back_finds_expired_what_had_expired(
    deployment: Deployment, organization: int, ada: User
) -> None:
    """Also before the server has found out."""
    deployment.act(ada, organization, InvitePerson("eve@calder.example", Role.MEMBER, "the offer"))
    deployment.clock.go_on(8 * DAY)
    deployment.act(ada, organization, BuyCredits(100, "meanwhile"))
    deployment.clock.go_on(-7 * DAY)
    eve = deployment.person("eve@calder.example", "Eve")
    with pytest.raises(NotFound):
        deployment.act(eve, organization, AcceptInvitation("the offer", eve))
    check_log(deployment.store)


@pytest.mark.parametrize("finds_out", ["the server", "an act"])
def test_a_session_that_an_organization_let_in_too_long_stays_out_when_the_clock_is_set_back(
    deployment: Deployment, organization: int, ada: User, finds_out: str
) -> None:
    """R10. One that may still be inside goes on, and so do all where an organization sets no limit."""
    store = deployment.store
    limitless = deployment.found(deployment.person(), "Kestrel")
    eve = deployment.join(limitless, None, Role.OWNER)
    deployment.act(ada, organization, ChangeSessionLifetime(12))
    over, elsewhere = (sessions.start_session(store, user, "password", Context())[0] for user in (ada, eve))
    deployment.clock.go_on(6 * HOUR)
    inside, _ = sessions.start_session(store, ada, "password", Context())
    deployment.clock.go_on(7 * HOUR)
    for number in (organization, limitless):
        deployment.act(None, number, ChangePlan(Plan.ENTERPRISE, 100))
    deployment.clock.go_on(-3 * HOUR)
    if finds_out == "the server":
        record_step_at_start(store)
    else:
        deployment.act(ada, organization, BuyCredits(100, "after"))
    with store.reading() as connection:
        now = deployment.clock.now
        assert [sessions.find_session(connection, token, now) is None for token in (over, inside, elsewhere)] == [
            True,
            False,
            False,
        ]
    _, session = sessions.start_session(store, ada, "password", Context())
    with store.reading() as connection:
        (here,) = held_seats(connection, ada.id, session.id)
        assert here.entered_at and not here.is_over(deployment.clock.now)
    check_log(store)


def test_what_would_go_is_counted_without_what_is_held_or_stays(
    deployment: Deployment, organization: int, ada: User
) -> None:
    deployment.act(ada, organization, PlaceHold("Matter", "seq:1..2"))
    with deployment.store.reading() as connection:
        now = deployment.clock.now
        assert len(due(connection, organization, "user", now - 90 * DAY)) == 299  # of seq 1 and 2 one is a purchase
        assert due(connection, organization, "organization", now) == []
        assert log.read_head(connection, organization).recorded_at <= now


def test_whatever_expires_stays_expired() -> None:
    """A new table with an end is one of these, too."""
    ending = {table.name for table in schema.metadata.sorted_tables if "expires_at" in table.c}
    assert ending == {table.name for table in (*expiry.OF_ORGANIZATIONS, *expiry.OF_DEPLOYMENT)}
