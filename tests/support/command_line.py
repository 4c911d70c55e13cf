"""The program as it is run: a process with its own settings, and servers that it starts."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from minutebook.cli import main

PROGRAM = (sys.executable, "-m", "minutebook")
START_SECONDS = 60


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment with these settings, by their short names, and no others of Minutebook."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("MINUTEBOOK_")}
    return rest | {f"MINUTEBOOK_{name}": value for name, value in settings.items()}


def run(directory: Path, *arguments: str, typed: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, with `directory` as the data directory and as the working directory's child."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        env=environment({"DATA_DIRECTORY": str(directory)} | settings),
        cwd=directory.parent,
        input=typed,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def invoke(directory: Path, *arguments: str, typed: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    """What `run` does, in this process: a program takes a second to start. Not for servers, which change logging."""
    printed, complained = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="\n", write_through=True), io.StringIO()
    code: object = 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(printed), redirect_stderr(complained):
        for name in set(os.environ) - set(environment({})):
            patch.delenv(name)
        for name, value in environment({"DATA_DIRECTORY": str(directory)} | settings).items():
            patch.setenv(name, value)
        patch.chdir(directory.parent)
        patch.setattr(sys, "argv", ["minutebook", *arguments])
        patch.setattr(sys, "stdin", io.StringIO(typed))
        try:
            main()
        except SystemExit as end:
            code = end.code
    return subprocess.CompletedProcess(
        arguments, int(str(code or 0)), printed.buffer.getvalue().decode(), complained.getvalue()
    )


@dataclass
class Running:
    """A server that answers: its process, its address, and everything it printed until then."""

    process: subprocess.Popen[str]
    address: str
    printed: str


@contextmanager
def serving(
    directory: Path, *arguments: str, until: str = "Ctrl-C", port: int = 0, **settings: str
) -> Iterator[Running]:
    """A server, on a free port unless it is told one; it is stopped by SIGTERM at the end, if it still runs."""
    process = subprocess.Popen(
        [*PROGRAM, *(arguments or ("serve",)), "--port", str(port)],
        env=environment({"DATA_DIRECTORY": str(directory)} | settings),
        cwd=directory.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience = threading.Timer(START_SECONDS, process.kill)
    patience.start()
    try:
        assert process.stdout is not None
        printed = ""
        while until not in printed:
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"The server did not start. It printed:\n{printed}\n{process.communicate()[1]}")
            printed += line
        found = re.search(r"http://127\.0\.0\.1:\d+", printed)
        assert found
        yield Running(process, found[0], printed)
    finally:
        patience.cancel()
        process.terminate()
        process.communicate()
