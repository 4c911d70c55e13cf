"""A log read from a server that runs, in the name of an API token."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from secrets import SystemRandom
from typing import Any
from urllib.parse import quote

import orjson

from minutebook.actions.log import Format
from minutebook.cli.api import Api, Refused, ServerFailed, ServerUnavailable, TooBusy
from minutebook.cli.console import remark
from minutebook.cli.messages import Message, messages_of
from minutebook.cli.source import Following
from minutebook.deliver import bundle
from minutebook.deliver.export import Export, ExportLog, Rows, by_piece
from minutebook.deliver.formats import FORMATS, Origin, Row
from minutebook.deliver.received import received
from minutebook.errors import Invalid
from minutebook.filters import Filter, write
from minutebook.web.api.parameters import MOST_EVENTS
from minutebook.web.api.principal import ORGANIZATIONS
from minutebook.web.event_stream import LAST_EVENT_ID, EventStream
from minutebook.web.exporting import LOG_SIZE

EXPORT_SECONDS = 600.0
"""How long an export may look without finding anything."""
SILENT_SECONDS = 45.0
"""A tail says something every 15 seconds."""
RETRY_SECONDS, LONGEST_RETRY = 1.0, 30.0

SHOWN_OF_AN_EVENT = {"seq", "occurred_at", "action", "outcome", "actor", "details"}
Pairs = list[tuple[str, str]]


class Server:
    """The log of the token's organization."""

    def __init__(self, api: Api, org: str | None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._org = org
        self._sleep = sleep

    def origin(self) -> Origin:
        return self._origin

    @cached_property
    def _origin(self) -> Origin:
        there = self._api.get(ORGANIZATIONS, _origins)
        found = [one for one in there if self._org in (None, one.id, one.name)]
        if len(found) != 1:
            names = ", ".join(f"{one.name} ({one.id})" for one in there)
            raise Invalid.one("org", f"The API token is of {names}, and not of {self._org}.")
        return found[0]

    def find(self, filter_: Filter, limit: int, *, oldest_first: bool) -> Generator[bytes]:
        order = "log" if oldest_first else "newest"
        pairs: Pairs = [*write(filter_), ("order", order), ("limit", str(min(limit, MOST_EVENTS)))]
        events, more = self._api.get(self._path(), _page, pairs)
        while True:
            yield from events[:limit]
            limit -= len(events)
            if limit <= 0 or more is None:
                return
            events, more = self._api.get(more, _page)

    @contextmanager
    def follow(self, filter_: Filter, after: int | None) -> Iterator[Following]:
        pairs: Pairs = [*write(filter_), *([] if after is None else [("after", str(after))])]
        with closing(self._heard(pairs)) as heard:
            begun = next(heard)
            batches = ([m.data for m in messages if m.data is not None] for messages in itertools.chain([begun], heard))
            yield Following(self._origin, _place(begun[0]), batches)

    @contextmanager
    def export(self, command: ExportLog) -> Iterator[tuple[Export, Rows]]:
        meant = command.filter.at(command.here)  # a day is one of the terminal's zone, which the server does not know
        pairs: Pairs = [*write(meant), ("format", Format.JSONL.value), ("first", str(command.first))]
        if command.size is not None:
            pairs.append(("size", str(command.size)))
        with self._api.stream(
            self._path("export"), FORMATS[Format.JSONL].media_type, pairs, seconds=EXPORT_SECONDS
        ) as response:
            size = self._api.number(response, LOG_SIZE)
            export = Export(self._origin, size, meant, command.format, command.first)

            def rows_from(first: int) -> Iterator[list[Row]]:
                assert first == command.first, "an answer begins where it was asked to"
                return by_piece(received(self._api.chunks(response), export))

            yield export, rows_from

    @contextmanager
    def evidence(self, command: ExportLog) -> Iterator[Iterator[bytes]]:
        path = "/".join((ORGANIZATIONS, quote(self._origin.id, safe=""), "log", "bundle"))
        meant = command.filter.at(command.here)
        pairs: Pairs = [*write(meant), *(("withhold", path) for path in command.withheld)]
        with self._api.stream(path, bundle.MEDIA_TYPE, pairs, seconds=EXPORT_SECONDS) as response:
            yield self._api.chunks(response)

    def _heard(self, pairs: Pairs) -> Generator[list[Message]]:
        """The messages of a tail as they come, never none at once, over as many connections as it takes.

        Raises what keeps it from beginning, and Refused where the log may not be read any more.
        """
        last: int | None = None
        retry, failed, is_away = RETRY_SECONDS, 0, False
        while True:
            headers = {} if last is None else {LAST_EVENT_ID: str(last)}
            try:
                with self._api.stream(
                    self._path("tail"), EventStream.media_type, pairs, headers, SILENT_SECONDS
                ) as response:
                    for messages in messages_of(self._api.chunks(response)):
                        failed, is_away = 0, False
                        for message in messages:
                            retry = message.retry or retry
                            last = last if message.id is None else message.id
                        ended = next((message for message in messages if message.kind == "ended"), None)
                        yield [message for message in messages if message.kind == "message"]
                        if ended and ended.data is not None:
                            why = orjson.loads(ended.data)
                            raise self._api.refusal(why["status"], why)
            except (ServerUnavailable, ServerFailed, TooBusy):
                if last is None:
                    raise
                if not is_away:
                    remark("The server cannot be followed just now. Trying again until it can; stop it with Ctrl-C.")
                is_away = True
            longest = min(LONGEST_RETRY, retry * 2**failed)
            failed = min(failed + 1, 10)
            # Not all who were cut off at once come back at once.
            self._sleep(SystemRandom().uniform(longest / 2, longest))

    def _path(self, *parts: str) -> str:
        return "/".join((ORGANIZATIONS, quote(self._origin.id, safe=""), "events", *parts))


def _origins(answer: dict[str, Any]) -> list[Origin]:
    return [Origin(_text(one["id"]), _text(one["name"])) for one in answer["organizations"]]


def _page(answer: dict[str, Any]) -> tuple[list[bytes], str | None]:
    """The events of a page, and where the next one is."""
    events, more = answer["events"], answer["next"]
    if not all(event.keys() >= SHOWN_OF_AN_EVENT for event in events):
        raise KeyError
    return list(map(orjson.dumps, events)), None if more is None else _text(more)


def _text(found: object) -> str:
    if not isinstance(found, str):
        raise TypeError
    return found


def _place(first: Message) -> int:
    """Behind which number a tail begins, which its first message says."""
    if first.id is None:
        raise Refused(detail="The server does not say where its tail begins.")
    return first.id
