"""Authenticator apps: time-based one-time passwords (RFC 6238; SHA-1, six digits, 30 seconds), each for one use."""

from __future__ import annotations

import base64
import hmac

from pyotp import TOTP
from sqlalchemy import Connection, select, update

from minutebook.errors import NoFactorKey
from minutebook.model import SECOND, Randomness
from minutebook.organization.factor_key import FactorKey
from minutebook.store import schema

SECRET_BYTES = 20
STEP = 30 * SECOND
DIGITS = 6
ISSUER = "Minutebook"


def new_secret(randomness: Randomness) -> bytes:
    """160 random bits, as RFC 4226 recommends."""
    return randomness(SECRET_BYTES)


def written(secret: bytes) -> str:
    """As people type it into an app: base32."""
    return base64.b32encode(secret).decode()


def link(secret: bytes, email: str) -> str:
    """The `otpauth://` address that an app reads from a QR code."""
    return TOTP(written(secret)).provisioning_uri(name=email, issuer_name=ISSUER)


def unreadable(connection: Connection, key: FactorKey) -> int:
    """Of how many users the secret is not what the key opens."""
    rows = connection.execute(select(schema.totp.c.user, schema.totp.c.secret)).all()
    return sum(not _opens(key, user, sealed) for user, sealed in rows)


def is_code(text: str) -> bool:
    """Whether it looks like the code of an app; blanks in it do no harm."""
    digits = "".join(text.split())
    return len(digits) == DIGITS and digits.isascii() and digits.isdigit()


def step_of(secret: bytes, code: str, at: int) -> int | None:
    """The number of the 30 seconds since 1970 that the code is for, if these are now, the last or the next ones at `at`
    (UTC microseconds): the clock of a phone is never quite ours."""
    digits, otp, now = "".join(code.split()), TOTP(written(secret)), at // STEP
    around = (now, now - 1, now + 1)
    fitting = [step for step in around if hmac.compare_digest(otp.generate_otp(step).encode(), digits.encode())]
    return fitting[0] if fitting else None


def use(connection: Connection, key: FactorKey, user: str, code: str, at: int) -> bool:
    """Whether the code is one of the user's app for `at` that is newer than every one that was used. It is used up: of
    two callers with the same code one gets True. Raises NoFactorKey."""
    table = schema.totp
    sealed = connection.execute(select(table.c.secret).where(table.c.user == user)).scalar_one_or_none()
    step = step_of(key.unseal(user, sealed), code, at) if sealed is not None else None
    if step is None:
        return False
    newer = update(table).where(table.c.user == user, table.c.last_step < step).values(last_step=step)
    return connection.execute(newer).rowcount > 0


def _opens(key: FactorKey, user: str, sealed: bytes) -> bool:
    try:
        return bool(key.unseal(user, sealed))
    except NoFactorKey:
        return False
