"""Mutated files through both readers, for ``ATTRITIOND_FUZZ_SECONDS`` (30)."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from handlers.domain.limits import Limits
from tests.fuzz.comparison import SHAPES, Shape, Trial, compare, shapes
from tests.fuzz.houses import NEW, PLAIN

#: Files of which the two readers once did not say the same.
ONCE_FOUND = (
    b"sep=;",
    b"id,visits,left\na,1,1\nb,none,0\n",
    b"id,visits,left\na,1.5.5,1\nb,12,0\n",
    b"id;visits;spend;left\na;1,5;1.234;1\n" + b"b;2,5;1.235;0\n" * 5 + b"c;zz;2.345;0\n",
    b"\xef\xbb\xbfid,visits,left\n\xef\xbb\xbfa,1,1\nb,2,0\n\xef\xbb\xbfc,3,0\n",
)
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


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("content", ONCE_FOUND)
def test_both_readers_say_the_same_of_what_was_once_found(content: bytes, shape: Shape, tmp_path: Path) -> None:
    found = compare(Trial(0, content, NEW, PLAIN, Limits()), shape, tmp_path)
    assert found is None, str(found)
