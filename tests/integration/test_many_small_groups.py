"""However files are read ahead and grouped, the data set is the same, and so is what is said of each file."""

from __future__ import annotations

import dataclasses
import random
from pathlib import Path

import pyarrow as pa
import pytest

from daemon.reading_ahead import ahead
from handlers.domain.files import FileRecord, FileState
from handlers.storage import dataset, schemas
from handlers.storage.dataset import ROW_COLUMN
from tests.workshop import HEADER, Workshop, clients

PREFIX = "file-"


def drop_everything(shop: Workshop) -> list[str]:
    """Files of all kinds, in one go: twins, an unlabelled drop, its labels, a new column, one that is refused."""
    names = []

    def drop(rows: list[tuple[object, ...]], header: tuple[str, ...] = HEADER) -> None:
        names.append(shop.drop(f"{PREFIX}{len(names) + 1}.csv", rows, header))

    drop(clients(40, seed=1))
    drop(clients(40, seed=1))
    drop(clients(60, seed=1))
    drop(clients(30, seed=2, prefix="u", labelled=False))
    drop([(f"u{number}", number % 2) for number in range(30)], ("corporation", "exited"))
    drop([(f"n{number}", 1.5, 3, number % 2, "north") for number in range(35)], (*HEADER, "region"))
    drop([(f"n{number}", 1.5, 3, number % 2, "north") for number in range(70)], (*HEADER, "region"))
    drop([("x", "no number", 3, 1)] * 9)
    drop(clients(25, seed=3, prefix="z"))
    drop([(f"z{number}", 1 - number % 2) for number in range(25)], ("corporation", "exited"))
    drop([(f"gone{number}", 1) for number in range(9)], ("corporation", "exited"))
    chance = random.Random(5)  # noqa: S311 - data for a test
    for number in range(12):
        drop(clients(chance.randrange(1, 90), seed=number, prefix="a"))
    return names


def rows(shop: Workshop) -> pa.Table:
    with shop.house.ledger.read() as connection:
        return dataset.snapshot(connection, shop.workspace.parts, schemas.read(connection))


def told(record: FileRecord) -> tuple[object, ...]:
    reason = None if record.reason is None else (record.reason.code, record.reason.lines)
    return record.name, record.sha256, record.state, reason, record.notes, record.rows, record.unlabelled


@pytest.mark.parametrize("duplicates", ["row", "key", "none"])
@pytest.mark.parametrize("own_part", [20, 10_000])
def test_groups_and_threads_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duplicates: str, own_part: int
) -> None:
    settings = {"dataset": {"duplicates": duplicates}}
    alone = Workshop(tmp_path / "alone", **settings)
    for name in drop_everything(alone):
        alone.ingest(name)
    together = Workshop(tmp_path / "together", **settings)
    together.house = dataclasses.replace(together.house, ahead=ahead)
    monkeypatch.setattr("handlers.commit_group.OWN_PART_ROWS", own_part)
    monkeypatch.setattr("handlers.commit_group.FULL_ROWS", 100)
    names = drop_everything(together)
    together.ingest(*names)
    for name in names:
        there, expected = together.file(name), alone.file(name)
        if there.state is FileState.DUPLICATE:
            assert expected.state is FileState.DUPLICATE
        else:
            assert told(there) == told(expected)
    assert rows(together).drop_columns([ROW_COLUMN]).equals(rows(alone).drop_columns([ROW_COLUMN]))


def test_a_full_group_is_committed_while_the_rest_is_still_to_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.commit_group.FULL_FILES", 2)
    shop = Workshop(tmp_path)
    names = [shop.drop(f"{number}.csv", clients(5, prefix=f"{number}-")) for number in range(5)]
    shop.ingest(*names)
    assert [shop.file(name).dataset_version for name in names] == [1, 1, 2, 2, 3]
