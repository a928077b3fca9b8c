"""A replica: it answers predictions by the release of a deployment folder, and writes nothing anywhere."""

from __future__ import annotations

import asyncio
import os
import signal
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from daemon import interpreter, log
from daemon.doors import Doors
from daemon.following import Following
from daemon.health import BEAT_SECONDS
from daemon.listening import listen
from daemon.notify import Notifier
from daemon.request_log import log_disturbance, log_request
from daemon.settings import Settings
from server.metrics import Metrics
from server.services import Answering, Champion, Vitals

HEARTBEAT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Followed:
    """The deployment folder, and the file of the public key that its releases are signed with."""

    production: Path
    key: Path


class Replica:
    """One run. ``run`` returns when it has stopped."""

    def __init__(self, settings: Settings, followed: Followed, doors: Doors) -> None:
        self._settings = settings
        self._doors = doors
        self._champion = Champion()
        self._metrics = Metrics()
        self._beat_at = time.monotonic()
        self._following = Following(followed.production, followed.key, self._champion)
        self._folder = followed.production
        self._notifier = Notifier()
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._signal: str | None = None
        self._crash: BaseException | None = None

    async def run(self) -> bool:
        """Serve, and follow, until SIGTERM or SIGINT. False where something has ended it that should not have.

        Raises CannotStart.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._signalled, number)
        self._loop.add_signal_handler(signal.SIGHUP, self._doors.reload)
        await self._following.look()
        runner, url = await listen(self._answering(), self._doors.tls)
        tasks = [
            asyncio.create_task(self._following.run(), name="following"),
            asyncio.create_task(self._doors.watch(), name="doors"),
            asyncio.create_task(self._heartbeat(), name="heartbeat"),
            asyncio.create_task(self._keep_beat(), name="beat"),
        ]
        for task in tasks:
            task.add_done_callback(self._ended)
        interpreter.serve()
        log.emit("replica.ready", url=url, pid=os.getpid(), folder=str(self._folder))
        self._notifier.ready(f"Serving on {url}")
        await self._stop.wait()
        began = time.monotonic()
        log.emit("replica.stopping", signal=self._signal)
        self._notifier.stopping("Stopping")
        for task in tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await runner.cleanup()
        log.emit("replica.stopped", seconds=round(time.monotonic() - began, 3))
        return self._crash is None

    def _answering(self) -> Answering:
        return Answering(
            settings=self._settings.server,
            champion=self._champion,
            readiness=self._following.readiness,
            served=lambda request: log_request(request, self._settings),
            disturbed=log_disturbance,
            keyring=self._doors.keyring,
            vitals=lambda: Vitals(beat_age=time.monotonic() - self._beat_at),
            metrics=self._metrics,
        )

    def _signalled(self, number: signal.Signals) -> None:
        self._signal = number.name
        self._stop.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task that runs for ever has ended: a bug. Stop, and let the service manager start it again."""
        if not task.cancelled():
            self._crash = task.exception() or RuntimeError(f"the task {task.get_name()} ended")
            trace = "".join(traceback.format_exception(self._crash))
            log.emit("daemon.failed", detail=f"{type(self._crash).__name__}: {self._crash}", trace=trace)
            self._stop.set()

    async def _keep_beat(self) -> None:
        """Measure how late the loop is, for ever."""
        while True:
            due = time.monotonic() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            self._beat_at = time.monotonic()
            self._metrics.loop_lag(max(0.0, self._beat_at - due))

    async def _heartbeat(self) -> None:
        """Tell the service manager that the loop turns, and what is served."""
        interval = self._notifier.watchdog_interval()
        pause = HEARTBEAT_SECONDS if interval is None else min(HEARTBEAT_SECONDS, interval / 3)
        while True:
            self._notifier.alive()
            release = self._champion.release
            self._notifier.status("no model yet" if release is None else f"model {release.version}")
            await asyncio.sleep(pause)
