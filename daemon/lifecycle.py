"""One run of a process that serves: the signals that end it, the tasks that run as long as it does, its beat."""

from __future__ import annotations

import asyncio
import signal
import time
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

from daemon import early_signals, log
from daemon.notify import Notifier
from server.metrics import Metrics

BEAT_SECONDS = 0.25
"""So often the loop is to keep its beat; how late it was is the lag of the loop at that moment."""
HEARTBEAT_SECONDS = 1.0


class Beat:
    """The loop's. ``metrics`` is told how late it was."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._at = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since it was kept."""
        return time.monotonic() - self._at

    async def keep(self, each: Callable[[], None] = lambda: None) -> None:
        """Measure how late the loop is, for ever; ``each`` is done each time."""
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._at = time.monotonic()
            self._metrics.loop_lag(max(0.0, self._at - due))
            each()


class Lifecycle:
    """Belongs to the event loop, which there is. ``signal``: what it was told to stop by, if it was."""

    def __init__(self) -> None:
        self.notifier = Notifier()
        self.signal: str | None = None
        self._crash: BaseException | None = None
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def went_well(self) -> bool:
        """Whether nothing has ended it that should not have."""
        return self._crash is None

    def listen(self, hangup: Callable[[], None]) -> None:
        """SIGTERM and SIGINT stop it; ``hangup`` answers SIGHUP."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number.name)
        loop.add_signal_handler(signal.SIGHUP, hangup)
        early = early_signals.told()
        if early is not None:
            self._signalled(early)

    def begin(self, **tasks: Coroutine[Any, Any, None]) -> None:
        """Start tasks that are to run for ever, by name."""
        for name, work in tasks.items():
            task = asyncio.create_task(work, name=name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def until_stopped(self) -> None:
        """Wait for a signal, or for a task that ends."""
        await self._stop.wait()

    async def end_tasks(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def tell_alive(self, status: Callable[[], str]) -> None:
        """Tell the service manager that the loop turns, and what it is at, for ever."""
        interval = self.notifier.watchdog_interval()
        pause = HEARTBEAT_SECONDS if interval is None else min(HEARTBEAT_SECONDS, interval / 3)
        while True:
            self.notifier.alive()
            self.notifier.status(status())
            await asyncio.sleep(pause)

    def _signalled(self, name: str) -> None:
        self.signal = name
        self._stop.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that runs for ever has ended: a bug or a broken machine. Stop, and let the service manager restart."""
        if not task.cancelled():
            crash = task.exception() or RuntimeError(f"the task {task.get_name()} ended")
            while isinstance(crash, BaseExceptionGroup):
                crash = crash.exceptions[0]
            self._crash = crash
            trace = "".join(traceback.format_exception(crash))
            log.emit("daemon.failed", detail=f"{type(crash).__name__}: {crash}", trace=trace)
            self._stop.set()
