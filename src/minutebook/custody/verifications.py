"""Recording that somebody verified the log, and what came of it as their browser claims."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from minutebook.actions.log import LogVerified, Verdict
from minutebook.errors import Invalid
from minutebook.permissions import Permission
from minutebook.record import Act, Command
from minutebook.store import log

VERDICTS = " or ".join(Verdict)


@dataclass(frozen=True)
class RecordVerification(Command):
    """Records that the first `size` events were verified, and how they were found. Raises Invalid where the log never
    held so many, or for another verdict than there are."""

    needs: ClassVar = Permission.LOG_READ

    size: int
    verdict: str

    def change(self, act: Act) -> LogVerified:
        held = log.read_head(act.connection, act.organization).size
        if not 0 < self.size <= held:
            raise Invalid.one("size", f"The log holds {held:,} events, so a number from 1 to that.")
        if self.verdict not in set(Verdict):
            raise Invalid.one("verdict", f"The verdict is {VERDICTS}.")
        return LogVerified(size=self.size, verdict=Verdict(self.verdict))
