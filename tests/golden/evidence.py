"""Evidence that must verify for ever: everything.zip and selection.zip, with what was told of them then.

They were written once, by `python -m tests.golden.evidence`. A verifier that refuses them breaks the promise to all who
keep evidence: never write them anew. A change of the format is a new version, with evidence of its own beside these.
"""

from __future__ import annotations

from pathlib import Path

from minutebook.evidence.note import Note, cosign
from minutebook.evidence.note import to_base64 as encoded
from tests.support.evidence import KEY, NOON, OTHER_KEY, WITNESS, WITNESS_KEY, Log, key_statement, summed, written

FOLDER = Path(__file__).parent
NAMES = ("everything.zip", "selection.zip")
VKEY = "log.example/o/log_00000000000000000000000000000002+9a94226c+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS_VKEY = "witness.example/w+765b7931+BEPNwCPSLV+eEH0aBpNFfTXR0Q630hxyEZL1b13kBmXT"


HEAD = """\
log.example/o/log_11111111111111111111111111111111
13
pG51hKaA5pK+GE+68jRHceSD0JX7ZYi0xbA0iWdu4+E=

— log.example/o/log_11111111111111111111111111111111 TG6vBCmiCygjAkArcpy9zJC+eOJF8CzbsDvmK2K8oAvrQF40DNJHqc8PtOj2ewJJJQ/kqaaOxBWAPwSKO1KP+benHwk=
"""  # noqa: E501
"""A head that somebody has kept from before the backup was restored."""


def main() -> None:
    """Writes both, where they are not there yet."""
    log = Log().fill(12)
    log.erase((3, "actor.email"), (4, "targets.0"))
    log.prune((5, 6), (8, 8))
    log.restore(14)
    log.add("log.clock_step", at=NOON - 60)
    log.add(at=NOON - 59)
    keys = {
        "keys/0": key_statement(0, f"add {encoded(KEY.public)} since 2026-11-01T00:00:00Z", KEY),
        "keys/1": key_statement(1, f"add {encoded(OTHER_KEY.public)} since 2026-12-01T00:00:00Z", KEY, OTHER_KEY),
    }
    signed = log.checkpoint(key=OTHER_KEY)
    head = Note(signed.text, (*signed.signatures, cosign(signed.text, WITNESS_KEY.name, WITNESS, NOON)))
    for name, files in (
        ("everything.zip", log.evidence(withheld=["context.ip"], chain=[4, 13])),
        ("selection.zip", log.evidence([3, 6, 12, 13, 14, 15, 16], withheld=["actor.*"], chain=[4, 13])),
    ):
        if not (FOLDER / name).exists():
            written(summed({**files, **keys, "checkpoint": str(head).encode()}), FOLDER / name)


if __name__ == "__main__":
    main()
