"""Where lines of the log go. Where requests are answered, nobody waits for whoever reads them."""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue

#: Lines that may wait to be written; those that come while so many do are lost, and counted.
MOST_LINES = 10_000
#: So often a second the thread is woken for lines, once it was woken so many times in a row: to wake it, and whoever
#: reads, costs more than a line.
WAKES_PER_SECOND, WAKES_IN_A_ROW = 20, 50
#: So long the end of the process waits for the last lines to be taken.
LAST_SECONDS = 1.0

_Item = bytes | threading.Event


class Lines:
    """Writes lines to a descriptor, for any thread. ``told``: the line that says that so many were lost."""

    def __init__(self, fd: int, told: Callable[[int], str]) -> None:
        self._fd = fd
        self._told = told
        # Finalizers may log wherever an object is made, in the middle of another line, too: no lock can be held here.
        self._queue: SimpleQueue[_Item] | None = None
        self._lost = 0

    def msg(self, line: str) -> None:
        """Write a line, or lose it."""
        written = _encoded(line)
        if self._queue is None:
            self._write(written)
        elif self._queue.qsize() < MOST_LINES:
            self._queue.put(written)
        else:
            self._lost += 1

    debug = info = warning = error = critical = msg

    def write_beside(self) -> None:
        """Have a thread write from now on, so that a reader that is slow, or takes nothing, holds up that thread."""
        if self._queue is None:
            self._queue = SimpleQueue()
            threading.Thread(target=self._work, args=(self._queue,), name="log", daemon=True).start()
            atexit.register(self.flush)

    def flush(self, seconds: float = LAST_SECONDS) -> None:
        """Wait until what was said before is written, but no longer than so many seconds."""
        if self._queue is not None:
            written = threading.Event()
            self._queue.put(written)
            written.wait(seconds)

    def _work(self, queue: SimpleQueue[_Item]) -> None:
        woken, last = 0.0, time.monotonic()
        while True:
            items = [queue.get()]
            now = time.monotonic()
            woken, last = max(0.0, woken - (now - last) * WAKES_PER_SECOND) + 1, now
            if woken > WAKES_IN_A_ROW:
                time.sleep(1 / WAKES_PER_SECOND)
            with contextlib.suppress(Empty):
                while True:
                    items.append(queue.get_nowait())
            lines = [item for item in items if isinstance(item, bytes)]
            lost = self._lost
            self._lost -= lost
            if lost:
                lines.append(_encoded(self._told(lost)))
            self._write(b"".join(lines))
            for item in items:
                if isinstance(item, threading.Event):
                    item.set()

    def _write(self, rest: bytes) -> None:
        """Write all of it; where nobody is there to read it, it is lost."""
        try:
            while rest:
                try:
                    rest = rest[os.write(self._fd, rest) :]
                except BlockingIOError:  # another process that has the same standard error made it so
                    select.select([], [self._fd], [])
        except (OSError, ValueError):
            return


def _encoded(line: str) -> bytes:
    return line.encode("utf-8", "backslashreplace") + b"\n"
