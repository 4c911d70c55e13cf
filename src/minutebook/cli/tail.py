"""minutebook tail."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.text import Text as Line

from minutebook.actions import CATALOGUE
from minutebook.cli.asked import Actions, ActorEmail, Asked, End, Query, Start, Text
from minutebook.cli.console import end_output, out, print_line, remark, shown
from minutebook.cli.event_lines import tell
from minutebook.cli.local_time import InUtc, on_the_clock, zone_of
from minutebook.cli.read_from import FromServer, Org, TokenFile, source_of
from minutebook.cli.recorded import Unrecorded
from minutebook.filters import Here
from minutebook.store.engine import system_clock

ACTION_WIDTH = max(map(len, CATALOGUE))
ACTOR_WIDTH = 28

After = Annotated[
    int | None,
    typer.Option(
        help="Begin behind the event of this number, -1 with the first; by default with what is recorded from now on."
    ),
]


def tail(
    context: typer.Context,
    query: Query = None,
    org: Org = None,
    after: After = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event as one line of JSON.")] = False,
    actions: Actions = None,
    actor: ActorEmail = None,
    start: Start = None,
    end: End = None,
    text: Text = None,
    utc: InUtc = False,
    server: FromServer = None,
    token_file: TokenFile = None,
    unrecorded: Unrecorded = False,
) -> None:
    """Follow an organization's log: print events as they are recorded, until Ctrl-C.

    Each line has the time, the action, the actor and what was done; a refused or failed act says so. What it shows is
    about a second old at most.

    That the log is read is recorded in it, by the system as the actor. With SQLite only one process writes at a time:
    beside a running server, follow that server (--server), where the API token is the actor, or read without a record
    (--unrecorded). A server that goes away is waited for: when it is back, no event is missed or repeated.

    [bold]Examples[/bold]

        minutebook tail --org "Calder Robotics"

        minutebook tail --server https://minutebook.example.com 'action:member.* -actor:ada@example.com'

        minutebook tail --unrecorded --after -1 --json | jq .action
    """
    zone = zone_of(utc)
    now = system_clock()
    filter_ = Asked(query, actions, actor, start, end, text, zone).filter().at(Here(zone, now))
    last = filter_.bounds[1]
    is_over = last is not None and last <= now
    with (
        source_of(context, org, server, token_file, unrecorded=unrecorded) as source,
        source.follow(filter_, after) as following,
    ):
        named, first = f"{shown(following.origin.name)} ({following.origin.id})", f"{following.after + 1:,}"
        over = "Nothing that happens from now on is shown, as the search ends before. " if is_over else ""
        remark(f"Following {named} from event {first} on. {over}Stop it with Ctrl-C.")
        try:
            _print(following.batches, print_line if as_json else partial(_print_told, zone))
        except KeyboardInterrupt:
            pass  # that is how it is stopped, no mishap
        except BrokenPipeError:
            end_output()


def _print(batches: Iterator[list[bytes]], write: Callable[[bytes], None]) -> None:
    for events in batches:
        for event in events:
            write(event)
        sys.stdout.flush()


def _print_told(zone: ZoneInfo, event: bytes) -> None:
    told = tell(event)
    cells = (
        on_the_clock(told.occurred_at, zone),
        told.action.ljust(ACTION_WIDTH),
        shown(told.actor).ljust(ACTOR_WIDTH),
        shown(told.says),
    )
    out.print(Line("  ".join(cells)))
