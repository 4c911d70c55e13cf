"""Where is searched: one organization's log, and what of it is there for who asks."""

from __future__ import annotations

from dataclasses import dataclass

from minutebook.filters import Filter, Here, expression_of
from minutebook.filters.expression import NOTHING_ASKED, Expression, all_of
from minutebook.filters.moments import ANYWHERE, resolved


@dataclass(frozen=True, slots=True)
class Scope:
    """One organization's log, as far as it went when the first page was opened.

    `within` is what the events must fit besides, whatever is asked for: the rest of the log is not there for who asks.
    Its times are instants, of when the answer is given: a page that was opened long ago shows nothing that is over.
    `here` is where and when the first page was asked for: a filter with relative times cannot be asked without its now.
    """

    organization: int
    size: int
    within: Expression = NOTHING_ASKED
    here: Here = ANYWHERE

    def meant(self, filter_: Filter) -> Expression:
        """The filter with an instant for each of its times."""
        return resolved(expression_of(filter_), self.here)

    def asking(self, filter_: Filter) -> Expression:
        """What an event of the scope must fit to be found."""
        return all_of([self.within, self.meant(filter_)])
