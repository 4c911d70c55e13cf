"""What an address of Audit Logs gives: its keys and values, and what turns out to be wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from minutebook.errors import Invalid, Problem
from minutebook.filters import EVERYTHING, Filter, Here, language, parse
from minutebook.filters.expression import NOTHING_ASKED, Expression
from minutebook.filters.language import BadQuery
from minutebook.web.log_address import BOX, TWICE, Pairs


class Given:
    """The keys and values of an address, and what turns out to be wrong with them."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.pairs = tuple(pairs)
        self.problems: list[Problem] = []
        self.bad_queries: tuple[BadQuery, ...] = ()
        self.not_understood: dict[str, str] = {}
        """What is left of a query without what was understood of it."""

    def of(self, *keys: str) -> Pairs:
        return tuple(pair for pair in self.pairs if pair[0] in keys)

    def texts(self, key: str) -> list[str]:
        """The values of a key that are not blank."""
        return [text for _, text in self.of(key) if text.strip()]

    def typed(self, key: str) -> str:
        """What a field of the form holds: as it was typed."""
        return next(iter(self.texts(key)), "")

    def one(self, key: str) -> str | None:
        """The single value of a key; None for none, and for several, which is wrong."""
        texts = self.texts(key)
        if len(texts) > 1:
            self.problems.append(Problem(key, TWICE.format(key=key)))
        return texts[0] if len(texts) == 1 else None

    def parsed(self, pairs: Sequence[tuple[str, str]]) -> Filter:
        """The filter of some of the pairs; nothing of it when they are wrong."""
        try:
            return parse(pairs)
        except Invalid as invalid:
            self.problems.extend(invalid.problems)
            return EVERYTHING

    def asked(self, key: str, here: Here) -> tuple[Expression, tuple[BadQuery, ...]]:
        """What a query asks for, and what is wrong: of the search box what is understood, of a wrong `q` nothing."""
        text = self.one(key) or ""
        asked, mistakes = language.read_what_can_be(text, here)
        if not mistakes:
            return asked, ()
        if key != BOX:
            return NOTHING_ASKED, mistakes
        self.not_understood[key] = " ".join(text[slice(*bad.clause)] for bad in mistakes)
        return asked, mistakes

    def refuse(self, key: str, mistakes: Sequence[BadQuery], beside: str) -> None:
        """What is wrong in a query, shown in a box that holds what is asked beside it, too."""
        before, after = (f"{beside} ", "") if beside else ("", "")
        if beside and mistakes[0].is_joined:
            before, after = f"{before}(", ")"
        self.bad_queries = tuple(bad.inside(before, after) for bad in mistakes)
        self.problems.extend(Problem(key, bad.message) for bad in mistakes)

    def wrong(self, *keys: str) -> bool:
        return any(problem.field in keys for problem in self.problems)
