"""The processes that hold fitted pipelines: one for the release that is served, another while it takes over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daemon.pipeline_socket import path_of, remote, sweep
from daemon.tasks import Open, Role
from daemon.trouble import pause
from daemon.workers import TaskFailed, Worker, WorkerDied
from handlers.domain.release import Release
from handlers.domain.scorer import NotAnswering, Opener, Say
from handlers.storage.releases import ReleaseError

GRACE_SECONDS = 10.0
"""So long the process of a release that is served no more stays: for requests and files that began with it."""


@dataclass(slots=True)
class _Held:
    worker: Worker
    problem: str | None = None
    keeper: asyncio.Task[None] | None = None
    ending: asyncio.Task[None] | None = None


class Pipelines:
    """Starts, watches and ends them. All state is the event loop's. ``deaths``: how many have died."""

    role: Role = "pipeline"

    def __init__(self, folder: Path, make: Callable[[], Worker]) -> None:
        """``folder``: where their sockets lie; those that a killed daemon left are removed."""
        self._folder = folder
        sweep(folder)
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._held: dict[int, _Held] = {}
        self._starting = asyncio.Lock()
        self.deaths = 0

    def opener(self) -> Opener:
        """For the threads of this process: a release without a scorecard has a process started that answers for it."""
        asked = remote(self._folder)

        def open_it(version: int, model: bytes) -> Say:
            try:
                asyncio.run_coroutine_threadsafe(self.begin(version), self._loop).result()
            except TaskFailed as error:
                raise ReleaseError(str(error)) from error
            except WorkerDied as error:
                raise NotAnswering(f"the process that is to hold model {version} does not start: {error}") from error
            return asked(version, model)

        return Opener(open_it)

    async def begin(self, version: int) -> None:
        """Have a process that answers for this release; the others stay.

        It has verified the release and proved its golden rows. Raises TaskFailed, WorkerDied.
        """
        async with self._starting:
            held = self._held.get(version)
            if held is not None:
                if held.ending is not None:
                    held.ending.cancel()
                    held.ending = None
                return
            worker = self._make()
            try:
                await worker.submit(Open(version))
            except BaseException:
                await worker.stop(0.0)
                raise
            held = self._held[version] = _Held(worker)
            held.keeper = asyncio.create_task(self._keep(version, held), name=f"pipeline {version}")

    def keep_only(self, release: Release | None) -> None:
        """End those of other releases, a while from now."""
        kept = None if release is None else release.version
        for other, held in self._held.items():
            if other != kept and held.ending is None:
                held.ending = asyncio.create_task(self._end_later(other, held))

    def silent(self, release: Release) -> str | None:
        """Why a release does not answer at the moment."""
        held = self._held.get(release.version)
        return None if held is None else held.problem

    @property
    def pid(self) -> int | None:
        """One of the processes, None where there is none."""
        return next((held.worker.pid for held in self._held.values() if held.worker.pid is not None), None)

    def problem(self) -> str | None:
        """What is wrong with the release that is served is told of the model."""
        return None

    async def stop(self) -> None:
        """End them all."""
        held, self._held = self._held, {}
        for version, one in held.items():
            if one.ending is not None:
                one.ending.cancel()
            await self._end(version, one)

    async def _keep(self, version: int, held: _Held) -> None:
        """Start the process again whenever it has ended, for ever."""
        while True:
            await held.worker.gone()
            self.deaths += 1
            held.problem = f"The process that holds the pipeline of model {version} has ended, and is started again."
            tries = 0
            while held.problem is not None:
                try:
                    await held.worker.submit(Open(version))
                    held.problem = None
                except (WorkerDied, TaskFailed) as error:
                    tries += 1
                    held.problem = f"The process that holds the pipeline of model {version} does not start: {error}"
                    await asyncio.sleep(pause(tries))

    async def _end_later(self, version: int, held: _Held) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        async with self._starting:  # or its socket would be removed after a new process has made it again
            self._held.pop(version, None)
            await self._end(version, held)

    async def _end(self, version: int, held: _Held) -> None:
        if held.keeper is not None:
            held.keeper.cancel()
            await asyncio.gather(held.keeper, return_exceptions=True)
        await held.worker.stop(0.0)
        path_of(self._folder, version).unlink(missing_ok=True)
