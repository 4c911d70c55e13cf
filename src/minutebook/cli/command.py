"""How a command reads what it is given, where a query may be among it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.core import TyperCommand
from typer.exceptions import TyperException

from minutebook.cli.console import shown


class Command(TyperCommand):
    """A command. A query that begins with a minus would be taken for an option, `-outcome:denied` even for the file
    that is called so: instead, it is said where it goes."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options = {name for parameter in self.params for name in parameter.opts}
        if "query" not in options:
            return super().parse_args(ctx, args)
        hint = f"A query that begins with a minus goes behind --, at the end: {ctx.command_path} -- '-outcome:success'"
        if negated := next(filter(_is_negated_term, self._words(args)), None):
            raise typer.BadParameter(f"{shown(negated)} is no option. {hint}", ctx)
        try:
            return super().parse_args(ctx, args)
        except TyperException as error:
            option = getattr(error, "option_name", "")
            if option[:1] == "-" != option[1:2] and option not in options:
                error.message += f"\n{hint}"
            raise

    def _words(self, args: list[str]) -> Iterator[str]:
        """What is given before `--`, but for the values of options."""
        with_value = {name for one in self.params if not getattr(one, "is_flag", True) for name in one.opts}
        is_value = False
        for word in args:
            if word == "--" and not is_value:
                return
            if not is_value:
                yield word
            is_value = not is_value and word in with_value


def _is_negated_term(word: str) -> bool:
    from minutebook.filters.terms import DETAILS, TERMS  # which only commands with a query need

    key, colon, _ = word.removeprefix("-").partition(":")
    return bool(word[:1] == "-" and colon) and (key in TERMS or key.startswith(DETAILS))
