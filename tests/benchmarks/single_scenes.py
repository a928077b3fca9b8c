"""One small file, and the start: what must not grow with the rows that are there already."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

from tests.benchmarks import baselines, generated, store
from tests.benchmarks.measures import Measure, median_of, percentile
from tests.end_to_end.daemon_process import DaemonProcess, running

DROPS, ROWS, WARM_UP = 150, 100, 5
STARTS = 5
FIRST = store.STORE_ROWS * 4
"""The number of the first row of these files."""


def one_file() -> list[Measure]:
    """A file of 100 rows, moved in: two daemons, one of them with ten million rows, asked in turn."""
    beside = _beside("single")
    bare: list[float] = []
    seconds: tuple[list[float], list[float]] = ([], [])
    with (
        store.copied(rows=False) as empty,
        store.copied() as full,
        running(empty) as without,
        running(full) as with_rows,
    ):
        for daemon in (without, with_rows):
            daemon.wait_for("folder.watched")
            store.quiet(daemon)
        for number in range(DROPS + WARM_UP):
            path = generated.write(beside / f"one-{number}.csv", generated.fresh(FIRST + number * ROWS, ROWS))
            took = [_drop(daemon, path) for daemon in (without, with_rows)]
            if number >= WARM_UP:
                bare.append(baselines.parse_and_sync(path, beside))
                for kept, value in zip(seconds, took, strict=True):
                    kept.append(value)
        for daemon in (without, with_rows):
            daemon.stop()
    none, many = seconds
    base = ("pyarrow parse and fsync", bare)
    there = f"{store.STORE_ROWS:,}"
    return [
        median_of("one file of 100 rows x 9, moved in to committed, no rows there at first", none, baseline=base),
        Measure("... 99th percentile", "ms", percentile(none, 0.99) * 1000, len(none)),
        median_of(f"one file of 100 rows x 9, moved in to committed, {there} rows there", many, baseline=base),
        Measure("... 99th percentile", "ms", percentile(many, 0.99) * 1000, len(many)),
        Measure("... ratio of the medians", "", statistics.median(many) / statistics.median(none)),
    ]


def start_large() -> list[Measure]:
    """From the start of the process until a file that lay there is committed, so ready to ingest; with and without."""
    bare = [baselines.interpreter_start() for _ in range(STARTS)]
    measures: list[Measure] = []
    for rows in (False, True):
        ready, watching, committed = [], [], []
        with store.copied(rows=rows) as config:
            _without_waiting(config)
            for number in range(STARTS):
                _lie_there(config.parent / "sourcedata", number)
                with running(config) as daemon:
                    ready.append(daemon.wait_for("daemon.ready")["arrived"] - daemon.began)
                    watching.append(daemon.wait_for("folder.watched")["arrived"] - daemon.began)
                    committed.append(store.taken(daemon, 1) - daemon.began)
                    store.quiet(daemon)
                    daemon.stop()
        there = f"{store.STORE_ROWS:,} rows" if rows else "no rows at first"
        base = ("imports alone", bare)
        measures += [
            median_of(f"start to answering, {there}", ready, baseline=base),
            median_of(f"start to ready to ingest (`folder.watched`), {there}", watching, baseline=base),
            median_of(f"start to committed: a file of 100 rows that lay there, {there}", committed, baseline=base),
        ]
    return measures


def _drop(daemon: DaemonProcess, path: Path) -> float:
    """Seconds from the rename to the line in the log, which comes after the commit; afterwards nothing is left."""
    seen = len(daemon.lines)
    began = store.move_in(daemon, [path])
    line = daemon.wait_for("file.ingested", after=seen, where=lambda line: line["file"] == path.name)
    store.quiet(daemon)
    return float(line["arrived"] - began)


def _without_waiting(config: Path) -> None:
    """A file that lies there is taken at once; else it would be watched for two seconds, whether more comes."""
    document = json.loads(config.read_text())
    config.write_text(json.dumps({**document, "ingestion": {"settle_seconds": 0}}))


def _lie_there(source: Path, number: int) -> None:
    generated.write(source / f"lay-{number}.csv", generated.fresh(FIRST * 2 + number * ROWS, ROWS))


def _beside(name: str) -> Path:
    folder = store.scratch() / name
    folder.mkdir(exist_ok=True)
    return folder
