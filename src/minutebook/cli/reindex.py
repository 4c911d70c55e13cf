"""minutebook reindex."""

from __future__ import annotations

import typer

from minutebook.cli.console import say
from minutebook.cli.deployment import maintaining, settings_of
from minutebook.store import index


def reindex(context: typer.Context) -> None:
    """Make anew what searches use: the text index and the columns, from the events of every log.

    Needed only when doctor says so. Nothing of the record is touched. With SQLite the server must be stopped.

    [bold]Examples[/bold]

        minutebook reindex
    """
    with maintaining(settings_of(context)) as store:
        index.rebuild(store)
    say("What searches use was made anew from the events.")
