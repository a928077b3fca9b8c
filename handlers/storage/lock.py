"""One daemon for each data set: an advisory lock that the kernel releases when its last holder is gone."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class LockHeld(Exception):
    """Another process holds the lock. ``pid`` is what it wrote into the file, or None."""

    def __init__(self, path: Path, pid: int | None) -> None:
        self.pid = pid
        who = "another process" if pid is None else f"process {pid}"
        super().__init__(f"{path} is locked by {who}: a daemon is running on this data set already.")


def acquire(path: Path) -> int:
    """Take the lock and write our pid into its file; return the descriptor that holds it.

    Workers inherit the descriptor, so that no second daemon starts while one of them still writes.
    Raises LockHeld.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        text = os.read(descriptor, 32).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise LockHeld(path, int(text) if text.isdigit() else None) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{os.getpid()}\n".encode())
    return descriptor
