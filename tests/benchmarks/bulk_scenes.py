"""Many rows at once: into a data set that is large already, in large files and in small ones."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import baselines, generated, store
from tests.benchmarks.measures import Measure
from tests.benchmarks.processes import cpu_seconds
from tests.end_to_end.daemon_process import running

RUNS = 3
SMALL_FILES, SMALL_ROWS = max(1000 // store.SCALE, 10), 1000


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds of one bulk and of the parses before and after it, by the clock and by the processor."""

    seconds: float
    cpu: float
    parse: float
    parse_cpu: float


def bulk() -> list[Measure]:
    """Ten files into ten million rows, three times from the same start, each between two bare parses."""
    files, rows = store.bulk_files(), store.FILES * store.FILE_ROWS
    runs = [_run(files, store.bulk_distinct()) for _ in range(RUNS)]
    name = f"bulk: {store.FILES} files of {store.FILE_ROWS:,} rows x 9 into {store.STORE_ROWS:,} rows"
    measures = _against_parse(name, runs, rows)
    pandas = _pandas(files)
    ours = statistics.median(run.seconds for run in runs)
    return [
        *measures,
        Measure(f"... as pandas does it (concat, drop_duplicates, to_csv): {name}", "s", pandas),
        Measure("... how many times as fast as pandas", "times", pandas / ours),
    ]


def many_files() -> list[Measure]:
    """A thousand files of a thousand rows into ten million, three times from the same start."""
    beside = store.scratch() / "small"
    beside.mkdir(exist_ok=True)
    first = store.STORE_ROWS * 2
    files = [
        generated.write(beside / f"small-{number}.csv", generated.fresh(first + number * SMALL_ROWS, SMALL_ROWS))
        for number in range(SMALL_FILES)
    ]
    rows = SMALL_FILES * SMALL_ROWS
    runs = [_run(files, rows) for _ in range(RUNS)]
    bulk_files = store.bulk_files()
    _, _, bare = _parse(bulk_files)
    ours = rows / statistics.median(run.seconds for run in runs)
    whole = store.FILES * store.FILE_ROWS / bare
    name = f"{SMALL_FILES:,} files of {SMALL_ROWS:,} rows x 9 into {store.STORE_ROWS:,} rows"
    return [
        *_against_parse(name, runs, rows),
        Measure("... against large files", "rows/s", ours, RUNS, None, whole, "pyarrow parse of the bulk files"),
    ]


def _against_parse(name: str, runs: Sequence[Run], rows: int) -> list[Measure]:
    """Speed and CPU beside those of the bare parse; the ratio is the median of the ratios of the runs."""
    speed = [rows / run.seconds for run in runs]
    parse = [rows / run.parse for run in runs]
    ratios = [run.parse / run.seconds for run in runs]
    of_cpu = [run.parse_cpu / run.cpu for run in runs]
    middle = statistics.median
    return [
        Measure(
            name, "rows/s", middle(speed), len(runs), min(speed), middle(parse), "pyarrow parse", middle(ratios)
        ),
        Measure("... that ratio in the best run, and in the worst", "", max(ratios), len(runs), min(ratios)),
        Measure(
            "... CPU of all its processes; the ratio is parse to ours", "s", middle(run.cpu for run in runs), len(runs),
            max(run.cpu for run in runs), middle(run.parse_cpu for run in runs), "pyarrow parse", middle(of_cpu),
        ),
    ]  # fmt: skip


def _run(files: Sequence[Path], distinct: int) -> Run:
    """One bulk on a copy of the large data set. Raises AssertionError unless ``distinct`` rows were added."""
    with store.copied() as config, running(config) as daemon:
        daemon.wait_for("folder.watched")
        store.quiet(daemon)
        before_rows = store.rows_there(daemon)
        _, before_cpu, before = _parse(files)
        seen, spent = len(daemon.lines), cpu_seconds(daemon.pid)
        began = store.move_in(daemon, files)
        seconds = store.taken(daemon, len(files), after=seen) - began
        cpu = cpu_seconds(daemon.pid) - spent
        _, after_cpu, after = _parse(files)
        added = store.rows_there(daemon) - before_rows
        daemon.stop(seconds=60.0)
    if added != distinct:
        raise AssertionError(f"{added:,} rows were added instead of {distinct:,}")
    return Run(seconds, cpu, (before + after) / 2, (before_cpu + after_cpu) / 2)


def _parse(files: Sequence[Path]) -> tuple[int, float, float]:
    """Rows, CPU seconds and seconds of a bare parse of these files, in a process of its own with two threads."""
    done = subprocess.run(
        [sys.executable, "-c", baselines.BARE_PARSE],
        input="\n".join(map(str, files)),
        capture_output=True,
        text=True,
        check=True,
    )
    rows, cpu, seconds = done.stdout.split()
    return int(rows), float(cpu), float(seconds)


def _pandas(files: Sequence[Path]) -> float:
    """Seconds of the pandas way. What is there already is in its memory before the clock starts."""
    first = sorted((store.scratch() / "first").iterdir())
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", baselines.PANDAS, str(store.scratch() / "pandas.csv")],
        input="\n".join(map(str, first)) + "\n\n" + "\n".join(map(str, files)),
        capture_output=True,
        text=True,
        check=True,
    )
    (store.scratch() / "pandas.csv").unlink()
    print(f"pandas: {time.monotonic() - began:.0f} s with reading what is there", file=sys.stderr)
    return float(done.stdout)
