"""The daemon: everything started in its order, everything stopped in the opposite one."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from daemon import control, interpreter, log, memory
from daemon.bootstrap import house_of
from daemon.configuration import ConfigurationError
from daemon.dependency_check import DependencyCheck
from daemon.deploying import Deploying
from daemon.doors import Doors
from daemon.engine import Engine
from daemon.failures import failure_of
from daemon.file_requests import FileRequests
from daemon.health import Health, Subjects
from daemon.intake import Intake
from daemon.keeping_running import keep_running
from daemon.lifecycle import Beat, Lifecycle
from daemon.listening import CannotStart, listen
from daemon.pipelines import Pipelines
from daemon.reloading import read_again
from daemon.request_log import log_disturbance, log_request
from daemon.settings import Settings, workspace
from daemon.tasks import Greeting, WriteFinaldata
from daemon.workers import Worker
from handlers.house import House
from handlers.storage.ledger import Ledger, LedgerError
from server.metrics import Metrics
from server.services import NO_MODEL, Champion, DeploymentRefused, Readiness, Services

CHECK_AGAIN_SECONDS = 3600.0
"""After a check of the dependencies that has failed."""


class Daemon:
    """One run of the program. ``run`` returns when it has stopped."""

    def __init__(
        self, settings: Settings, config: Path, *, ledger: Ledger, workers: tuple[Worker, Worker], doors: Doors
    ) -> None:
        self.settings = settings
        self.config = config
        folder = workspace(settings, config).dataset
        self.pipelines = Pipelines(folder, lambda: workers[0].another("pipeline"))
        self._house = self._house_of(settings, ledger)
        self._champion = Champion()
        self._life = Lifecycle()
        self._workers = workers
        self._doors = doors
        source = self._house.workspace.source
        self._deploying = Deploying(self._house, self._champion, self.pipelines.keep_only)
        self.engine = Engine(
            settings, ledger=ledger, source=source, workers=self._workers, deployed=self._deploying.follow
        )
        self._intake = Intake(source, settings.ingestion, known=self.engine.known)
        self._files = FileRequests(self._house, self._workers[0], self._intake.request_scan)
        self._metrics = Metrics()
        subjects = Subjects(
            workers=(*workers, self.pipelines),
            last_drop_at=lambda: self.engine.standing.last_drop_at,
            served=lambda: self._champion.release,
        )
        self._health = Health(settings, self._house.workspace, subjects, Beat(self._metrics))
        self._dependencies = DependencyCheck(self._house.workspace.dataset / "dependencies.json")
        self._url = ""
        self._loop = asyncio.get_running_loop()
        self._background: set[asyncio.Task[None]] = set()

    def _house_of(self, settings: Settings, ledger: Ledger) -> House:
        """What works in this process, which asks for a pipeline and never opens one."""
        return dataclasses.replace(house_of(settings, self.config, ledger), pipelines=self.pipelines.opener())

    async def run(self) -> bool:
        """Serve at once, then put right what was left, then take files, until SIGTERM or SIGINT.

        False where something has ended it that should not have; the log says what. Raises CannotStart.
        """
        log.write_beside()
        self._life.listen(self._reload)
        self._health.start()
        await self._deploying.follow()
        runner, self._url = await self._serve()
        control_runner = await self._serve_commands()
        self._life.begin(
            work=self._work(),
            heartbeat=self._life.tell_alive(self._at_what),
            doors=self._doors.watch(),
            beat=self._health.keep_beat(),
            dependencies=self._check_dependencies(),
            memory=memory.give_back_at_rest(),
        )
        interpreter.serve()
        memory.keep_for_large_requests()
        log.emit("daemon.ready", url=self._url, pid=os.getpid())
        self._life.notifier.ready(f"Serving on {self._url}")
        await self._life.until_stopped()
        await self._shut_down([runner, control_runner])
        return self._life.went_well

    async def _work(self) -> None:
        await self.engine.prepare()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._intake.run(), name="intake")
            group.create_task(keep_running(self._workers[0]), name="ingest worker")
            group.create_task(self.engine.take_files(self._intake), name="files")
            group.create_task(self.engine.decide(), name="decisions")
            group.create_task(self.engine.keep_finaldata(), name="finaldata")
            group.create_task(self.engine.compact(), name="compaction")

    async def _serve(self) -> tuple[web.AppRunner, str]:
        settings = self.settings
        services = Services(
            settings=settings.server,
            dataset=settings.dataset,
            workspace=self._house.workspace,
            ledger=self._house.ledger,
            champion=self._champion,
            readiness=self._readiness,
            deploy=self.deploy,
            check=self._files.check,
            retry=self._files.retry,
            calls_shown=lambda: self.settings.calls.shown,
            dependencies=self._dependencies.cached,
            served=lambda request: log_request(request, self.settings),
            disturbed=log_disturbance,
            keyring=self._doors.keyring,
            vitals=self._health.vitals,
            metrics=self._metrics,
        )
        return await listen(services, self._doors.tls)

    async def _serve_commands(self) -> web.AppRunner:
        try:
            return await control.serve(self._house.workspace, self)
        except OSError as error:
            raise CannotStart(f"{self._house.workspace.socket} cannot be made: {error.strerror or error}.") from error

    async def _check_dependencies(self) -> None:
        """Look for newer versions now and then; a check that fails is no reason to stop serving."""
        while True:
            try:
                await self._dependencies.run()
            except Exception as error:
                failure = failure_of(error)
                log.emit("task.failed", detail=f"Dependencies: {failure.message}", trace=failure.trace)
            await asyncio.sleep(CHECK_AGAIN_SECONDS)

    async def _shut_down(self, runners: list[web.AppRunner]) -> None:
        """Running ingestion may end, a decision is abandoned: it is taken up again at the next start."""
        began = time.monotonic()
        log.emit("daemon.stopping", signal=self._life.signal)
        self._life.notifier.stopping("Stopping")
        ingest_worker, model_worker = self._workers
        self._health.stop()
        await model_worker.stop(0.0)
        last = WriteFinaldata() if self.engine.standing.finaldata else None
        await ingest_worker.stop(self.settings.engine.stop_seconds, last=last)
        await self._life.end_tasks()
        await asyncio.gather(*(runner.cleanup() for runner in runners))
        self._house.ledger.close()
        log.emit("daemon.stopped", seconds=round(time.monotonic() - began, 3))

    # -- what the server and the command line ask for --------------------------------------------------------------

    async def deploy(self, version: int | None) -> int:
        """Make a release the current one; None: the previous. Raises DeploymentRefused."""
        try:
            current = await self._deploying.deploy(version)
        except DeploymentRefused:
            self.engine.deployed_by_hand(None)
            raise
        self.engine.deployed_by_hand(current)
        return current

    async def reset_schema(self) -> list[str]:
        """Learn the provisional schema anew. Raises TaskFailed, WorkerDied."""
        return await self.engine.reset_schema()

    async def release(self, sha256: Sequence[str]) -> list[dict[str, Any]]:
        """Let held files be learned from. Raises TaskFailed, WorkerDied."""
        return await self.engine.release(sha256)

    def scan(self) -> None:
        """Have the source folder read now."""
        self._intake.request_scan()

    def status(self) -> dict[str, Any]:
        """Where the daemon can be asked, and how it is."""
        readiness = self._readiness()
        problems = dict(readiness.problems)
        return {"pid": os.getpid(), "url": self._url, "waiting": readiness.waiting, "problems": problems}

    def _readiness(self) -> Readiness:
        """How the daemon is, from memory. It is the event loop's state, and asked there."""
        problems = {
            **self._health.problems(),
            **self._intake.problems(),
            **self.engine.problems,
            **self._deploying.problems,
        }
        release = self._champion.release
        silent = None if release is None else self.pipelines.silent(release)
        if silent is not None:
            problems.setdefault("model", silent)
        if release is None:
            problems.setdefault("model", NO_MODEL)
        return Readiness(
            problems=problems,
            warnings=self._health.warnings(),
            waiting=self.engine.waiting(),
            undecided=self.engine.undecided(),
        )

    def _reload(self) -> None:
        """SIGHUP: read the configuration again; a bad one is refused and the old one stays."""
        self._life.notifier.reloading()
        try:
            self._read_again()
            self._doors.reload()
        finally:
            self._life.notifier.ready()

    def _read_again(self) -> None:
        try:
            reloaded = read_again(self.config, self.settings)
        except (ConfigurationError, LedgerError) as error:
            log.emit("config.reloaded", accepted=False, detail=str(error))
            return
        self._apply(reloaded.settings)
        log.emit("config.reloaded", accepted=True, changed=reloaded.changed, after_restart=reloaded.after_restart)

    def _apply(self, settings: Settings) -> None:
        self.settings = self.engine.settings = settings
        self._deploying.house = self._house_of(settings, self._house.ledger)
        for worker in self._workers:
            worker.greeting = Greeting(msgspec.to_builtins(self.settings), str(self.config))
            task = self._loop.create_task(worker.rest())
            self._background.add(task)
            task.add_done_callback(self._background.discard)

    def _at_what(self) -> str:
        """What the service manager is told."""
        readiness = self._readiness()
        release = self._champion.release
        model = "no model yet" if release is None else f"model {release.version}"
        return f"{model}, {readiness.waiting} files waiting, {readiness.undecided} undecided"


async def run(
    settings: Settings, config: Path, *, ledger: Ledger, workers: tuple[Worker, Worker], doors: Doors
) -> bool:
    """Run the daemon until it is told to stop; False where it has failed. ``workers``: for ingestion and for models;
    ``doors``: the tokens and the certificate to begin with.

    Raises CannotStart.
    """
    made = Daemon(settings, config, ledger=ledger, workers=workers, doors=doors)
    try:
        return await made.run()
    finally:
        await made.pipelines.stop()
        for worker in workers:
            await worker.stop(0.0)
