"""The power fails at two moments; ``ATTRITIOND_TEST_ROUNDS=400`` is the full size.

Only root can mount what it needs.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end import power_cut

FILES = 24
"""One of them is a large one."""


@pytest.mark.timeout(3600)
def test_what_was_acknowledged_is_there_once_after_a_power_cut(tmp_path: Path, rounds: int) -> None:
    reason = power_cut.why_not()
    if reason is not None:
        pytest.skip(reason)
    outcome = power_cut.PowerCut(tmp_path, files=max(FILES, rounds // 2), seed=rounds).run(max(2, rounds // 2))
    assert outcome.flushes >= FILES, "each commit flushes the disk"
    assert outcome.acknowledged >= 1, "files had to be there at some cut"
