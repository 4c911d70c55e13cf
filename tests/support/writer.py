"""A process to be killed: 16 threads that act without a pause and tell each answer on standard output.

`python -m tests.support.writer URL RUN ORGANIZATION…`. A line is the event that a client was shown, pickled; a client's
attempts are numbered, and the next begins only when the last is answered.
"""

from __future__ import annotations

import base64
import os
import pickle
import sys
import threading

from minutebook.errors import MinutebookError, OutcomeUnknown
from minutebook.model import Context, Event, Seat
from minutebook.organization.credits import BuyCredits
from minutebook.organization.modes import CreateMode
from minutebook.organization.sso import SetSsoDomain
from minutebook.record import Command, NoChange, perform
from minutebook.store.engine import Store
from tests.support.deployment import OPERATOR
from tests.support.told import request_of

WRITERS = 16


def command_of(writer: str, number: int) -> Command:
    """What a writer does in one attempt; modes come to an end, and then it is refused."""
    match number % 8:
        case 0:
            return SetSsoDomain(f"{writer}-{number}.example")
        case 1:
            return CreateMode(f"{writer} {number}", "", ())
        case _:
            return BuyCredits(number, f"{writer}-{number}")


def write(store: Store, writer: str, organization: int) -> None:
    """Acts until the process ends."""
    number = 0
    while True:
        number += 1
        seat = Seat(organization, OPERATOR, Context(request_id=request_of(writer, number)))
        try:
            answer = perform(store, seat, command_of(writer, number))
        except OutcomeUnknown:
            raise
        except MinutebookError:
            answer = NoChange()
        tell(writer, number, None if isinstance(answer, NoChange) else answer)


def tell(writer: str, number: int, event: Event | None) -> None:
    """One line in one write: shorter than a pipe's atomic size, so that lines never mix."""
    line = base64.b64encode(pickle.dumps((writer, number, event))) + b"\n"
    assert len(line) < 4096
    os.write(1, line)


def main() -> None:
    url, run, *organizations = sys.argv[1:]
    store = Store(url)
    for number in range(WRITERS):
        organization = int(organizations[number % len(organizations)])
        threading.Thread(target=write, args=(store, f"run{run}-writer{number}", organization)).start()


if __name__ == "__main__":
    main()
