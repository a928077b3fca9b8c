"""The immutable files of the data set."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from handlers.storage import parts
from handlers.storage.ledger import Ledger
from handlers.storage.parts import Part, PartKind


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def ranked(ledger: Ledger, owner: int, model: int | None) -> int:
    path = f"ranked-{owner}-{model}"
    with ledger.write() as connection:
        return parts.record(connection, Part(path, PartKind.RANKED, 1, 1, 1, owner=owner, model=model))


def test_what_was_written_is_read_back_and_its_size_is_the_size_on_disk(tmp_path: Path) -> None:
    table = pa.table({"a": [1, None], "b": ["x", "y"]})
    size = parts.write(tmp_path / "parts", "one.parquet", table)
    assert parts.read(tmp_path / "parts", Part("one.parquet", PartKind.ROWS, 2, size, 1)).equals(table)
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["one.parquet"]
    assert (tmp_path / "parts" / "one.parquet").stat().st_size == size


@pytest.mark.parametrize("asked", [["a"], ["a.b"], [""], ["a", "a.b", "not there"], ["not there"]])
def test_only_the_named_columns_are_read_also_where_a_name_begins_another(tmp_path: Path, asked: list[str]) -> None:
    parts.write(tmp_path, "p", pa.table({"a.b": [1], "a": [2], "": [3], "a.c": [4]}))
    read = parts.read(tmp_path, Part("p", PartKind.ROWS, 1, 1, 1), asked)
    assert sorted(read.column_names) == sorted(set(asked) - {"not there"})


def test_parts_are_listed_by_kind_in_the_order_of_their_recording(ledger: Ledger) -> None:
    with ledger.write() as connection:
        for name, kind in (("r1", PartKind.ROWS), ("l", PartKind.LABELS), ("r2", PartKind.ROWS)):
            parts.record(connection, Part(name, kind, 3, 10, 1, first_row=5))
    with ledger.read() as connection:
        assert [part.path for part in parts.listed(connection, PartKind.ROWS)] == ["r1", "r2"]
        both = parts.listed(connection, PartKind.ROWS, PartKind.LABELS)
    assert [(part.id, part.path, part.kind, part.first_row) for part in both][1] == (2, "l", PartKind.LABELS, 5)


def test_a_sweep_removes_what_no_row_names_and_nothing_else(tmp_path: Path, ledger: Ledger) -> None:
    folder = tmp_path / "parts"
    for name in ("kept", "killed"):
        parts.write(folder, name, pa.table({"a": [1]}))
    (folder / "half.tmp").write_bytes(b"x")
    (folder / "lost+found").mkdir()
    with ledger.write() as connection:
        parts.record(connection, Part("kept", PartKind.ROWS, 1, 1, 1))
        assert parts.sweep(connection, folder) == ["half.tmp", "killed"]
        assert parts.sweep(connection, folder) == []
        assert parts.sweep(connection, tmp_path / "none") == []
    assert sorted(path.name for path in folder.iterdir()) == ["kept", "lost+found"]


def test_the_newest_ranking_is_the_newest_model_s_of_the_newest_file(ledger: Ledger) -> None:
    ranked(ledger, 1, 1)
    newest = ranked(ledger, 2, 1)
    ranked(ledger, 1, 2)
    ranked(ledger, 3, None)
    with ledger.read() as connection:
        found = parts.newest_ranked(connection)
        of_first = parts.newest_ranked(connection, 1)
    assert found is not None
    assert of_first is not None
    assert (found.id, of_first.model) == (newest, 2)


def test_a_file_waits_for_a_ranking_until_a_model_has_scored_it(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert parts.newest_ranked(connection) is None
        assert parts.unranked(connection) == []
    ranked(ledger, 2, None)
    ranked(ledger, 1, None)
    with ledger.read() as connection:
        assert [part.owner for part in parts.unranked(connection)] == [1, 2]
    ranked(ledger, 1, 1)
    with ledger.read() as connection:
        assert [part.owner for part in parts.unranked(connection)] == [2]


def test_what_a_release_said_of_a_file_before_is_replaced_and_is_then_the_newest(ledger: Ledger) -> None:
    for model in (1, 2):
        ranked(ledger, 5, model)
    with ledger.write() as connection:
        parts.replace_ranked(connection, Part("ranked-5-1", PartKind.RANKED, 1, 1, 1, owner=5, model=1))
    with ledger.read() as connection:
        newest = parts.newest_ranked(connection, 5)
        assert newest is not None
        assert newest.model == 1
        assert len(parts.listed(connection, PartKind.RANKED)) == 2


def test_rows_are_numbered_on_from_the_newest_part_of_rows(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert (parts.end_of_rows(connection), parts.total(connection, PartKind.ROWS)) == (0, 0)
        parts.record(connection, Part("a", PartKind.ROWS, 3, 1, 1))
        parts.record(connection, Part("b", PartKind.ROWS, 4, 1, 2, first_row=3))
        parts.record(connection, Part("c", PartKind.LABELS, 9, 1, 3))
        assert (parts.end_of_rows(connection), parts.total(connection, PartKind.ROWS)) == (7, 7)
