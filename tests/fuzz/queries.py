"""Queries to break the language with: any text, and queries that were right before something happened to them."""

from __future__ import annotations

from hypothesis import strategies as st

from minutebook.filters.terms import TERMS

RIGHT = (
    *(example for kind in TERMS.values() for example in kind.examples),
    '-(action:member.* OR outcome:denied) actor:"ada@example.com" after:-7d',
    'target:"billing manager","a, b (c)" AND details.models.added:*opus*',
    "before:2026-11-06T17:05:30.000001 seq:1000 ip:::1 -id:019372a4-5c6e-7a10-8b3f-2f1e0d9c8b7a",
    r'"say \"yes\" \\" OR 17:05 OR (((a)))',
)
"""Queries that are understood, and between them everything that the grammar knows."""
PIECES = (
    *(f"{key}:" for key in TERMS),
    *(
        "details.",
        "details.a.b:",
        "OR",
        "AND",
        "NOT",
        "-",
        "(",
        ")",
        ",",
        '"',
        "\\",
        ":",
        "*",
        "..",
        " ",
        "\n",
        "\0",
        "%",
        "_",
    ),
    *("\u202e", "\u200b", "\ufeff", "e\u0301", "\ufb01", "\u0130", "\u00df", "\U0001d54f", "\u0663", "\ud800"),
    *("-7d", "999999w", "9999-12-31", "1e999"),
)


def queries() -> st.SearchStrategy[str]:
    """Any text, pieces of the language in any order, and queries with something put in, taken out or doubled."""
    return st.one_of(st.text(max_size=80), st.lists(st.sampled_from(PIECES), max_size=25).map("".join), _mutated())


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    query = " ".join(draw(st.lists(st.sampled_from(RIGHT), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(1, 4))):
        first = draw(st.integers(0, len(query)))
        last = draw(st.integers(first, min(len(query), first + 8)))
        put = draw(st.one_of(st.just(""), st.sampled_from(PIECES), st.text(max_size=3), st.just(query[first:last] * 2)))
        query = query[:first] + put + query[last:]
    return query
