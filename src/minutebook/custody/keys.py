"""The keys that sign: in files that only their owner may open, or behind a command; never in the database.

A file `keys/<id>.key` holds a private key as text. A file `keys/<id>.toml` names a command instead:

    public_key = "…"           # 32 bytes in base64
    command = ["sign-it", "--key", "audit"]

It is given the bytes to sign on standard input and writes the signature, 64 bytes in base64, to standard output. The id
is that of the key under the name `<host>/keys`. What a key signed is verified before it is used.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from minutebook.custody.high_water import Custody, Held
from minutebook.errors import Conflict, CustodyBroken, NoKey
from minutebook.evidence import note
from minutebook.evidence.key_chain import ADD, REVOKE, BrokenChain, Standing, Statement, Verb, follow, name_of
from minutebook.evidence.note import Note, PrivateKey, Signature, Signer, VerifierKey
from minutebook.model import SECOND, Randomness
from minutebook.organization import factor_key

LOCAL_HOST = "minutebook.local"
SECONDS = 30


@dataclass(frozen=True, slots=True)
class CommandKey:
    """A key that a command signs with: a Signer. Raises NoKey when the command fails."""

    public: bytes
    command: tuple[str, ...]

    def sign(self, message: bytes) -> bytes:
        try:
            done = subprocess.run(self.command, input=message, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
            return note.from_base64(done.stdout.decode().strip())
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[-200:]
            raise NoKey(why=f"{self.command[0]} ended with {error.returncode}: {said}") from error
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise NoKey(why=f"{self.command[0]} did not sign: {error}") from error


@dataclass(frozen=True, slots=True)
class Key:
    """A key that may sign: by whatever name it is asked to."""

    signer: Signer

    def sign(self, text: str, name: str) -> Signature:
        """The signature of a text, verified. Raises NoKey."""
        signature = note.sign(text, name, self.signer)
        if not VerifierKey(name, self.signer.public).has_signed(text, signature):
            raise NoKey(why="what it signed does not fit its public key")
        return signature


def standings(held: Held | None) -> dict[bytes, Standing]:
    """Every key that ever counted, in the order in which they were added. Raises CustodyBroken."""
    try:
        return follow(held.statements()) if held else {}
    except BrokenChain as error:
        raise CustodyBroken(why=str(error)) from error


def current(custody: Custody, held: Held) -> Key:
    """The key that signs: the one that was added last and counts. Raises NoKey, CustodyBroken."""
    counting = [key for key in standings(held).values() if key.counts]
    if not counting:
        raise NoKey(why="none was added")
    return _read(custody, held, counting[-1].public)


def new_key(randomness: Randomness) -> Signer:
    """A private key of its own."""
    return PrivateKey(randomness(note.KEY_SIZE))


def command_key(public: bytes, command: Sequence[str]) -> Signer:
    """A key behind a command. Raises Conflict when there is no such program."""
    path = shutil.which(command[0])
    if path is None:
        raise Conflict(f"There is no program {command[0]} here.")
    return CommandKey(public, (path, *command[1:]))


def add(custody: Custody, held: Held, signer: Signer, host: str, at: int) -> None:
    """Adds a key, which signs from now on; the one so far vouches for it. The first one fixes what names begin with
    for good: `host`. `at` is in UTC microseconds.

    Raises Conflict when it was added before, NoKey when it or the one so far does not sign, CustodyBroken.
    """
    key, before = Key(signer), list[Key]()
    if held.host() is None:
        held.fix_host(host)
    else:
        before = [current(custody, held)]
    if signer.public in standings(held):
        raise Conflict("This key was added before. Every key is added once.")
    _write(custody, held, signer)  # before the statement: a crash here leaves a file that nothing speaks of
    _state(held, ADD, signer.public, at // SECOND, [*before, key])


def revoke(custody: Custody, held: Held, public: bytes, cut_off: int, at: int) -> None:
    """Lets a key count no longer than up to a cut-off (seconds since 1970). Raises Conflict, NoKey."""
    known = standings(held)
    if public not in known or not known[public].counts:
        raise Conflict("There is no such key that counts. See minutebook key list.")
    rest = [key.public for key in known.values() if key.counts and key.public != public]
    if not rest:
        raise Conflict("It is the only key that counts. Run minutebook key add first.")
    if not known[public].since <= cut_off <= at // SECOND:
        raise Conflict("The cut-off lies between the time since which the key counts and now.")
    _state(held, REVOKE, public, cut_off, [_read(custody, held, rest[-1])])


def host_of(public_url: str | None) -> str:
    """What the names of logs begin with when the first key is made."""
    return (public_url or "").partition("://")[2] or LOCAL_HOST


def file_of(custody: Custody, held: Held, public: bytes) -> Path | None:
    """The file of a key; None when it is not here."""
    key_id = VerifierKey(name_of(held.host() or ""), public).key_id.hex()
    files = (custody.keys / f"{key_id}{ending}" for ending in (".key", ".toml"))
    return next((file for file in files if file.is_file()), None)


def open_to_others(custody: Custody) -> Iterator[str]:
    """A sentence for each part of the custody directory that other accounts of the machine may open."""
    files = sorted(custody.keys.iterdir()) if custody.keys.is_dir() else []
    files += [custody.file, custody.directory / factor_key.FILE]
    rights = {custody.directory: 0o700, custody.keys: 0o700} | dict.fromkeys(files, 0o600)
    for path, right in rights.items():
        if path.exists() and (found := stat.S_IMODE(path.stat().st_mode)) & 0o077:
            yield f"{path} is open to other accounts of this machine ({found:o}). Run: chmod {right:o} {path}"


def _state(held: Held, verb: Verb, public: bytes, at: int, keys: Sequence[Key]) -> None:
    host = held.host() or ""
    text = Statement(host, len(held.statements()), verb, public, at).text()
    held.state(str(Note(text, tuple(key.sign(text, name_of(host)) for key in keys))))


def _write(custody: Custody, held: Held, signer: Signer) -> None:
    """Puts the key into a new file of its own, durably."""
    name = name_of(held.host() or "")
    key_id = VerifierKey(name, signer.public).key_id.hex()
    if isinstance(signer, PrivateKey):
        ending, text = ".key", f"{signer.to_text(name)}\n"
    else:
        assert isinstance(signer, CommandKey)
        listed = ", ".join(map(_toml, signer.command))
        ending, text = ".toml", f'public_key = "{note.to_base64(signer.public)}"\ncommand = [{listed}]\n'
    file = os.open(custody.keys / f"{key_id}{ending}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(file, "w", encoding="utf-8") as written:
        written.write(text)
        written.flush()
        os.fsync(written.fileno())
    folder = os.open(custody.keys, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _toml(text: str) -> str:
    if not text.isprintable():
        raise Conflict("The command has a character that cannot be printed.")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _read(custody: Custody, held: Held, public: bytes) -> Key:
    file = file_of(custody, held, public)
    if file is None:
        raise NoKey(why=f"the file of the key {note.to_base64(public)} is not in {custody.keys}")
    try:
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".key":
            signer: Signer = PrivateKey.parse(text.rstrip("\n"))[1]
        else:
            values = tomllib.loads(text)
            signer = CommandKey(note.from_base64(values["public_key"]), tuple(values["command"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NoKey(why=f"{file} cannot be read as one ({type(error).__name__})") from None
    if signer.public != public:
        raise NoKey(why=f"{file} holds another key than its name says")
    return Key(signer)
