"""What a daemon's processes cost, read from /proc."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
EVERY_SECONDS = 0.02


def cpu_seconds(group: int) -> float:
    """CPU seconds so far of all living processes of this process group."""
    total = 0
    for fields in _statistics():
        if int(fields[2]) == group:
            total += int(fields[11]) + int(fields[12])
    return total / TICKS


def anonymous_mb(process: int) -> float:
    """Megabytes of memory that no file stands behind, of this process and its descendants."""
    family, total = {process}, 0.0
    parents = [(int(fields[-1]), int(fields[1])) for fields in _statistics()]
    for child, parent in sorted(parents):
        if parent in family:
            family.add(child)
    for one in family:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    total += int(line.split()[1]) / 1024
    return total


class Peak:
    """``megabytes``: the most that was seen so far."""

    def __init__(self) -> None:
        self.megabytes = 0.0


@contextlib.contextmanager
def watching(process: int) -> Iterator[Peak]:
    """Look at its anonymous memory every 20 ms. It costs CPU, so time is not measured meanwhile."""
    peak, ended = Peak(), threading.Event()

    def look() -> None:
        while not ended.wait(EVERY_SECONDS):
            peak.megabytes = max(peak.megabytes, anonymous_mb(process))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        ended.set()
        thread.join()


def _statistics() -> Iterator[list[str]]:
    """Of each process the fields of its ``stat`` from the state on, and at the end its own number."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield [*(entry / "stat").read_text().rpartition(")")[2].split(), entry.name]
