"""An HTTP server on a loopback port that answers what a test wants, and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Asked:
    """One request."""

    path: str
    body: bytes
    content_type: str
    client_port: int
    method: str
    only_new: bool
    """Whether it is to be put there only if it is not there yet (If-None-Match: *)."""


Answers = Callable[[Asked], tuple[int, dict[str, str], bytes]]


@dataclass
class Answering:
    """The server: its address, and what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)


@contextmanager
def answering(answers: Answers) -> Iterator[Answering]:
    """Answers until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            asked = Asked(
                self.path,
                self.rfile.read(length),
                self.headers.get("Content-Type", ""),
                self.client_address[1],
                self.command,
                self.headers.get("If-None-Match") == "*",
            )
            there.asked.append(asked)
            status, headers, body = answers(asked)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET = do_POST  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = Answering(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield there
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
