"""The immutable parts of the data set: small ones in the ledger, large ones in files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from sqlalchemy import Connection, event

from handlers.storage import part_format, parts
from handlers.storage.ledger import Ledger
from handlers.storage.parts import Part, PartKind, Prepared

TABLE = pa.table({"a": [1, None, 3], "b": ["x", "y", None]})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


@pytest.fixture(params=[True, False], ids=["staged", "file"])
def staged(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def add(ledger: Ledger, folder: Path, part: Part, table: pa.Table, *, staged: bool = True) -> Part:
    prepare = parts.prepare if staged else parts.prepare_file
    with ledger.write() as connection:
        number = parts.record(connection, prepare(folder, part, table))
        return next(one for one in parts.listed(connection, part.kind) if one.id == number)


def plain(connection: Connection, part: Part) -> int:
    """Record a part that nobody reads."""
    return parts.record(connection, Prepared(part))


def ranked(ledger: Ledger, owner: int, model: int | None) -> int:
    with ledger.write() as connection:
        return plain(connection, Part(f"ranked-{owner}-{model}", PartKind.RANKED, 1, 1, 1, owner=owner, model=model))


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    said: list[str] = []

    def hear(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        said.append(statement)

    event.listen(connection, "before_cursor_execute", hear)
    yield said
    event.remove(connection, "before_cursor_execute", hear)


def test_what_was_recorded_is_read_back_wherever_it_lies(tmp_path: Path, ledger: Ledger, *, staged: bool) -> None:
    folder = tmp_path / "parts"
    part = add(ledger, folder, Part("one", PartKind.ROWS, 0, 0, 4, first_row=7), TABLE, staged=staged)
    assert (part.rows, part.first_row, part.end_row, part.dataset_version, part.staged) == (3, 7, 10, 4, staged)
    with ledger.read() as connection:
        assert parts.read(connection, folder, part).equals(TABLE)
        assert pa.concat_tables(parts.batches(connection, folder, part)).equals(TABLE)
    there = [path.name for path in folder.iterdir()] if folder.exists() else []
    assert there == ([] if staged else ["one.parquet"])
    if not staged:
        assert part.path == "one.parquet"
        assert part.size == (folder / part.path).stat().st_size


def test_a_prepared_part_can_be_read_before_it_is_recorded(tmp_path: Path) -> None:
    part = Part("one", PartKind.SCORES, 0, 0, 1)
    assert parts.prepare(tmp_path, part, TABLE).table(tmp_path).equals(TABLE)
    assert parts.prepare_file(tmp_path, part, TABLE).table(tmp_path).equals(TABLE)


def test_a_part_beyond_the_bound_is_a_file_and_one_within_it_is_not(tmp_path: Path) -> None:
    part = Part("p", PartKind.ROWS, 0, 0, 1)
    within = pa.table({"a": np.zeros(parts.STAGED_BYTES // 8, dtype=np.int64)})
    beyond = pa.table({"a": np.zeros(parts.STAGED_BYTES // 8 + 1, dtype=np.int64)})
    assert parts.prepare(tmp_path, part, within).part.staged
    assert list(tmp_path.iterdir()) == []
    assert not parts.prepare(tmp_path, part, beyond).part.staged
    assert parts.prepare(tmp_path, part, beyond.slice(5, 10)).part.staged, "a slice is as large as what it shows"


def test_what_is_recorded_in_a_transaction_that_fails_is_not_there(tmp_path: Path, ledger: Ledger) -> None:
    prepared = parts.prepare(tmp_path, Part("p", PartKind.ROWS, 0, 0, 1), TABLE)

    def fail() -> None:
        with ledger.write() as connection:
            parts.record(connection, prepared)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with ledger.read() as connection:
        assert parts.listed(connection, PartKind.ROWS) == []
        assert connection.exec_driver_sql("SELECT count(*) FROM staged").scalar_one() == 0


@pytest.mark.parametrize("asked", [["a"], ["a.b"], [""], ["a", "a.b", "not there"], ["not there"]])
def test_only_the_named_columns_are_read_also_where_a_name_begins_another(
    tmp_path: Path, ledger: Ledger, asked: list[str], *, staged: bool
) -> None:
    table = pa.table({"a.b": [1], "a": [2], "": [3], "a.c": [4]})
    part = add(ledger, tmp_path, Part("p", PartKind.ROWS, 0, 0, 1), table, staged=staged)
    with ledger.read() as connection:
        read = parts.read(connection, tmp_path, part, asked)
    assert sorted(read.column_names) == sorted(set(asked) - {"not there"})


def test_many_staged_parts_are_read_with_few_statements_in_the_order_asked(tmp_path: Path, ledger: Ledger) -> None:
    with ledger.write() as connection:
        for number in range(1000):
            part = Part(f"p{number}", PartKind.ROWS, 0, 0, number, first_row=number)
            parts.record(connection, parts.prepare(tmp_path, part, pa.table({"a": [number]})))
    with ledger.read() as connection:
        listed = parts.listed(connection, PartKind.ROWS)
        assert [part.first_row for part in listed] == list(range(1000))
        with statements(connection) as said:
            values = [table["a"][0].as_py() for _, table in parts.read_all(connection, tmp_path, listed[::-1])]
    assert values == list(range(1000))[::-1]
    assert len(said) <= 4


def test_whoever_reads_staged_parts_one_by_one_does_not_fetch_them_all(tmp_path: Path, ledger: Ledger) -> None:
    with ledger.write() as connection:
        for number in range(600):
            part = Part(f"p{number}", PartKind.ROWS, 0, 0, number, first_row=number)
            parts.record(connection, parts.prepare(tmp_path, part, pa.table({"a": [number]})))
    with ledger.read() as connection:
        listed = parts.listed(connection, PartKind.ROWS)
        with statements(connection) as said:
            next(parts.read_all(connection, tmp_path, listed))
    assert len(said) == 1


def test_rows_are_listed_by_their_numbers_and_the_others_by_their_commits(ledger: Ledger) -> None:
    with ledger.write() as connection:
        plain(connection, Part("late", PartKind.ROWS, 3, 1, 9, first_row=5))
        plain(connection, Part("labels-2", PartKind.LABELS, 3, 1, 2))
        plain(connection, Part("early", PartKind.ROWS, 5, 1, 3))
        plain(connection, Part("labels-1", PartKind.LABELS, 3, 1, 1))
    with ledger.read() as connection:
        assert [part.path for part in parts.listed(connection, PartKind.ROWS)] == ["early", "late"]
        assert [part.path for part in parts.listed(connection, PartKind.LABELS)] == ["labels-1", "labels-2"]
        assert parts.end_of_rows(connection) == 8


@pytest.mark.parametrize(
    ("first", "end", "found"),
    [(0, 1, ["a"]), (2, 3, ["a"]), (2, 4, ["a", "b"]), (3, 7, ["b"]), (0, 99, ["a", "b"]), (7, 9, ["b"])],
)
def test_the_parts_between_two_row_numbers_are_found(ledger: Ledger, first: int, end: int, found: list[str]) -> None:
    with ledger.write() as connection:
        plain(connection, Part("b", PartKind.ROWS, 4, 1, 2, first_row=3))
        plain(connection, Part("a", PartKind.ROWS, 3, 1, 1))
        plain(connection, Part("labels", PartKind.LABELS, 3, 1, 1))
        assert [part.path for part in parts.rows_between(connection, first, end)] == found


def test_there_are_no_rows_between_numbers_before_the_first(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert parts.rows_between(connection, 0, 10) == []


def test_a_sweep_removes_what_no_row_names_and_nothing_else(tmp_path: Path, ledger: Ledger) -> None:
    folder = tmp_path / "parts"
    kept = add(ledger, folder, Part("kept", PartKind.ROWS, 0, 0, 1), TABLE, staged=False)
    add(ledger, folder, Part("staged", PartKind.LABELS, 0, 0, 1), TABLE)
    for name in ("killed.parquet", "staged", "half.tmp"):
        (folder / name).write_bytes(b"")
    with ledger.read() as connection:
        assert parts.sweep(connection, folder) == ["half.tmp", "killed.parquet", "staged"]
        assert parts.sweep(connection, folder) == []
        assert parts.sweep(connection, tmp_path / "none") == []
    assert [path.name for path in folder.iterdir()] == [kept.path]


def test_the_newest_drop_is_ranked_by_the_newest_model_that_looked_at_it(ledger: Ledger) -> None:
    ranked(ledger, 1, 1)
    ranked(ledger, 2, None)
    newest = ranked(ledger, 2, 3)
    ranked(ledger, 3, None)
    with ledger.read() as connection:
        found = parts.newest_ranked(connection)
        of_first = parts.newest_ranked(connection, 1)
    assert found is not None
    assert of_first is not None
    assert (found.id, of_first.model) == (newest, 1)


def test_before_the_first_model_nothing_is_ranked(ledger: Ledger) -> None:
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


def test_what_a_release_said_of_a_file_is_replaced_when_it_says_it_again(tmp_path: Path, ledger: Ledger) -> None:
    ranked(ledger, 5, 1)
    ranked(ledger, 5, 2)
    again = Part("ranked-5-1", PartKind.RANKED, 0, 0, 1, owner=5, model=1)
    for _ in range(2):
        with ledger.write() as connection:
            parts.replace_ranked(connection, parts.prepare(tmp_path, again, TABLE))
    with ledger.read() as connection:
        assert sorted(part.model or 0 for part in parts.listed(connection, PartKind.RANKED)) == [1, 2]
        assert connection.exec_driver_sql("SELECT count(*) FROM staged").scalar_one() == 1


def test_the_next_row_gets_the_number_after_the_last_part(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert (parts.end_of_rows(connection), parts.total(connection, PartKind.ROWS)) == (0, 0)
        assert not parts.exists(connection, PartKind.ROWS)
        plain(connection, Part("a", PartKind.ROWS, 3, 1, 1))
        plain(connection, Part("b", PartKind.ROWS, 4, 1, 2, first_row=3))
        plain(connection, Part("c", PartKind.LABELS, 9, 1, 3))
        assert (parts.end_of_rows(connection), parts.total(connection, PartKind.ROWS)) == (7, 7)
        assert parts.exists(connection, PartKind.ROWS)


@pytest.mark.parametrize("place", [0, 1, 3, 4, 9])
def test_rows_are_taken_and_read_on_from_any_place(
    tmp_path: Path, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, place: int, *, staged: bool
) -> None:
    monkeypatch.setattr(part_format, "ROW_GROUP", 4)
    table = pa.table({"a": range(10), "b": [str(number) for number in range(10)]})
    part = add(ledger, tmp_path, Part("p", PartKind.ROWS, 0, 0, 1), table, staged=staged)
    places = np.array([place, 0, 9, place])
    with ledger.read() as connection:
        [taken] = parts.take_all(connection, tmp_path, [(part, places)], ["b"])
    assert taken.column_names == ["b"]
    assert taken["b"].to_pylist() == [str(one) for one in places.tolist()]
    if not staged:
        rest = parts.read_from(tmp_path, part, place, ["a"])["a"].to_pylist()
        assert rest == list(range(place, min(10, place // 4 * 4 + 4)))
