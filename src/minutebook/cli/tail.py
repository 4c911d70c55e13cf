"""minutebook tail."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.text import Text as Line

from minutebook.actions import CATALOGUE, describe, read_details
from minutebook.actions.parts import plain
from minutebook.cli.asked import Actions, ActorEmail, Asked, End, Query, Start, Text
from minutebook.cli.console import out, remark, shown
from minutebook.cli.deployment import reading, settings_of
from minutebook.cli.org import Named, find
from minutebook.cli.recorded import Unrecorded, record_reading
from minutebook.deliver.tail import POLL_SECONDS, Batch, Tail, begin, poll
from minutebook.errors import StoreUnavailable
from minutebook.model import Event, Outcome, rfc3339
from minutebook.store.engine import Store, system_clock
from minutebook.store.event_json import event_json

ACTION_WIDTH = max(map(len, CATALOGUE))
ACTOR_WIDTH = 28
OUTCOMES = {Outcome.SUCCESS: "", Outcome.FAILURE: "Failed: ", Outcome.DENIED: "Denied: "}

After = Annotated[
    int | None,
    typer.Option(
        help="Begin behind the event of this number, -1 with the first; by default with what is recorded from now on."
    ),
]


def tail(
    context: typer.Context,
    org: Named,
    query: Query = None,
    after: After = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
    actions: Actions = None,
    actor: ActorEmail = None,
    start: Start = None,
    end: End = None,
    text: Text = None,
    unrecorded: Unrecorded = False,
) -> None:
    """Follow an organization's log: print events as they are recorded, until Ctrl-C.

    Each line has the time in UTC, the action, the actor and what was done; a refused or failed act says so. What it
    shows is about a second old at most.

    That the log is read is recorded in it, by the system as the actor. With SQLite only one process writes at a time:
    beside a running server, follow it in the dashboard or through the API, or without a record (--unrecorded).

    [bold]Examples[/bold]

        minutebook tail "Calder Robotics"

        minutebook tail "Calder Robotics" 'action:member.* -actor:ada@example.com'

        minutebook tail "Calder Robotics" --unrecorded --after -1 --json | jq .action
    """
    filter_ = Asked(query, actions, actor, start, end, text).filter(system_clock())
    settings = settings_of(context)
    record_reading(settings, org, unrecorded=unrecorded)
    with reading(settings) as store:
        with store.reading() as connection:
            organization = find(connection, org)
            begun = begin(connection, organization.number, filter_, after, "after")
        first = f"{begun.after + 1:,}"
        remark(f"Following {shown(organization.name)} ({organization.id}) from event {first} on. Stop it with Ctrl-C.")
        try:
            _print(_patiently(store, begun), _as_json if as_json else _as_line)
        except KeyboardInterrupt:
            pass  # that is how it is stopped, no mishap
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it ends


def _print(batches: Iterator[Batch], write: Callable[[Event], None]) -> None:
    for batch in batches:
        for event in batch.events:
            write(event)
        sys.stdout.flush()


def _patiently(store: Store, begun: Tail) -> Iterator[Batch]:
    """The batches, also over a database that goes away and comes back."""
    is_away = False
    while True:
        try:
            for batch in poll(store, begun, time.sleep):
                is_away = False
                yield batch
        except StoreUnavailable:
            if not is_away:
                remark("The database does not answer. Trying again until it does; stop it with Ctrl-C.")
            is_away = True
            time.sleep(POLL_SECONDS)


def _as_json(event: Event) -> None:
    sys.stdout.write(event_json(event).decode() + "\n")


def _as_line(event: Event) -> None:
    outcome = OUTCOMES[event.outcome]
    actor = event.actor.email or event.actor.name or event.actor.id
    cells = (
        rfc3339(event.occurred_at)[:19] + "Z",
        event.action.ljust(ACTION_WIDTH),
        shown(actor).ljust(ACTOR_WIDTH),
        outcome + shown(_says(event)),
    )
    out.print(Line("  ".join(cells)))


def _says(event: Event) -> str:
    """The sentence; nothing for an event that this version of Minutebook cannot read."""
    try:
        return plain(describe(read_details(event.action, event.details)))
    except (KeyError, ValidationError):
        return "Recorded by another version of Minutebook"
