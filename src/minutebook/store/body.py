"""The disclosures of an event as they are stored: small, and to the byte what was committed to.

    stored = version (1 byte) ‖ zstd frame ‖ CRC-32 of both (4 bytes, big-endian)
    plain  = path *( TAB path ) LF *( JSON text LF )       ; what the frame holds, paths and texts in one order

An erased text is an empty one, which is no JSON. Canonical JSON has no raw tab or line feed. Events of one action have
the same paths in the same order, so that a line of JSON for programs is made by putting the texts into a template,
without reading any of them.

The frame has neither magic number nor checksum, and is made with the dictionary of its version, which is part of this
package and never changes once released: without it nothing can be read.
"""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from importlib.resources import files
from operator import itemgetter
from typing import Any

import zstandard

VERSION = b"\x01"
CRC = 4
LEVEL = 3
LARGEST = 64 * 1024 * 1024
"""No act has disclosures of so many bytes; a frame that claims more is none of ours."""

NULL = b"null"
PRUNED = b""
"""In the place of all the disclosures of an event."""
GROUPS: dict[str, tuple[str, ...]] = {
    "actor": ("kind", "id", "email", "name", "on_behalf_of", "credential"),
    "targets": (),
    "context": ("ip", "user_agent", "request_id", "session_id", "client"),
    "details": (),
}
"""The parts of an event in the order of its JSON, with the names that are there even where nothing is disclosed."""


class NotStoredSo(ValueError):
    """The bytes are not the disclosures of an event as they are stored."""


class _Codec(threading.local):
    """To compress and back, for each thread its own: neither serves two at a time."""

    @cached_property
    def compress(self) -> Callable[[bytes], bytes]:
        parameters = zstandard.ZstdCompressionParameters.from_level(
            LEVEL,
            format=zstandard.FORMAT_ZSTD1_MAGICLESS,
            write_content_size=True,
            write_checksum=False,
            write_dict_id=False,
        )
        return zstandard.ZstdCompressor(dict_data=dictionary(), compression_params=parameters).compress

    @cached_property
    def decompress(self) -> Callable[[bytes], bytes]:
        return zstandard.ZstdDecompressor(
            dict_data=dictionary(), format=zstandard.FORMAT_ZSTD1_MAGICLESS, max_window_size=LARGEST
        ).decompress


_codec = _Codec()


def pack(disclosures: Mapping[str, bytes]) -> bytes:
    """Disclosures (path → JSON text) as they are stored."""
    return wrapped(plain_of(disclosures))


def plain_of(disclosures: Mapping[str, bytes]) -> bytes:
    """What the frame of these disclosures holds."""
    return b"".join(
        (b"\t".join(path.encode() for path in disclosures), b"\n", *(text + b"\n" for text in disclosures.values()))
    )


def wrapped(plain: bytes) -> bytes:
    """The stored form of what a frame holds."""
    stored = VERSION + _codec.compress(plain)
    return stored + zlib.crc32(stored).to_bytes(CRC, "big")


def plain(stored: object) -> bytes:
    """What the frame holds. Raises NotStoredSo for bytes that were changed in any place."""
    if not isinstance(stored, bytes) or stored[:1] != VERSION or len(stored) <= len(VERSION) + CRC:
        raise NotStoredSo("no disclosures of a known version")
    if zlib.crc32(stored[:-CRC]).to_bytes(CRC, "big") != stored[-CRC:]:
        raise NotStoredSo("disclosures that were changed")
    return unchecked(stored)


def unchecked(stored: bytes) -> bytes:
    """What the frame holds, for whoever only shows it. Raises NotStoredSo where it cannot be told."""
    try:
        return _codec.decompress(stored[1:-CRC])
    except zstandard.ZstdError as error:
        raise NotStoredSo("disclosures that cannot be unpacked") from error


def unpack(stored: bytes) -> dict[str, bytes]:
    """The inverse of `pack`. Raises NotStoredSo for what it cannot have written."""
    head, *texts = plain(stored).split(b"\n")
    paths = head.decode().split("\t")
    if len(texts) != len(paths) + 1 or texts[-1] or len(set(paths)) != len(paths):
        raise NotStoredSo("disclosures without their paths")
    return dict(zip(paths, texts, strict=False))


def texts(stored: bytes, paths: tuple[str, ...]) -> tuple[bytes, ...]:
    """The texts at some paths, for `value`; `null` where nothing is disclosed."""
    lines = unchecked(stored).split(b"\n")
    return tuple([NULL if at is None else lines[at] for at in _places(lines[0], paths)])


def value(text: bytes) -> Any:
    """What a text says, None for that of an erased one."""
    if text in (NULL, b""):
        return None
    if text[:1] == b'"' and b"\\" not in text:
        return text[1:-1].decode()
    return json.loads(text)


def told(held: bytes) -> tuple[list[bytes], tuple[str, ...]]:
    """Of what a frame holds: the line of the paths, then the text of each, `null` for an erased one; and the paths of
    those that are erased."""
    lines = held.split(b"\n")
    if lines.count(b"") == 1:  # behind the last line feed
        return lines, ()
    erased = tuple(path for path, text in zip(lines[0].decode().split("\t"), lines[1:], strict=False) if not text)
    return [line or NULL for line in lines], erased


def json_of(stored: bytes) -> tuple[bytes, tuple[str, ...]]:
    """`"actor":{…},"targets":[…],"context":{…},"details":{…}`: every text as it was committed to, `null` for an erased
    one; and the paths of those."""
    lines, erased = told(unchecked(stored))
    shape = shape_of(lines[0])
    return shape.template % shape.pick(lines), erased


@dataclass(frozen=True, slots=True)
class Shape:
    """How the lines of a frame become JSON: `template % pick(lines)`; the first has the paths."""

    template: bytes
    pick: Callable[[list[bytes]], tuple[bytes, ...]]


@lru_cache(maxsize=4096)
def shape_of(head: bytes) -> Shape:
    """The shape of the paths in the first line of a frame. Raises NotStoredSo for paths that no event has."""
    paths = head.decode().split("\t")
    order: list[int] = []
    parts: list[bytes] = []
    for group, known in GROUPS.items():
        inside = {path.partition(".")[2]: at for at, path in enumerate(paths, 1) if path.partition(".")[0] == group}
        names = [*known, *(name for name in inside if name not in known)]
        if group == "targets":
            order += [inside[str(number)] for number in range(len(inside))]
            parts.append(b'"targets":[' + b",".join([b"%b"] * len(inside)) + b"]")
            continue
        order += [inside[name] for name in names if name in inside]
        members = [_key(name) + (b"%b" if name in inside else NULL) for name in names]
        parts.append(_key(group) + b"{" + b",".join(members) + b"}")
    if len(order) != len(paths):
        raise NotStoredSo("a path that no event has")
    return Shape(b",".join(parts), itemgetter(*order) if len(order) > 1 else lambda lines: (lines[order[0]],))


def _key(name: str) -> bytes:
    return json.dumps(name).encode().replace(b"%", b"%%") + b":"


@lru_cache(maxsize=4096)
def _places(head: bytes, paths: tuple[str, ...]) -> tuple[int | None, ...]:
    places = {path: at for at, path in enumerate(head.decode().split("\t"), 1)}
    return tuple(places.get(path) for path in paths)


@cache
def dictionary() -> zstandard.ZstdCompressionDict:
    """The words that most events share; `tools/train_dictionary.py` has made them."""
    return zstandard.ZstdCompressionDict(files("minutebook.store").joinpath("disclosures-1.zdict").read_bytes())
