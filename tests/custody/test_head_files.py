"""Heads as files: each made once, never written again; in a repository each is a commit."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from minutebook.custody.anchoring import Rounds
from minutebook.custody.head_files import HeadFiles
from minutebook.custody.high_water import Custody
from minutebook.evidence.checkpoint import Checkpoint
from minutebook.evidence.note import Note
from minutebook.store import checkpoints
from minutebook.store.schema import ANCHOR
from tests.custody.test_anchoring import said, sign
from tests.store.test_query import fill
from tests.support.deployment import Deployment


@pytest.fixture
def custody(tmp_path: Path) -> Custody:
    return Custody(tmp_path / "custody")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "heads"
    made.mkdir()
    return made


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(("git", "-C", folder, *arguments), capture_output=True, check=True, text=True).stdout


def notes(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.note"), key=lambda path: int(path.stem))


def show(deployment: Deployment, folder: Path) -> None:
    Rounds(deployment.store, [HeadFiles(folder)]).go()


def forget(deployment: Deployment) -> None:
    """As after a crash between the file and what the database knows of it."""
    with deployment.store.housekeeping() as connection:
        connection.exec_driver_sql("DELETE FROM anchor")


def test_each_head_is_a_file(filled_sqlite: Deployment, custody: Custody, folder: Path) -> None:
    heads = []
    for _ in range(3):
        fill(filled_sqlite, 1)
        sign(filled_sqlite, custody)
        show(filled_sqlite, folder)
        with filled_sqlite.store.reading() as connection:
            heads.append(str(checkpoints.latest(connection, ANCHOR)))
    assert [path.read_text() for path in notes(folder)] == heads
    assert [path.stem for path in notes(folder)] == [
        str(Checkpoint.parse(Note.parse(head.encode()).text).size) for head in heads
    ]


def test_a_file_that_is_there_is_never_written_again(filled_sqlite: Deployment, custody: Custody, folder: Path) -> None:
    sign(filled_sqlite, custody)
    show(filled_sqlite, folder)
    (path,) = notes(folder)
    forget(filled_sqlite)
    show(filled_sqlite, folder)
    assert said(filled_sqlite, ANCHOR)[0].is_done
    path.write_text("another head")
    forget(filled_sqlite)
    show(filled_sqlite, folder)
    (one,) = said(filled_sqlite, ANCHOR)
    assert one.error == "have another head of this size already, which is left as it is"
    assert path.read_text() == "another head"


def test_in_a_repository_each_is_a_commit(filled_sqlite: Deployment, custody: Custody, folder: Path) -> None:
    git(folder, "init", "--quiet")
    (folder / "other").write_text("not ours")
    git(folder, "add", "other")
    for _ in range(2):
        fill(filled_sqlite, 1)
        sign(filled_sqlite, custody)
        show(filled_sqlite, folder)
        forget(filled_sqlite)
        show(filled_sqlite, folder)  # which finds it committed
    subjects = git(folder, "log", "--reverse", "--format=%an: %s").splitlines()
    sizes = [path.stem for path in notes(folder)]
    assert subjects == [f"Minutebook: Head of minutebook.example/anchor with {size} entries" for size in sizes]
    assert git(folder, "status", "--porcelain").splitlines() == ["A  other"]


def test_what_cannot_be_kept_says_why(filled_sqlite: Deployment, custody: Custody, folder: Path) -> None:
    sign(filled_sqlite, custody)
    show(filled_sqlite, folder / "nowhere")
    assert said(filled_sqlite, ANCHOR)[0].error == "are kept in a folder that is not there"
    (folder / ".git").write_text("gitdir: nowhere")
    show(filled_sqlite, folder)
    assert said(filled_sqlite, ANCHOR)[0].error == "cannot be committed with git"
    for path in notes(folder):
        path.unlink()
        path.parent.rmdir()
        path.parent.write_text("in the way")
    show(filled_sqlite, folder)
    assert "cannot be written" in (said(filled_sqlite, ANCHOR)[0].error or "")
