"""The security log: what somebody tried who has no place in any organization's log, and what concerns none of them.

JSON lines in a file of its own, apart from the server's log, since it says who: addresses of mail and network. Never a
password, token or anything else that somebody sent. Without a file, or while it cannot be written, the lines are in the
server's log. `docs/security-log.md` is made from the tables here.

An event is written ten times a minute for each user that it names, and where it names none for each network address,
all of an IPv6 network, a /64, being one; how often it followed is one line more. Of more than ten addresses in one
network, an IPv4 /24 or an IPv6 /48, the others are counted together. So a flood from one place pushes out nothing, and
hides nobody who is elsewhere.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections import Counter
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import IO

import orjson
import structlog

from minutebook.model import MINUTE, Clock, rfc3339

EVENTS: dict[str, tuple[str, tuple[str, ...]]] = {
    "access_denied": (
        "Somebody was refused who holds no seat there, is not known, or shows a token or link that is wrong, has "
        "expired or was revoked; or a page of another site asked. Also what an organization's own log could not hold.",
        ("route", "method", "user", "organization", "reason", "request_id", "ip"),
    ),
    "sign_in_failed": (
        "Somebody failed to sign in with an address that nobody has who holds a seat.",
        ("email", "ip", "reason", "attempt"),
    ),
    "sign_in_limited": (
        "Somebody tried to sign in more often than the limit lets them, for the account or from the network.",
        ("account", "what", "ip"),
    ),
    "support_staff_changed": (
        "Whoever runs Minutebook made somebody one of support staff, or not any more.",
        ("user", "by", "is_staff"),
    ),
    "password_changed": ("Somebody without a seat changed their password.", ("user", "by", "ip")),
    "password_chosen": ("Somebody without a seat chose a password, by a reset link.", ("user", "by", "ip")),
    "second_factor_added": ("Somebody without a seat added a second factor.", ("user", "by", "ip")),
    "second_factor_removed": ("Somebody without a seat removed a second factor.", ("user", "by", "ip")),
    "second_factors_taken": ("All second factors were taken from somebody without a seat.", ("user", "by", "ip")),
    "recovery_codes_made": ("Somebody without a seat made new recovery codes.", ("user", "by", "ip")),
    "recovery_code_used": ("Somebody without a seat signed in with a recovery code.", ("user", "by", "ip")),
    "password_reset": (
        "Password, sessions and links were taken from somebody without a seat.",
        ("user", "by", "ip"),
    ),
    "reset_asked_for": (
        "Somebody asked for a link that chooses a new password; it was mailed where the address has an account.",
        ("user", "email", "ip"),
    ),
    "user_deleted": ("An account was deleted whose user held no seat.", ("user", "by", "ip")),
    "profile_changed": ("Somebody without a seat changed their name or time zone.", ("user", "by", "ip")),
    "sessions_ended": (
        "Somebody ended other sessions of theirs, which had access to no organization.",
        ("user", "by", "ip"),
    ),
}
"""Every event: what it means, and the fields that it may have."""

FIELDS: dict[str, str] = {
    "at": "When, in UTC by the server's clock.",
    "event": "Which of the events it is.",
    "route": "What was asked for: the template of the address, never the address itself.",
    "method": "The HTTP method.",
    "user": "The id of the user, or of the API token, as far as one is known.",
    "organization": "The id of the organization that was asked for, whether or not there is one.",
    "reason": "Why: `no seat`, `bad_token`, `cross_origin`, `not_signed_in` and the like, or a sentence.",
    "request_id": "The id of the request, which the answer shows, too.",
    "ip": "The network address, or the network of those that are counted together.",
    "times": "How often, where it is not once: a line for many has the fields that they have in common.",
    "email": "The address that was typed, when it can be one.",
    "account": "The address that was typed, or the id of the user where that was known already.",
    "what": "What was tried: `password`, `second factor`, or a `session` after these were right.",
    "attempt": "How many attempts that makes in 15 minutes.",
    "is_staff": "Whether they are from then on.",
    "by": "The id of who did it: a user, or `system` for whoever runs Minutebook.",
}

EACH_MINUTE = 10
"""So many lines of an event for one network address, or one user; what follows is counted."""
APART = 10
"""Network addresses of one network that are told apart in a minute; all others of it are one. Whoever has a /64 often
has a /56 or a /48."""
MOST = 1_000
"""Network addresses that are told apart in a minute, and as many networks of others; what comes on top is counted
together."""

log = structlog.get_logger("minutebook.security")


class SecurityLog:
    """A file of lines that begins anew before it has more than `size` bytes; of those before, `kept` are kept beside it
    (`.1` is the newest). Safe to share between threads, and with other processes."""

    def __init__(self, path: Path, size: int, kept: int, clock: Clock) -> None:
        self.path = path
        self._size = size
        self._kept = kept
        self._clock = clock
        self._lock = threading.Lock()
        self._minute = 0
        self._written: Counter[tuple[str, str]] = Counter()
        self._apart: Counter[tuple[str, str]] = Counter()
        """How many network addresses of a network are told apart."""
        self._counted: dict[tuple[str, str], tuple[int, dict[str, object]]] = {}
        """How often, and the fields that all of them had."""

    def write(self, event: str, fields: dict[str, object]) -> None:
        """Adds a line, or counts it. Raises OSError."""
        with self._lock:
            self._begin_minute()
            if "times" not in fields and self._is_counted(event, fields):
                return
            self._add(event, fields)

    def write_counted(self, *, at_once: bool = False) -> None:
        """Adds the lines for what was counted in a minute that is over, or until now. Raises OSError."""
        with self._lock:
            self._begin_minute(at_once=at_once)

    def _begin_minute(self, *, at_once: bool = False) -> None:
        minute = self._clock() // MINUTE
        if minute != self._minute:
            self._minute, self._written, self._apart = minute, Counter(), Counter()
        elif not at_once:
            return
        while self._counted:
            (event, address), (times, fields) = next(iter(self._counted.items()))
            self._add(event, fields | ({"times": times} if times > 1 else {}))
            del self._counted[event, address]

    def _is_counted(self, event: str, fields: dict[str, object]) -> bool:
        """Whether there are lines enough for it in this minute; then it is counted."""
        ip, user = fields.get("ip"), fields.get("user")
        # somebody who is signed in is counted by themself: whoever is beside them in the network hides nothing of it
        key = (event, str(user)) if user else self._place(event, str(ip) if ip else None)
        self._written[key] += 1
        if self._written[key] <= EACH_MINUTE:
            return False
        times, known = self._counted.get(key, (0, fields))
        common = {name: value for name, value in known.items() if fields.get(name) == value}
        self._counted[key] = times + 1, ({"ip": key[1]} if "ip" not in common and "/" in key[1] else {}) | common
        return True

    def _place(self, event: str, ip: str | None) -> tuple[str, str]:
        """What an event from this address is counted as: of the address, of its network, or of all others."""
        address = event, neighbourhood(ip)
        if address in self._written:
            return address
        network = event, _network(address[1])
        if len(self._written) < MOST and self._apart[network] < APART:
            self._apart[network] += 1
            return address
        return network if network in self._written or len(self._written) < 2 * MOST else (event, "others")

    def _add(self, event: str, fields: dict[str, object]) -> None:
        line = orjson.dumps({"at": rfc3339(self._clock()), "event": event} | fields, option=orjson.OPT_APPEND_NEWLINE)
        while not self._append(line):
            pass

    def _append(self, line: bytes) -> bool:
        """Whether the line was added; False when the file has begun anew meanwhile."""
        private = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(private, "ab", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if not self._is_at_path(file):
                return False
            size = file.seek(0, os.SEEK_END)
            if size and size + len(line) > self._size:
                self._begin_anew()
                return False
            file.write(line)
            return True

    def _is_at_path(self, file: IO[bytes]) -> bool:
        try:
            return os.path.samestat(os.fstat(file.fileno()), self.path.stat())
        except FileNotFoundError:
            return False

    def _begin_anew(self) -> None:
        for number in range(self._kept, 0, -1):
            before = self._numbered(number - 1) if number > 1 else self.path
            if before.exists():
                before.replace(self._numbered(number))
        self.path.unlink(missing_ok=True)  # when none is kept

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


_file: SecurityLog | None = None


def write_to(file: SecurityLog | None) -> None:
    """Where this process writes from now on; None for the server's own log."""
    global _file  # noqa: PLW0603 - as every logger, it is one for the process
    tell_counted(at_once=True)
    _file = file


