"""What stands in the place of an event's secret once something of the event was erased.

The secret opens every commitment, also those of what was erased: whoever holds it could guess an erased value and see
that it is the one. So it is destroyed, and what is still needed of it is written out: the nonce, the salts of what is
still there, and the commitments of what is not. The leaf, and with it every proof, stays what it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import orjson

from minutebook.evidence.canonical import canonical
from minutebook.evidence.leaf import SECRET_SIZE, commitment, nonce, salt
from minutebook.model import Json

NUMBER = 32
"""Bytes of a nonce, a salt and a commitment."""


class NotRemains(ValueError):
    """The bytes are neither a secret nor what remains of one."""


@dataclass(frozen=True, slots=True)
class Remains:
    """The nonce of the leaf, the salt of each disclosure that is there, the commitment of each that is gone."""

    nonce: bytes
    salts: Mapping[str, bytes]
    gone: Mapping[str, bytes]

    def commitments(self, disclosures: Mapping[str, bytes]) -> dict[str, bytes]:
        """The commitment of every path of the event, whether its text is there or erased (empty). Raises NotRemains
        where these are not the disclosures that remain."""
        there = {path: text for path, text in disclosures.items() if text}
        if there.keys() != self.salts.keys() or disclosures.keys() - there.keys() != self.gone.keys():
            raise NotRemains("the remains are not those of these disclosures")
        return {path: commitment(path, self.salts[path], text) for path, text in there.items()} | dict(self.gone)

    def without(self, paths: Collection[str], disclosures: Mapping[str, bytes]) -> Remains:
        """What remains once the texts at some paths are erased, too."""
        lost = {path: commitment(path, self.salts[path], disclosures[path]) for path in paths}
        salts = {path: value for path, value in self.salts.items() if path not in lost}
        return Remains(self.nonce, salts, {**self.gone, **lost})

    def to_bytes(self) -> bytes:
        """Canonical JSON, every number in hexadecimal."""
        return canonical({"nonce": self.nonce.hex(), "salts": _written(self.salts), "gone": _written(self.gone)})


def remains_of(stored: bytes, paths: Collection[str]) -> Remains:
    """What is stored of the secret of an event with these paths: the secret itself, or its remains. Raises
    NotRemains."""
    if len(stored) == SECRET_SIZE:
        return Remains(nonce(stored), {path: salt(stored, path) for path in paths}, {})
    try:
        read = orjson.loads(stored)
        remains = Remains(bytes.fromhex(read["nonce"]), _read(read["salts"]), _read(read["gone"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotRemains("neither a secret nor what remains of one") from error
    numbers = (remains.nonce, *remains.salts.values(), *remains.gone.values())
    if remains.to_bytes() != stored or not remains.gone or any(len(number) != NUMBER for number in numbers):
        raise NotRemains("remains that are not written so")
    return remains


def _written(numbers: Mapping[str, bytes]) -> Json:
    return {path: number.hex() for path, number in numbers.items()}


def _read(numbers: Mapping[str, str]) -> dict[str, bytes]:
    return {path: bytes.fromhex(number) for path, number in numbers.items()}
