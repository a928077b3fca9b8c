"""What could break the knowledge of the rows that are there costs nobody a row."""

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


def test_integers_beyond_what_a_number_holds_stay_integers(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    header = ("corporation", "code", "exited")
    rows = [(f"c{number}", 2**60 + 1 + number, number % 2) for number in range(30)]
    shop.take("1.csv", rows, header)
    refused = shop.take("2.csv", [(f"d{number}", number + 0.5, number % 2) for number in range(30)], header)
    assert refused.reason is not None
    assert refused.reason.code == "widening"
    assert shop.take("3.csv", [*rows, ("e", 1, 0)], header).rows.duplicate == 30
    shop.settle()
    scored = shop.take("4.csv", [(f"f{number}", 2**60 + number, None) for number in range(5)], header)
    assert scored.rows.ingested == 5
