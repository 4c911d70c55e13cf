"""An authenticator in software: it keeps one passkey, and answers as a browser would hand its answer on."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from minutebook.organization import ceremonies, passkeys
from minutebook.organization.ceremonies import Purpose
from minutebook.organization.passkeys import RelyingParty
from minutebook.organization.people import User
from minutebook.organization.second_factors import AddPasskey
from minutebook.store.engine import Store
from tests.support.deployment import Deployment

PARTY = RelyingParty("localhost", "http://localhost:8321")
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Authenticator:
    """`verifies`: it asks who uses it. `signed` counts what it has signed."""

    origin: str = "http://localhost:8321"
    host: str = "localhost"
    verifies: bool = True
    signed: int = 0
    credential: bytes = b"one credential id"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: str) -> str:
        """The answer to creation options. What it makes can sign alone, for somebody who was asked."""
        wanted = json.loads(options)["authenticatorSelection"]
        assert (wanted["residentKey"], wanted["userVerification"]) == ("required", "required")
        numbers = self.key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + cbor2.dumps(public)
        data = self._data(ATTESTED) + attested
        statement = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer("webauthn.create", options, attestationObject=statement)

    def sign(self, options: str) -> str:
        """The answer to request options."""
        self.signed += 1
        data = self._data()
        client = self._client("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        return self._answer("webauthn.get", options, authenticatorData=data, signature=signature)

    def _data(self, flags: int = 0) -> bytes:
        flags |= PRESENT | (VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.host.encode()).digest() + bytes([flags]) + self.signed.to_bytes(4, "big")

    def _client(self, kind: str, options: str) -> bytes:
        challenge = json.loads(options)["challenge"]
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _answer(self, kind: str, options: str, **parts: bytes) -> str:
        written = {"clientDataJSON": self._client(kind, options), **parts}
        response = {name: _text(part) for name, part in written.items()}
        id_ = _text(self.credential)
        return json.dumps({"id": id_, "rawId": id_, "type": "public-key", "response": response})


def make_passkey(store: Store, user: User, device: Authenticator, name: str = "Phone") -> AddPasskey:
    """The act that adds the passkey of a device, which was asked for and answered."""
    token = ceremonies.begin(store, Purpose.ADD_PASSKEY, user.id, "password")
    with store.reading() as connection:
        begun = ceremonies.find(connection, Purpose.ADD_PASSKEY, token, store.clock())
        assert begun
        options = passkeys.creation_options(connection, PARTY, user, begun.secret)
    return AddPasskey(user.id, token, name, passkeys.made(PARTY, begun.secret, device.make(options)), ())


def add_passkey(deployment: Deployment, user: User, device: Authenticator) -> str:
    """The user adds the passkey of a device; its id."""
    deployment.act_everywhere(user, make_passkey(deployment.store, user, device))
    with deployment.store.reading() as connection:
        return passkeys.passkeys_of(connection, user.id)[-1].id


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
