"""Compaction: nothing that a reader sees changes, also for one that is reading, whenever it is interrupted."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from handlers import compaction
from handlers.domain.facts import Fact
from handlers.domain.schema import Column, ColumnType, Role
from handlers.export import export
from handlers.storage import dataset, decisions, part_format, parts
from handlers.storage.decisions import Arrived
from handlers.storage.ledger import Ledger
from handlers.storage.parts import Part, PartKind
from tests.unit.handlers.small_dataset import SCHEMA, SmallDataset

TIMED = replace(SCHEMA, columns=(*SCHEMA.columns, Column("month", ColumnType.TEXT, Role.TIME)))


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ENOUGH_PARTS", 2)


@pytest.fixture
def small(tmp_path: Path) -> SmallDataset:
    return SmallDataset(tmp_path, TIMED)


def compact(small: SmallDataset) -> list[Fact]:
    """Compact until there is nothing left to do."""
    facts: list[Fact] = []
    house = small.house()
    for _ in range(50):
        done = compaction.compact(house)
        facts += done.facts
        if not done.more:
            return facts
    raise AssertionError("it never ends")


def listed(small: SmallDataset, kind: PartKind = PartKind.ROWS) -> list[Part]:
    with small.ledger.read() as connection:
        return parts.listed(connection, kind)


def exported(small: SmallDataset, version: int | None = None) -> bytes:
    stream = io.BytesIO()
    export(small.ledger, small.workspace, stream, version=version)
    return stream.getvalue()


def test_staged_rows_become_one_file_and_are_told(small: SmallDataset) -> None:
    for number in range(5):
        small.add({"corporation": [f"{number}a", f"{number}b"], "activity": [number, None]}, file=number + 1)
    before = small.snapshot()
    [told] = compact(small)
    assert (told.event, told.fields["kind"], told.fields["parts"], told.fields["rows"]) == (
        "dataset.compacted",
        "rows",
        5,
        10,
    )
    [part] = listed(small)
    assert (part.staged, part.rows, part.first_row, part.dataset_version) == (False, 10, 0, 5)
    assert [path.name for path in small.workspace.parts.iterdir()] == [part.path]
    assert small.snapshot().equals(before)
    with small.ledger.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM staged").scalar_one() == 0


def test_too_little_is_left_where_it_is(small: SmallDataset) -> None:
    small.add({"corporation": ["a"]})
    assert compact(small) == []
    assert [part.staged for part in listed(small)] == [True]


@pytest.mark.parametrize(("name", "enough"), [("ENOUGH_ROWS", 3), ("ENOUGH_BYTES", 1)])
def test_few_large_parts_are_enough_too(
    small: SmallDataset, monkeypatch: pytest.MonkeyPatch, name: str, enough: int
) -> None:
    monkeypatch.setattr(compaction, "ENOUGH_PARTS", 100)
    small.add({"corporation": ["a", "b", "c"]})
    assert compact(small) == []
    monkeypatch.setattr(compaction, name, enough)
    assert len(compact(small)) == 1


def test_files_stay_as_they_are_and_part_what_lies_around_them(small: SmallDataset) -> None:
    for number in range(2):
        small.add({"corporation": [f"a{number}"]})
    small.staged = False
    file = small.add({"corporation": ["file"]})
    small.staged = True
    for number in range(2):
        small.add({"corporation": [f"b{number}"]})
    before = small.snapshot()
    compact(small)
    assert [part.rows for part in listed(small)] == [2, 1, 2]
    assert listed(small)[1] == file
    assert small.snapshot().equals(before)


def test_later_labels_keep_their_order_around_one_that_lies_in_a_file(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b"], "exited": [None, None]})
    small.label([0, 1], [0, 0], file=2)
    small.label([0], [1], file=3, first=False)
    small.staged = False
    small.label([0], [0], file=4, first=False)
    small.staged = True
    small.label([1], [1], file=5, first=False)
    small.label([1], [0], file=6, first=False)
    assert small.snapshot()["exited"].to_pylist() == [0, 0]
    assert [fact.fields["kind"] for fact in compact(small)] == ["labels", "labels"]
    assert [part.rows for part in listed(small, PartKind.LABELS)] == [3, 1, 2]
    assert small.snapshot()["exited"].to_pylist() == [0, 0]


def test_parts_of_another_schema_are_not_put_together(small: SmallDataset) -> None:
    small.add({"corporation": ["a"], "activity": [1]}, file=1)
    small.add({"corporation": ["b"], "activity": [2]}, file=2)
    columns = tuple(
        replace(column, type=ColumnType.NUMBER) if column.name == "activity" else column for column in TIMED.columns
    )
    small.learn(replace(TIMED, version=2, columns=columns))
    small.add({"corporation": ["c"], "activity": [0.5]}, file=3)
    small.add({"corporation": ["d"], "activity": [1.5]}, file=4)
    before = small.snapshot(), exported(small, 2)
    compact(small)
    assert [part.rows for part in listed(small)] == [2, 2]
    assert (small.snapshot(), exported(small, 2)) == before
    assert b"a,1," in before[1]


def test_a_step_takes_no_more_than_it_may(small: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compaction, "ROWS_AT_ONCE", 3)
    for number in range(7):
        small.add({"corporation": [f"{number}"]})
    before = small.snapshot()
    compact(small)
    assert [part.rows for part in listed(small)] == [3, 3, 1]
    assert small.snapshot().equals(before)


def test_members_of_blocks_stand_for_the_same_rows(small: SmallDataset) -> None:
    with small.ledger.write() as connection:
        connection.exec_driver_sql("PRAGMA foreign_keys=ON")
    periods = ["1", None, "2"]
    for number, period in enumerate(periods, start=1):
        part = small.add({"corporation": ["a", "b"], "exited": [1, None], "month": [period, period]}, file=number)
        with small.ledger.write() as connection:
            decisions.add_undecided(connection, part.id, [Arrived(number, period, 1, 1)])
    part = small.label([1], [1], file=4)
    with small.ledger.write() as connection:
        decisions.add_undecided(connection, part.id, [Arrived(4, None, 1, 1)])
    small.label([3], [1], file=5)

    def rows() -> list[list[int]]:
        with small.ledger.read() as connection:
            waiting = decisions.waiting(connection)
            return [
                dataset.rows_of_members(connection, small.workspace.parts, TIMED, [member]).numbers.tolist()
                for member in waiting
            ]

    before = rows()
    assert before == [[0], [2], [4], [1]]
    assert len(compact(small)) == 2
    assert rows() == before


def test_a_reader_that_has_begun_goes_on_reading_the_same(small: SmallDataset) -> None:
    for number in range(4):
        small.add({"corporation": [f"{number}"], "exited": [None]}, file=number + 1)
        small.label([number], [1], file=number + 5)
    expected = small.snapshot()
    reader = Ledger(small.workspace.ledger, read_only=True)
    with reader.read() as connection:
        first = dataset.version(connection)  # its snapshot of the ledger begins with the first question
        before = parts.listed(connection, PartKind.ROWS)
        assert len(compact(small)) == 2
        assert dataset.version(connection) == first
        assert parts.listed(connection, PartKind.ROWS) == before
        assert dataset.snapshot(connection, small.workspace.parts, TIMED).equals(expected)
    with reader.read() as connection:
        assert not any(part.staged for part in parts.listed(connection, PartKind.ROWS))
        assert dataset.snapshot(connection, small.workspace.parts, TIMED).equals(expected)


class Killed(BaseException):
    """The process is gone."""


class FragileLedger(Ledger):
    """Dies at the n-th thing that is synced, statement of a transaction that writes, or commit."""

    def __init__(self, path: Path, fatal: int) -> None:
        self.steps, self.fatal = 0, fatal + 1  # its own migration is a transaction, too
        super().__init__(path)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        with super().write() as connection:
            original = connection.execute

            def execute(*arguments: Any, **named: Any) -> Any:
                self.step()
                return original(*arguments, **named)

            connection.execute = execute  # type: ignore[method-assign]
            yield connection
            self.step()

    def step(self, *_arguments: object) -> None:
        self.steps += 1
        if self.steps == self.fatal:
            raise Killed


def test_killed_at_any_step_all_is_as_before_and_the_next_start_sweeps_what_it_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync
    for fatal in range(1, 20):
        small = SmallDataset(tmp_path / str(fatal), TIMED)
        for number in range(3):
            small.add({"corporation": [f"{number}"]}, file=number + 1)
        before = small.snapshot(), listed(small)
        ledger = FragileLedger(small.workspace.ledger, fatal)
        for module, name in ((os, "fsync"), (part_format, "fsync_folder")):
            monkeypatch.setattr(module, name, ledger.step)
        try:
            compaction.compact(small.house(ledger))
        except Killed:
            monkeypatch.setattr(os, "fsync", sync)
            assert (small.snapshot(), listed(small)) == before
            with small.ledger.read() as connection:
                assert len(parts.sweep(connection, small.workspace.parts)) == 1
            assert len(compact(small)) == 1
            assert small.snapshot().equals(before[0])
        else:
            assert fatal > 5, "some steps were interrupted"
            return
    raise AssertionError("it was never finished")


def test_what_cannot_be_written_leaves_everything_as_it_was(
    small: SmallDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.add({"corporation": ["a"]})
    small.add({"corporation": ["b"]})
    before = small.snapshot()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parts, "prepare_file", full)
    with pytest.raises(OSError, match="No space"):
        compact(small)
    assert small.snapshot().equals(before)
    assert all(part.staged for part in listed(small))


def test_parts_that_are_gone_meanwhile_are_not_replaced(small: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    small.add({"corporation": ["a"]})
    small.add({"corporation": ["b"]})
    write = parts.prepare_file

    def while_forgotten(*arguments: Any) -> Any:
        with small.ledger.write() as connection:
            parts.forget(connection, [part.id for part in parts.listed(connection, PartKind.ROWS)][:1])
        return write(*arguments)

    monkeypatch.setattr(parts, "prepare_file", while_forgotten)
    assert not compaction.compact(small.house()).facts
    assert [part.staged for part in listed(small)] == [True]


STEP = st.one_of(
    st.tuples(st.just("rows"), st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=4)),
    st.tuples(st.just("labels"), st.lists(st.integers(0, 30), min_size=1, max_size=3)),
    st.tuples(st.just("superseded"), st.lists(st.integers(0, 30), min_size=1, max_size=2)),
    st.tuples(st.just("wider"), st.just([])),
    st.tuples(st.just("compact"), st.just([])),
)


@given(steps=st.lists(st.tuples(STEP, st.booleans()), min_size=1, max_size=14))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_export_as_of_a_version_is_the_export_of_that_time_however_often_it_was_compacted(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[tuple[str, list[Any]], bool]]
) -> None:
    small = SmallDataset(tmp_path_factory.mktemp("steps"), TIMED)
    then: dict[int, bytes] = {0: exported(small)}
    for number, ((what, values), staged) in enumerate(steps, start=1):
        small.staged = staged
        with small.ledger.read() as connection:
            rows = dataset.total_rows(connection)
        there = [value % rows for value in values] if rows and what in ("labels", "superseded") else []
        if what == "rows":
            names = [f"{number}-{place}" for place in range(len(values))]
            small.add({"corporation": names, "activity": values, "exited": [None] * len(values)}, file=number)
        elif what == "labels" and there:
            small.label(there, [number % 2] * len(there), file=number)
        elif what == "superseded" and there:
            small.supersede(sorted(set(there)), file=number)
        elif what == "wider":
            new = Column(f"new{number}", ColumnType.NUMBER, Role.FEATURE, optional=True)
            small.learn(replace(small.schema, version=number, columns=(*small.schema.columns, new)))
        elif what == "compact":
            compact(small)
        with small.ledger.read() as connection:
            now = dataset.version(connection)
        then[now] = exported(small)
        lines = then[now].splitlines()
        assert [line.split(b",")[0].decode() for line in lines[1:]] == small.snapshot()["corporation"].to_pylist()
    assert {version: exported(small, version) for version in then} == then
    compact(small)
    assert {version: exported(small, version) for version in then} == then
