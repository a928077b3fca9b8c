"""The index made anew from the stored rows knows what ingestion knew."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers import reindexing
from handlers.storage import row_index
from handlers.storage.index_runs import IndexDamaged
from handlers.storage.row_index import RowIndex
from tests.workshop import Workshop

HEADER = ("id", "quarter", "n", "exited")
FIRST = [(f"c{row}", "2026-Q1", row, row % 2) for row in range(30)]
SECOND = [("c3", "2026-Q1", 3.5, 1), ("c40", "2026-Q2", 7, "")]


def workshop(root: Path, duplicates: str) -> Workshop:
    columns = {"id_column": "id", "time_column": "quarter", "target_column": "exited"}
    shop = Workshop(root, dataset={**columns, "duplicates": duplicates})
    shop.take("first.csv", FIRST, HEADER)
    shop.take("second.csv", SECOND, HEADER)
    return shop


def reopened(shop: Workshop, duplicates: str) -> Workshop:
    columns = {"id_column": "id", "time_column": "quarter", "target_column": "exited"}
    return Workshop(shop.workspace.root, dataset={**columns, "duplicates": duplicates})


@pytest.mark.parametrize("duplicates", ["row", "key"])
def test_nothing_is_taken_twice_by_an_index_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, duplicates: str
) -> None:
    monkeypatch.setattr(row_index, "FILE_ROWS", 10)
    shop = workshop(tmp_path, duplicates)
    rows = shop.rows()
    assert len(rows) == (32 if duplicates == "row" else 31)
    assert reindexing.mend(shop.house) == []
    for file in shop.workspace.index.iterdir():
        file.unlink()
    shop = reopened(shop, duplicates)
    with pytest.raises(IndexDamaged), shop.house.ledger.read() as connection:
        shop.house.index.follow(connection)
    (told,) = reindexing.mend(shop.house)
    assert told.event == "index.rebuilt"
    assert told.fields["rows"] == 32
    assert "is missing" in told.fields["detail"]
    again = [*SECOND, *FIRST[4:], ("c50", "2026-Q2", 1, 0)]
    record = shop.take("again.csv", again, HEADER)
    assert (record.rows.ingested, record.rows.duplicate) == (1, len(again) - 1)
    assert len(shop.rows()) == len(rows) + 1
    # The newest row of a key: the older one, which it replaced, is new again.
    assert shop.take("back.csv", [FIRST[3]], HEADER).rows.ingested == (0 if duplicates == "row" else 1)


def test_where_rows_may_repeat_there_is_nothing_to_know(tmp_path: Path) -> None:
    shop = workshop(tmp_path, "none")
    assert reindexing.rebuild(shop.house) == 0
    assert isinstance(shop.house.index, RowIndex)
    assert shop.take("again.csv", FIRST[1:], HEADER).rows.ingested == 29
