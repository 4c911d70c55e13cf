"""minutebook search."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from minutebook.cli.asked import Actions, ActorEmail, Asked, End, Query, Start, Text
from minutebook.cli.console import end_output, print_line, print_table, remark
from minutebook.cli.event_lines import tell
from minutebook.cli.local_time import InUtc, on_the_clock, zone_of
from minutebook.cli.read_from import FromServer, Org, TokenFile, source_of
from minutebook.cli.recorded import Unrecorded
from minutebook.filters import Here
from minutebook.store.engine import system_clock

MOST = 1_000_000_000


def search(
    context: typer.Context,
    query: Query = None,
    org: Org = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST, help="At most so many events.")] = 50,
    oldest_first: Annotated[
        bool,
        typer.Option(
            "--oldest-first/--newest-first", help="In the order of the log, or of their time from the newest on."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines: every event as programs read it everywhere.")
    ] = False,
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
    """Find events in the log of an organization.

    The query language is that of the search box; docs/filters.md describes it. Put the query in quotation marks.

    That the log was read is recorded in it, by the system as the actor. With SQLite only one process writes at a time:
    beside a running server, read from that server (--server), where the API token is the actor, or without a record
    (--unrecorded).

    [bold]Examples[/bold]

        minutebook search --org "Calder Robotics" 'action:member.* after:-7d'

        minutebook search --limit 1000 --json -- '-outcome:success' | jq .actor.email

        MINUTEBOOK_TOKEN_FILE=~/.mbt minutebook search --server https://minutebook.example.com 'ip:10.0.0.0/8'
    """
    zone = zone_of(utc)
    filter_ = Asked(query, actions, actor, start, end, text, zone).filter().at(Here(zone, system_clock()))
    with (
        source_of(context, org, server, token_file, unrecorded=unrecorded) as source,
        closing(source.find(filter_, limit + 1, oldest_first=oldest_first)) as found,
    ):
        _show(found, limit, zone, as_json=as_json)


def _show(found: Iterator[bytes], limit: int, zone: ZoneInfo, *, as_json: bool) -> None:
    shown_ = itertools.islice(found, limit)
    try:
        number = _print_lines(shown_) if as_json else _print_rows(list(shown_), zone)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has read enough
        end_output()
        return
    if not number:
        remark("No event fits.")
    elif next(found, None):
        remark(f"There are more than these {number:,}: narrow the query, or give a larger --limit.")


def _print_lines(events: Iterator[bytes]) -> int:
    number = 0
    for event in events:
        print_line(event)
        number += 1
    return number


def _print_rows(events: list[bytes], zone: ZoneInfo) -> int:
    if events:
        print_table(("Time", "Action", "Actor", "Details"), [_row(event, zone) for event in events])
    return len(events)


def _row(event: bytes, zone: ZoneInfo) -> tuple[str, str, str, str]:
    told = tell(event)
    return on_the_clock(told.occurred_at, zone), told.action, told.actor, told.says
