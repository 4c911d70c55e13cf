"""One example of every action, with every field set, in the order of the catalogue."""

from __future__ import annotations

from minutebook.actions import Details
from minutebook.actions.access import AccessDenied
from minutebook.actions.credits import CreditsGranted, CreditsPurchased, LedgerExported
from minutebook.actions.link import LinkCreated, LinkRevoked, LinkUsed
from minutebook.actions.log import Format, LogExported, LogVerified, LogViewed, Verdict
from minutebook.actions.log_custody import (
    ClockConfirmed,
    ClockStepped,
    FieldsErased,
    HoldChanged,
    LogPruned,
    LogRestored,
    RetentionChanged,
)
from minutebook.actions.member import MemberLeft, MemberRemoved, MemberSessionsEnded, OwnershipTransferred, RoleChanged
from minutebook.actions.mode import ModeCreated, ModeDeleted, ModeUpdated
from minutebook.actions.organization import (
    DeletionCancelled,
    DeletionRequested,
    FirstSettings,
    OrganizationCreated,
    OrganizationDeleted,
)
from minutebook.actions.search import SearchDeleted, SearchRenamed, SearchSaved
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.sso import SsoDomainLapsed, SsoDomainRemoved, SsoDomainSet, SsoDomainVerified
from minutebook.actions.support import Ending, SupportEntered, SupportGranted, SupportLeft
from minutebook.actions.token import TokenCreated, TokenRevoked
from minutebook.actions.user import (
    InvitationAccepted,
    InvitationResent,
    InvitationRevoked,
    PasswordChanged,
    PasswordTaken,
    PersonInvited,
    ProfileChanged,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecondFactorAdded,
    SecondFactorRemoved,
    SecondFactorsTaken,
    SignedIn,
    SignedOut,
    SignInFailed,
    UserDeleted,
)
from minutebook.actions.values import AmountChange, Cents, Change, HoursChange, Person, Rewrite, RoleChange, SetChange
from minutebook.model import Plan, Role, SecondFactor

BOB = Person(id="usr_b", email="bob@x.example", name="Bob")
FIRST = FirstSettings(models=("a/b",), providers=("c",), default_model="a/b", data_collection="forbid")

