from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.selection import FIRST_SEED, selection
from tests.benchmarks.streams import KINDS


def test_what_is_measured_by_default_is_every_kind_with_a_seed_that_was_kept_aside() -> None:
    chosen = selection({})
    assert chosen.full
    assert chosen.generated == [(kind, FIRST_SEED) for kind in KINDS]
    assert chosen.real() == []


def test_fewer_kinds_or_files_are_no_full_measurement_but_more_seeds_are() -> None:
    assert not selection({"ATTRITIOND_BENCH_KINDS": "small,sudden"}).full
    assert not selection({"ATTRITIOND_BENCH_FILES": "6"}).full
    more = selection({"ATTRITIOND_BENCH_SEEDS": "11,12"})
    assert more.full
    assert len(more.generated) == 2 * len(KINDS)


def test_of_a_stream_so_many_files_are_taken_as_are_wanted() -> None:
    assert len(selection({"ATTRITIOND_BENCH_FILES": "6"}).taken(("small", 12)).files) == 6


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("SEEDS", "11,7", "kept|used to choose"),
        ("KINDS", "sudden,odd", "odd"),
        ("FILES", "2", "at least 3"),
        ("DATA", "no/such/folder", "no folder"),
    ],
)
def test_what_cannot_be_measured_is_refused(name: str, value: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        selection({f"ATTRITIOND_BENCH_{name}": value})


def test_a_folder_of_tables_is_read_as_streams(tmp_path: Path) -> None:
    rows = "".join(f"{number % 7},{number % 3 % 2}\n" for number in range(4_000))
    (tmp_path / "real.csv").write_text("x,class\n" + rows)
    found = selection({"ATTRITIOND_BENCH_DATA": str(tmp_path)})
    assert found.full
    assert [one.name for one in found.real()] == ["real"]
