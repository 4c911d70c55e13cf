"""minutebook erase, minutebook prune."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from minutebook.actions.values import number_of
from minutebook.cli.console import say, shown
from minutebook.cli.deployment import operator_seat, settings_of, writing
from minutebook.cli.org import choose
from minutebook.custody.clock import find_step
from minutebook.custody.elsewhere import copies
from minutebook.custody.erase import Plan, plan_field, plan_person
from minutebook.custody.erase import erase as erase_planned
from minutebook.custody.ledger import Ledger
from minutebook.custody.retention import Due, all_due, prune_log
from minutebook.errors import Invalid, NotFound
from minutebook.store import index

Org = Annotated[str | None, typer.Option(help="The organization: its id or its exact name, if there are several.")]

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")]


def erase(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it stays in the log. Say that somebody asked, not who.")],
    person: Annotated[str, typer.Option(help="Whose: their address or their id (usr_…).")] = "",
    event: Annotated[int | None, typer.Option(help="Or one event, by its number.", min=0)] = None,
    field: Annotated[str, typer.Option(help="And its field, such as context.ip or targets.0.")] = "",
    org: Org = None,
    yes: Yes = False,
) -> None:
    """Erase what names a person, or one field of an event, for good; the log goes on proving that it was recorded.

    First the plan is shown. What a legal hold is on is left. With SQLite the server must be stopped.

    [bold]Examples[/bold]

        minutebook erase --person bob@example.com --reason "Asked by letter of 3 May"

        minutebook erase --event 4117 --field context.ip --reason "Recorded by mistake"
    """
    if bool(person) == (event is not None):
        raise Invalid.one("person", "Say whose with --person, or which event with --event and --field.")
    settings = settings_of(context)
    with writing(settings) as store:
        with store.reading() as connection:
            number = choose(connection, org).number
            if event is None:
                plan = plan_person(connection, number, person)
            else:
                try:
                    plan = plan_field(connection, number, event, field)
                except NotFound:
                    raise Invalid.one("event", f"There is no event {event:,} in this log.") from None
        _tell(plan)
        if plan.subject or plan.email:
            _tell_elsewhere(plan, copies(store))
        if not plan.fields:
            return
        if not yes:
            typer.confirm("Erase this for good?", abort=True)
        done = erase_planned(store, operator_seat(number), plan, reason, Ledger(settings.custody))
        index.follow_all(store)
        store.scrub()
    numbers = ", ".join(f"{one.seq:,}" for one in done)
    say(f"Erased, as event {numbers} of the log says." if done else "Nothing was left to erase.")


def prune(context: typer.Context, org: Org = None, yes: Yes = False) -> None:
    """Prune what is older than the retention of an organization says, as the server does every day.

    First it is shown what would go. With SQLite the server must be stopped.

    [bold]Examples[/bold]

        minutebook prune --org "Calder Robotics"

        minutebook prune --yes
    """
    settings = settings_of(context)
    with writing(settings) as store:
        with store.reading() as connection:
            number = choose(connection, org).number
        with store.reading() as connection:
            step = find_step(connection, number)
        if step:
            say("The clock went forward, and no owner has confirmed that it is right: nothing is pruned.")
            return
        at = store.clock()
        with store.reading() as connection:
            planned = list(all_due(connection, number, at))
        for one in planned:
            say(_told(one))
        if not any(one.count for one in planned):
            say("Nothing else is older than it may be." if planned else "Nothing is older than it may be.")
            return
        if not yes:
            typer.confirm("Prune this for good?", abort=True)
        done = prune_log(store, number, Ledger(settings.custody), at)
        index.follow_all(store)
        store.scrub()
    for event in done:
        say(f"Pruned {event.details['count']:,} of {event.details['family']}, as event {event.seq:,} of the log says.")


def _tell_elsewhere(plan: Plan, beside: list[Path]) -> None:
    if plan.elsewhere:
        say("Beside the log it still stands in these. What is done about them is recorded, so do it before you erase:")
    for one in plan.elsewhere:
        say(f"  {one.title}{f' {shown(one.name)}' if one.name else ''}: {one.todo}")
    if beside:
        say("Copies of the database that still have it. Delete those that you do not need:")
    for file in beside:
        say(f"  {file}")


def _told(due: Due) -> str:
    """Such as: mode.*, kept for 90 days: 2 events, from number 3 to 17; legal holds keep 1 more."""
    count = number_of(due.count, "event")
    numbers = f", number {due.first:,}" if due.count == 1 else f", from number {due.first:,} to {due.last:,}"
    held = f"; legal holds keep {due.held:,}{' more' if due.count else ''}" if due.held else ""
    return f"{due.family}.*, kept for {due.days:,} days: {count}{numbers if due.count else ''}{held}."


def _tell(plan: Plan) -> None:
    if plan.held:
        say(f"A legal hold is on {len(plan.held):,} of the events; they are left as they are.")
    if not plan.fields:
        say("Nothing else is there to erase." if plan.held else "Nothing in this log names them.")
        return
    say(f"{number_of(plan.number, 'field')} in {number_of(plan.events, 'event')}:")
    for path, number in plan.by_path.items():
        say(f"  {path}: {number:,}")
