"""Which files of the folder need not be read again: the ledger's stamps, held in memory by name."""

from __future__ import annotations

import threading

from handlers.domain.files import FileStamp, shown_name
from handlers.storage import files
from handlers.storage.ledger import Ledger


class KnownFiles:
    """Asked for each name of each scan, so that it answers without touching the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._stamps: dict[str, FileStamp] = {}
        self._seq = 0
        self._reading = threading.Lock()

    def refresh(self) -> None:
        """Read what the ledger has got since the last time."""
        with self._reading:
            self._read()

    def forget(self) -> None:
        """Everything is to be read again from the ledger."""
        with self._reading:  # what another thread has read before must not come back after it
            self._stamps.clear()
            self._seq = 0
            self._read()

    def _read(self) -> None:
        with self._ledger.read() as connection:
            for seq, name, stamp in files.stamps_since(connection, self._seq):
                self._stamps[name] = stamp
                self._seq = seq

    def __call__(self, name: str, stamp: FileStamp) -> bool:
        """Has exactly this been taken under this name?"""
        return self._stamps.get(shown_name(name)) == stamp
