"""The catalogue: mistakes in a declaration fail at import, and what people typed is never a format."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from minutebook.actions import CATALOGUE, NOUNS, Details, Severity, describe, ocsf, read_details
from minutebook.actions.catalogue import action
from minutebook.actions.log import Format, LogExported
from minutebook.actions.log_custody import FieldsErased, LogPruned
from minutebook.actions.member import MemberRemoved, RoleChanged
from minutebook.actions.mode import ModeUpdated
from minutebook.actions.ocsf import Activity
from minutebook.actions.parts import Strong, Swap, Text, plain
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.user import PersonInvited, SignInFailed
from minutebook.actions.values import ERASED, Cents, Change, Person, Rewrite, RoleChange, SetChange, lasting
from minutebook.model import Role
from tests.actions.examples import EXAMPLES
from tests.support import stored


def declare(
    name: str = "mode.test",
    says: str = "Did {thing}",
    doc: str | None = "What happened.",
    kind: Activity = ocsf.CREATE,
) -> None:
    """Declares an action as a module would, and takes it out again."""
    body = {"__annotations__": {"thing": str}, "__module__": __name__, "__doc__": doc}
    before = dict(CATALOGUE)
    try:
        details = type("Tested", (Details,), body)
        action(name, title="Tested", severity=Severity.LOW, ocsf=kind, says=says, since="0.1")(details)
    finally:
        CATALOGUE.clear()
        CATALOGUE.update(before)


def test_a_sound_declaration_is_accepted() -> None:
    declare()


def test_an_action_without_its_ocsf_activity_fails_at_import() -> None:
    with pytest.raises(TypeError, match="ocsf"):
        action("mode.test", title="Tested", severity=Severity.LOW, says="", since="0.1")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="User Access Management has a field `role`"):
        declare(kind=ocsf.ASSIGN_ROLE)


@pytest.mark.parametrize(
    ("declaration", "complaint"),
    [
        ({"name": "user.login"}, "user.login is declared twice"),
        ({"doc": None}, "needs a docstring"),
        ({"doc": ""}, "needs a docstring"),
        ({"says": "Did {thing} to {nobody}"}, "fields that do not exist: nobody"),
        ({"says": "Did {}"}, "fields that do not exist"),
        ({"says": "{action}"}, "fields that do not exist: action"),
        ({"name": "mode"}, "noun.verb"),
        ({"name": "mode.Test"}, "noun.verb"),
        ({"name": "planet.visit"}, "a noun of NOUNS"),
        ({"name": "mode.test.more"}, "noun.verb"),
    ],
)
def test_a_mistake_in_a_declaration_fails_at_import(declaration: dict[str, Any], complaint: str) -> None:
    before = dict(CATALOGUE)
    with pytest.raises(TypeError, match=complaint):
        declare(**declaration)
    assert before == CATALOGUE


def test_an_inherited_docstring_is_not_one() -> None:
    class Parent(Details):
        """Something."""

        thing: str

    class Child(Parent):
        pass

    with pytest.raises(TypeError, match="needs a docstring"):
        action("mode.test", title="Tested", severity=Severity.LOW, ocsf=ocsf.CREATE, says="", since="0.1")(Child)
    assert "mode.test" not in CATALOGUE


HOSTILE = ["{after.__class__}", "{role}", "%s %(x)s", "{0}", "<b>&amp;", "\x1b[31m\r\n\u202e", "{member} became {role}"]


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_person_typed_stays_inert(name: str) -> None:
    member = Person(id="usr_1", email="bob@x.example", name=name)
    parts = describe(RoleChanged(member=member, role=RoleChange(before=Role.ADMIN, after=Role.MEMBER)))
    assert parts == (Text("Changed role of "), Strong(name), Text(" "), Swap("Admin", "Member"))
    removed = describe(MemberRemoved(member=member, role=Role.ADMIN))
    assert plain(removed) == " ".join(f"Removed {name}, role Admin".split())


def test_every_noun_has_actions_and_every_action_a_noun() -> None:
    assert {action.noun for action in CATALOGUE.values()} == NOUNS.keys()


def test_there_is_an_example_of_every_action() -> None:
    names = [example.action.name for example in EXAMPLES]
    for name in CATALOGUE:
        assert name in names, f"{name} has no example in tests/actions/examples.py"
    assert names == list(CATALOGUE), "put the examples in the order of the catalogue, one of each action"


@pytest.mark.parametrize("details", EXAMPLES, ids=lambda details: details.action.name)
def test_details_read_back_as_they_were_recorded(details: Details) -> None:
    dumped = details.model_dump(mode="json")
    recorded = {"v": details.action.version} | {name: value for name, value in dumped.items() if value is not None}
    assert read_details(details.action.name, recorded) == details
    assert read_details(details.action.name, json.loads(stored.canonical(recorded))) == details
    assert describe(details)
    assert all(target.kind and target.id for target in details.targets())
    for diff in details.diffs():
        assert diff.title
        assert diff.lines


@pytest.mark.parametrize("details", EXAMPLES, ids=lambda details: details.action.name)
def test_details_are_told_whatever_was_erased_of_them(details: Details) -> None:
    dumped = details.model_dump(mode="json")
    recorded = {name: value for name, value in dumped.items() if value is not None}
    for name in recorded:
        read = read_details(details.action.name, {**recorded, "v": 1, name: None}, {f"details.{name}", "actor.email"})
        assert isinstance(read, type(details))
        assert getattr(read, name) == ERASED
        assert all(getattr(read, other) == getattr(details, other) for other in recorded if other != name)
        assert read.diffs() == tuple(diff for diff in details.diffs() if diff.title != details.field_title(name))
        assert plain(describe(read))
        told = {title: value for title, _, value in read.facts()}
        assert told[details.field_title(name)] == ERASED
    every = read_details(details.action.name, dict.fromkeys(recorded), {f"details.{name}" for name in recorded})
    assert not recorded or "erased" in plain(describe(every)) or "{" not in details.action.says


def test_each_field_is_told_by_itself_or_by_what_tells_it() -> None:
    for example in EXAMPLES:
        titles = {title for title, _, _ in example.facts()} | {diff.title for diff in example.diffs()}
        assert example.told_by.keys() <= set(type(example).model_fields)
        for name in type(example).model_fields:
            is_told = getattr(example, name) is None or example.field_title(name) in titles
            assert is_told or not example.told_by.get(name, name), (example.action.name, name)


def test_what_is_done_with_the_log_itself_is_told_in_words() -> None:
    told = {
        example.action.name: {title: value for title, _, value in example.facts()}
        for example in EXAMPLES
        if example.action.noun == "log"
    }
    assert told["log.erase"] == {
        "Person": "usr_b",
        "Reason": "Asked by letter",
        "In events": "4",
        "Erased": "Actor's address (1), Actor's name (1)",
        "Part": "2 of 2",
    }
    assert told["log.prune"] == {
        "Actions": "Sign-in and invitations",
        "Kept for": "90 days",
        "Recorded before": 1,
        "Pruned": "4 events",
        "Numbers": "3 to 5, 9",
    }
    assert told["log.policy_change"] == {"Actions": "All", "Kept before": "90 days", "Kept now": "365 days"}
    assert told["log.hold"]["Now"] == "Placed"
    assert {name for _, name, _ in EXAMPLES[list(CATALOGUE).index("log.clock_step")].facts()} == {
        "stood_at",
        "stands_at",
    }
    runs = tuple((number, number) for number in range(0, 40, 2))
    many = LogPruned(family="all", days=90, before=1, first=0, last=38, count=20, ranges=runs)
    assert many.numbers == "0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22 and more: all are in the raw JSON"
    alone = FieldsErased(reason="x", events=1, fields=1, erased=((4, "targets.0", "ab" * 32),))
    assert {title for title, _, _ in alone.facts()} == {"Reason", "In events", "Erased"}, "it is no part"


@pytest.mark.parametrize(
    ("pruned", "sentence"),
    [
        (0, "Exported all 10 events as CSV"),
        (3, "Exported all 7 events (3 pruned before) as CSV"),
        (None, "Exported as CSV"),
    ],
)
def test_what_was_pruned_is_not_told_as_exported(pruned: int | None, sentence: str) -> None:
    assert plain(describe(LogExported(format=Format.CSV, size=10, pruned=pruned))) == sentence


def test_details_that_do_not_fit_are_refused() -> None:
    with pytest.raises(KeyError):
        read_details("user.fly", {"v": 1})
    with pytest.raises(ValidationError):
        read_details("user.login", {"v": 1})
    with pytest.raises(ValidationError):
        read_details("user.login", {"v": 1, "method": 3})
    with pytest.raises(ValidationError):
        read_details("user.login", {"v": 1, "method": "password", "more": 1})
    with pytest.raises(ValidationError):
        read_details("member.remove", {"v": 1, "member": {"id": "1", "email": "a", "name": "b"}, "role": "king"})


def test_how_long_something_lasted_is_never_nothing() -> None:
    assert [lasting(micros) for micros in (0, 999_999, 1_000_000, 119_000_000, 7_200_000_000, 172_800_000_000)] == [
        "less than a second",
        "less than a second",
        "1 second",
        "1 minute",
        "2 hours",
        "2 days",
    ]


def test_sentences() -> None:
    told = [plain(describe(details)) for details in EXAMPLES]
    assert told == [
        "Was refused to change role 14 more times in 12 minutes: the role billing manager may not "
        "invite, remove or change people",
        "Bought $2,500.00 of credits, balance $2,500.01, payment inv-1",
        "Granted $50.00 of credits, balance $2,550.01, by Grace: Outage of 3 May, reference ticket-4711",
        "Exported the ledger of credits, entries: 2, balance $2,550.01",
        "Made an auditor link for Acme Audit: action:member.*",
        "Opened the auditor link for Acme Audit",
        "Revoked the auditor link for Acme Audit",
        "Opened the audit log",
        "Exported what action:member.* finds as CSV, from number 412 on",
        "Verified the first 48,213 events in a browser, which says Valid",
        "Erased 2 fields in 1 event of the person usr_b: Asked by letter, part 2 of 2",
        "Pruned 4 events of Sign-in and invitations, older than the 90 days that they are kept",
        "Changed how long everything is kept 90 days → 365 days",
        "Placed the hold Acme v. Calder on what actor:bob@x.example finds",
        "The server's clock went forward by 10 days",
        "Confirmed that the server's clock is right, which went forward by 10 days",
        "Restored the log from a backup with 48,213 events; 2 signed events are lost",
        "Changed role of Bob Admin → Billing manager",
        "Handed the ownership to Bob Admin → Owner, own role Owner → Member",
        "Removed bob@x.example, role Auditor",
        "Ended all sessions of Bob here",
        "Left the organization, role Member",
        "Created mode Review",
        "Changed mode Review, name Review → Réview, tools +edit −read, instructions: 2 lines removed",
        "Deleted mode Réview",
        "Created the organization Calder, plan enterprise, 10 seats, owned by Bob, a demo",
        "Asked for the organization Calder to be deleted after 14 days",
        "Took back that the organization Calder is deleted",
        "Deleted the organization Calder with 2 seats, as Ada had asked; this log is sealed",
        "Saved a search for everybody: Refusals, outcome:denied → -outcome:success",
        "Renamed a search for everybody: Refusals → Denied",
        "Deleted a search for everybody: Refusals",
        "Changed Models & Providers Calder → Calder Robotics +new/model −openai/gpt-5, providers +acme −xai, "
        "default model openai/gpt-5 → new/model forbid → allow, daily limit per member +$50.00, "
        "alert below $100.00 → $200.00, sessions last −12 hours optional → required",
        "Set the SSO domain calder.example → calder.test",
        "Verified the SSO domain calder.test",
        "The SSO domain calder.test is not verified any more",
        "Removed the SSO domain calder.test",
        "Let Bob of support staff in for 1 hour, to read and to change modes, export the audit log: Ticket 4711",
        "Entered as support staff: Ticket 4711",
        "The access of Bob of support staff is over: its time was over",
        "Created the API token SIEM for log.export, log.read",
        "Revoked the API token SIEM",
        "Signed in with password and authenticator app",
        "Wrong password, attempt 3 in 15 minutes",
        "Signed out",
        "Changed their profile, name Bob → Bob B., time zone +Europe/Berlin",
        "Changed their password, proven by the current password",
        "Took the password of Bob, and ended their sessions",
        "Added passkey Phone as a second factor, with 10 recovery codes",
        "Removed passkey Phone from their second factors",
        "Took all second factors of Bob",
        "Made 10 recovery codes in place of those before",
        "Used a recovery code, 9 left",
        "Deleted the account of Bob, role Member",
        "Invited dan@x.example as Auditor",
        "Sent the invitation of dan@x.example again, role Auditor",
        "Accepted the invitation from Ada as Member",
        "Revoked the invitation of dan@x.example, role Auditor",
    ], "each example's sentence stands here, in the order of tests/actions/examples.py"


def test_what_did_not_change_is_told_by_silence() -> None:
    assert plain(
        describe(SettingsChanged(section="Data collection", data_collection=Change(before="a", after="b")))
    ) == ("Changed Data collection a → b")
    update = ModeUpdated(mode="mod_1", current_name="R", instructions=Rewrite(before="a\nb", after="a\nc"))
    assert plain(describe(update)) == "Changed mode R, instructions: 1 line added, 1 line removed"


def test_a_renamed_mode_is_called_as_people_knew_it_and_found_as_it_is_called_now() -> None:
    renamed = ModeUpdated(mode="mod_1", current_name="Evil", name=Change(before="Review", after="Evil"))
    assert plain(describe(renamed)) == "Changed mode Review, name Review → Evil"
    assert [target.name for target in renamed.targets()] == ["Evil"]


@pytest.mark.parametrize(
    ("before", "after", "lines", "told"),
    [
        (
            "a\nb\nc",
            "a\nB\nc",
            ["=1 line not changed", "-b", "+B", "=1 line not changed"],
            "1 line added, 1 line removed",
        ),
        ("a\nb\nc", "a\nb\nc\nd\ne", ["=3 lines not changed", "+d", "+e"], "2 lines added"),
        ("a\nb", "", ["-a", "-b"], "2 lines removed"),
        ("", "a\n\nb", ["+a", "+", "+b"], "3 lines added"),
        ("a\nb", "b\na", ["+b", "=1 line not changed", "-b"], "the same lines in another order"),
        ("a\u2028b", "a\nb", ["-a\u2028b", "+a", "+b"], "2 lines added, 1 line removed"),
    ],
)
def test_a_rewrite_shows_its_lines_in_their_places_and_says_how_many(
    before: str, after: str, lines: list[str], told: str
) -> None:
    rewrite = Rewrite(before=before, after=after)
    marks = {"add": "+", "del": "-", "same": "="}
    assert [marks[line.kind] + line.text for line in rewrite.diff("Instructions").lines] == lines
    assert plain(rewrite.parts()) == told


def test_a_set_change_says_exactly_what_turns_one_into_the_other() -> None:
    assert SetChange.between(["b", "a"], ("a", "b", "a")) is None
    change = SetChange.between("abc", "edbc")
    assert change == SetChange(added=("d", "e"), removed=("a",), before=3, after=4)
    assert change is not None
    assert [(line.kind, line.text) for line in change.diff("Letters").lines] == [
        ("add", "d"),
        ("add", "e"),
        ("del", "a"),
        ("same", "2 not changed"),
    ]


@pytest.mark.parametrize(
    ("cents", "told"),
    [(1, "$0.01"), (0, "$0.00"), (-5, "−$0.05"), (123_456_789, "$1,234,567.89"), (-100, "−$1.00")],
)
def test_money(cents: int, told: str) -> None:
    assert str(Cents(cents=cents)) == told


def test_a_failure_says_so() -> None:
    assert SignInFailed.outcome == "failure"
    assert PersonInvited.outcome == "success"
