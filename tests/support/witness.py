"""A witness that runs, and a log of invented events that it sees."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import uvicorn

from minutebook.evidence import note, proof
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import Note, PrivateKey, VerifierKey
from minutebook.evidence.proof import Node
from minutebook.evidence.submission import Submission
from minutebook.evidence.tree import leaf_hash, root_of
from minutebook.outgoing import Answer, Outgoing
from minutebook.serve import config_of
from minutebook.witness.app import create_app
from minutebook.witness.book import Book

LOOPBACK = (ip_network("127.0.0.0/8"),)


def loopback() -> Outgoing:
    """Sends requests to this machine."""
    return Outgoing(LOOPBACK)


@contextmanager
def witnessing(book: Book) -> Iterator[str]:
    """The address at which the witness answers, until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config_of(create_app(book), 5))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    end = time.monotonic() + 20
    while not server.started:
        assert time.monotonic() < end
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


@dataclass
class InventedLog:
    """A log with a key, whose events are numbers."""

    origin: str = "log.example/o/log_1"
    key: PrivateKey = field(default_factory=lambda: PrivateKey(b"\x07" * 32))
    salt: bytes = b""

    @property
    def vkey(self) -> VerifierKey:
        return VerifierKey(self.origin, self.key.public)

    def hashes(self, size: int) -> list[bytes]:
        return [leaf_hash(self.salt + bytes([number % 256])) for number in range(size)]

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(self.origin, size, root_of(self.hashes(size)))

    def note(self, size: int) -> str:
        text = self.checkpoint(size).text()
        return str(Note(text, (note.sign(text, self.origin, self.key),)))

    def path(self, old: int, size: int) -> proof.Path:
        hashes = self.hashes(size)

        def read(nodes: object) -> dict[Node, bytes]:
            assert isinstance(nodes, list)
            return {
                node: root_of(hashes[node.number << node.height : (node.number + 1) << node.height]) for node in nodes
            }

        return proof.prove_consistency(read, old, size)

    def submission(self, old: int, size: int) -> bytes:
        return Submission(old, self.path(old, size), self.note(size)).to_bytes()


class Direct(Outgoing):
    """Reaches a witness without the network."""

    def __init__(self, book: Book) -> None:
        super().__init__()
        self._book = book

    def post(self, url: str, body: bytes, content_type: str) -> Answer:
        del url, content_type
        reply = self._book.add_checkpoint(body)
        return Answer(reply.status, reply.content_type, reply.body.encode())
