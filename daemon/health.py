"""How the daemon is: what its probes, its workers and its own loop say. Asking costs nothing and waits for nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from daemon import log
from daemon.freshness import late
from daemon.lifecycle import Beat
from daemon.machine_checks import LedgerCheck, SpaceCheck
from daemon.probing import Probe
from daemon.release_check import ReleaseCheck
from daemon.settings import Settings
from daemon.tasks import Role
from handlers.domain.durations import seconds_of
from handlers.domain.release import Release
from handlers.storage.workspace import Workspace
from server.services import FRESHNESS, RELEASE, Vitals


class Watched(Protocol):
    """A worker, or those that hold pipelines."""

    @property
    def role(self) -> Role: ...
    @property
    def deaths(self) -> int: ...
    @property
    def pid(self) -> int | None: ...
    def problem(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Subjects:
    """Who is asked. ``last_drop_at``: when the newest drop came, ISO 8601 UTC. ``served``: the release in memory."""

    workers: Sequence[Watched]
    last_drop_at: Callable[[], str | None]
    served: Callable[[], Release | None]


class Health:
    """Belongs to the event loop; the probes have threads of their own."""

    def __init__(self, settings: Settings, workspace: Workspace, subjects: Subjects, beat: Beat) -> None:
        expected = settings.ingestion.expect_every
        self._expected_every = None if expected is None else seconds_of(expected)
        self._workers = subjects.workers
        self._last_drop_at = subjects.last_drop_at
        self._space = SpaceCheck(workspace, settings.engine.minimum_free_bytes)
        self._probes = {
            "ledger": Probe(f"The ledger {workspace.ledger}", LedgerCheck(workspace.ledger).look),
            "disk": Probe("The disk", self._space.look),
        }
        self._files = ReleaseCheck(workspace.releases, workspace.keys, subjects.served)
        self._release = Probe("The folder of the release that is served", self._files.look)
        self._beat = beat
        self._told_late: str | None = None
        self._told_damaged: str | None = None

    def start(self) -> None:
        """Have the probes look."""
        for probe in (*self._probes.values(), self._release):
            probe.start()

    def stop(self) -> None:
        """Have them look no more."""
        for probe in (*self._probes.values(), self._release):
            probe.stop()

    def problems(self) -> dict[str, str]:
        """A sentence for each check that fails: ``ledger``, ``disk``, ``workers``."""
        found = {check: probe.problem() for check, probe in self._probes.items()}
        found["workers"] = " ".join(filter(None, (worker.problem() for worker in self._workers))) or None
        return {check: sentence for check, sentence in found.items() if sentence is not None}

    def warnings(self) -> dict[str, str]:
        """A sentence for what is amiss, although requests are answered as well as ever."""
        overdue = late(self._last_drop_at(), self._expected_every, time.time())
        found = {FRESHNESS: None if overdue is None else overdue.sentence, RELEASE: self._release.problem()}
        return {warning: sentence for warning, sentence in found.items() if sentence is not None}

    def vitals(self) -> Vitals:
        """For ``/livez`` and ``/metrics``."""
        return Vitals(
            beat_age=self._beat.age,
            worker_deaths={worker.role: worker.deaths for worker in self._workers},
            worker_running={worker.role: worker.pid is not None for worker in self._workers},
            free_bytes=self._space.free,
            expected_every=self._expected_every,
        )

    async def keep_beat(self) -> None:
        """Measure how late the loop is, for ever; and say once what is warned of."""
        await self._beat.keep(self.tell)

    def tell(self) -> None:
        """Log what is warned of, once for each time that it comes about."""
        self.tell_late()
        damaged = self._files.found
        if damaged is not None and damaged != self._told_damaged:
            log.emit("release.damaged", detail=damaged)
        self._told_damaged = damaged

    def tell_late(self) -> None:
        """Log that the usual drop is late, once for each that is."""
        found = late(self._last_drop_at(), self._expected_every, time.time())
        if found is not None and found.last_drop_at != self._told_late:
            self._told_late = found.last_drop_at
            log.emit(
                "drop.late",
                last_drop_at=found.last_drop_at,
                expected_every_seconds=self._expected_every,
                detail=found.sentence,
            )
