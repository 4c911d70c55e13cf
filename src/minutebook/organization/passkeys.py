"""Passkeys (WebAuthn): a key pair for each, of which the authenticator keeps the private half and asks who uses it.

Each is discoverable and verifies its user, so it is a second factor besides the password, and both at once without it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, select, update

from minutebook.errors import NotAllowed, NotFound
from minutebook.organization.people import User
from minutebook.store import schema

NAME = "Minutebook"
LOCAL = "localhost"
NOT_MADE = "The browser made no passkey that is accepted here. Try again."
MOST_CREDENTIAL_BYTES = 1023
"""As long as the id of a passkey may be, by the standard."""
REFUSED = "This passkey was not accepted. Try again, or use another way to sign in."


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Who passkeys are for: the name of the host, and the origin of its pages."""

    host: str
    origin: str

    @classmethod
    def at(cls, public_url: str) -> RelyingParty | None:
        """That of a site; None where browsers have no passkeys: they want a name, and https but for `localhost`."""
        parts = urlsplit(public_url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
        try:
            if not ip_address(host).is_loopback:
                return None
            host = LOCAL  # an address has no passkeys, and the name of this machine is the same site
        except ValueError:
            pass
        if parts.scheme != "https" and host != LOCAL:
            return None
        return cls(host, f"{parts.scheme}://{host}{port}")


@dataclass(frozen=True, slots=True)
class Passkey:
    """One of somebody's passkeys; times are UTC microseconds."""

    id: str
    name: str
    added_at: int
    used_at: int | None


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What an authenticator has made."""

    credential: bytes
    public_key: bytes
    signed: int


def passkeys_of(connection: Connection, user: str) -> list[Passkey]:
    """The passkeys of a user, oldest first."""
    table = schema.passkey.c
    statement = select(table.id, table.name, table.added_at, table.used_at).where(table.user == user)
    return [Passkey(*row) for row in connection.execute(statement.order_by(table.added_at, table.id))]


def name_of(connection: Connection, user: str, passkey: str) -> str:
    """What the user calls one of their passkeys. Raises NotFound."""
    table = schema.passkey.c
    this = (table.id == passkey, table.user == user)
    name = connection.execute(select(table.name).where(*this)).scalar_one_or_none()
    if name is None:
        raise NotFound
    return str(name)


def creation_options(connection: Connection, party: RelyingParty, user: User, challenge: bytes) -> str:
    """What the browser is asked to make, as JSON (`PublicKeyCredentialCreationOptionsJSON`)."""
    import webauthn
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
        UserVerificationRequirement,
    )

    options = webauthn.generate_registration_options(
        rp_id=party.host,
        rp_name=NAME,
        user_id=user.id.encode(),
        user_name=user.email,
        user_display_name=user.name,
        challenge=challenge,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=_descriptors(connection, user.id),
    )
    return webauthn.options_to_json(options)


def request_options(connection: Connection, party: RelyingParty, user: str, challenge: bytes) -> str:
    """What the browser is asked to sign, as JSON (`PublicKeyCredentialRequestOptionsJSON`); for nobody in particular
    without a user."""
    import webauthn
    from webauthn.helpers.structs import UserVerificationRequirement

    options = webauthn.generate_authentication_options(
        rp_id=party.host,
        challenge=challenge,
        allow_credentials=_descriptors(connection, user) if user else None,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return webauthn.options_to_json(options)


def made(party: RelyingParty, challenge: bytes, answer: str) -> NewCredential:
    """What the authenticator has made, from the answer of the browser. Raises NotAllowed."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = webauthn.verify_registration_response(
            credential=_read(answer),
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, LookupError, TypeError) as error:
        raise NotAllowed(NOT_MADE) from error
    if len(found.credential_id) > MOST_CREDENTIAL_BYTES:
        raise NotAllowed(NOT_MADE)
    return NewCredential(found.credential_id, found.credential_public_key, found.sign_count)


def owner_of(connection: Connection, answer: str) -> str | None:
    """The user whose passkey the answer says to be of."""
    try:
        from webauthn.helpers import base64url_to_bytes

        credential = base64url_to_bytes(str(_read(answer)["rawId"]))
    except (ValueError, LookupError, NotAllowed):
        return None
    table = schema.passkey.c
    return connection.execute(select(table.user).where(table.credential == credential)).scalar_one_or_none()


def use(connection: Connection, party: RelyingParty, user: str, challenge: bytes, answer: str, at: int) -> bool:
    """Whether the answer was signed with a passkey of the user; notes that it was used."""
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    table = schema.passkey
    try:
        read = _read(answer)
        credential = webauthn.base64url_to_bytes(str(read["rawId"]))
        this = (table.c.user == user, table.c.credential == credential)
        row = connection.execute(select(table.c.id, table.c.public_key, table.c.signed).where(*this)).one_or_none()
        if row is None:
            return False
        found = webauthn.verify_authentication_response(
            credential=read,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=party.origin,
            credential_public_key=bytes(row.public_key),
            credential_current_sign_count=row.signed,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, LookupError, TypeError, NotAllowed):
        return False
    values = {"signed": found.new_sign_count, "used_at": at}
    connection.execute(update(table).where(table.c.id == row.id).values(values))
    return True


def _descriptors(connection: Connection, user: str) -> list[Any]:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

    table = schema.passkey.c
    found = connection.execute(select(table.credential).where(table.user == user)).scalars()
    return [PublicKeyCredentialDescriptor(id=bytes(one)) for one in found]


def _read(answer: str) -> dict[str, Any]:
    try:
        read = json.loads(answer)
    except RecursionError as error:  # nested deeper than any browser does
        raise NotAllowed(REFUSED) from error
    if not isinstance(read, dict):
        raise NotAllowed(REFUSED)
    return read
