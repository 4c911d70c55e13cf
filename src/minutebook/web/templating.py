"""The Jinja2 environment of the dashboard: every template is escaped, and a missing value is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from minutebook.actions.values import number_of
from minutebook.unseen import marked
from minutebook.web.assets import Assets
from minutebook.web.guide import Guide

JSON_KEY = re.compile(r'^( *)("(?:[^"\\]|\\.)*")(: )', re.MULTILINE)


def environment(assets: Assets) -> Environment:
    """The environment in which all pages are rendered."""
    made = Environment(
        loader=PackageLoader("minutebook.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = assets.url
    made.globals["guide"] = Guide.packaged(assets)
    made.filters.update(
        number=number,
        plural=number_of,
        initials=initials,
        visible=visible,
        json_tokens=json_tokens,
        act_parts=act_parts,
    )
    return made


def number(value: int) -> str:
    """1284 as `1,284`."""
    return f"{value:,}"


def initials(name: str) -> str:
    """At most two letters of a name or an address: `AO` for Ada Okafor."""
    words = [word for word in re.split(r"[^\w]+", name.partition("@")[0]) if word[:1].isalnum()]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else words[0][1:2])).upper()


def visible(text: str) -> str:
    """The text with unseen characters shown as marks, so that it cannot act on the page or pass for another."""
    return marked(text, _mark)


def act_parts(name: str) -> tuple[str, str]:
    """`user.login` as its noun with the dot, and its verb."""
    noun, dot, verb = name.partition(".")
    return (noun + dot, verb) if dot else ("", noun)


def json_tokens(text: str) -> Iterator[tuple[bool, str]]:
    """Indented JSON cut into keys (True) and all else, unseen characters written as JSON escapes: the same value."""
    text = marked(text, _json_escape)
    end = 0
    for match in JSON_KEY.finditer(text):
        yield False, text[end : match.start(2)]
        yield True, match.group(2)
        end = match.end(2)
    yield False, text[end:]


def _mark(c: str) -> str:
    code = ord(c)
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def _json_escape(c: str) -> str:
    if c == "\n":  # where the indented lines end
        return c
    code = ord(c)
    units = (code,) if code < 0x10000 else (0xD7C0 + (code >> 10), 0xDC00 + (code & 0x3FF))
    return "".join(f"\\u{unit:04x}" for unit in units)
