"""What is done in the workload: for each action how often, and its Details as they could be recorded."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from minutebook.actions import Details
from minutebook.actions.credits import CreditsPurchased
from minutebook.actions.log import LogViewed
from minutebook.actions.member import MemberRemoved, RoleChanged
from minutebook.actions.mode import ModeCreated, ModeDeleted, ModeUpdated
from minutebook.actions.settings import SettingsChanged
from minutebook.actions.sso import SsoDomainRemoved, SsoDomainSet
from minutebook.actions.token import TokenCreated, TokenRevoked
from minutebook.actions.user import (
    InvitationAccepted,
    InvitationRevoked,
    PersonInvited,
    SignedIn,
    SignedOut,
    SignInFailed,
)
from minutebook.actions.values import Cents, Change, Person, Rewrite, RoleChange, SetChange
from minutebook.model import SECOND, Actor, Role
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


def _invited(scene: Scene) -> Details:
    guest = f"guest{scene.chance.randrange(10_000)}@{scene.domain}"
    expires_at = scene.chance.randrange(1_800_000_000) * SECOND
    return PersonInvited(invitation=scene.id("inv"), email=guest, role=scene.role(), expires_at=expires_at)


def _accepted(scene: Scene) -> Details:
    inviter = scene.member().name
    return InvitationAccepted(invitation=scene.id("inv"), role=scene.role(), invited_by=inviter, member=scene.member())


def _revoked(scene: Scene) -> Details:
    guest = f"guest{scene.chance.randrange(10_000)}@{scene.domain}"
    return InvitationRevoked(invitation=scene.id("inv"), email=guest, role=scene.role())


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
    amount, balance = (Cents(cents=scene.chance.randrange(1, most) * 5000) for most in (100, 1000))
    return CreditsPurchased(amount=amount, balance=balance, reference=f"invoice-{scene.chance.randrange(10**9):09}")


def _domain_set(scene: Scene) -> Details:
    return SsoDomainSet(domain=Change(before=scene.domain, after=f"id{scene.chance.randrange(50)}.{scene.domain}"))


def _token_made(scene: Scene) -> Details:
    name, scopes = f"{scene.chance.choice(TOPICS)} sync", ("log.read", "log.export")[: scene.chance.randrange(1, 3)]
    expires_at = scene.chance.randrange(1_800_000_000) * SECOND
    return TokenCreated(token=scene.id("tok"), name=name, scopes=scopes, expires_at=expires_at)


def _token_revoked(scene: Scene) -> Details:
    return TokenRevoked(token=scene.id("tok"), name=f"{scene.chance.choice(TOPICS)} sync")


MAKERS: dict[str, tuple[float, Callable[[Scene], Details]]] = {
    "user.login": (28, _signed_in),
    "user.logout": (13, lambda _: SignedOut()),
    "log.view": (10, lambda _: LogViewed()),
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
    RARE_ACTION: (0, lambda scene: SsoDomainRemoved(domain=scene.domain)),
}
"""For each action of the catalogue how often it is done beside the others, and what makes its Details."""
