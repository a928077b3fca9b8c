"""kill -9 at system calls that write, during one ingest, and the order in which an ingest syncs.

A few calls by default; ``ATTRITIOND_TEST_ROUNDS=200`` takes (nearly) each of a small ingest.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end import system_calls
from tests.end_to_end.deeds import OneCompaction, OneIngest
from tests.end_to_end.kill_each_call import prove
from tests.end_to_end.sync_order import log_is_synced, named_in_order

LARGE = 150_000
"""Rows: a part of its own, which no longer rides in the ledger."""


@pytest.fixture(autouse=True)
def _traced() -> None:
    reason = system_calls.why_not()
    if reason is not None:
        pytest.skip(reason)


@pytest.mark.timeout(3600)
def test_an_ingest_that_is_killed_at_a_call_leaves_all_or_nothing(folder: Path, rounds: int) -> None:
    folder.mkdir()
    proof = prove(OneIngest(folder, 200), points=rounds, torn=True)
    assert proof.killed >= rounds
    assert proof.torn >= 1
    assert 0 < proof.before_commit < proof.killed, "some kills came before the commit, and some after it"


@pytest.mark.timeout(3600)
def test_a_compaction_that_is_killed_at_a_call_changes_no_row(folder: Path, rounds: int) -> None:
    folder.mkdir()
    proof = prove(OneCompaction(folder), points=max(2, rounds // 2))
    assert proof.killed >= 1


@pytest.mark.parametrize(("rows", "in_parts"), [(200, 0), (LARGE, 1)], ids=["small", "large"])
def test_the_ledger_names_a_file_only_after_the_disk_has_it(folder: Path, rows: int, in_parts: int) -> None:
    one = OneIngest(folder, rows)
    place = one.fresh()
    report = one.traced(place)
    assert report.exit_code == 0
    assert log_is_synced(report) >= 1
    names = named_in_order(report)
    assert one.file.name in names, "the source file itself, which ingest has put there"
    assert sum(name.endswith(".parquet") for name in names) >= in_parts
    assert one.check(place, report)