def tell_counted(*, at_once: bool = False) -> None:
    """Writes how often it was what was counted in a minute that is over, or until now. Never fails."""
    if _file:
        try:
            _file.write_counted(at_once=at_once)
        except OSError as error:
            log.error("security_log_not_written", path=str(_file.path), error=error.strerror)


def neighbourhood(ip: str | None) -> str:
    """What is counted as one network address: all of an IPv6 network, a /64. Whoever has one of it has all of it."""
    if ip is None:
        return "unknown"
    address = ip_address(ip)
    if not isinstance(address, IPv6Address):
        return ip
    return str(address.ipv4_mapped or ip_network((int(address), 64), strict=False))


def _network(neighbours: str) -> str:
    """The network that an address is in, as `neighbourhood` has it."""
    if neighbours == "unknown":
        return neighbours
    network = ip_network(neighbours)
    return str(network.supernet(new_prefix=48 if network.version == 6 else 24))


def tell(event: str, **fields: object) -> None:
    """Writes one of EVENTS, with those of its fields that are not None. Never fails."""
    given = {name: value for name, value in fields.items() if value is not None}
    if _file:
        try:
            _file.write(event, given)
        except OSError as error:
            log.error("security_log_not_written", path=str(_file.path), error=error.strerror)
        else:
            return
    log.warning(event, **given)
