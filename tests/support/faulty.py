"""Acts that break off: an exception inside the transaction, or behind it before anyone is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import NoReturn, TypeVar

from sqlalchemy import Connection

from minutebook.record import Act, Command, PersonalCommand
from minutebook.store.engine import Store

C = TypeVar("C", Command, PersonalCommand)


class Fault(Enum):
    """Where the act breaks off."""

    AFTER_CHANGE = "between the change and its event"
    BEFORE_COMMIT = "between the event and the commit"
    AFTER_COMMIT = "between the commit and the answer"

    @property
    def undoes(self) -> bool:
        """Whether nothing of the act may be left."""
        return self is not Fault.AFTER_COMMIT


class BrokeOff(Exception):
    """The fault that was asked for."""


class FaultyStore(Store):
    """A store whose acts break off where `fault` says."""

    fault: Fault | None = None

    @contextmanager
    def acting(self) -> Iterator[Connection]:
        with super().acting() as connection:
            yield connection
            if self.fault is Fault.BEFORE_COMMIT:
                raise BrokeOff
        if self.fault is Fault.AFTER_COMMIT:
            raise BrokeOff


def breaking_off(command: C) -> C:
    """The same command, broken off behind its change, on a person in the first of their organizations."""

    class BreaksOff(type(command)):  # type: ignore[misc]
        def change(self, act: Act) -> NoReturn:
            super().change(act)
            raise BrokeOff

    broken: C = object.__new__(BreaksOff)
    broken.__dict__.update(vars(command))
    return broken
