"""The demonstration's drops, as files."""

from __future__ import annotations

import csv
from pathlib import Path

from handlers.demonstration import write_next_drop

CHECKOUT = Path(__file__).parents[3] / "sourcedata"
FIRST = [f"2026-0{month}-clients.csv" for month in range(1, 6)]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_checkout_holds_what_an_empty_folder_is_given(tmp_path: Path) -> None:
    written = write_next_drop(tmp_path / "source")
    assert [path.name for path in written] == FIRST
    assert all((CHECKOUT / path.name).read_bytes() == path.read_bytes() for path in written)
    assert all(path.stat().st_size <= 700 * 1024 for path in written)


def test_only_the_newest_of_the_first_months_is_unlabelled() -> None:
    assert ["exited" in _rows(CHECKOUT / name)[0] for name in FIRST] == [True, True, True, True, False]


def test_outcomes_label_every_client_of_the_month_before_and_are_read_first(tmp_path: Path) -> None:
    written = write_next_drop(tmp_path, FIRST)
    assert [path.name for path in written] == ["2026-05-outcomes.csv", "2026-06-clients.csv"]
    assert sorted(written) == written
    outcomes = _rows(written[0])
    assert list(outcomes[0]) == ["corporation", "month", "exited"]
    key = [(row["corporation"], row["month"]) for row in outcomes]
    assert key == [(row["corporation"], row["month"]) for row in _rows(CHECKOUT / FIRST[-1])]
    assert {row["exited"] for row in outcomes} == {"0", "1"}
    assert "exited" not in _rows(written[1])[0]


def test_months_follow_each_other_whether_their_files_stay_or_leave(tmp_path: Path) -> None:
    first = write_next_drop(tmp_path, FIRST)
    second = write_next_drop(tmp_path)
    assert [path.name for path in second] == ["2026-06-outcomes.csv", "2026-07-clients.csv"]
    elsewhere = write_next_drop(tmp_path / "emptied", [path.name for path in first])
    assert [path.read_bytes() for path in elsewhere] == [path.read_bytes() for path in second]


def test_a_drop_that_was_cut_short_between_its_two_files_is_completed(tmp_path: Path) -> None:
    written = write_next_drop(tmp_path, FIRST)
    written[1].unlink()
    assert write_next_drop(tmp_path, FIRST) == written[1:]
