"""Where is searched: one organization's log, and what of it is there for who asks."""

from __future__ import annotations

from dataclasses import dataclass

from minutebook.filters import Filter, expression_of
from minutebook.filters.expression import NOTHING_ASKED, Expression, all_of


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization's log, as far as it went when the first page was opened.

    `within` is what the events must fit besides, whatever is asked for: the rest of the log is not there for who asks.
    """

    organization: int
    size: int
    within: Expression = NOTHING_ASKED

    def asking(self, filter_: Filter) -> Expression:
        """What an event of the scope must fit to be found."""
        return all_of([self.within, expression_of(filter_)])
