"""What is thrown at it: twenty thousand files from four writers, and more than fits into memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from tests.benchmarks import baselines, generated, store
from tests.benchmarks.measures import Measure
from tests.benchmarks.processes import anonymous_mb, watching
from tests.end_to_end.daemon_process import DaemonProcess, running

WRITERS = 4
BURST_FILES, BURST_ROWS = max(20_000 // store.SCALE, 40), 10
QUEUE_LIMIT = Path("/proc/sys/fs/inotify/max_queued_events")
LOW_LIMIT = 512
GIGABYTE_ROWS = 17_000_000 // store.SCALE
"""Rows of 63 bytes on average: a little more than 1 GB."""
SMALL_FILES, SMALL_ROWS = max(10_000 // store.SCALE, 40), 100
REST_SECONDS = 2.0


def great_burst() -> list[Measure]:
    """Twenty thousand files by four writers at once, the kernel's queue of events made short where that is allowed."""
    with lowered_queue() as limit, store.copied(rows=False) as config, running(config) as daemon:
        daemon.wait_for("folder.watched")
        began = _written_by_four(daemon)
        seconds = store.taken(daemon, BURST_FILES) - began
        store.quiet(daemon)
        records = daemon.files()
        lost = BURST_FILES - sum(item["state"] == "ingested" for item in records.values())
        rows = sum(item["rows"]["ingested"] for item in records.values())
        daemon.stop(seconds=60.0)
        bare = baselines.parse_all(sorted((config.parent / "sourcedata").iterdir()))
    name = f"{BURST_FILES:,} files of {BURST_ROWS} rows by {WRITERS} writers, queue of {limit:,} events"
    return [
        Measure(f"{name}: all committed", "s", seconds, 1, None, bare, "pyarrow parse alone, one after the other"),
        Measure("... files lost", "", float(lost)),
        Measure("... rows lost or there twice", "", float(abs(BURST_FILES * BURST_ROWS - rows))),
    ]


def memory() -> list[Measure]:
    """Anonymous memory of the ingest worker above idle: a file of 1 GB, and 10,000 small files. Nothing is timed."""
    large = store.scratch() / "gigabyte.csv"
    _write_large(large)
    beside = store.scratch() / "many"
    beside.mkdir(exist_ok=True)
    small = [
        generated.write(beside / f"many-{number}.csv", generated.fresh(number * SMALL_ROWS, SMALL_ROWS))
        for number in range(SMALL_FILES)
    ]
    measures: list[Measure] = []
    for name, paths in ((f"a file of {large.stat().st_size / 1e9:.2f} GB", [large]), (f"{len(small):,} files", small)):
        with store.copied(rows=False) as config, running(config) as daemon:
            daemon.wait_for("folder.watched")
            worker = daemon.wait_for("worker.started", where=lambda line: line["worker"] == "ingest")["pid"]
            time.sleep(REST_SECONDS)
            idle = anonymous_mb(worker)
            with watching(worker) as peak:
                store.move_in(daemon, paths)
                store.taken(daemon, len(paths))
            measures.append(
                Measure(f"anonymous memory of the ingest worker, {name}: above idle", "MB", peak.megabytes - idle)
            )
            measures.append(Measure("... at idle", "MB", idle))
            store.quiet(daemon)
            if daemon.worker("ingest") != worker:
                raise AssertionError("the ingest worker was started anew")
            daemon.stop(seconds=60.0)
    large.unlink()
    return measures


@contextlib.contextmanager
def lowered_queue() -> Iterator[int]:
    """The limit of the kernel's queue that holds for watches that begin now; put back afterwards."""
    before = QUEUE_LIMIT.read_text()
    try:
        try:
            QUEUE_LIMIT.write_text(str(LOW_LIMIT))
        except OSError:
            yield int(before)  # only root may, and not in every container
            return
        yield LOW_LIMIT
    finally:
        with contextlib.suppress(OSError):
            QUEUE_LIMIT.write_text(before)


def _written_by_four(daemon: DaemonProcess) -> float:
    """Every writer prepares its files, and renames them into the folder when all are ready. Returns when that was."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(WRITERS + 1)
    writers = [context.Process(target=_write, args=(daemon.root, number, ready)) for number in range(WRITERS)]
    for one in writers:
        one.start()
    ready.wait()
    began = time.monotonic()
    for one in writers:
        one.join()
    return began


def _write(root: Path, writer: int, ready: Barrier) -> None:
    beside = root / f"beside-{writer}"
    beside.mkdir()
    names = [f"burst-{number}.csv" for number in range(writer, BURST_FILES, WRITERS)]
    table = generated.table(generated.fresh(writer * BURST_FILES * BURST_ROWS, len(names) * BURST_ROWS))
    header = ",".join(table.column_names)
    lines = [",".join(map(_cell, row.values())) for row in table.to_pylist()]
    for place, name in enumerate(names):
        part = lines[place * BURST_ROWS : (place + 1) * BURST_ROWS]
        (beside / name).write_text("\n".join([header, *part, ""]))
    ready.wait()
    for name in names:
        (beside / name).rename(root / "sourcedata" / name)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _write_large(path: Path) -> None:
    """One file, made of pieces, so that this process does not hold it."""
    piece = path.with_suffix(".piece")
    with path.open("wb") as file:
        for first in range(0, GIGABYTE_ROWS, store.FILE_ROWS):
            rows = np.arange(first, min(first + store.FILE_ROWS, GIGABYTE_ROWS), dtype=np.int64)
            text = generated.write(piece, rows).read_bytes()
            file.write(text if first == 0 else text.split(b"\n", 1)[1])
    piece.unlink()
