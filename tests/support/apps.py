"""Authenticator apps as people have them on their telephones."""

from __future__ import annotations

from pyotp import TOTP

from minutebook.model import Context
from minutebook.organization import ceremonies, second_factors, totp
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.factor_key import FactorKey
from minutebook.organization.people import User
from minutebook.organization.second_factors import AddTotp
from minutebook.record import perform_everywhere
from minutebook.store.engine import Store


def code_of(secret: bytes, at: int, steps: int = 0) -> str:
    """What an app shows at `at` (UTC microseconds), or so many times 30 seconds later."""
    return TOTP(totp.written(secret)).generate_otp(at // totp.STEP + steps)


def begin_app(store: Store, key: FactorKey, user: User) -> tuple[str, bytes]:
    """An app that is being added: its token and its secret."""
    token = second_factors.begin_totp(store, key, user.id, "password")
    with store.reading() as connection:
        begun = ceremonies.find(connection, Purpose.ADD_TOTP, token, store.clock())
    assert begun
    assert begun.secret
    return token, key.unseal(user.id, begun.secret)


def add_app(store: Store, key: FactorKey, user: User) -> bytes:
    """The user adds an app; its secret."""
    token, secret = begin_app(store, key, user)
    command = AddTotp(user.id, token, code_of(secret, store.clock()), (), key)
    perform_everywhere(store, user.actor(), Context(), command)
    return secret
