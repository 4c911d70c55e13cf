"""Makes the zstd dictionary with which disclosures are stored (store/body.py), from a database of samples.

    .venv/bin/python tools/train_dictionary.py one.sqlite3 other.sqlite3 src/minutebook/store/disclosures-1.zdict

A released dictionary is never made anew: what was stored with it could not be read any more. A better one gets the next
number and a version of its own.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import zstandard
from sqlalchemy import select

from minutebook.store import body, schema
from minutebook.store.engine import Store

SIZE = 24 * 1024
SAMPLES = 5_000
"""From each source, so that none outweighs the others."""


def main() -> None:
    *sources, target = map(Path, sys.argv[1:])
    samples: list[bytes | bytearray | memoryview] = []
    for source in sources:
        store = Store(f"sqlite:///{source.absolute()}", lock=False)
        with store.reading() as connection:
            stored = connection.execute(select(schema.event.c.disclosures)).scalars()
            found = [body.plain(text) for text in stored]
        samples += random.Random(1).sample(found, min(SAMPLES, len(found)))
        store.close()
    made = zstandard.train_dictionary(SIZE, samples, level=body.LEVEL)
    target.write_bytes(made.as_bytes())
    print(f"{target}: {len(made.as_bytes()):,} bytes from {len(samples):,} samples")


if __name__ == "__main__":
    main()
