"""What is done in the workload: for each action how often, and its Details as they could be recorded."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from minutebook.actions import Details
from minutebook.actions.access import AccessDenied
from minutebook.actions.credits import CreditsGranted, CreditsPurchased, LedgerExported
from minutebook.actions.link import LinkCreated, LinkRevoked, LinkUsed
from minutebook.actions.log import Format, LogExported, LogViewed
from minutebook.actions.member import (
    MemberLeft,
    MemberRemoved,
    MemberSessionsEnded,
    OwnershipTransferred,
    RoleChanged,
)
from minutebook.actions.mode import ModeCreated, ModeDeleted, ModeUpdated
from minutebook.actions.search import SearchDeleted, SearchSaved
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.sso import SsoDomainLapsed, SsoDomainRemoved, SsoDomainSet, SsoDomainVerified
from minutebook.actions.token import TokenCreated, TokenRevoked
from minutebook.actions.user import (
    InvitationAccepted,
    InvitationResent,
    InvitationRevoked,
    PasswordChanged,
    PersonInvited,
    ProfileChanged,
    RecoveryCodesMade,
    RecoveryCodeUsed,
    SecondFactorAdded,
    SecondFactorRemoved,
    SignedIn,
    SignedOut,
    SignInFailed,
)
from minutebook.actions.values import Cents, Change, Person, Rewrite, RoleChange, SetChange
from minutebook.model import MINUTE, SECOND, Actor, Role, SecondFactor
from minutebook.organization import passwords
from minutebook.organization.settings import KNOWN_MODELS, KNOWN_PROVIDERS

COMMON, MID, RARE, ELSEWHERE, ABSENT = "password", "trajectory", "xylophone", "harbourmaster", "zeppelin"
"""Words: in a quarter of all events, in one of a hundred, in one of ten thousand; in many events of every organization
but the largest; in none."""
PART_COMMON, PART_RARE, PART_ABSENT = "asswor", "ylophon", "asswort"
"""Parts of words; the last is in no event, though nearly all of it is in many."""

RARE_ACTION = "sso.remove_domain"
TOPICS = """Firmware Test Incident Docs Security SQL Release Triage Onboarding Vendor Simulation Motion Telemetry Budget
Payroll Contract Design Support Hiring Inventory""".split()
KINDS = "Review Author Scribe Editor Helper Notes Guide Research Runner Planner".split()
RULES = (
    "Check every interrupt handler for unbounded loops.",
    "Name the register and the datasheet page for each claim.",
    "Treat a changed watchdog time-out as a blocker.",
    "Prefer real devices in the lab over mocks.",
    "Times in UTC, facts and guesses in separate columns.",
    "Start from what an attacker controls.",
    "Breaking changes first, and link the migration guide.",
    "Short sentences: a warning stands before the step it belongs to.",
)
TOOLS = ("browser", "edit", "mcp", "read", "terminal")
ROLES = tuple(Role)
DENIALS = (
    ("change settings", "POST /settings/models", "settings.change"),
    ("remove a member", "POST /members/remove", "member.remove"),
    ("read the audit log", "GET /audit-logs", "log.read"),
)
SEARCHES = ("action:member.*", "outcome:denied", "action:settings.change -7d", "actor:*@example.com")
TRIPLES = ["".join(three) for three in itertools.product("abcdefghijklmnopqrstuvwxyz234567", repeat=3)]


def an_id(prefix: str, chance: random.Random) -> str:
    """What `identifiers.new_id` makes, several times as fast."""
    bits = chance.getrandbits(60)
    return f"{prefix}_{''.join(TRIPLES[bits >> shift & 0x7FFF] for shift in (45, 30, 15, 0))}"


class Scene(NamedTuple):
    """Where an act is done: by chance, in the organization with this domain and these people."""

    chance: random.Random
    domain: str
    people: Sequence[Actor]
    is_largest: bool
    is_rare: bool

    def id(self, prefix: str) -> str:
        return an_id(prefix, self.chance)

    def member(self) -> Person:
        """Somebody to whom something is done."""
        actor = self.chance.choice(self.people)
        return Person(id=actor.id, email=actor.email or "", name=actor.name or "")

    def role(self) -> Role:
        return self.chance.choice(ROLES)

    def guest(self) -> str:
        """The address of somebody who is invited."""
        return f"guest{self.chance.randrange(10_000)}@{self.domain}"

    def moment(self) -> int:
        """A time that Details tell of, in UTC microseconds; any will do."""
        return self.chance.randrange(1_800_000_000) * SECOND

    def amount(self, most: int) -> Cents:
        return Cents(cents=self.chance.randrange(1, most) * 5000)

    def mode_name(self) -> str:
        """What a mode is called; some have a word of their own."""
        name = f"{self.chance.choice(TOPICS)} {self.chance.choice(KINDS)}"
        if self.is_rare:
            return f"{name} {RARE.capitalize()}"
        if self.chance.random() < 0.07:
            return f"{name} {MID.capitalize()}"
        return name if self.is_largest else f"{name} {ELSEWHERE.capitalize()}"


def _signed_in(scene: Scene) -> Details:
    return SignedIn(method=COMMON if scene.chance.random() < 0.7 else "single sign-on")


def _sign_in_failed(scene: Scene) -> Details:
    return SignInFailed(reason="Wrong password", attempt=scene.chance.randrange(1, 9))


def _denied(scene: Scene) -> Details:
    operation, route, needed = scene.chance.choice(DENIALS)
    since = scene.moment()
    times = scene.chance.randrange(1, 5)
    until = since + (times - 1) * MINUTE
    return AccessDenied(
        operation=operation, route=route, needed=needed, role=Role.MEMBER, times=times, since=since, until=until
    )


def _profile_changed(scene: Scene) -> Details:
    before, after = scene.member().name, scene.member().name
    return ProfileChanged(name=Change(before=before, after=after))


def _factor_added(scene: Scene) -> Details:
    factor = scene.chance.choice((SecondFactor.TOTP, SecondFactor.PASSKEY))
    return SecondFactorAdded(factor=factor, name="Phone", recovery_codes=10)


def _invited(scene: Scene) -> Details:
    return PersonInvited(invitation=scene.id("inv"), email=scene.guest(), role=scene.role(), expires_at=scene.moment())


def _resent(scene: Scene) -> Details:
    return InvitationResent(
        invitation=scene.id("inv"), email=scene.guest(), role=scene.role(), expires_at=scene.moment()
    )


def _accepted(scene: Scene) -> Details:
    inviter = scene.member().name
    return InvitationAccepted(invitation=scene.id("inv"), role=scene.role(), invited_by=inviter, member=scene.member())


def _revoked(scene: Scene) -> Details:
    return InvitationRevoked(invitation=scene.id("inv"), email=scene.guest(), role=scene.role())


def _role_changed(scene: Scene) -> Details:
    before, after = scene.chance.sample(ROLES, 2)
    return RoleChanged(member=scene.member(), role=RoleChange(before=before, after=after))


def _removed(scene: Scene) -> Details:
    return MemberRemoved(member=scene.member(), role=scene.role())


def _settings_changed(scene: Scene) -> Details:
    models = scene.chance.sample(KNOWN_MODELS, 5)
    providers = scene.chance.sample(KNOWN_PROVIDERS, 3)
    return SettingsChanged(
        section="Models & Providers",
        models=SetChange(added=tuple(sorted(models[:3])), removed=tuple(sorted(models[3:])), before=14, after=15),
        providers=SetChange(added=tuple(sorted(providers[:2])), removed=(providers[2],), before=9, after=10),
        default_model=Change(before=models[3], after=models[0]),
    )


def _mode_created(scene: Scene) -> Details:
    tools = tuple(sorted(scene.chance.sample(TOOLS, 2)))
    rules = "\n- ".join(scene.chance.sample(RULES, 3))
    return ModeCreated(mode=scene.id("mod"), name=scene.mode_name(), instructions=rules, tools=tools)


def _mode_updated(scene: Scene) -> Details:
    before = scene.chance.sample(RULES, 2)
    after = [*before, scene.chance.choice(RULES)]
    return ModeUpdated(
        mode=scene.id("mod"),
        current_name=scene.mode_name(),
        instructions=Rewrite(before="\n- ".join(before), after="\n- ".join(after)),
    )


def _mode_deleted(scene: Scene) -> Details:
    return ModeDeleted(mode=scene.id("mod"), name=scene.mode_name())


def _credits_bought(scene: Scene) -> Details:
    reference = f"invoice-{scene.chance.randrange(10**9):09}"
    return CreditsPurchased(amount=scene.amount(100), balance=scene.amount(1000), reference=reference)


def _credits_granted(scene: Scene) -> Details:
    return CreditsGranted(
        amount=scene.amount(100),
        balance=scene.amount(1000),
        reference=f"grant-{scene.chance.randrange(10**6):06}",
        granted_by="Operations",
        reason="Made good for an outage",
    )


def _domain_set(scene: Scene) -> Details:
    return SsoDomainSet(domain=Change(before=scene.domain, after=f"id{scene.chance.randrange(50)}.{scene.domain}"))


def _token_made(scene: Scene) -> Details:
    name, scopes = f"{scene.chance.choice(TOPICS)} sync", ("log.read", "log.export")[: scene.chance.randrange(1, 3)]
    return TokenCreated(token=scene.id("tok"), name=name, scopes=scopes, expires_at=scene.moment())


def _token_revoked(scene: Scene) -> Details:
    return TokenRevoked(token=scene.id("tok"), name=f"{scene.chance.choice(TOPICS)} sync")


def _link_made(scene: Scene) -> Details:
    query, expires_at = scene.chance.choice(SEARCHES), scene.moment()
    return LinkCreated(link=scene.id("lnk"), name=_audit(scene), query=query, expires_at=expires_at)


def _search_saved(scene: Scene) -> Details:
    name, query = f"{scene.chance.choice(TOPICS)} watch", Change(before=None, after=scene.chance.choice(SEARCHES))
    return SearchSaved(search=scene.id("sea"), shared=True, replaced=False, name=name, query=query)


def _exported(scene: Scene) -> Details:
    size, query = scene.chance.randrange(1, 10**6), scene.chance.choice(SEARCHES)
    return LogExported(format=scene.chance.choice(tuple(Format)), size=size, query=query)


def _ownership_transferred(scene: Scene) -> Details:
    own = RoleChange(before=Role.OWNER, after=Role.ADMIN)
    role = RoleChange(before=Role.ADMIN, after=Role.OWNER)
    return OwnershipTransferred(member=scene.member(), role=role, own=own)


def _audit(scene: Scene) -> str:
    return f"{scene.chance.choice(TOPICS)} audit"


MAKERS: dict[str, tuple[float, Callable[[Scene], Details]]] = {
    "user.login": (28, _signed_in),
    "user.logout": (11, lambda _: SignedOut()),
    "log.view": (6, lambda _: LogViewed()),
    "settings.change": (10, _settings_changed),
    "mode.update": (9, _mode_updated),
    "user.login_failed": (6, _sign_in_failed),
    "user.invite": (5, _invited),
    "user.accept_invite": (4, _accepted),
    "member.change_role": (4, _role_changed),
    "credits.purchase": (3, _credits_bought),
    "mode.create": (3, _mode_created),
    "member.remove": (1.5, _removed),
    "user.revoke_invite": (1.2, _revoked),
    "mode.delete": (1, _mode_deleted),
    "sso.set_domain": (0.7, _domain_set),
    "token.create": (0.5, _token_made),
    "token.revoke": (0.3, _token_revoked),
    "access.denied": (1, _denied),
    "user.profile_change": (0.5, _profile_changed),
    "user.password_change": (0.5, lambda _: PasswordChanged(method=passwords.CURRENT)),
    "user.add_second_factor": (0.5, _factor_added),
    "user.remove_second_factor": (0.1, lambda _: SecondFactorRemoved(factor=SecondFactor.TOTP, name="Phone")),
    "user.make_recovery_codes": (0.2, lambda _: RecoveryCodesMade(count=10)),
    "user.use_recovery_code": (0.1, lambda scene: RecoveryCodeUsed(left=scene.chance.randrange(10))),
    "user.resend_invite": (0.5, _resent),
    "member.end_sessions": (0.2, lambda scene: MemberSessionsEnded(member=scene.member(), until=scene.moment())),
    "member.leave": (0.2, lambda scene: MemberLeft(role=scene.role())),
    "member.transfer_ownership": (0.05, _ownership_transferred),
    "credits.grant": (0.2, _credits_granted),
    "credits.export": (0.2, lambda scene: LedgerExported(entries=scene.chance.randrange(500), balance=scene.amount(9))),
    "link.create": (0.1, _link_made),
    "link.use": (0.2, lambda scene: LinkUsed(link=scene.id("lnk"), name=_audit(scene))),
    "link.revoke": (0.05, lambda scene: LinkRevoked(link=scene.id("lnk"), name=_audit(scene))),
    "search.save": (0.5, _search_saved),
    "search.delete": (0.2, lambda scene: SearchDeleted(search=scene.id("sea"), shared=False)),
    "sso.verify_domain": (0.4, lambda scene: SsoDomainVerified(domain=scene.domain)),
    "sso.lapse_domain": (0.1, lambda scene: SsoDomainLapsed(domain=scene.domain, checks=3)),
    "log.export": (0.3, _exported),
    RARE_ACTION: (0, lambda scene: SsoDomainRemoved(domain=scene.domain)),
}
"""For each action of the catalogue how often it is done beside the others, and what makes its Details."""
