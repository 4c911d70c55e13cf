"""When whoever runs Minutebook is told that the disk fills."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from minutebook.storage import Storage, StorageWatch, storage_of

GIGABYTE = 10**9


@pytest.mark.parametrize(("free", "low"), [(100, False), (26, False), (25, True), (1, True), (0, True)])
def test_a_disk_is_low_from_three_quarters_on(free: int, low: bool) -> None:
    storage = Storage(Path("/data"), (100 - free) * GIGABYTE, free * GIGABYTE)
    assert storage.is_low is low
    assert str(storage) == f"{100 - free}% used, {free:.1f} GB free"


def test_the_disk_of_a_directory_is_that_where_it_would_be(tmp_path: Path) -> None:
    storage = storage_of(tmp_path / "not" / "there")
    assert storage.directory == tmp_path
    assert storage.free > 0 < storage.taken


def test_the_server_warns_while_it_is_low(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    watch = StorageWatch(tmp_path)
    for free, warned in ((76, []), (20, ["80%"])):
        monkeypatch.setattr("minutebook.storage.storage_of", lambda path, free=free: Storage(path, 100 - free, free))
        with capture_logs() as logs:
            watch.round()
        assert [line["used"] for line in logs if line["event"] == "storage_low"] == warned
