"""A log read from the database, in the name of whoever runs Minutebook."""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from minutebook.actions.log import Format
from minutebook.cli.console import remark
from minutebook.cli.deployment import operator_seat, reading
from minutebook.cli.org import choose
from minutebook.cli.recorded import is_sealed, record_reading, recording
from minutebook.cli.source import Following
from minutebook.config import Settings
from minutebook.custody.high_water import Custody
from minutebook.custody.keys import host_of
from minutebook.custody.signer import sign_logs
from minutebook.deliver import bundle, export, tail
from minutebook.deliver.export import Export, ExportLog, Rows, stored
from minutebook.deliver.formats import Origin
from minutebook.deliver.tail import POLL_SECONDS, Tail
from minutebook.errors import StoreUnavailable
from minutebook.filters import Cursor, Filter
from minutebook.store import log
from minutebook.store.engine import Store
from minutebook.store.event_json import row_json
from minutebook.store.log import seq_of
from minutebook.store.scope import Scope
from minutebook.store.search import place

AT_ONCE = 500


class Database:
    """The log of an organization in the database of the settings; of the only one where none is named."""

    def __init__(self, settings: Settings, org: str | None, *, unrecorded: bool) -> None:
        self._settings = settings
        self._org = org
        self._unrecorded = unrecorded

    def origin(self) -> Origin:
        with reading(self._settings) as store, store.reading() as connection:
            organization = choose(connection, self._org)
        return Origin(organization.id, organization.name)

    def find(self, filter_: Filter, limit: int, *, oldest_first: bool) -> Generator[bytes]:
        record_reading(self._settings, self._org, unrecorded=self._unrecorded)
        with reading(self._settings) as store:
            with store.reading() as connection:
                organization = choose(connection, self._org)
                scope = Scope(organization.number, log.read_head(connection, organization.number).size)
            if oldest_first:
                every = Export(Origin(organization.id, organization.name), scope.size, filter_, Format.JSONL, 0)
                rows = itertools.chain.from_iterable(stored(store, organization.number, every)(0))
                yield from (row.json for row in itertools.islice(rows, limit))
            else:
                yield from _newest(store, scope, filter_, limit)

    @contextmanager
    def follow(self, filter_: Filter, after: int | None) -> Iterator[Following]:
        record_reading(self._settings, self._org, unrecorded=self._unrecorded)
        with reading(self._settings) as store:
            with store.reading() as connection:
                organization = choose(connection, self._org)
                begun = tail.begin(connection, organization.number, filter_, after, "after")
            origin = Origin(organization.id, organization.name)
            yield Following(origin, begun.after, _patiently(store, begun))

    @contextmanager
    def export(self, command: ExportLog) -> Iterator[tuple[Export, Rows]]:
        sealed = is_sealed(self._settings, self._org)
        begun, number = self._begin(command, sealed=sealed)  # the store is left to others before the first byte
        with reading(self._settings) as store:
            yield begun, stored(store, number, begun)

    @contextmanager
    def evidence(self, command: ExportLog) -> Iterator[Iterator[bytes]]:
        custody = self._settings.custody
        sealed = is_sealed(self._settings, self._org)
        begun, number = self._begin(command, sealed=sealed, sign=True)
        with reading(self._settings) as store:
            heads = bundle.await_heads(store, number, custody, begun.size + (not sealed))
            yield (piece.data for piece in bundle.pieces(store, number, begun, heads))

    def _begin(self, command: ExportLog, *, sealed: bool, sign: bool = False) -> tuple[Export, int]:
        """The export, recorded unless the log is sealed, and the number of the organization. With `sign`, what was
        recorded is signed where no server does."""
        with (reading if sealed else recording)(self._settings) as store:
            with store.reading() as connection:
                organization = choose(connection, self._org)
            origin, seat = Origin(organization.id, organization.name), operator_seat(organization.number)
            if sign and not store.is_sqlite:
                bundle.require_signed(store, organization.number)
            if organization.sealed is not None:
                return export.of_sealed(origin, organization.sealed, command), organization.number
            begun = export.begin(store, seat, origin, command)
            if sign and store.is_sqlite:  # no server does
                sign_logs(store, Custody(self._settings.custody), host_of(self._settings.public_url))
        return begun, organization.number


def _newest(store: Store, scope: Scope, filter_: Filter, limit: int) -> Generator[bytes]:
    """The found events as people see them: the newest first. Each page is a transaction of its own: who reads may take
    their time, and what is erased meanwhile waits for nobody. Raises TooSlow."""
    cursor = None
    while limit > 0:
        with store.reading() as connection:
            found = place(connection, scope, filter_, cursor, min(AT_ONCE, limit))
        yield from map(row_json, found.rows)
        if not found.has_older:
            return
        limit -= len(found.rows)
        last = found.rows[-1]
        cursor = Cursor("", "", scope.size, last.occurred_at, seq_of(last), 0, "older")


def _patiently(store: Store, begun: Tail) -> Iterator[list[bytes]]:
    """The batches, also over a database that goes away and comes back."""
    is_away = False
    while True:
        try:
            for batch in tail.poll(store, begun, time.sleep):
                is_away = False
                yield [row.json for row in batch.rows]
        except StoreUnavailable:
            if not is_away:
                remark("The database does not answer. Trying again until it does; stop it with Ctrl-C.")
            is_away = True
            time.sleep(POLL_SECONDS)
