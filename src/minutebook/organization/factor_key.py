"""The key that the secrets of authenticator apps are stored under: a file beside the keys that sign, never in the
database.

Whoever steals the database, or a backup of it, therefore makes no codes. Codes cannot be checked without the file:
people then sign in with a recovery code, or whoever runs Minutebook takes their second factors away.
"""

from __future__ import annotations

import base64
import os
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from minutebook.errors import NoFactorKey
from minutebook.model import Randomness

FILE = "second-factors.key"
KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True)
class FactorKey:
    """The key in a directory; its file is made when something is first sealed. Safe to share between threads."""

    directory: Path | None

    def seal(self, user: str, secret: bytes, randomness: Randomness) -> bytes:
        """What is stored of a secret (AES-256-GCM, its nonce first). It opens for this user only. Raises NoFactorKey
        when the file cannot be made or read."""
        if not self.file.exists():
            self._make(randomness(KEY_BYTES))
        nonce = randomness(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, user.encode())

    def unseal(self, user: str, sealed: bytes) -> bytes:
        """The secret again. Raises NoFactorKey when the file is not there, or is another than it was sealed with."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], user.encode())
        except InvalidTag:
            raise NoFactorKey(why="it is another than the secret was stored under") from None

    @property
    def file(self) -> Path:
        if self.directory is None:
            raise NoFactorKey(why="there is no directory that it could be in")
        return self.directory / FILE

    @cached_property
    def _cipher(self) -> AESGCM:
        try:
            return AESGCM(base64.b64decode(self.file.read_bytes(), validate=True))
        except (OSError, ValueError) as error:
            raise NoFactorKey(why=f"its file cannot be read ({type(error).__name__})") from None

    def _make(self, key: bytes) -> None:
        """Durably, and only one of two processes that make it at once: nothing was sealed with the other's."""
        directory = self.file.parent
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=directory, prefix=FILE)  # readable by its owner only
            try:
                with os.fdopen(handle, "wb") as written:
                    written.write(base64.b64encode(key))
                    written.flush()
                    os.fsync(written.fileno())
                os.link(name, self.file)
            except FileExistsError:
                pass
            finally:
                Path(name).unlink()
            folder = os.open(directory, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise NoFactorKey(why=f"its file cannot be made ({error.strerror})") from error
