"""The year: how two organizations begin, and what is decided in them."""

from __future__ import annotations

from functools import partial

from minutebook.demo.cast import (
    CALDER,
    CAST,
    FALSE_STARTS,
    KESTREL,
    ROLE_CHANGES,
    FalseStart,
    Persona,
)
from minutebook.demo.props import BROWSERS
from minutebook.demo.stage import Player, Stage
from minutebook.identifiers import new_token
from minutebook.model import DAY, HOUR, MINUTE, Client, Context, Event, Plan, Role, Seat
from minutebook.organization import people, sessions, support
from minutebook.organization.credits import BuyCredits
from minutebook.organization.invitations import LIFETIME, AcceptInvitation, InvitePerson, RevokeInvitation
from minutebook.organization.organizations import ChangePlan, CreateOrganization
from minutebook.organization.seats import ChangeRole, RemoveMember
from minutebook.organization.settings import ChangeDataCollection
from minutebook.organization.sittings import OpenSitting
from minutebook.organization.sso import RemoveSsoDomain, SetSsoDomain
from minutebook.permissions import Permission
from minutebook.record import perform

REMARK = "(demonstration data)"
FOUNDERS = {CALDER: "ada", KESTREL: "noor"}
SSO: tuple[tuple[float, str, str | None], ...] = (
    (0.22, "mateo", "calder.example"),
    (0.41, "mateo", "id.calder.example"),
    (0.414, "mateo", "calder.example"),
    (0.6, "priya", None),
    (0.62, "mateo", "calder.example"),
)
"""When, who, which domain; None removes it."""


def found(stage: Stage, password_hash: str) -> None:
    """Plans both foundings, and everything that is decided afterwards."""
    for number, persona in enumerate(CAST):
        stage.players[persona.key] = Player(persona, number)
    stage.at(stage.beginning, partial(_found, stage, CALDER, Plan.ENTERPRISE, 50, password_hash))
    stage.at(stage.part(0.3), partial(_found, stage, KESTREL, Plan.TEAMS, 10, password_hash))
    stage.at(stage.part(0.4), lambda: stage.operate(_calder(stage), ChangePlan(Plan.ENTERPRISE, 250)))
    for persona in CAST:
        if persona.key not in FOUNDERS.values():
            _plan_arrival(stage, persona, password_hash)
    guest = stage.part(0.36)
    stage.at(_at_work(stage, "noor", guest), lambda: _invite(stage, "mateo", KESTREL, "noor", Role.MEMBER, None))
    for start in FALSE_STARTS:
        stage.at(_at_work(stage, start.by, stage.part(start.at)), partial(_false_start, stage, start))
    for part, by, whom, role in ROLE_CHANGES:
        stage.at(_at_work(stage, by, stage.part(part)), partial(_change_role, stage, by, whom, role))
    for part, by, domain in SSO:
        stage.at(_at_work(stage, by, stage.part(part)), partial(_sso, stage, by, domain))
    stage.at(_at_work(stage, "priya", stage.part(0.3)), lambda: _mistake(stage))
    stage.at(_at_work(stage, "mateo", stage.part(0.71)), lambda: _support(stage, password_hash))
    _plan_payments(stage)


def _calder(stage: Stage) -> int:
    return stage.organizations[CALDER]


def _at_work(stage: Stage, key: str, moment: int) -> int:
    return stage.at_work(stage.players[key], moment)


def _found(stage: Stage, name: str, plan: Plan, seats: int, password_hash: str) -> None:
    player = stage.players[FOUNDERS[name]]
    persona = player.persona
    player.user = people.create_user(stage.store, persona.email, persona.name, None, hashed=password_hash)
    event = stage.operate(0, CreateOrganization(name, player.user, plan, seats, REMARK))
    assert isinstance(event, Event)
    stage.organizations[name] = event.organization
    player.seats[event.organization] = Role.OWNER
    stage.takes(30, 300)
    stage.sign_in(player)


def _plan_arrival(stage: Stage, persona: Persona, password_hash: str) -> None:
    moment = _at_work(stage, persona.by, stage.part(persona.joins))
    stage.at(moment, partial(_invite, stage, persona.key, persona.home, persona.by, persona.role, password_hash))
    if persona.leaves is not None:
        stage.at(_at_work(stage, "mateo", stage.part(persona.leaves)), partial(_remove, stage, persona.key))


def _boss(stage: Stage, key: str, name: str = CALDER) -> Player:
    """Who is to act, when they may invite and remove people by then; else the founder."""
    return stage.able(key, name, Permission.SEATS_WRITE) or stage.players[FOUNDERS[name]]


