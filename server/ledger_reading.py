"""Reading the ledger for a scrape: in a thread, never twice at once, and never for longer than a scrape waits."""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from handlers.telemetry import Telemetry, TelemetryReader

PATIENCE_SECONDS = 5.0
"""Prometheus waits 10 seconds for a scrape; what the process knows itself is to be answered in any case."""


class LedgerReading:
    """Belongs to the event loop. A reading that hangs on a disk that is gone is not joined by a second one."""

    def __init__(self, reader: TelemetryReader, patience: float = PATIENCE_SECONDS) -> None:
        self._reader = reader
        self._patience = patience
        self._running: asyncio.Task[Telemetry | None] | None = None

    async def telemetry(self) -> Telemetry | None:
        """What the ledger says; None where it cannot be read, or does not answer in time."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(asyncio.to_thread(self._read))
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.shield(self._running)
        except TimeoutError:
            return None

    def _read(self) -> Telemetry | None:
        try:
            return self._reader.read()
        except (SQLAlchemyError, OSError):
            return None
