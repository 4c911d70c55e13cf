"""minutebook erase, minutebook prune."""

from __future__ import annotations

from typing import Annotated

import typer

from minutebook.cli.console import say
from minutebook.cli.deployment import operator_seat, settings_of, writing
from minutebook.cli.org import choose
from minutebook.custody.clock import find_step
from minutebook.custody.erase import Plan, plan_field, plan_person
from minutebook.custody.erase import erase as erase_planned
from minutebook.custody.ledger import Ledger
from minutebook.custody.retention import prune_log, record_step_at_start
from minutebook.errors import Invalid, NotFound
from minutebook.store import index

Org = Annotated[str | None, typer.Option(help="The organization: its id or its exact name, if there are several.")]


def erase(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; it stays in the log. Say that somebody asked, not who.")],
    person: Annotated[str, typer.Option(help="Whose: their address or their id (usr_…).")] = "",
    event: Annotated[int | None, typer.Option(help="Or one event, by its number.", min=0)] = None,
    field: Annotated[str, typer.Option(help="And its field, such as context.ip or targets.0.")] = "",
    org: Org = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")] = False,
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
        if not plan.fields:
            return
        if not yes:
            typer.confirm("Erase this for good?", abort=True)
        done = erase_planned(store, operator_seat(number), plan, reason, Ledger(settings.custody))
        index.follow_all(store)
        store.scrub()
    numbers = ", ".join(f"{one.seq:,}" for one in done)
    say(f"Erased, as event {numbers} of the log says." if done else "Nothing was left to erase.")


def prune(context: typer.Context, org: Org = None) -> None:
    """Prune what is older than the retention of an organization says, as the server does every day.

    With SQLite the server must be stopped.

    [bold]Example[/bold]

        minutebook prune --org "Calder Robotics"
    """
    settings = settings_of(context)
    with writing(settings) as store:
        with store.reading() as connection:
            number = choose(connection, org).number
        record_step_at_start(store)
        with store.reading() as connection:
            step = find_step(connection, number)
        if step:
            say("The clock went forward, and no owner has confirmed that it is right: nothing is pruned.")
            return
        done = prune_log(store, number, Ledger(settings.custody))
        index.follow_all(store)
        store.scrub()
    for event in done:
        say(f"Pruned {event.details['count']} events of {event.details['family']}.")
    if not done:
        say("Nothing is older than it may be.")


def _tell(plan: Plan) -> None:
    if plan.held:
        say(f"A legal hold is on {len(plan.held):,} of the events; they are left as they are.")
    if not plan.fields:
        say("Nothing else is there to erase." if plan.held else "Nothing in this log names them.")
        return
    say(f"{plan.number:,} fields in {plan.events:,} events:")
    for path, number in plan.by_path.items():
        say(f"  {path}: {number:,}")
