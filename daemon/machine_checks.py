"""What ``/readyz`` says of the disk: can the ledger be written to, and how much room is left."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from handlers.storage.ledger import BUSY_SECONDS
from handlers.storage.workspace import Workspace
from handlers.storage.write_probe import free_bytes, try_to_write


class LedgerCheck:
    """Is the ledger writable? A lock that others hold is no fault until our own writers give up waiting for it."""

    def __init__(self, ledger: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._clock = clock
        self._locked_since: float | None = None

    def look(self) -> str | None:
        """What is wrong, or None. May hang where the disk does."""
        try:
            found = try_to_write(self._ledger)
        except (OSError, sqlite3.Error) as error:
            self._locked_since = None
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            what = "Give the folder its room and its rights back; it is tried again every few seconds."
            return f"The ledger {self._ledger} cannot be written: {why}. {what}"
        if found == "written":
            self._locked_since = None
            return None
        now = self._clock()
        if self._locked_since is None:
            self._locked_since = now
        locked = now - self._locked_since
        if locked < BUSY_SECONDS:
            return None
        what = "so no file can be committed. `fuser` says who has it open; a backup tool or a shell of sqlite3?"
        return f"The ledger {self._ledger} has been locked by another process for {locked:.0f} s, {what}"


class SpaceCheck:
    """How much room is left where the daemon writes. ``free``: bytes by folder, of those that could be looked at."""

    def __init__(self, workspace: Workspace, minimum_bytes: int) -> None:
        self._folders = {
            "source": workspace.source.parent,
            "output": workspace.dataset,
            "models": workspace.models,
            "production": workspace.production,
        }
        self._minimum = minimum_bytes
        self.free: Mapping[str, int] = MappingProxyType({})

    def look(self) -> str | None:
        """What is wrong, each disk named once, or None. May hang where a disk does."""
        free: dict[str, int] = {}
        short: dict[int, str] = {}
        for name, folder in self._folders.items():
            try:
                left, device = free_bytes(folder), os.stat(folder).st_dev  # noqa: PTH116 - beside statvfs
            except OSError:
                continue  # that a folder is gone is told by whoever needs it
            if left is None:
                continue
            free[name] = left
            if left < self._minimum:
                short.setdefault(device, f"{left:,} bytes are left for {folder}")
        self.free = MappingProxyType(free)
        if not short:
            return None
        what = f"wanted are {self._minimum:,} (engine.minimum_free_bytes). Free space there."
        return f"The disk is nearly full: {'; '.join(short.values())}; {what}"
