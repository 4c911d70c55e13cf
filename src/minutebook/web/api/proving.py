"""The log as a log: what was signed, tiles, and proofs, for programs that trust neither the server nor its database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request, Response
from sqlalchemy import Connection

from minutebook.errors import CustodyBroken, Invalid, NotFound, NotSignedYet
from minutebook.evidence import key_chain
from minutebook.evidence.checkpoint import origin_of
from minutebook.evidence.key_chain import BrokenChain, write_time
from minutebook.evidence.note import VerifierKey, to_base64
from minutebook.evidence.tile_path import NotATile, TilePath
from minutebook.identifiers import MOST_SEQ
from minutebook.model import rfc3339
from minutebook.store import anchor_log, checkpoints, log, tiles
from minutebook.store.checkpoints import Signed
from minutebook.store.opened import opened, proven
from minutebook.web.api import answers
from minutebook.web.api.events import JSON, SEQ, Reader, seq_of_path
from minutebook.web.api.parameters import Accepted, whole
from minutebook.web.api.principal import OF_ORGANIZATION, Principal

TEXT, BYTES = "text/plain", "application/octet-stream"
OLD = whole("old", "The size of a head that was seen earlier.", 0, least=0, most=MOST_SEQ)
NEW = whole("new", "A larger size; that of the newest checkpoint by default.", None, least=0, most=MOST_SEQ)
NOTHING, SIZES = Accepted(filtered=False), Accepted((OLD, NEW), filtered=False)
TILE = Path(
    description="`<L>/<N>` for hashes or `entries/<N>` for leaves, with `.p/<W>` behind it for one that is not whole.",
    examples=["0/000.p/1", "entries/x001/234"],
)

router = APIRouter(prefix=OF_ORGANIZATION)


def _answered(kind: str, description: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string"} if kind == TEXT else {"type": "string", "format": "binary"}
    return {200: {"description": description, "content": {kind: {"schema": schema}}}}


@router.get("/log/checkpoint", operation_id="getCheckpoint", summary="Get the newest checkpoint",
            openapi_extra=NOTHING.described(), response_class=Response,
            responses=_answered(TEXT, "A signed note."))  # fmt: skip
def checkpoint(request: Request, reader: Reader) -> Response:
    """What was signed last of the log: its size and the root of its tree, by C2SP tlog-checkpoint. An event is signed
    at most a second after it was recorded."""
    NOTHING.read(request, reader.at)
    reader.sit()
    with reader.reading() as connection:
        signed = _latest(connection, reader)
    return Response(str(signed), media_type=TEXT)


@router.get("/log/tile/{tile:path}", operation_id="getTile", summary="Get a tile of the log",
            openapi_extra=NOTHING.described(), response_class=Response,
            responses=_answered(BYTES, "Hashes of 32 bytes; leaves, each behind its length in two."))  # fmt: skip
def tile(request: Request, reader: Reader, tile: Annotated[str, TILE]) -> Response:
    """Hashes of the tree or leaves of events, 256 at most, by C2SP tlog-tiles. A leaf holds commitments to what may
    have to be erased; what opens them comes with the proof of an event. Hashes are there for ever. Where an event was
    pruned, its leaf is no more, and entries that hold it are answered with 410."""
    NOTHING.read(request, reader.at)
    try:
        path = TilePath.parse(tile)
    except NotATile:
        raise NotFound from None
    reader.sit()
    number = reader.organization.number
    with reader.reading() as connection:
        if path.events > log.read_head(connection, number).size:
            raise NotFound
        parts: Iterable[bytes]
        first, end = path.first, path.first + path.width
        if path.level is None:
            parts = [_prefixed(one.leaf) for one in opened(connection, number, first, end)]
        else:
            parts = tiles.hashes(connection, number, path.level, first, end)
    return Response(b"".join(parts), media_type=BYTES)


@router.get("/log/consistency", operation_id="getConsistency", summary="Prove that the log only grew",
            openapi_extra=SIZES.described(), responses={200: {"model": answers.Consistency}})  # fmt: skip
def consistency(request: Request, reader: Reader) -> Response:
    """The proof that the log of a larger size begins with that of a smaller one (RFC 9162, section 2.1.4). The roots of
    both belong to checkpoints that you have."""
    given = SIZES.read(request, reader.at)
    reader.sit()
    number = reader.organization.number
    with reader.reading() as connection:
        size = log.read_head(connection, number).size
        old, new = given.of(OLD), given.of(NEW)
        if new is None:
            new = _latest(connection, reader).size
        if new > size:
            raise Invalid.one("new", f"The log has {size:,} events.")
        if old > new:
            raise Invalid.one("old", f"A log of {new:,} events cannot have grown out of one of {old:,}.")
        path = tiles.consistency(connection, number, old, new)
    answer = {"old": old, "new": new, "proof": [to_base64(hashed) for hashed in path]}
    return Response(orjson.dumps(answer), media_type=JSON)


@router.get("/events/{seq}/proof", operation_id="getProof", summary="Prove one event",
            openapi_extra=NOTHING.described(), response_class=Response,
            responses=_answered(TEXT, "A tlog-proof."))  # fmt: skip
def event_proof(request: Request, reader: Reader, seq: Annotated[str, SEQ]) -> Response:
    """All that shows offline that the event is in the log, by C2SP tlog-proof, with the newest checkpoint. Its line
    `extra` is JSON in base64: `leaf`, the leaf that is proven, and `open`, for each path the salt and the JSON text
    that the leaf commits to."""
    NOTHING.read(request, reader.at)
    index = seq_of_path(seq)
    reader.sit()
    with reader.reading() as connection:
        proof = proven(connection, reader.organization.number, index)
    return Response(str(proof), media_type=TEXT)


@router.get("/log/keys", operation_id="listKeys", summary="List the keys that sign the log",
            openapi_extra=NOTHING.described(), responses={200: {"model": answers.Keys}})  # fmt: skip
def list_keys(request: Request, reader: Reader) -> Response:
    """Every key that ever counted, and the signed statements that say so, each vouched for by a key before it. Pin one
    that you have from elsewhere: these come from the server that they are to vouch for."""
    NOTHING.read(request, reader.at)
    reader.sit()
    with reader.reading() as connection:
        log_id = log.read_head(connection, reader.organization.number).log_id
    host, statements = None, list[str]()
    if custody := reader.site.custody:
        with custody.reading() as held:
            host, statements = (held.host(), held.statements()) if held else (None, [])
    try:
        known = key_chain.follow(statements).values()
    except BrokenChain as error:
        raise CustodyBroken(why=str(error)) from error
    origin = None if host is None else origin_of(host, log_id)
    keys = [
        {
            "vkey": str(VerifierKey(origin or "", one.public)),
            "since": write_time(one.since),
            "cut_off": None if one.cut_off is None else write_time(one.cut_off),
        }
        for one in known
    ]
    return Response(orjson.dumps({"origin": origin, "keys": keys, "statements": statements}), media_type=JSON)


@router.get("/log/anchors", operation_id="listAnchors", summary="List who has seen the log",
            openapi_extra=NOTHING.described(), responses={200: {"model": answers.Anchors}})  # fmt: skip
def list_anchors(request: Request, reader: Reader) -> Response:
    """What anchors said of the head of the log: who keeps it where whoever runs Minutebook cannot change it, or has
    signed that they have seen it. The anchor log of the deployment has the heads of all its logs, and is shown to
    others, too."""
    NOTHING.read(request, reader.at)
    reader.sit()
    number = reader.organization.number
    with reader.reading() as connection:
        signed = checkpoints.latest(connection, number)
        states = anchor_log.states(connection, number)
    anchors = [
        asdict(one) | {"at": one.at and rfc3339(one.at), "state": "failed" if one.error else "done"} for one in states
    ]
    return Response(orjson.dumps({"size": signed.size if signed else 0, "anchors": anchors}), media_type=JSON)


def _latest(connection: Connection, reader: Principal) -> Signed:
    """The newest checkpoint. Raises NotSignedYet."""
    signed = checkpoints.latest(connection, reader.organization.number)
    if signed is None:
        raise NotSignedYet
    return signed


def _prefixed(leaf: bytes) -> bytes:
    return len(leaf).to_bytes(2, "big") + leaf