def _invite(stage: Stage, key: str, name: str, by: str, role: Role, password_hash: str | None) -> None:
    guest, token = stage.players[key], new_token(stage.store.randomness)
    number = stage.organizations[name]
    stage.act(_boss(stage, by, name), number, InvitePerson(guest.persona.email, role, token))
    hours = min(stage.chance.lognormvariate(1.6, 1.3), 6 * 24.0)
    moment = _at_work(stage, key, stage.clock.now + int(hours * HOUR))
    moment = min(moment, stage.clock.now + LIFETIME - HOUR)
    stage.at(moment, partial(_accept, stage, guest, number, role, token, password_hash))


def _accept(stage: Stage, guest: Player, number: int, role: Role, token: str, password_hash: str | None) -> None:
    if guest.user is not None:
        stage.act(guest, number, AcceptInvitation(token, guest.user))
        guest.seats[number] = role
        return
    guest.user = people.new_user(guest.persona.email, guest.persona.name, stage.store.randomness)
    guest.context = stage.context_of(guest)
    stage.act_signed_out(guest, number, AcceptInvitation(token, guest.user, password_hash))
    guest.seats[number] = role
    stage.takes(1, 4)
    stage.sign_in(guest, guest.context)


def _false_start(stage: Stage, start: FalseStart) -> None:
    by, token = _boss(stage, start.by), new_token(stage.store.randomness)
    event = stage.act(by, _calder(stage), InvitePerson(start.email, start.role, token))
    if start.revoked_after is not None and isinstance(event, Event):
        revoke = RevokeInvitation(str(event.details["invitation"]))
        later = stage.clock.now + int(start.revoked_after * DAY)
        stage.at(later, lambda: stage.act(by, _calder(stage), revoke))


def _change_role(stage: Stage, by: str, whom: str, role: Role) -> None:
    member = stage.players[whom]
    if member.user and _calder(stage) in member.seats:
        stage.act(_boss(stage, by), _calder(stage), ChangeRole(member.user.id, role))
        member.seats[_calder(stage)] = role


def _remove(stage: Stage, key: str) -> None:
    member = stage.players[key]
    if member.user and member.seats.pop(_calder(stage), None):
        stage.act(_boss(stage, "mateo"), _calder(stage), RemoveMember(member.user.id))
        member.session = None


def _sso(stage: Stage, by: str, domain: str | None) -> None:
    stage.act(_boss(stage, by), _calder(stage), SetSsoDomain(domain) if domain else RemoveSsoDomain())


def _mistake(stage: Stage) -> None:
    """Someone allows providers to train on prompts, and the owner takes it back within the hour."""
    stage.act(_boss(stage, "priya"), _calder(stage), ChangeDataCollection("allow"))
    forbid = partial(stage.act, stage.players["ada"], _calder(stage), ChangeDataCollection("forbid"))
    stage.at(stage.clock.now + 25 * MINUTE, forbid)


def _support(stage: Stage, password_hash: str) -> None:
    """Somebody of support staff is let in, looks into the log, and leaves."""
    store, number = stage.store, _calder(stage)
    sam = people.create_user(store, "sam.stone@minutebook.example", "Sam Stone", None, hashed=password_hash)
    support.change_staff(store, sam.id, to=True)
    token, reason = new_token(store.randomness), "Ticket 4711: invitations do not arrive"
    stage.operate(number, support.GrantSupport(sam.id, reason, HOUR, (), token))
    stage.takes(60, 600)
    context = Context(ip="198.51.100.250", user_agent=BROWSERS[1], request_id=stage.request_id(), client=Client.DEMO)
    _, session = sessions.start_session(store, sam, "password", context)
    with store.reading() as connection:
        grant = support.all_grants(connection, number)[0]
    for command in (support.EnterAsSupport(token), OpenSitting(session.id), support.EndSupport(grant.id)):
        perform(store, Seat(number, grant.actor(), stage.again(context, session.id)), command)
        stage.takes(20, 400)


def _plan_payments(stage: Stage) -> None:
    """A payment every month, growing, and some between."""
    month, moment = 0, stage.beginning + 2 * DAY
    while moment < stage.end:
        cents = int(500_00 * 1.19**month) // 50_00 * 50_00
        stage.at(_at_work(stage, "jonas", moment), partial(_pay, stage, cents, f"INV-{4100 + month * 37}"))
        if month % 3 == 1:
            top_up = _at_work(stage, "jonas", moment + 17 * DAY)
            stage.at(top_up, partial(_pay, stage, cents // 2, f"INV-{4100 + month * 37 + 19}"))
        month, moment = month + 1, moment + int(30.4 * DAY)


def _pay(stage: Stage, cents: int, reference: str) -> None:
    payer = stage.able("jonas", CALDER, Permission.CREDITS_BUY) or stage.players["ada"]
    stage.act(payer, _calder(stage), BuyCredits(cents, reference))
