"""The job that keeps the logs as their policies say: a thread of the server that watches the clock and prunes daily."""

from __future__ import annotations

from contextlib import suppress

import structlog

from minutebook.background import Job
from minutebook.custody.clock import Watch, open_logs, record_step
from minutebook.custody.ledger import Ledger
from minutebook.custody.retention import prune_log
from minutebook.errors import Conflict, Sealed
from minutebook.model import DAY
from minutebook.organization import ending
from minutebook.record import own_seat, perform
from minutebook.store.engine import Store

log_ = structlog.get_logger("minutebook.custody")

LOOK_SECONDS = 10.0


class Custodian(Job):
    """Keeps every log in a thread while a server runs."""

    name = "custody"

    def __init__(self, store: Store, ledger: Ledger, watch: Watch | None = None) -> None:
        super().__init__(LOOK_SECONDS)
        self._store = store
        self._ledger = ledger
        self._watch = watch or Watch(store)
        self._pruned_on = -1
        self._unrecorded: list[tuple[int, int]] = []
        """From when to when the clock went, until every log says so: the database may be away meanwhile."""

    def round(self) -> None:
        """Records a step of the clock, deletes organizations whose waiting period is over, and once a day prunes what
        is due. The clock comes first: what it says is what the others go by."""
        if step := self._watch.step():
            self._unrecorded.append(step)
        while self._unrecorded:
            record_step(self._store, *self._unrecorded[0])
            del self._unrecorded[0]
        at = self._store.clock()
        with self._store.reading() as connection:
            ended = ending.due(connection, at)
        for number in ended:
            with suppress(Conflict, Sealed):  # taken back, or done by another server, meanwhile
                perform(self._store, own_seat(number), ending.DeleteOrganization())
                log_.info("organization_deleted", organization=number)
        if at // DAY == self._pruned_on:
            return
        with self._store.reading() as connection:
            numbers = open_logs(connection)
        for number in numbers:
            if self._stopping.is_set():
                return
            if done := prune_log(self._store, number, self._ledger, at):
                log_.info("log_pruned", organization=number, acts=len(done))
        self._pruned_on = at // DAY
