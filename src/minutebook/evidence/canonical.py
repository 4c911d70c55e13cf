"""Canonical JSON: RFC 8785, restricted so that nobody's serializer has to agree on numbers or key order.

Keys are ASCII; values are strings, booleans, null, integers within ±(2^53−1), lists and objects; no floats. Strings
must be valid Unicode without lone surrogates. Under these restrictions orjson's sorted output is RFC 8785's.
"""

from __future__ import annotations

import orjson

from minutebook.errors import NotCanonical
from minutebook.model import Json

MAX_INTEGER = 2**53 - 1  # RFC 8785, section 3.2.2.3: beyond it I-JSON readers lose digits


def canonical(value: Json) -> bytes:
    """The one UTF-8 text of a value. Raises NotCanonical for what has none."""
    try:
        if not isinstance(value, str):  # of a text orjson itself refuses what is no Unicode
            _check(value, "The value")
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise NotCanonical(what="The value", why=str(error)) from error


def _check(value: object, where: str) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise NotCanonical(what=where, why="integers are limited to ±(2^53−1)")
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item, where)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise NotCanonical(what=where, why=f"the key {key!r} is not ASCII text")
            _check(item, f"{where}.{key}")
    else:
        raise NotCanonical(what=where, why=f"{type(value).__name__} is not a kind of value that can be recorded")
