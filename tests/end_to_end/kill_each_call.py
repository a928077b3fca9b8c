"""One ingest, killed at each system call that changes a file; then it is run again, and the rows must be there once.

By hand, at every call: ``python -m tests.end_to_end.kill_each_call small large --every 1 --torn``. After each kill
the data set must be what it was before or what it is afterwards, the latter where the file was acknowledged; after the
second run it must be the latter, row by row, without anything left over beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.end_to_end import drops
from tests.end_to_end.daemon_process import ENVIRONMENT, PROJECT, run_command
from tests.end_to_end.recount import Row, exported, first_difference, recount

SIZES = {"small": 200, "large": 700_000}
"""Rows of the file that is killed: one that rides in the ledger, and one of more than one chunk."""
SETTINGS: dict[str, Any] = {"drift": {"policy": "never"}, "ingestion": {"finaldata_max_rows": 0}}
MEMORY_SUFFIXES = ("-wal", "-shm")
"""Files that the ledger's library makes and removes as it likes."""


@dataclass(frozen=True, slots=True)
class Report:
    """What a traced run came to: see ``system_calls.Run``."""

    exit_code: int
    calls: list[dict[str, Any]]
    acknowledged: list[int]


@dataclass(frozen=True, slots=True)
class Proof:
    """``calls``: of one undisturbed ingest; ``killed``: how often it was killed and looked at afterwards."""

    calls: int
    killed: int
    torn: int
    at: dict[str, int]
    before_commit: int
    seconds: float


class OneIngest:
    """A workspace with some rows, a file that shares a quarter of them, and what must be there in the end."""

    def __init__(self, folder: Path, rows: int) -> None:
        self._folder = folder
        self.before = folder / "before"
        drops.workspace(self.before, **SETTINGS)
        clients = drops.Clients(drops.chance(rows))
        # Labels of one kind only: there is nothing to learn from, so that an ingest is nothing but that.
        made = [(*row[:-1], "0") for row in clients.rows(rows + 200)]
        first, self.file = folder / "first.csv", folder / "second.csv"
        first.write_text(drops.csv_text(made[:200]))
        self.file.write_text(drops.csv_text(made[150:]))
        done = run_command(self.before / "config.json", "ingest", str(first))
        assert done.returncode == 0, done.stderr
        self.rows_before = recount([first])
        self.rows_after = recount([first, self.file])

    def fresh(self) -> Path:
        """A copy of the workspace, where the last one was."""
        place = self._folder / "work"
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.before, place, symlinks=True)
        return place

    def traced(self, place: Path, kill_at: int = 0, *, torn: bool = False) -> Report:
        """Ingest the file in this copy, perhaps killed."""
        command = [sys.executable, "-m", "daemon", "ingest", "--config", str(place / "config.json"), str(self.file)]
        return trace(place, command, kill_at, torn=torn)

    def check(self, place: Path, report: Report) -> bool:
        """The books after a kill, and after a second run. Returns whether the file was committed at the kill."""
        there = self._export(place)
        committed = there != self.rows_before
        if committed or report.acknowledged:
            self._is(there, self.rows_after, "after the kill")
        done = run_command(place / "config.json", "ingest", str(self.file))
        assert done.returncode == 0, f"the second run ended with {done.returncode}: {done.stderr}{done.stdout}"
        self._is(self._export(place), self.rows_after, "after the second run")
        return committed

    def _export(self, place: Path) -> list[Row]:
        if not (place / "ingesteddata" / "ledger.sqlite3").exists():
            return []
        return exported(place / "config.json")

    def _is(self, there: list[Row], expected: list[Row], when: str) -> None:
        wrong = first_difference(there, expected)
        assert wrong is None, f"{when}: {wrong}"


def trace(under: Path, command: list[str], kill_at: int = 0, *, torn: bool = False) -> Report:
    """Run a command under the tracer. ``under``: only calls on files there count."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        options = ["--under", str(under), "--report", file.name, "--kill-at", str(kill_at)]
        subprocess.run(
            [
                *(sys.executable, "-m", "tests.end_to_end.system_calls", *options),
                *(["--torn"] if torn else []),
                *("--", *command),
            ],
            cwd=PROJECT,
            env={**os.environ, **ENVIRONMENT},
            check=True,
            capture_output=True,
        )
        return Report(**json.loads(Path(file.name).read_text()))


def left_over(place: Path) -> Counter[tuple[str, str]]:
    """How many files of each kind lie in each folder of the data set."""
    output = place / "ingesteddata"
    found = [path for path in output.rglob("*") if path.is_file() and not path.name.endswith(MEMORY_SUFFIXES)]
    return Counter((str(path.parent.relative_to(output)), path.suffix) for path in found)


def prove(folder: Path, rows: int, *, every: int = 1, points: int = 0, torn: bool = False) -> Proof:
    """Kill an ingest of so many rows at every ``every``-th call, or at ``points`` calls that are spread evenly."""
    began = time.monotonic()
    one = OneIngest(folder, rows)
    place = one.fresh()
    whole = one.traced(place)
    assert whole.exit_code == 0
    assert one.check(place, whole), "an ingest that nobody disturbed has committed"
    clean = left_over(place)
    count = len(whole.calls)
    numbers = (
        range(1, count + 1, every) if not points else sorted({count * part // points for part in range(1, points)})
    )
    at: Counter[str] = Counter()
    before_commit = torn_ones = 0
    for number in numbers:
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


def main() -> None:
    """Prove it at the size that the command line says, and print what it came to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=list(SIZES), help=f"of {', '.join(SIZES)}, or a number of rows")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--torn", action="store_true", help="also in the middle of each write")
    options = parser.parse_args()
    for size in options.sizes:
        rows = SIZES.get(size) or int(size)
        with tempfile.TemporaryDirectory(prefix="attritiond-kills-") as scratch:
            print(size, prove(Path(scratch), rows, every=options.every, torn=options.torn), flush=True)


if __name__ == "__main__":
    main()
