"""A replica: it answers predictions by the release of a deployment folder, and writes nothing anywhere."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from daemon import interpreter, log, memory
from daemon.doors import Doors
from daemon.following import Following
from daemon.lifecycle import Beat, Lifecycle
from daemon.listening import listen
from daemon.request_log import log_disturbance, log_request
from daemon.settings import Settings
from server.metrics import Metrics
from server.services import Answering, Champion, Vitals


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
        self._beat = Beat(self._metrics)
        self._following = Following(followed.production, followed.key, self._champion)
        self._folder = followed.production
        self._life = Lifecycle()

    async def run(self) -> bool:
        """Serve, and follow, until SIGTERM or SIGINT. False where something has ended it that should not have.

        Raises CannotStart.
        """
        log.write_beside()
        self._life.listen(self._doors.reload)
        await self._following.look()
        runner, url = await listen(self._answering(), self._doors.tls)
        self._life.begin(
            following=self._following.run(),
            doors=self._doors.watch(),
            heartbeat=self._life.tell_alive(self._at_what),
            beat=self._beat.keep(),
            memory=memory.give_back_at_rest(),
        )
        interpreter.serve()
        memory.keep_for_large_requests()
        log.emit("replica.ready", url=url, pid=os.getpid(), folder=str(self._folder))
        self._life.notifier.ready(f"Serving on {url}")
        await self._life.until_stopped()
        began = time.monotonic()
        log.emit("replica.stopping", signal=self._life.signal)
        self._life.notifier.stopping("Stopping")
        await self._life.end_tasks()
        await runner.cleanup()
        log.emit("replica.stopped", seconds=round(time.monotonic() - began, 3))
        return self._life.went_well

    def _answering(self) -> Answering:
        return Answering(
            settings=self._settings.server,
            champion=self._champion,
            readiness=self._following.readiness,
            served=lambda request: log_request(request, self._settings),
            disturbed=log_disturbance,
            keyring=self._doors.keyring,
            vitals=lambda: Vitals(beat_age=self._beat.age),
            metrics=self._metrics,
        )

    def _at_what(self) -> str:
        """What the service manager is told."""
        release = self._champion.release
        return "no model yet" if release is None else f"model {release.version}"
