"""The file of an export, and others who write or name the same."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from minutebook.actions.log import Format
from minutebook.deliver.export import Export, Piece
from minutebook.deliver.formats import Origin
from minutebook.deliver.partial import OpenFile, PartialFile, Progress
from minutebook.errors import Conflict
from minutebook.filters import EVERYTHING

BEGUN = Progress.of(Export(Origin("org_1", "Calder"), 3, EVERYTHING, Format.JSONL, 0), {})
LINES = (b"one\n", b"two\n", b"three\n")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def write(open_file: OpenFile, *numbers: int) -> None:
    for number in numbers:
        open_file.write(Piece(LINES[number], number + 1, number + 1, is_last=number == 2))


def interrupted(path: Path) -> PartialFile:
    """Of which the first line is there."""
    file = PartialFile(path)
    assert file.begun() is None
    with file.open(BEGUN, None) as open_file:
        write(open_file, 0)
    return PartialFile(path)


def finish(file: PartialFile) -> None:
    begun = file.begun()
    assert begun
    with file.open(begun, file.written(begun)) as open_file:
        write(open_file, 1, 2)
        open_file.finish()


def test_a_file_goes_on_where_it_stopped_and_is_named_when_it_is_whole(path: Path) -> None:
    finish(interrupted(path))
    assert path.read_bytes() == b"".join(LINES)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_who_comes_too_late_changes_nothing_of_a_file_that_another_finished(path: Path) -> None:
    mine, other = interrupted(path), PartialFile(path)
    begun, theirs = mine.begun(), other.begun()
    assert begun and begun == theirs
    written = mine.written(begun)
    with other.open(begun, other.written(begun)) as open_file:
        with pytest.raises(Conflict, match="is being written by another process"):
            mine.open(begun, written)
        write(open_file, 1, 2)
        open_file.finish()
    with pytest.raises(Conflict, match="meanwhile"):
        mine.open(begun, written)
    assert path.read_bytes() == b"".join(LINES)


def test_who_comes_too_late_goes_on_from_no_place_that_another_went_beyond(path: Path) -> None:
    mine, other = interrupted(path), PartialFile(path)
    begun = mine.begun()
    assert begun and other.begun() == begun
    with other.open(begun, other.written(begun)) as open_file:
        write(open_file, 1)
    with pytest.raises(Conflict, match="meanwhile"):
        mine.open(begun, mine.written(begun))
    assert PartialFile(path).begun() == open_file.progress


def test_a_file_that_came_meanwhile_is_not_overwritten(path: Path) -> None:
    file = interrupted(path)
    begun = file.begun()
    assert begun
    with file.open(begun, file.written(begun)) as open_file:
        write(open_file, 1, 2)
        path.write_text("precious")
        with pytest.raises(Conflict, match="never overwrites"):
            open_file.finish()
    assert path.read_text() == "precious"
    with pytest.raises(Conflict, match="never overwrites"):
        PartialFile(path)


def test_what_another_threw_away_is_not_named(path: Path) -> None:
    file = PartialFile(path)
    file.begun()
    with file.open(BEGUN, None) as open_file:
        write(open_file, 0, 1)
        other = PartialFile(path)
        other.forget()
        assert other.begun() is None
        with other.open(BEGUN, None) as theirs:
            write(theirs, 0)
        write(open_file, 2)
        with pytest.raises(Conflict, match="another process"):
            open_file.finish()
    assert not path.exists()
    assert PartialFile(path).begun() == theirs.progress, "nor is what the other wrote said to be of it"


def test_a_note_without_its_file_means_nothing(path: Path) -> None:
    file = interrupted(path)
    file.part.unlink()
    assert file.begun() is None
    assert not file.note.exists()
    with file.open(BEGUN, None) as open_file:
        write(open_file, 0, 1, 2)
        open_file.finish()
    assert path.read_bytes() == b"".join(LINES)


def test_a_file_system_without_links(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def link(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr("minutebook.deliver.partial.os.link", link)
    finish(interrupted(path))
    assert path.read_bytes() == b"".join(LINES)
