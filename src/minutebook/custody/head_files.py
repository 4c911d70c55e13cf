"""Heads as files in a folder, which somebody else keeps, copies or pulls: each is made once and never written again. In
the work tree of a Git repository each is a commit."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import structlog

from minutebook.custody.anchoring import Asked, Refused
from minutebook.model import from_micros
from minutebook.outgoing import Unreachable
from minutebook.store.anchors import AnchorKind
from minutebook.store.schema import ANCHOR

GIT_SECONDS = 60
WHO = ("-c", "user.name=Minutebook", "-c", "user.email=minutebook@localhost")

log_ = structlog.get_logger("minutebook.heads")


@dataclass(frozen=True, slots=True)
class HeadFiles:
    """A folder: an Anchor for the anchor log."""

    directory: Path
    kind = AnchorKind.DIRECTORY
    name = "heads"
    every = 0

    def takes(self, organization: int) -> bool:
        return organization == ANCHOR

    def ask(self, asked: Asked) -> None:
        """Makes `<day>/<size>.note`, durably."""
        if not self.directory.is_dir():
            raise Unreachable("are kept in a folder that is not there")
        day = f"{from_micros(asked.head.signed_at):%Y-%m-%d}"
        path = self.directory / day / f"{asked.head.size}.note"
        try:
            path.parent.mkdir(exist_ok=True)
            _make(path, str(asked.head).encode())
            is_repository = (self.directory / ".git").exists()
        except OSError as error:
            raise Unreachable(f"cannot be written: {error.strerror}") from error
        if is_repository:
            self._commit(path, f"Head of {asked.head.checkpoint.origin} with {asked.head.size} entries")

    def _commit(self, path: Path, message: str) -> None:
        relative = str(path.relative_to(self.directory))
        self._git("add", "--", relative)
        if self._git("status", "--porcelain", "--", relative):  # it may have been committed before a crash
            self._git(*WHO, "commit", "--quiet", "--message", message, "--", relative)

    def _git(self, *arguments: str) -> bytes:
        command = ("git", "-C", str(self.directory), *arguments)
        try:
            return subprocess.run(command, capture_output=True, timeout=GIT_SECONDS, check=True).stdout  # noqa: S603
        except subprocess.CalledProcessError as error:
            log_.error("heads_not_committed", error=error.stderr.decode(errors="replace").strip()[-500:])
            raise Unreachable("cannot be committed with git") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Unreachable(f"cannot be committed with git ({type(error).__name__})") from error


def _make(path: Path, content: bytes) -> None:
    """Makes a file that is not there yet. Raises Refused when it is, with another content."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        if path.read_bytes() != content:
            raise Refused("have another head of this size already, which is left as it is") from None
        return
    with os.fdopen(file, "wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    for folder in (path.parent, path.parent.parent):
        held = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(held)
        finally:
            os.close(held)
