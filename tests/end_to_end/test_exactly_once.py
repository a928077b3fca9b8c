"""kill -9 at any moment: no row is lost, none counts twice, each is decided on once, the release always loads.

Four kills by default; ``ATTRITIOND_TEST_ROUNDS=200`` is the full size, with one and a half times as many files.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.crash_harness import CrashRun, Task


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("months", [False, True], ids=["one block", "a block for each month"])
def test_rows_are_there_once_and_decided_on_once_whatever_is_killed(folder: Path, rounds: int, months: bool) -> None:
    outcome = CrashRun(folder, Task(kills=rounds, files=rounds * 3 // 2, seed=rounds, months=months)).run()
    assert sum(outcome.kills.values()) == rounds
    assert outcome.audit.models >= 1
    assert outcome.releases_checked >= 1
