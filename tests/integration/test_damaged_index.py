"""A damaged row index costs nobody a row: it is made anew from the data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers import recovery
from tests.workshop import Workshop, clients


@pytest.mark.parametrize("damage", [b"something else", None])
def test_the_start_makes_it_anew_and_rows_stay_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setattr("handlers.storage.row_index.FILE_ROWS", 10)
    shop = Workshop(tmp_path)
    shop.take("1.csv", clients(50))
    (run,) = shop.workspace.index.iterdir()
    if damage is None:
        run.unlink()
    else:
        run.write_bytes(damage)
    again = Workshop(tmp_path)
    told = recovery.recover(again.house, None)
    assert [one.event for one in told] == ["index.rebuilt"]
    assert told[0].fields["rows"] == 50
    record = again.take("2.csv", clients(60))
    assert (record.rows.ingested, record.rows.duplicate) == (10, 50)
