"""The server's socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from minutebook import serve
from minutebook.serve import config_of, listen

LARGE = b"x" * 4_000_000


def test_no_answer_waits_for_an_acknowledgement() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def whole(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": LARGE})


async def broken_off(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with anyio.move_on_after(0.1):
            await send({"type": "http.response.body", "body": LARGE, "more_body": True})


@contextmanager
def served(app: ASGIApp) -> Iterator[uvicorn.Server]:
    server, listening = uvicorn.Server(config_of(app, 1)), listen("127.0.0.1", 0)
    running = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    running.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        running.join()
        listening.close()


def wait_for(number: int, server: uvicorn.Server) -> None:
    until = time.monotonic() + 20
    while len(server.server_state.connections) != number:
        assert time.monotonic() < until, f"there are {len(server.server_state.connections)} connections"
        time.sleep(0.02)


@pytest.mark.parametrize("app", [whole, broken_off])
def test_a_connection_whose_peer_takes_nothing_does_not_last(monkeypatch: pytest.MonkeyPatch, app: ASGIApp) -> None:
    monkeypatch.setattr(serve, "STALLED_SECONDS", 1)
    with served(app) as server, asking(server, "keep-alive"):
        wait_for(1, server)
        wait_for(0, server)


@pytest.mark.parametrize("connection", ["keep-alive", "close"])
def test_whoever_takes_something_now_and_then_gets_all_of_it(monkeypatch: pytest.MonkeyPatch, connection: str) -> None:
    monkeypatch.setattr(serve, "STALLED_SECONDS", 1)
    with served(whole) as server, asking(server, connection) as client:
        got = b""
        for _step in range(30):
            time.sleep(0.1)
            got += client.recv(10_000)
        while len(got) < len(LARGE):
            data = client.recv(200_000)
            assert data, f"cut off after {len(got):,} bytes"
            got += data


@contextmanager
def asking(server: uvicorn.Server, connection: str) -> Iterator[socket.socket]:
    """A peer that has room for a little."""
    [listening] = server.servers[0].sockets
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(listening.getsockname())
        client.sendall(f"GET / HTTP/1.1\r\nHost: here\r\nConnection: {connection}\r\n\r\n".encode())
        yield client
