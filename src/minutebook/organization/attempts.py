"""How often somebody may try: what fails is counted by account and network address, for 15 minutes, by this process.
So are the sessions of an account that begin: each is recorded wherever its user holds a seat."""

from __future__ import annotations

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from minutebook import security
from minutebook.errors import TooManyAttempts
from minutebook.security import neighbourhood

WINDOW_MINUTES = 15
PER_ACCOUNT = RateLimitItemPerMinute(10, WINDOW_MINUTES)
PER_ADDRESS = RateLimitItemPerMinute(50, WINDOW_MINUTES)
SESSION = "session"
SESSIONS = RateLimitItemPerMinute(100, WINDOW_MINUTES)


class Attempts:
    """Safe to share between threads. `what` is tried: each thing is counted by itself."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def begin(self, what: str, account: str, ip: str | None) -> int:
        """Counts an attempt; which one it is, from 1. Raises TooManyAttempts."""
        # An attempt counts for its account before it is looked at, so that many at once get no extra tries; for its
        # network address only when it fails, since a whole office may sign in from one.
        from_here = self._limiter.test(PER_ADDRESS, "address", neighbourhood(ip))
        if not from_here or not self._limiter.hit(PER_ACCOUNT, what, account):
            security.tell("sign_in_limited", account=account, what=what, ip=ip)
            raise TooManyAttempts(minutes=WINDOW_MINUTES)
        return PER_ACCOUNT.amount - self._limiter.get_window_stats(PER_ACCOUNT, what, account).remaining

    def begin_session(self, user: str, ip: str | None) -> None:
        """Counts a session that begins. Raises TooManyAttempts."""
        if not self._limiter.hit(SESSIONS, SESSION, user):
            security.tell("sign_in_limited", account=user, what=SESSION, ip=ip)
            raise TooManyAttempts(minutes=WINDOW_MINUTES)

    def failed(self, ip: str | None) -> None:
        """The attempt counts for its network address, too."""
        self._limiter.hit(PER_ADDRESS, "address", neighbourhood(ip))

    def succeeded(self, what: str, account: str) -> None:
        """Those before are forgotten."""
        self._limiter.clear(PER_ACCOUNT, what, account)
