"""A deployment whose database is backed up and put back, and its custody directory, which is not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from minutebook.actions.log import Format
from minutebook.custody import keys
from minutebook.custody.erase import EraseFields
from minutebook.custody.high_water import Custody, Ended
from minutebook.custody.ledger import Ledger
from minutebook.custody.restore import begin_generations, erase_again, settle, wrong
from minutebook.custody.signer import examine, require_not_behind, sign_logs
from minutebook.deliver import bundle
from minutebook.deliver.export import Export
from minutebook.deliver.formats import Origin
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import VerifierKey
from minutebook.filters import EVERYTHING
from minutebook.model import Context, Event, Seat
from minutebook.organization.credits import BuyCredits
from minutebook.store import checkpoints, log, migrate
from minutebook.store.engine import Store
from tests.support.check_log import check_log
from tests.support.deployment import OPERATOR, Deployment, Ticking
from tests.support.postgres import PostgresServer
from tests.support.told import Answer
from tests.support.walk import FILLED

HOST = "minutebook.example"


class World:
    """A deployment whose database is backed up and put back, and its custody directory, which is not."""

    def __init__(self, filled: Deployment, custody: Custody, server: Callable[[], PostgresServer]) -> None:
        self.deployment = filled
        self.custody = custody
        self._server = server
        self._numbers = itertools.count()
        self._made: list[str] = []
        self.again: list[Event] = []
        self.missing: dict[str, int] = {}

    @property
    def store(self) -> Store:
        return self.deployment.store

    def operator(self, organization: int) -> Seat:
        """Whoever restores; what they do is noted as all that clients ask for."""
        request = self.deployment.told.attempt("restorer", organization).request
        return Seat(organization, OPERATOR, Context(request_id=request))

    def grow(self, events: int, organization: int = FILLED) -> None:
        for _ in range(events):
            self.deployment.act(None, organization, BuyCredits(100, f"payment-{self.deployment.clock()}"))

    def sign(self) -> None:
        assert not sign_logs(self.store, self.custody, HOST).refused

    def backup(self) -> str:
        """The URL of a copy of the database as it is now."""
        if self.store.is_sqlite:
            file = self._file("backup")
            migrate.backup(self.store, file)
            return f"sqlite:///{file}"
        self.store.close()  # nobody may be connected meanwhile; afterwards it connects again
        return self._copied(self.store.url.render_as_string(hide_password=False))

    def put_back(self, backup: str) -> None:
        """A copy of the backup in the place of the database, as an operator would put it there."""
        self.store.close()
        self._open(self._copied(backup))

    def _file(self, name: str) -> Path:
        return self.custody.directory.parent / f"{name}-{next(self._numbers)}.sqlite3"

    def _copied(self, url: str) -> str:
        if url.startswith("sqlite"):
            copy = self._file("copy")
            copy.write_bytes(Path(url.removeprefix("sqlite:///")).read_bytes())
            return f"sqlite:///{copy}"
        made = self._server().create_database(url.rpartition("/")[2].partition("?")[0])
        self._made.append(made.render_as_string(hide_password=False))
        return self._made[-1]

    def _open(self, url: str) -> None:
        clock = Ticking(self.deployment.clock.now)
        self.deployment = Deployment(type(self.store)(url, clock=clock), clock, self.deployment.told)
        self.deployment.ledger = Ledger(self.custody.directory)

    def begin(self) -> list[Event]:
        assert list(wrong(self.store, self.custody)) == []
        return begin_generations(self.store, self.custody, self.operator)

    def erase(self, fields: Mapping[int, Sequence[str]], organization: int = FILLED) -> None:
        self.deployment.act(None, organization, EraseFields(fields, "Asked", Ledger(self.custody.directory)))

    def restore(self) -> list[Event]:
        """Goes on from what is there, which is then as good as any other log."""
        begun = self.begin()
        self.again = erase_again(self.store, self.custody, self.operator)
        self.missing = settle(self.store, self.custody)
        for event in [*begun, *self.again]:
            attempt = self.deployment.told.attempts[event.context.request_id or ""]
            attempt.answer, attempt.events = Answer.ACKNOWLEDGED, (event,)
        check_log(self.store)
        require_not_behind(self.store, self.custody)
        self.sign()
        assert list(examine(self.store, self.custody)) == []
        return begun

    def head(self, organization: int = FILLED) -> log.Head:
        with self.store.reading() as connection:
            return log.read_head(connection, organization)

    def newest(self) -> Checkpoint:
        with self.store.reading() as connection:
            found = checkpoints.latest(connection, FILLED)
        assert found
        return found.checkpoint

    def ended(self) -> dict[str, Ended]:
        with self.custody.reading() as held:
            return held.ended() if held else {}

    def marks(self) -> dict[str, int]:
        with self.custody.reading() as held:
            return {log_id: mark.tree.size for log_id, mark in held.high_waters().items()} if held else {}

    def drop(self) -> None:
        self.store.close()
        for url in self._made:
            self._server().drop_database(url)

    def vkey(self) -> str:
        """What an auditor would pin now."""
        with self.custody.reading() as held:
            return str(VerifierKey(self.newest().origin, next(iter(keys.standings(held))))) if held else ""

    def evidence(self) -> Path:
        """A bundle of everything, unless of more than is signed."""
        export = Export(Origin("org_x", "Calder"), self.newest().size, EVERYTHING, Format.BUNDLE, 0)
        with self.store.reading() as connection:
            heads = bundle.heads_of(connection, FILLED, self.custody.directory)
        file = self.custody.directory / "evidence.zip"
        file.write_bytes(b"".join(piece.data for piece in bundle.pieces(self.store, FILLED, export, heads)))
        return file
