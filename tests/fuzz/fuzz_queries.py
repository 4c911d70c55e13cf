"""The harness of Atheris: `python tests/fuzz/fuzz_queries.py -max_total_time=20`, with the options of libFuzzer."""

from __future__ import annotations

import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))

with atheris.instrument_imports(include=["minutebook.filters"]):
    from minutebook.filters import filter_of, language
    from minutebook.filters.completion import candidates, inserted, typed_at
    from minutebook.filters.language import BadQuery
    from minutebook.filters.moments import Here

HERE = Here(ZoneInfo("Europe/Berlin"), 1_794_700_800_000_000)


def try_query(data: bytes) -> None:
    """One text: read, written, read again, and completed at a place that follows from it."""
    query = data.decode(errors="surrogateescape")
    complete(query, sum(data) % (len(query) + 1))
    try:
        found = language.read(query, HERE)
    except BadQuery as bad:
        assert 0 <= bad.at < len(query) or len(query) > language.LONGEST
        assert bad.fix is None or language.read(bad.fix, HERE) is not None
        return
    filter_of(found)
    assert language.read(language.write(found), HERE) == found
    assert language.read(language.write(found, HERE.zone), HERE) == found


def complete(query: str, at: int) -> None:
    """Whatever is offered takes the place of what is typed."""
    typed = typed_at(query, at)
    if typed:
        assert 0 <= typed.start <= at <= typed.end <= len(query)
        assert all(inserted(candidate, typed) for candidate in candidates(typed, HERE))


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_query)
    atheris.Fuzz()
