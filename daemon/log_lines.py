"""Where lines of the log go. No reader of them, gone, stuck or slow, stops the work."""

from __future__ import annotations

import contextlib
import os
import select
import threading
from collections.abc import Iterator
from contextvars import ContextVar

#: A reader that takes nothing for so long is waited for no longer: lines are lost, and counted, until it takes more.
PATIENCE_SECONDS = 1.0
#: What may wait for its turn.
HELD_BYTES = 64 * 1024
#: So much is written at once: that much has room wherever there is any.
_AT_ONCE = select.PIPE_BUF
_END = ord("\n")

_may_wait: ContextVar[bool] = ContextVar("may_wait", default=False)


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Lines that are written here may wait until others are, or somebody calls ``flush``."""
    token = _may_wait.set(True)
    try:
        yield
    finally:
        _may_wait.reset(token)


class Lines:
    """Writes lines to a descriptor, for any thread."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._begun = b""
        self._lost = 0
        self._room = select.poll()
        self._room.register(fd, select.POLLOUT)

    def msg(self, line: str) -> None:
        """Write a line, or lose it."""
        written = line.encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            self._held.append(written)
            self._held_bytes += len(written)
            if not _may_wait.get() or self._held_bytes > HELD_BYTES:
                self._write_held()

    debug = info = warning = error = critical = msg

    def flush(self) -> None:
        """Write what waits."""
        if not self._held:
            return
        with self._lock:
            self._write_held()

    def lost(self) -> int:
        """How many lines were lost since this was last asked; 0 while there is still no room to say so."""
        if not self._lost:
            return 0
        with self._lock:
            lost = self._lost if self._room.poll(0) else 0
            self._lost -= lost
        return lost

    def _write_held(self) -> None:
        waiting = b"".join((self._begun, *self._held))
        self._held, self._held_bytes = [], 0
        sent = 0
        try:
            while sent < len(waiting) and self._room.poll(0 if self._lost else PATIENCE_SECONDS * 1000):
                sent += os.write(self._fd, waiting[sent : sent + _AT_ONCE])
        except OSError:
            self._begun = b""
            return
        unsent = waiting[sent:]
        # A line that has been begun is ended before another one is, or both could not be read.
        begun = waiting[sent - 1] != _END if sent else bool(self._begun)
        line, end, others = unsent.partition(b"\n")
        self._begun = line + end if begun else b""
        self._lost += (others if begun else unsent).count(b"\n")
