"""minutebook search."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.cells import cell_len
from sqlalchemy import Connection

from minutebook.actions.parts import plain
from minutebook.cli.console import complain, inert_json, print_table, remark, shown
from minutebook.cli.deployment import reading, settings_of
from minutebook.cli.local_time import local_zone
from minutebook.cli.org import Named, find
from minutebook.cli.recorded import Unrecorded, record_reading
from minutebook.filters import UTC, Cursor, Filter, Here, filter_of, language, zone_label
from minutebook.filters.expression import Expression
from minutebook.filters.language import BadQuery
from minutebook.model import Event, Outcome, from_micros
from minutebook.store import log
from minutebook.store.engine import system_clock
from minutebook.store.event_json import event_json
from minutebook.store.scope import Scope
from minutebook.store.search import page, stream
from minutebook.web.log_views import says

AT_ONCE = 500
OUTCOMES = {Outcome.SUCCESS: "", Outcome.FAILURE: "Failed: ", Outcome.DENIED: "Denied: "}


def search(
    context: typer.Context,
    org: Named,
    query: Annotated[
        list[str] | None,
        typer.Argument(metavar="[QUERY]...", help="What to look for, as in the search box; everything without it."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="At most so many events.")] = 50,
    oldest_first: Annotated[
        bool,
        typer.Option(
            "--oldest-first/--newest-first", help="In the order of the log, or of their time from the newest on."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON Lines: every event as programs read it everywhere.")
    ] = False,
    utc: Annotated[bool, typer.Option("--utc", help="Read and write times in UTC and not in the local zone.")] = False,
    unrecorded: Unrecorded = False,
) -> None:
    """Find events in the log of an organization.

    The query language is that of the search box; docs/filters.md describes it. Put the query in quotation marks, and
    behind -- when it begins with a minus.

    That the log was read is recorded in it, by the system as the actor. With SQLite only one process writes at a time:
    beside a running server, read in the dashboard, or without a record (--unrecorded).

    [bold]Examples[/bold]

        minutebook search "Calder Robotics" 'action:member.* after:-7d'

        minutebook search "Calder Robotics" --limit 1000 --json -- '-outcome:success' | jq .actor.email
    """
    settings = settings_of(context)
    zone = UTC if utc else local_zone()
    filter_ = filter_of(_asked(" ".join(query or ()), Here(zone, system_clock())))
    record_reading(settings, org, unrecorded=unrecorded)
    with reading(settings) as store, store.reading() as connection:
        organization = find(connection, org)
        scope = Scope(organization.number, log.read_head(connection, organization.number).size)
        find_in = _oldest if oldest_first else _newest
        with closing(find_in(connection, scope, filter_, limit + 1)) as found:
            _show(found, limit, zone, as_json=as_json)


def pointed_at(bad: BadQuery) -> str:
    """The query with ^^^^ under what is wrong, what would be understood, and a query that is."""
    end = bad.at + bad.length
    before, wrong, after = (shown(part) for part in (bad.query[: bad.at], bad.query[bad.at : end], bad.query[end:]))
    carets = " " * cell_len(before) + "^" * max(1, cell_len(wrong))
    fix = f"\nUnderstood would be: {bad.fix}" if bad.fix else ""
    return f"{before}{wrong}{after}\n{carets}\n{bad.message}{fix}"


def _asked(query: str, here: Here) -> Expression:
    try:
        return language.read(query, here)
    except BadQuery as bad:
        complain(pointed_at(bad))
        raise typer.Exit(bad.exit_code) from None


def _newest(connection: Connection, scope: Scope, filter_: Filter, limit: int) -> Generator[Event]:
    """The found events as people see them: the newest first. Raises TooSlow."""
    cursor = None
    while limit > 0:
        found = page(connection, scope, filter_, cursor, min(AT_ONCE, limit))
        yield from found.events
        if not found.has_older:
            return
        limit -= len(found.events)
        last = found.events[-1]
        cursor = Cursor("", "", scope.size, last.occurred_at, last.seq, 0, "older")


def _oldest(connection: Connection, scope: Scope, filter_: Filter, limit: int) -> Generator[Event]:
    """The found events in the order of the log."""
    with closing(stream(connection, scope, filter_)) as found:
        yield from itertools.islice(found, limit)


def _show(found: Iterator[Event], limit: int, zone: ZoneInfo, *, as_json: bool) -> None:
    shown_ = itertools.islice(found, limit)
    try:
        number = _print_lines(shown_) if as_json else _print_rows(list(shown_), zone)
        sys.stdout.flush()
    except BrokenPipeError:  # who reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    if not number:
        remark("No event fits.")
    elif next(found, None):
        remark(f"There are more than these {number:,}: narrow the query, or give a larger --limit.")


def _print_lines(events: Iterator[Event]) -> int:
    number, is_terminal = 0, sys.stdout.isatty()
    for event in events:
        line = event_json(event).decode()
        sys.stdout.write((inert_json(line) if is_terminal else line) + "\n")
        number += 1
    return number


def _print_rows(events: list[Event], zone: ZoneInfo) -> int:
    if events:
        print_table(("Time", "Action", "Actor", "Details"), [_row(event, zone) for event in events])
    return len(events)


def _row(event: Event, zone: ZoneInfo) -> tuple[str, str, str, str]:
    wall, actor = from_micros(event.occurred_at).astimezone(zone), event.actor
    return (
        f"{wall:%Y-%m-%d %H:%M:%S} {zone_label(event.occurred_at, zone)}",
        event.action,
        actor.email or actor.name or actor.id,
        OUTCOMES[event.outcome] + plain(says(event)),
    )
