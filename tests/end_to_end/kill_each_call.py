"""One ingest, killed at each system call that changes a file; then it is run again, and the rows must be there once.

By hand, at every call: ``python -m tests.end_to_end.kill_each_call small large compaction --every 1 --torn``. After
each kill the data set must be what it was before or what it is afterwards, the latter where the file was acknowledged;
after the second run it must be the latter, row by row, without anything left over beside it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tests.end_to_end.deeds import Deed, OneCompaction, OneIngest, Report

SIZES = {"small": 200, "large": 700_000}
"""Rows of the file that is killed: one that rides in the ledger, and one of more than one chunk."""
MEMORY_SUFFIXES = ("-wal", "-shm")
"""Files that the ledger's library makes and removes as it likes."""


@dataclass(frozen=True, slots=True)
class Proof:
    """``calls``: of one undisturbed ingest; ``killed``: how often it was killed and looked at afterwards."""

    calls: int
    killed: int
    torn: int
    at: dict[str, int]
    before_commit: int
    seconds: float


def left_over(place: Path) -> Counter[tuple[str, str]]:
    """How many files of each kind lie in each folder of the data set."""
    output = place / "ingesteddata"
    found = [path for path in output.rglob("*") if path.is_file() and not path.name.endswith(MEMORY_SUFFIXES)]
    return Counter((str(path.parent.relative_to(output)), path.suffix) for path in found)


def prove(one: Deed, *, every: int = 1, points: int = 0, torn: bool = False) -> Proof:
    """Kill it at calls, and look. ``every``: of a series of the same calls on the same file the first, the last and
    each so many-th between them; or at ``points`` calls that are spread evenly, the last among them. ``torn``: also in
    the midst of writes.
    """
    began = time.monotonic()
    place = one.fresh()
    whole = one.traced(place)
    assert whole.exit_code == 0
    assert one.check(place, whole), "if nobody disturbs it, it is done"
    clean = left_over(place)
    numbers = one.calls(whole)
    count = len(numbers)
    if points:
        chosen = [numbers[count * part // points - 1] for part in range(1, points + 1)]
    else:
        chosen = _in_series(whole, numbers, every)
    at: Counter[str] = Counter()
    before_commit = torn_ones = 0
    for number in chosen:
        for half in (False, True) if torn else (False,):
            if half and whole.calls[number - 1]["size"] < 2:
                continue
            place = one.fresh()
            report = one.traced(place, number, torn=half)
            if report.exit_code == 0:  # it took another way this time, and had ended before
                continue
            assert report.exit_code == -9, f"killed at call {number}, it ended with {report.exit_code}"
            at[report.calls[-1]["name"]] += 1
            torn_ones += half
            try:
                before_commit += not one.check(place, report)
                extra = left_over(place) - clean
                assert not extra, f"left over in the data set: {dict(extra)}"
            except AssertionError as error:
                raise AssertionError(
                    f"killed at call {number} (half done: {half}), {report.calls[-1]}: {error}"
                ) from None
    return Proof(count, sum(at.values()), torn_ones, dict(at), before_commit, time.monotonic() - began)


def _in_series(report: Report, numbers: Sequence[int], every: int) -> list[int]:
    chosen: list[int] = []
    for _, series in groupby(numbers, key=lambda number: _kind(report.calls[number - 1])):
        these = list(series)
        chosen += sorted({*these[::every], these[-1]})
    return chosen


def _kind(call: dict[str, Any]) -> tuple[str, list[str]]:
    return call["name"], call["paths"]


def main() -> None:
    """Prove it at the size that the command line says, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=[*SIZES, "compaction"], help="of small, large, compaction")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--torn", action="store_true", help="also in the middle of each write")
    options = parser.parse_args()
    for what in options.what:
        with tempfile.TemporaryDirectory(prefix="attritiond-kills-") as scratch:
            one = OneCompaction(Path(scratch)) if what == "compaction" else OneIngest(Path(scratch), SIZES[what])
            print(what, prove(one, every=options.every, torn=options.torn), flush=True)


if __name__ == "__main__":
    main()
