"""Source code as a tree."""

from __future__ import annotations

import ast


def parsed(source: str) -> ast.Module:
    """The tree of a module.

    Python 3.11 sometimes loses count of how deep in a tree it is, such as when another thread parses at the same time
    to tell of an error, and raises SystemError (https://github.com/python/cpython/issues/106905).
    """
    for _ in range(5):
        try:
            return ast.parse(source)
        except SystemError:
            continue
    return ast.parse(source)