EXAMPLES: tuple[Details, ...] = (
    AccessDenied(
        operation="change role",
        route="POST /o/{org}/members/{user}/role",
        needed="invite, remove or change people",
        role=Role.BILLING_MANAGER,
        times=14,
        more=True,
        since=1,
        until=720_000_001,
    ),
    CreditsPurchased(amount=Cents(cents=250_000), balance=Cents(cents=250_001), reference="inv-1"),
    CreditsGranted(
        amount=Cents(cents=5_000),
        balance=Cents(cents=255_001),
        reference="ticket-4711",
        granted_by="Grace",
        reason="Outage of 3 May",
    ),
    LedgerExported(entries=2, balance=Cents(cents=255_001)),
    LinkCreated(link="aud_1", name="Acme Audit", query="action:member.*", expires_at=1),
    LinkUsed(link="aud_1", name="Acme Audit"),
    LinkRevoked(link="aud_1", name="Acme Audit"),
    LogViewed(),
    LogExported(format=Format.CSV, size=48_213, query="action:member.*", first=412),
    LogVerified(size=48_213, verdict=Verdict.VALID),
    FieldsErased(
        subject="usr_b",
        reason="Asked by letter",
        events=1,
        fields=2,
        erased=((4, "actor.email", "ab" * 32), (4, "actor.name", "cd" * 32)),
        part=2,
        parts=2,
    ),
    LogPruned(family="user", days=90, before=1, first=3, last=9, count=4, ranges=((3, 5), (9, 9))),
    RetentionChanged(family="all", before=90, after=365),
    HoldChanged(hold="hol_1", name="Acme v. Calder", query="actor:bob@x.example", placed=True),
    ClockStepped(before=0, after=864_000_000_000),
    ClockConfirmed(before=0, after=864_000_000_000),
    LogRestored(
        log="log_2",
        previous_log="log_1",
        restored_size=48_213,
        restored_root="3f" * 32,
        known_log="log_0",
        known_size=48_215,
        known_root="a1" * 32,
        lost=2,
        other_logs=(("log_0", 48_213),),
    ),
    RoleChanged(member=BOB, role=RoleChange(before=Role.ADMIN, after=Role.BILLING_MANAGER)),
    OwnershipTransferred(
        member=BOB,
        role=RoleChange(before=Role.ADMIN, after=Role.OWNER),
        own=RoleChange(before=Role.OWNER, after=Role.MEMBER),
    ),
    MemberRemoved(member=BOB.model_copy(update={"name": ""}), role=Role.AUDITOR),
    MemberSessionsEnded(member=BOB, until=1),
    MemberLeft(role=Role.MEMBER),
    ModeCreated(mode="mod_1", name="Review", instructions="Read\nfirst", tools=("read",)),
    ModeUpdated(
        mode="mod_1",
        current_name="Réview",
        name=Change(before="Review", after="Réview"),
        instructions=Rewrite(before="Read\nfirst", after=""),
        tools=SetChange(added=("edit",), removed=("read",), before=1, after=1),
    ),
    ModeDeleted(mode="mod_1", name="Réview"),
    OrganizationCreated(
        id="org_1", name="Calder", plan=Plan.ENTERPRISE, seat_limit=10, owner=BOB, settings=FIRST, remark="a demo"
    ),
    DeletionRequested(name="Calder", days=14, due_at=1),
    DeletionCancelled(name="Calder"),
    OrganizationDeleted(id="org_1", name="Calder", members=2, asked_by="Ada"),
    SearchSaved(
        search="sav_1",
        shared=True,
        replaced=True,
        name="Refusals",
        query=Change(before="outcome:denied", after="-outcome:success"),
    ),
    SearchRenamed(search="sav_1", shared=True, name=Change(before="Refusals", after="Denied")),
    SearchDeleted(search="sav_1", shared=True, name="Refusals"),
    SettingsChanged(
        section="Models & Providers",
        name=Change(before="Calder", after="Calder Robotics"),
        models=SetChange(added=("new/model",), removed=("openai/gpt-5",), before=2, after=2),
        providers=SetChange(added=("acme",), removed=("xai",), before=2, after=2),
        default_model=Change(before="openai/gpt-5", after="new/model"),
        data_collection=Change(before="forbid", after="allow"),
        daily_limit=AmountChange(before=None, after=Cents(cents=5_000)),
        balance_alert=AmountChange(before=Cents(cents=10_000), after=Cents(cents=20_000)),
        session_hours=HoursChange(before=12, after=None),
        second_factor=Change(before="optional", after="required"),
    ),
    SsoDomainSet(domain=Change(before="calder.example", after="calder.test")),
    SsoDomainVerified(domain="calder.test"),
    SsoDomainLapsed(domain="calder.test", checks=3),
    SsoDomainRemoved(domain="calder.test"),
    SupportGranted(
        grant="sup_1",
        person=BOB,
        reason="Ticket 4711",
        may=("change modes", "export the audit log"),
        lasts=3_600_000_000,
    ),
    SupportEntered(grant="sup_1", reason="Ticket 4711"),
    SupportLeft(grant="sup_1", person=BOB, how=Ending.EXPIRED),
    TokenCreated(token="tok_1", name="SIEM", scopes=("log.export", "log.read"), expires_at=1),
    TokenRevoked(token="tok_1", name="SIEM"),
    SignedIn(method="password", second_factor=SecondFactor.TOTP),
    SignInFailed(reason="Wrong password", attempt=3),
    SignedOut(),
    ProfileChanged(name=Change(before="Bob", after="Bob B."), zone=Change(before=None, after="Europe/Berlin")),
    PasswordChanged(method="the current password"),
    PasswordTaken(member=BOB),
    SecondFactorAdded(factor=SecondFactor.PASSKEY, name="Phone", recovery_codes=10),
    SecondFactorRemoved(factor=SecondFactor.PASSKEY, name="Phone"),
    SecondFactorsTaken(member=BOB),
    RecoveryCodesMade(count=10),
    RecoveryCodeUsed(left=9),
    UserDeleted(member=BOB, role=Role.MEMBER),
    PersonInvited(invitation="inv_1", email="dan@x.example", role=Role.AUDITOR, expires_at=1),
    InvitationResent(invitation="inv_1", email="dan@x.example", role=Role.AUDITOR, expires_at=2),
    InvitationAccepted(invitation="inv_1", role=Role.MEMBER, invited_by="Ada", member=BOB),
    InvitationRevoked(invitation="inv_1", email="dan@x.example", role=Role.AUDITOR),
)
