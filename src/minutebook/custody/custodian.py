"""The job that keeps the logs as their policies say: a thread of the server that watches the clock and prunes daily."""

from __future__ import annotations

import structlog
from sqlalchemy import select

from minutebook.background import Job
from minutebook.custody.clock import Watch
from minutebook.custody.ledger import Ledger
from minutebook.custody.retention import prune_log, record_step
from minutebook.model import DAY
from minutebook.store import schema
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
        self._unrecorded: tuple[int, int] | None = None
        """From when to when the clock went forward, until every log says so: the database may be away meanwhile."""

    def round(self) -> None:
        """Records a step of the clock, and once a day prunes what is due. The clock comes first: what it says is what
        pruning goes by."""
        step = self._watch.step()
        if step and step[1] > step[0]:
            self._unrecorded = (self._unrecorded or step)[0], step[1]
        if self._unrecorded:
            record_step(self._store, *self._unrecorded)
            self._unrecorded = None
        with self._store.reading() as connection:
            numbers = list(connection.execute(select(schema.organization.c.organization)).scalars())
        today = self._store.clock() // DAY
        if today == self._pruned_on:
            return
        for number in numbers:
            if self._stopping.is_set():
                return
            if done := prune_log(self._store, number, self._ledger):
                log_.info("log_pruned", organization=number, acts=len(done))
        self._pruned_on = today
