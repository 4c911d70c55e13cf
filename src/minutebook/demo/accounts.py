"""How people keep their accounts: second factors, a telephone that is lost, and sessions that are ended.

Whom the demo prints sign-in links for has none, so that a link alone signs in as them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from cryptography.hazmat.primitives.asymmetric import ec
from pyotp import TOTP

from minutebook.demo.cast import CALDER
from minutebook.demo.stage import Player, Stage
from minutebook.model import SecondFactor
from minutebook.organization import ceremonies, recovery_codes, second_factors, totp
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.passkeys import NewCredential
from minutebook.organization.people import User
from minutebook.organization.seats import EndMemberSessions
from minutebook.organization.second_factors import AddPasskey, AddTotp, RemoveTotp, UseRecoveryCode
from minutebook.organization.sessions import BY_PASSWORD, EndSessions
from minutebook.permissions import Permission
from minutebook.record import perform_everywhere

APPS: tuple[tuple[float, str], ...] = (
    (0.03, "jonas"),
    (0.064, "sofia"),
    (0.14, "priya"),
    (0.22, "lukasz"),
    (0.31, "noor"),
    (0.42, "kwame"),
    (0.63, "fatima"),
)
"""When and who adds an authenticator app."""
PASSKEYS: tuple[tuple[float, str, str], ...] = (
    (0.05, "hannah", "MacBook"),
    (0.37, "grace", "Telephone"),
    (0.46, "camille", "Security key"),
    (0.68, "priya", "Security key"),
)
"""When, who, and what they call the passkey."""
LOST_TELEPHONE = (0.57, "lukasz")
"""When who gets in by a recovery code, and has an app on another telephone from then on."""
ENDED: tuple[tuple[float, str, str], ...] = (
    (0.085, "mateo", "kwame"),
    (0.5, "mateo", "rafael"),
    (0.87, "ada", "bjorn"),
)
"""When who ends all sessions of whom."""
OTHERS_ENDED: tuple[tuple[float, str], ...] = ((0.09, "jonas"), (0.53, "nia"), (0.94, "camille"))
"""When who ends their own other sessions."""


def plan(stage: Stage) -> None:
    """Plans all of it, each for the hours in which the person works."""
    for part, key in APPS:
        _plan(stage, part, key, _add_app)
    for part, key, name in PASSKEYS:
        _plan(stage, part, key, partial(_add_passkey, name=name))
    _plan(stage, *LOST_TELEPHONE, _lose_telephone)
    for part, by, whom in ENDED:
        _plan(stage, part, by, partial(_end_sessions_of, whom=whom))
    for part, key in OTHERS_ENDED:
        _plan(stage, part, key, _end_other_sessions)


def _plan(stage: Stage, part: float, key: str, does: Callable[[Stage, Player, User], None]) -> None:
    player = stage.players[key]

    def happens() -> None:
        if player.user and player.seats:
            does(stage, player, player.user)

    stage.at(stage.at_work(player, stage.part(part)), happens)


def _add_app(stage: Stage, player: Player, user: User) -> None:
    """Sets an app up, and proves it by the code that it shows then."""
    stage.be_signed_in(player)
    token = second_factors.begin_totp(stage.store, stage.factor_key, user.id, BY_PASSWORD)
    with stage.store.reading() as connection:
        begun = ceremonies.find(connection, Purpose.ADD_TOTP, token, stage.clock.now)
    assert begun
    secret = stage.factor_key.unseal(user.id, begun.secret)
    stage.takes(20, 90)
    code = TOTP(totp.written(secret)).generate_otp(stage.clock.now // totp.STEP)
    stage.act_for_oneself(player, AddTotp(user.id, token, code, _first_codes(stage, player), stage.factor_key))
    player.factor = SecondFactor.TOTP


def _add_passkey(stage: Stage, player: Player, user: User, name: str) -> None:
    """Adds a passkey, whose private half nobody keeps."""
    stage.be_signed_in(player)
    token = ceremonies.begin(stage.store, Purpose.ADD_PASSKEY, user.id, BY_PASSWORD)
    stage.takes(5, 30)
    made = NewCredential(stage.store.randomness(32), _public_key(), 0)
    stage.act_for_oneself(player, AddPasskey(user.id, token, name, made, _first_codes(stage, player)))
    player.factor = SecondFactor.PASSKEY


def _first_codes(stage: Stage, player: Player) -> tuple[str, ...]:
    """The recovery codes that come with the first second factor."""
    if player.factor is None:
        player.codes = recovery_codes.new_codes(stage.store.randomness)
        return player.codes
    return ()


def _public_key() -> bytes:
    """An ES256 key as authenticators give it (RFC 9053, section 7.1.1)."""
    from webauthn.helpers import encode_cbor

    numbers = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    return encode_cbor({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})


def _lose_telephone(stage: Stage, player: Player, user: User) -> None:
    """Signs in with a recovery code, and changes the app and the codes for others."""
    stage.sign_out(player)
    stage.takes(600, 1800)
    context = stage.context_of(player)
    waiting = ceremonies.begin(stage.store, Purpose.SIGN_IN, user.id, BY_PASSWORD)
    code = UseRecoveryCode(user.id, waiting, player.codes[0], mails=False)
    perform_everywhere(stage.store, replace(user.actor(), credential=None), context, code)
    player.factor = SecondFactor.RECOVERY_CODE
    stage.sign_in(player, context)
    stage.takes(60, 200)
    stage.act_for_oneself(player, RemoveTotp(user.id))
    player.factor = None
    _add_app(stage, player, user)


def _end_sessions_of(stage: Stage, player: Player, user: User, whom: str) -> None:
    """Ends somebody's sessions in the organization, who then has to sign in again."""
    del user
    member, number = stage.players[whom], stage.organizations[CALDER]
    if member.user and number in member.seats and stage.able(player.persona.key, CALDER, Permission.SEATS_WRITE):
        stage.act(player, number, EndMemberSessions(member.user.id))
        member.session = None


def _end_other_sessions(stage: Stage, player: Player, user: User) -> None:
    """Ends the sessions of other browsers: there is one, at least."""
    stage.be_signed_in(player)
    here, context = player.session, player.context
    stage.sign_in(player)
    stage.takes(200, 900)
    player.session, player.context = here, context
    stage.act_for_oneself(player, EndSessions(user.id))
