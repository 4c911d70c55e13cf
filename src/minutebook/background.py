"""What a server does besides answering: jobs in threads of their own, round after round."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog

from minutebook.errors import OutcomeUnknown, StoreUnavailable

log = structlog.get_logger("minutebook.background")


class Job(ABC):
    """A job with its thread, which does a round every so many seconds. Whatever goes wrong in a round never reaches the
    server: it is told in its log, as `<name>_waits` while the database is away or full, else as `<name>_failed`."""

    name: ClassVar[str]
    patience: ClassVar[float | None] = None
    """Seconds that are waited for the round at hand when the job is to end; None for as long as it takes."""
    at_once: ClassVar[bool] = True
    """Whether the first round begins with the job, and not only after the first pause."""

    def __init__(self, every: float) -> None:
        self._every = every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Lets the round at hand be finished, or cut itself short, and ends."""
        self._stopping.set()
        self._thread.join(self.patience)

    @abstractmethod
    def round(self) -> object:
        """What is done each time."""

    def failed(self, error: Exception) -> None:
        """Tells of a round that went wrong."""
        waits, broke = f"{self.name}_waits", f"{self.name}_failed"
        if isinstance(error, StoreUnavailable | OutcomeUnknown):
            log.warning(waits, error=error.message)
        else:
            log.error(broke, exc_info=error)

    def try_round(self) -> None:
        """Does a round, and tells if it goes wrong."""
        try:
            self.round()
        except Exception as error:
            self.failed(error)

    def _run(self) -> None:
        if self.at_once:
            self.try_round()
        while not self._stopping.wait(self._every):
            self.try_round()
