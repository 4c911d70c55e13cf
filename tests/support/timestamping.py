"""A timestamp authority of our own: `openssl ts` with a root and a certificate made for the test."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.answering import Asked

CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = stamping
[stamping]
serial = serial
default_policy = 1.2.3.4
digests = sha256, sha512
accuracy = secs:1
signer_digest = sha256
ess_cert_id_alg = sha256
"""


class Authority:
    """Its certificates in PEM, and what it answers to a query."""

    def __init__(self, folder: Path, name: str = "Root") -> None:
        self._folder = folder
        folder.mkdir()
        (folder / "openssl.cnf").write_text(CONFIG)
        (folder / "serial").write_text("01\n")
        for who in ("root", "leaf"):
            self._openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{who}.key")
        self._openssl(
            *("req", "-x509", "-new", "-key", "root.key", "-subj", f"/CN={name}", "-days", "3650", "-out", "root.pem"),
            *("-config", "openssl.cnf", "-extensions", "root"),
        )
        self._openssl("req", "-new", "-key", "leaf.key", "-subj", "/CN=Stamp", "-out", "csr", "-config", "openssl.cnf")
        self._openssl(
            *("x509", "-req", "-in", "csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial"),
            *("-days", "3650", "-extfile", "openssl.cnf", "-extensions", "leaf", "-out", "leaf.pem"),
        )
        self.root = (folder / "root.pem").read_bytes()
        self.leaf = (folder / "leaf.pem").read_bytes()

    def stamp(self, query: bytes) -> bytes:
        """A TimeStampResp."""
        (self._folder / "query").write_bytes(query)
        self._openssl(
            *("ts", "-reply", "-config", "openssl.cnf", "-section", "stamping", "-queryfile", "query"),
            *("-signer", "leaf.pem", "-inkey", "leaf.key", "-out", "reply"),
        )
        return (self._folder / "reply").read_bytes()

    def answer(self, asked: Asked) -> tuple[int, dict[str, str], bytes]:
        """What it answers over HTTP."""
        assert asked.content_type == "application/timestamp-query"
        return 200, {"Content-Type": "application/timestamp-reply"}, self.stamp(asked.body)

    def verifies(self, response: bytes, data: bytes) -> bool:
        """What openssl says of a timestamp of these bytes, given the root."""
        (self._folder / "given").write_bytes(response)
        (self._folder / "data").write_bytes(data)
        verify = ("openssl", "ts", "-verify", "-data", "data", "-in", "given", "-CAfile", "root.pem")
        return subprocess.run(verify, cwd=self._folder, capture_output=True, check=False).returncode == 0

    def _openssl(self, *arguments: str) -> None:
        subprocess.run(("openssl", *arguments), cwd=self._folder, capture_output=True, check=True)
