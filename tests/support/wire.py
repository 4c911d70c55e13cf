"""What stands between a client and a server and is not to be relied on: answers that break off, or arrive altered."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

Change = Callable[[bytes], bytes]


class Wire:
    """Passes on what clients send to `server`, and its answers, of which each connection gets at most `most` bytes.

    `change` makes something else of the answers.
    """

    def __init__(self, server: str) -> None:
        self.most: int | None = None
        self.change: Change = bytes
        self.connections = 0
        self._server = urlsplit(server)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def run(self) -> None:
        """Until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                self.connections += 1
                threading.Thread(target=self._connect, args=(client, self.most, self.change), daemon=True).start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _connect(self, client: socket.socket, most: int | None, change: Change) -> None:
        place = (self._server.hostname or "", self._server.port or 0)
        with client, socket.create_connection(place) as server:
            asking = threading.Thread(target=_pass_on, args=(client, server, None, bytes), daemon=True)
            asking.start()
            _pass_on(server, client, most, change)
            asking.join()


def _pass_on(source: socket.socket, to: socket.socket, most: int | None, change: Change) -> None:
    left = most
    with contextlib.suppress(OSError):
        while left != 0 and (data := source.recv(4096)):
            data = change(data)[:left]
            to.sendall(data)
            left = None if left is None else left - len(data)
    for end in (source, to):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def wire(server: str) -> Iterator[Wire]:
    """A wire to a server, until the block ends."""
    made = Wire(server)
    thread = threading.Thread(target=made.run, name="wire")
    thread.start()
    try:
        yield made
    finally:
        made.close()
        thread.join()
