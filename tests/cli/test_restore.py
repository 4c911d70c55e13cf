"""minutebook restore: a file takes the place of the database, and nothing is lost on the way, whatever happens."""

from __future__ import annotations

import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from minutebook.cli.doctor import examine
from minutebook.config import DATABASE_FILE, load_settings
from minutebook.custody import restore as restoring
from minutebook.custody.high_water import Custody
from minutebook.custody.signer import require_not_behind, sign_logs
from minutebook.errors import BehindHighWater
from minutebook.organization.credits import BuyCredits
from minutebook.store import generations, log, put_back, schema
from minutebook.store.engine import Store
from minutebook.store.migrate import backup, migrate
from tests.support.check_log import check_log
from tests.support.command_line import PROGRAM, environment, invoke, run, serving
from tests.support.deployment import Deployment, Ticking
from tests.support.full import FULL
from tests.support.meanwhile import meanwhile
from tests.support.walk import FILLED, NAME, fill

HOST = "minutebook.example"
DOORS = (schema.token, schema.auditor_link, schema.invitation)
REVOKED = {"token.revoke", "link.revoke", "user.revoke_invite"}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A deployment with two organizations, whose logs are signed."""
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    store = Store(f"sqlite:///{made / DATABASE_FILE}", clock=(clock := Ticking()))
    migrate(store)
    fill(Deployment(store, clock))
    store.close()
    assert invoke(made, "sign").returncode == 0
    return made


@pytest.fixture
def saved(directory: Path, tmp_path: Path) -> Path:
    """A backup of it; since then 3 events were recorded and signed."""
    file = tmp_path / "safe" / "backup.sqlite3"
    assert invoke(directory, "backup", str(file)).returncode == 0
    grow(directory, 3)
    assert invoke(directory, "sign").stdout == "Signed 1 log.\n"
    return file


def grow(directory: Path, events: int) -> None:
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    deployment = Deployment(store, Ticking())
    for number in range(events):
        deployment.act(None, FILLED, BuyCredits(100, f"{number}-{time.time_ns()}"))
    store.close()


def head(file: Path) -> log.Head:
    store = Store(f"sqlite:///{file}", lock=False)
    with store.reading() as connection:
        found = log.read_head(connection, FILLED)
    store.close()
    return found


def names(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}


def asides(directory: Path) -> list[Path]:
    return sorted(directory.glob("minutebook-before-restore-*.sqlite3"))


def is_as_good_as_new(directory: Path) -> None:
    """It is whole, served, and signed under its own name."""
    database = directory / DATABASE_FILE
    store = Store(f"sqlite:///{database}", lock=False)
    check_log(store)
    require_not_behind(store, Custody(directory / "custody"))
    store.close()
    assert invoke(directory, "sign").returncode == 0
    assert list(examine(load_settings(data_directory=directory), quick=False)) == []


def test_a_backup_is_put_back_and_what_was_there_is_kept(directory: Path, saved: Path) -> None:
    before, was, backed_up = names(directory), head(directory / DATABASE_FILE), saved.read_bytes()
    done = invoke(directory, "restore", str(saved))
    assert done.returncode == 0, done.stderr
    (aside,) = asides(directory)
    assert f"What was in its place is kept as {aside}\n" in done.stderr
    now = head(directory / DATABASE_FILE)
    assert done.stdout.startswith(
        f"Organization {FILLED} goes on from event {was.size - 3:,} as {now.log_id}: 3 signed events are lost.\n"
    )
    assert head(aside) == was
    for ending in ("-wal", "-shm"):  # made by looking into it
        aside.with_name(aside.name + ending).unlink(missing_ok=True)
    assert names(directory) - before == {aside.name}
    assert saved.read_bytes() == backed_up
    assert (directory / DATABASE_FILE).stat().st_mode & 0o777 == 0o600
    is_as_good_as_new(directory)
    again = invoke(directory, "restore")
    assert (again.returncode, again.stdout) == (0, "Nothing that was signed is lost. Every log goes on as it was.\n")


def test_what_may_have_been_revoked_since_is_revoked(directory: Path, saved: Path) -> None:
    store = Store(f"sqlite:///{directory / DATABASE_FILE}")
    with store.reading() as connection:
        doors = [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in DOORS]
    store.close()
    assert all(doors), doors
    done = invoke(directory, "restore", str(saved))
    assert "Revoked the API token SIEM." in done.stdout
    assert "Everybody is signed out." in done.stdout
    store = Store(f"sqlite:///{directory / DATABASE_FILE}", lock=False)
    with store.reading() as connection:
        for table in (*DOORS, schema.session, schema.auditor_session, schema.link):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == 0, table.name
        events = list(log.events(connection, FILLED))
    store.close()
    first = next(event.seq for event in events if event.action == "log.restore")
    assert sum(event.action in REVOKED for event in events[first:]) == sum(doors)
    is_as_good_as_new(directory)
    size = len(events)
    assert invoke(directory, "restore").returncode == 0
    assert head(directory / DATABASE_FILE).size == size


@pytest.mark.slow
def test_it_is_served_under_its_new_name(directory: Path, saved: Path) -> None:
    old = invoke(directory, "key", "show", "--org", NAME).stdout
    shutil.copy(directory / DATABASE_FILE, saved.with_name("newer.sqlite3"))
    assert invoke(directory, "restore", str(saved)).returncode == 0
    with serving(directory):
        assert invoke(directory, "restore", str(saved)).returncode == 3  # a server has it
    assert invoke(directory, "key", "show", "--org", NAME).stdout != old
    # whoever puts the old file back, which lacks nothing that was signed of it, is not served
    shutil.copy(saved.with_name("newer.sqlite3"), directory / DATABASE_FILE)
    refused = run(directory, "serve", "--port", "0")
    assert refused.returncode == 3
    assert "went on without what is here" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_is_gone_is_restored_on_an_empty_machine(directory: Path, saved: Path) -> None:
    for file in directory.glob(f"{DATABASE_FILE}*"):
        file.unlink()
    done = invoke(directory, "restore", str(saved))
    assert done.returncode == 0, done.stderr
    assert asides(directory) == []
    is_as_good_as_new(directory)


def test_a_write_ahead_log_that_was_left_stays_with_its_database(directory: Path, saved: Path) -> None:
    """A server that was killed leaves one; played back into the backup, it would ruin it."""
    database = directory / DATABASE_FILE
    grow(directory, 1)
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("UPDATE user SET name = name || 'x'")
    connection.commit()
    wal = database.with_name(f"{DATABASE_FILE}-wal")
    copied = {file.name: file.read_bytes() for file in (database, wal)}
    connection.close()
    for name, content in copied.items():
        (directory / name).write_bytes(content)
    assert copied[wal.name]
    done = invoke(directory, "restore", str(saved))
    assert done.returncode == 0, done.stderr
    (aside,) = asides(directory)
    assert aside.with_name(f"{aside.name}-wal").read_bytes() == copied[wal.name]
    assert aside.read_bytes() == copied[database.name]
    is_as_good_as_new(directory)


def _damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for at in range(5 * 4096, len(content), 3 * 4096):
        content[at : at + 200] = b"\xff" * 200
    file.write_bytes(content)


def _not_ours(file: Path) -> None:
    file.unlink()
    connection = sqlite3.connect(file)
    connection.execute("CREATE TABLE t (x)")
    connection.close()


def _newer(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()


def _changed(file: Path) -> None:
    connection = sqlite3.connect(file)
    connection.execute("DROP TRIGGER guard_event_update")
    connection.execute(f"UPDATE event SET outcome = 'denied' WHERE position = {log.position(FILLED, 4)}")
    connection.commit()
    connection.close()


def _of_another(file: Path) -> None:
    file.unlink()
    store = Store(f"sqlite:///{file}", clock=(clock := Ticking()))
    migrate(store)
    fill(Deployment(store, clock))
    store.close()


@pytest.mark.parametrize(
    ("ruin", "said"),
    [
        (_damaged, "is damaged"),
        (lambda file: file.write_bytes(b"no database" * 500), "is damaged, or no database"),
        (lambda file: file.write_bytes(file.read_bytes()[:20_000]), "is damaged"),
        (lambda file: file.write_bytes(b""), "no database of Minutebook"),
        (_not_ours, "no database of Minutebook"),
        (_newer, "schema 9999"),
        (_changed, "event 4: The event is not what its hash was made of."),
        (_of_another, "is of another deployment"),
        (lambda file: file.unlink(), "There is no file"),
    ],
)
def test_what_cannot_be_restored_is_named_and_nothing_is_changed(
    directory: Path, saved: Path, ruin: object, said: str
) -> None:
    assert callable(ruin)
    ruin(saved)
    before, was = names(directory), (directory / DATABASE_FILE).read_bytes()
    refused = invoke(directory, "restore", str(saved))
    assert refused.returncode in (1, 3)
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr
    assert names(directory) == before
    assert (directory / DATABASE_FILE).read_bytes() == was


def test_the_database_itself_is_no_backup(directory: Path) -> None:
    refused = invoke(directory, "restore", str(directory / DATABASE_FILE))
    assert "is the database itself" in refused.stderr
    postgres = invoke(directory, "restore", "x", DATABASE_URL="postgresql://nobody@localhost:1/none")
    assert (postgres.returncode, "pg_restore" in postgres.stderr) == (2, True)


def test_without_custody_nothing_is_restored(directory: Path, saved: Path) -> None:
    shutil.rmtree(directory / "custody")
    refused = invoke(directory, "restore", str(saved))
    assert refused.returncode == 3
    assert "Restore the custody directory from its backup" in refused.stderr


@pytest.mark.parametrize("syncs", [1, 2, 3])
def test_interrupted_between_any_two_steps_it_is_not_served_and_run_again(
    directory: Path, saved: Path, monkeypatch: pytest.MonkeyPatch, syncs: int
) -> None:
    """The old database is aside and none in its place; the copy is there and not durable; nothing is settled."""
    database, was, left = directory / DATABASE_FILE, head(directory / DATABASE_FILE), iter(range(syncs, 0, -1))
    right = put_back._sync

    def step(*given: Path) -> None:
        if next(left) == 1:
            raise KeyboardInterrupt
        right(given[0])

    with monkeypatch.context() as interrupting:
        interrupting.setattr(put_back, "_sync", step)
        interrupting.setattr(restoring, "settle", step)
        assert invoke(directory, "restore", str(saved)).returncode == 130
    (aside,) = asides(directory)
    assert head(aside) == was
    assert database.exists() == (syncs > 1)
    if syncs > 1:
        store = Store(f"sqlite:///{database}", lock=False)
        with pytest.raises(BehindHighWater):
            require_not_behind(store, Custody(directory / "custody"))
        store.close()
    done = invoke(directory, "restore", *([] if syncs > 2 else [str(saved)]))
    assert done.returncode == 0, done.stderr
    is_as_good_as_new(directory)


@pytest.mark.slow
@pytest.mark.timeout(1800 if FULL else 300)
def test_killed_in_the_middle_it_is_run_again(directory: Path, saved: Path) -> None:
    """Nothing that was there is lost: what was recorded before is in the database, or kept beside it."""
    was = head(directory / DATABASE_FILE)
    begun = time.monotonic()
    assert run(directory.parent / "none", "restore", "none").returncode == 1
    start = time.monotonic() - begun
    for number in range(40 if FULL else 6):
        process = subprocess.Popen(
            [*PROGRAM, "restore", str(saved)],
            env=environment({"DATA_DIRECTORY": str(directory)}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(start * (0.7 + 0.1 * (number % 8)))
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = [*asides(directory), *([directory / DATABASE_FILE] if (directory / DATABASE_FILE).exists() else [])]
        assert was in [head(file) for file in kept]
    done = invoke(directory, "restore", str(saved))
    assert done.returncode == 0, done.stderr
    is_as_good_as_new(directory)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_backups_while_writing_are_prefixes_that_go_on(directory: Path, tmp_path: Path) -> None:
    """R14: each is a prefix of what was recorded, and serving from it begins a new generation."""
    database, custody = directory / DATABASE_FILE, Custody(directory / "custody")
    store = Store(f"sqlite:///{database}")
    deployment = Deployment(store, Ticking())

    def write() -> None:
        deployment.act(None, FILLED, BuyCredits(100, f"at-{time.time_ns()}"))

    saved = []
    with meanwhile(write, pause=0.005):  # else nobody else gets the one connection that writes
        for number in range(20 if FULL else 4):
            saved.append(tmp_path / f"backup-{number}.sqlite3")
            backup(store, saved[-1])
            sign_logs(store, custody, HOST)
    deployment.act(None, FILLED, BuyCredits(100, "the-last"))
    sign_logs(store, custody, HOST)
    events = deployment.events(FILLED)
    store.close()
    known = {head(database).log_id}
    for file in reversed(saved):
        size = head(file).size
        done = invoke(directory, "restore", str(file))
        assert done.returncode == 0, done.stderr
        store = Store(f"sqlite:///{database}", lock=False)
        with store.reading() as connection:
            restored = list(log.events(connection, FILLED))
            ids = [one.log_id for one in generations.generations(connection, FILLED)]
        store.close()
        assert restored[:size] == events[:size]
        assert restored[size].action == "log.restore"
        assert {event.action for event in restored[size + 1 :]} <= {"log.clock_step", "support.leave", *REVOKED}
        assert ids[-1] not in known
        known.add(ids[-1])
        is_as_good_as_new(directory)
