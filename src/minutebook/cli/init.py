"""minutebook init."""

from __future__ import annotations

from textwrap import wrap

import typer
from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from minutebook.cli.console import complain, say
from minutebook.cli.deployment import current_store, open_to_others, settings_of
from minutebook.config import CONFIG_FILE, Settings


def init(context: typer.Context) -> None:
    """Make the data directory, a commented minutebook.toml and the database.

    What is there already stays as it is, so it can be run again.

    [bold]Examples[/bold]

        minutebook init

        minutebook --data-directory /var/lib/minutebook init
    """
    settings = settings_of(context)
    with current_store(settings, lambda saved: say(f"The database was backed up first: {saved}")) as store:
        say(f"Database: {store.url.render_as_string()}")
    file = settings.data_directory / CONFIG_FILE
    if not file.exists():
        file.touch(mode=0o600)  # a password may be put into it
        file.write_text(commented_toml(), encoding="utf-8")
    say(f"Settings: {file}")
    for problem in open_to_others(settings):
        complain(problem)
    say("Next: minutebook serve")


def commented_toml() -> str:
    """Every setting that may stand in this file with its description and default, commented out."""
    lines = ["# Settings of Minutebook. Environment variables (MINUTEBOOK_PORT=8000) go before this file.", ""]
    for name, field in Settings.model_fields.items():
        if name == "data_directory":
            continue
        lines += wrap(field.description or "", 110, initial_indent="# ", subsequent_indent="# ")
        lines += [f"#{name} = {_toml(field.default)}", ""]
    return "\n".join(lines)


def _toml(default: object) -> str:
    if default is None or default is PydanticUndefined or isinstance(default, SecretStr):
        return '""'
    if isinstance(default, tuple):
        return "[]"
    return str(default) if isinstance(default, int) else f'"{default}"'
