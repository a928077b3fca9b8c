"""The data set as of a version, through the pipeline: rows, later labels, replaced rows, new columns, compaction."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from handlers import compaction
from handlers.export import export
from handlers.storage import dataset, parts
from handlers.storage.parts import PartKind
from tests.workshop import Workshop

HEADER = ("corporation", "activity", "exited")
STEPS = 24


def exported(shop: Workshop, version: int | None = None) -> str:
    stream = io.BytesIO()
    export(shop.house.ledger, shop.workspace, stream, version=version)
    return stream.getvalue().decode()


def version_of(shop: Workshop) -> int:
    with shop.house.ledger.read() as connection:
        return dataset.version(connection)


def compact(shop: Workshop) -> int:
    steps = 0
    while compaction.compact(shop.house).more:
        steps += 1
    return steps


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("duplicates", ["key", "row"])
def test_every_version_is_exported_as_it_was_however_the_parts_were_compacted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duplicates: str, seed: int
) -> None:
    monkeypatch.setattr(compaction, "ENOUGH_PARTS", 2)
    chance = random.Random(seed)  # noqa: S311 - data for tests
    shop = Workshop(tmp_path, dataset={"duplicates": duplicates}, ingestion={"max_rejected_fraction": 1.0})
    then: dict[int, str] = {}
    compacted = 0
    for step in range(STEPS):
        name = f"{step}.csv"
        there = [f"c{chance.randrange(60)}" for _ in range(chance.randrange(1, 8))]
        kind = "compact" if step % 8 == 7 else chance.choice(["rows", "rows", "labels", "wider", "group"])
        # The first file has both labels and a number with a fraction: types and labels are known from then on.
        rows: list[tuple[object, ...]] = [(one, chance.randrange(9) / 2, chance.choice([0, 1, None])) for one in there]
        if step == 0:
            shop.take(name, [("c0", 0.5, 0), ("c1", 1.5, 1)], HEADER)
        elif kind == "compact":
            compacted += compact(shop)
        elif kind == "labels":
            shop.take(name, [(one, chance.choice([0, 1])) for one in sorted(set(there))], ("corporation", "exited"))
        elif kind == "wider":
            wide = [(*row, chance.randrange(5)) for row in rows]
            shop.take(name, wide, (*HEADER, f"new{chance.randrange(2)}"))
        elif kind == "group":
            names = [shop.drop(f"{step}-{part}.csv", rows[part::2], HEADER) for part in range(2) if rows[part::2]]
            shop.ingest(*names)
        else:
            shop.take(name, rows, HEADER)
        then[version_of(shop)] = exported(shop)
        assert exported(shop).splitlines()[1:] == [
            ",".join("" if cell is None else f"{cell:g}" if isinstance(cell, float) else str(cell) for cell in row)
            for row in shop.rows()
        ]
    with shop.house.ledger.read() as connection:
        superseded = parts.total(connection, PartKind.SUPERSEDED)
        assert parts.total(connection, PartKind.LABELS) > 0
    assert compacted > 0
    assert (superseded > 0) == (duplicates == "key")
    assert len(then) > 8
    assert {version: exported(shop, version) for version in then} == then
    compact(shop)
    assert {version: exported(shop, version) for version in then} == then
