"""The large data set that some scenes start from: built once in a run, by the daemon itself, and copied for each.

``ATTRITIOND_BENCH_SCALE=100`` divides all sizes, to try the scenes out; what it prints is then no measurement.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks import generated
from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import workspace

SCALE = int(os.environ.get("ATTRITIOND_BENCH_SCALE", "1"))
FILES, FILE_ROWS = 10, 1_000_000 // SCALE
STORE_ROWS = FILES * FILE_ROWS
PATIENCE = 1800.0

_kept: list[tempfile.TemporaryDirectory[str]] = []


def scratch() -> Path:
    """A folder for the whole run; ``forget`` removes it. Where it lies is ``TMPDIR``'s business."""
    if not _kept:
        _kept.append(tempfile.TemporaryDirectory(prefix="attritiond-bench-"))
    return Path(_kept[0].name)


def forget() -> None:
    """Remove everything that was kept for several scenes."""
    for one in _kept:
        one.cleanup()
    _kept.clear()
    large.cache_clear()
    bulk_files.cache_clear()


@functools.cache
def large() -> Path:
    """A workspace in which ``STORE_ROWS`` rows are, and nothing waits; not to be written to."""
    place = scratch() / "large"
    config = workspace(place, drift={"policy": "never"})
    beside = scratch() / "first"
    beside.mkdir()
    paths = [
        generated.write(beside / f"first-{number}.csv", generated.fresh(number * FILE_ROWS, FILE_ROWS))
        for number in range(FILES)
    ]
    with running(config) as daemon:
        daemon.wait_for("folder.watched")
        move_in(daemon, paths)
        taken(daemon, FILES)
        quiet(daemon)
        rested(daemon)
        rows = rows_there(daemon)
        daemon.stop(seconds=60.0)
    if rows != STORE_ROWS:
        raise AssertionError(f"{rows} rows are there instead of {STORE_ROWS}")
    for path in (place / "sourcedata").iterdir():
        path.unlink()
    return place


@functools.cache
def bulk_files() -> tuple[Path, ...]:
    """Ten files; of their rows the share ``DUPLICATES`` is in the large data set, or in a file before."""
    beside = scratch() / "bulk"
    beside.mkdir()
    return tuple(generated.write(beside / f"bulk-{number}.csv", _bulk_rows(number)) for number in range(FILES))


def bulk_distinct() -> int:
    """How many rows of the bulk files are new."""
    numbers = np.unique(np.concatenate([_bulk_rows(number) for number in range(FILES)]))
    return int(np.count_nonzero(numbers >= STORE_ROWS))


def _bulk_rows(number: int) -> NDArray[np.int64]:
    return generated.some_again(STORE_ROWS + number * FILE_ROWS, FILE_ROWS, seed=number)


@contextlib.contextmanager
def copied(*, rows: bool = True) -> Iterator[Path]:
    """The configuration of a workspace of one's own, a copy of the large one; without ``rows`` an empty one."""
    with tempfile.TemporaryDirectory(dir=scratch()) as folder:
        place = Path(folder) / "work"
        if rows:
            subprocess.run(["cp", "-r", "--reflink=auto", str(large()), str(place)], check=True)  # noqa: S607
            os.sync()
            yield place / "config.json"
        else:
            yield workspace(place, drift={"policy": "never"})


def move_in(daemon: DaemonProcess, paths: Sequence[Path]) -> float:
    """Rename files into the source folder, which are left where they are too; returns when the first rename began."""
    beside = daemon.root / "beside"
    beside.mkdir(exist_ok=True)
    for path in paths:
        (beside / path.name).hardlink_to(path)
    began = time.monotonic()
    for path in paths:
        (beside / path.name).rename(daemon.root / "sourcedata" / path.name)
    return began


def taken(daemon: DaemonProcess, count: int, *, after: int = 0) -> float:
    """When the line of the last of so many files came; its commit came before. ``after``: lines that do not count."""
    daemon.until(
        lambda: sum(line["event"] == "file.ingested" for line in daemon.lines[after:]) >= count,
        f"{count} files are in",
        seconds=PATIENCE,
    )
    return float([line for line in daemon.lines[after:] if line["event"] == "file.ingested"][count - 1]["arrived"])


def rows_there(daemon: DaemonProcess) -> int:
    """The rows of the data set, as the daemon says."""
    return int(sum(item["rows"]["ingested"] for item in daemon.file_records()))


def rested(daemon: DaemonProcess) -> None:
    """What is done in idle time is done: the row index of so many files has been merged."""
    if SCALE == 1:
        daemon.wait_for("index.merged", seconds=PATIENCE)


def quiet(daemon: DaemonProcess) -> None:
    """No file waits. Rows stay undecided: their labels are all of one kind."""

    def nothing_waits() -> bool:
        _, body = daemon.request("GET", "/readyz")
        answer = json.loads(body)
        return "source_folder" not in answer["problems"] and answer["waiting"] == 0

    daemon.until(nothing_waits, "no file waits", seconds=PATIENCE)
