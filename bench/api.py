"""Ours as programs see it: the HTTP API of a server that has the filled SQLite file, asked over a connection kept open
by somebody who is signed in."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson

from bench.fill import Place, owner_of
from bench.questions import PAGE_SIZE, TOP_ACTORS, Question, Shape
from bench.systems import GAVE_UP, NOT_COMPARED, cursor_of
from bench.workload import LARGEST, Workload
from minutebook.actions.log import Format
from minutebook.errors import TooSlow
from minutebook.filters import Seal, write
from minutebook.model import Client, Context, to_micros
from minutebook.organization import people, sessions
from minutebook.store import keys
from minutebook.store.engine import Store
from minutebook.web.session import SESSION

COOKIE = f"minutebook-{SESSION}"
PATHS = {
    Shape.PAGE: "events",
    Shape.COUNT: "events/count",
    Shape.FACETS: "events/facets",
    Shape.HISTOGRAM: "events/histogram",
}


@contextmanager
def serving(file: Path, load: Workload) -> Iterator[tuple[str, str, Seal]]:
    """The address of a server, the token of a session of the largest organization's owner, and what seals cursors."""
    store = Store(f"sqlite:///{file}")
    with store.reading() as connection:
        owner = people.find_user(connection, owner_of(LARGEST, load))
        seal = Seal(keys.read_key(connection, keys.CURSORS))
    assert owner is not None
    token, _ = sessions.start_session(store, owner, "password", Context(client=Client.WEB))
    store.close()
    minutebook = [sys.executable, "-m", "minutebook", "-d", str(file.parent)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MINUTEBOOK_")}
    # what was filled alone is signed by nobody yet; a server would do that for minutes, beside what it is asked
    subprocess.run([*minutebook, "sign"], env=environment, stdout=subprocess.DEVNULL, check=True)
    command = [*minutebook, "serve", "--port", "0"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, text=True, **pipes) as server:
        try:
            first_line = server.stdout.readline() if server.stdout else ""
            if "http://" not in first_line:
                raise RuntimeError(f"The server did not start; see: {' '.join(command)}")
            yield first_line.split()[-1], token, seal
        finally:
            server.send_signal(signal.SIGTERM)


PART = 1 << 20
"""Bytes of an export that are read at once, at most."""
IDLE_SECONDS = 3.0
"""After which a connection is not relied upon: the server ends it after five, while slower systems answer."""


class Api:
    """The API as a system. Its answers are those of the organization as it is now, a few events later."""

    def __init__(self, name: str, address: str, token: str, seal: Seal, places: Mapping[int, Place]) -> None:
        self.name = name
        self._places = places
        self._seal = seal
        self._asked_at = 0.0
        self._connection = HTTPConnection(urlsplit(address).netloc)
        self._headers = {"Cookie": f"{COOKIE}={token}", "Accept": "application/json"}

    def ask(self, question: Question) -> Any:
        place = self._places[question.organization]
        query = write(question.filter)
        if question.shape is Shape.PAGE:
            query.append(("limit", str(PAGE_SIZE)))
        if cursor := cursor_of(question, place):
            query.append(("older", self._seal.write(cursor)))
        path = f"/api/v1/organizations/{place.id}/{PATHS[question.shape]}?{urlencode(query)}"
        if time.monotonic() - self._asked_at > IDLE_SECONDS:
            self._connection.close()  # and opened again by the next request
        self._connection.request("GET", path, headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        self._asked_at = time.monotonic()
        if answer.status == TooSlow.status:
            return None
        if answer.status != 200:
            raise RuntimeError(f"{path} answered {answer.status}: {body[:500]!r}")
        return body

    def told(self, question: Question, answer: Any) -> object:
        if answer is None:
            return GAVE_UP
        found = orjson.loads(answer)
        match question.shape:
            case Shape.PAGE:
                size = self._places[question.organization].size
                if any(event["seq"] >= size for event in found["events"]):
                    return NOT_COMPARED
                return [to_micros(datetime.fromisoformat(event["occurred_at"])) for event in found["events"]]
            case Shape.COUNT:
                return found["count"] if found["is_exact"] else GAVE_UP
            case Shape.FACETS:
                if not found["is_exact"]:
                    return GAVE_UP
                actions, actors = (
                    {one["value"]: one["count"] for one in found[name]} for name in ("actions", "actors")
                )
                return actions, dict(list(actors.items())[:TOP_ACTORS])
            case Shape.HISTOGRAM:  # of weeks
                return NOT_COMPARED

    def export(self, organization: int) -> Iterator[bytes]:
        place = self._places[organization]
        asked = urlencode({"format": Format.JSONL, "size": place.size})
        self._connection.close()  # the rest of an export that was not read to its end would come before the answer
        self._connection.request(
            "GET", f"/api/v1/organizations/{place.id}/events/export?{asked}", headers={**self._headers, "Accept": "*/*"}
        )
        answer = self._connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"The export answered {answer.status}: {answer.read(500)!r}")
        begun = b""
        while part := answer.read1(PART):
            *lines, begun = (begun + part).split(b"\n")
            yield from lines

    def close(self) -> None:
        self._connection.close()
