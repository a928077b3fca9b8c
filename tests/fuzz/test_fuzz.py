"""Mutated files through both readers, for ``ATTRITIOND_FUZZ_SECONDS`` (30)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.fuzz.comparison import Trial, compare, shapes

SECONDS = float(os.environ.get("ATTRITIOND_FUZZ_SECONDS", "30"))
SEED = int(os.environ.get("ATTRITIOND_FUZZ_SEED", "0"))
#: Fewer files than this in the time would say that the machine, or a reader, stands still.
FEWEST = 20
PATIENCE = 10.0
"""Seconds for one file in all shapes, on a slow machine."""


@pytest.mark.timeout(SECONDS * 2 + 120)
def test_both_readers_say_the_same_of_mutated_files(tmp_path: Path) -> None:
    """The seeds are the same in each run; another ``ATTRITIOND_FUZZ_SEED`` begins elsewhere."""
    began = time.monotonic()
    seed = SEED
    while time.monotonic() - began < SECONDS:
        trial, started = Trial.of(seed), time.monotonic()
        for shape in shapes(seed):
            found = compare(trial, shape, tmp_path)
            assert found is None, str(found)
        assert time.monotonic() - started < PATIENCE, f"seed {seed} took too long"
        seed += 1
    assert seed - SEED >= FEWEST
