"""Somebody who follows a live tail by HTTP: what arrives, message by message, over as many connections as it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx2 as httpx

from minutebook.organization.tokens import PREFIX

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Message:
    """One message: `data` is None where there is only an id; a comment has neither."""

    id: int | None
    kind: str
    data: Any

    @property
    def is_event(self) -> bool:
        return self.kind == "message" and self.data is not None


class Follower:
    """A client with one session, or with an API token. `last` is the last id it was sent, as a browser keeps it."""

    def __init__(
        self, base_url: str, path: str, token: str, *pairs: tuple[str, str], zone: str = "UTC", patience: float = 20
    ) -> None:
        self.last: int | None = None
        is_program = token.startswith(PREFIX)
        self._client = httpx.Client(
            base_url=base_url,
            cookies={} if is_program else {"minutebook-session": token, "zone": zone},
            headers={"Authorization": f"Bearer {token}"} if is_program else {},
            timeout=httpx.Timeout(patience),
        )
        self._path = f"{path}?{urlencode(pairs, quote_via=quote)}" if pairs else path

    @contextmanager
    def connected(self) -> Iterator[Iterator[Message]]:
        """One connection, behind the last id; its messages as they come. Fails unless it is answered with 200."""
        headers = {} if self.last is None else {"Last-Event-ID": str(self.last)}
        with self._client.stream("GET", self._path, headers={"Accept": "text/event-stream"} | headers) as response:
            assert response.status_code == 200, response.read()
            assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
            assert response.headers["cache-control"] == "no-store"
            yield self._messages(response)

    def refused(self, **headers: str) -> httpx.Response:
        """The answer to a request that gets no stream."""
        return self._client.get(self._path, headers={"Accept": "text/event-stream"} | headers)

    def get(self, path: str) -> httpx.Response:
        """Another page, for the same session."""
        return self._client.get(path)

    def close(self) -> None:
        self._client.close()

    def _messages(self, response: httpx.Response) -> Iterator[Message]:
        fields: dict[str, str] = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(":")
                fields[name] = value.removeprefix(" ")
                continue
            id_ = int(fields["id"]) if "id" in fields else None
            if id_ is not None:
                self.last = id_
            data = json.loads(fields["data"]) if "data" in fields else None
            yield Message(id_, fields.get("event", "message"), data)
            fields = {}


def events_of(messages: Iterator[Message]) -> Iterator[int]:
    """The numbers of the events among the messages."""
    for message in messages:
        if message.is_event:
            assert message.id == message.data["seq"]
            yield message.data["seq"]
