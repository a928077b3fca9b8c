"""Tables that wait on disk come back as they were, and leave nothing."""

from __future__ import annotations

import errno
from pathlib import Path

import pyarrow as pa
import pytest

from handlers.storage import spill
from handlers.storage.spill import Spill

TABLE = pa.table({"id": ["a", None, "ü"], "visits": pa.array([1, None, 3], pa.int64()), "spend": [0.5, None, 1.5]})


def test_a_table_comes_back_as_often_as_wanted_and_outlives_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "dataset" / "spill"
    with Spill(folder) as spilled:
        entries = [spilled.put(TABLE), spilled.put(TABLE.slice(1, 1)), spilled.put(TABLE.slice(0, 0))]
        assert [entry.rows for entry in entries] == [3, 1, 0]
        assert [entry.load() for entry in entries * 2] == [TABLE, TABLE.slice(1, 1), TABLE.slice(0, 0)] * 2
        kept = entries[0].load()
    assert list(folder.iterdir()) == []
    assert kept == TABLE
    kept.validate(full=True)
    with pytest.raises(FileNotFoundError):
        entries[0].load()
    spilled.close()


def test_no_folder_is_made_before_something_is_put(tmp_path: Path) -> None:
    Spill(tmp_path / "spill").close()
    assert not (tmp_path / "spill").exists()


def test_spills_do_not_touch_each_other(tmp_path: Path) -> None:
    with Spill(tmp_path) as one:
        stays = one.put(TABLE)
        with Spill(tmp_path) as other:
            other.put(TABLE)
        assert stays.load() == TABLE


def test_what_a_write_that_failed_has_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with Spill(tmp_path) as spilled:
        monkeypatch.setattr(spill.pa.ipc, "new_file", full)
        with pytest.raises(OSError, match="No space"):
            spilled.put(TABLE)
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_has_left_is_swept(tmp_path: Path) -> None:
    assert spill.empty(tmp_path / "none") == 0
    Spill(tmp_path).put(TABLE)
    Spill(tmp_path).put(TABLE)
    (tmp_path / "folder").mkdir()
    assert spill.empty(tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
