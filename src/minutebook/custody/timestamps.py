"""Timestamps: an authority that knows neither log nor key signs that the head of the anchor log existed at a time (RFC
3161). What is stamped is the note of the checkpoint with the signature of the log itself and no other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.base import HashAlgorithm

from minutebook.custody.anchoring import Asked, Refused
from minutebook.errors import BadSettings
from minutebook.model import HOUR
from minutebook.outgoing import Outgoing, Unreachable
from minutebook.store.anchors import AnchorKind
from minutebook.store.schema import ANCHOR

QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"


@dataclass(frozen=True)
class TimestampAuthority:
    """A timestamp authority at a URL, whose certificate leads to one of the pinned ones: an Anchor for the anchor log,
    once an hour."""

    url: str
    pinned: tuple[x509.Certificate, ...]
    outgoing: Outgoing
    kind = AnchorKind.TIMESTAMP
    every = HOUR

    @property
    def name(self) -> str:
        return urlsplit(self.url).hostname or ""

    def takes(self, organization: int) -> bool:
        return organization == ANCHOR

    def ask(self, asked: Asked) -> bytes:
        """The answer of the authority, a TimeStampResp in DER, verified."""
        stamped = str(asked.head).encode()
        request = TimestampRequestBuilder().data(stamped).hash_algorithm(HashAlgorithm.SHA256).build()
        answer = self.outgoing.post(self.url, request.as_bytes(), QUERY)
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"answers with status {answer.status}")
        if answer.status != 200 or answer.content_type != REPLY:
            raise Refused(f"answers with status {answer.status} and no timestamp")
        try:
            response = decode_timestamp_response(answer.body)
            self._verify(response, stamped, request.nonce)
        except (VerificationError, ValueError) as error:
            raise Refused(f"gives a timestamp that is not accepted: {error}") from error
        return answer.body

    def _verify(self, response: TimeStampResponse, stamped: bytes, nonce: int | None) -> None:
        """Raises VerificationError."""
        builder = VerifierBuilder(
            roots=[one for one in self.pinned if one.issuer == one.subject],
            intermediates=[one for one in self.pinned if one.issuer != one.subject],
            nonce=nonce,
        )
        builder.build().verify_message(response, stamped)


def authority(url: str, certificate: Path | None, outgoing: Outgoing) -> TimestampAuthority:
    """The timestamp authority of the settings. Raises BadSettings."""
    if certificate is None:
        raise BadSettings("timestamp_url is set, so timestamp_certificate must name the certificate that is trusted.")
    try:
        pinned = tuple(x509.load_pem_x509_certificates(certificate.read_bytes()))
    except (OSError, ValueError):
        raise BadSettings(f"timestamp_certificate: {certificate} cannot be read as certificates in PEM.") from None
    if not any(one.issuer == one.subject for one in pinned):
        raise BadSettings(f"timestamp_certificate: {certificate} has no certificate of a root.")
    return TimestampAuthority(url, pinned, outgoing)
