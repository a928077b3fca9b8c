"""A supervised process behind one ``submit``: started when needed, killed when hung, started again when dead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

import msgspec

from daemon import log
from daemon.tasks import Task
from daemon.worker import Greeting, Reply, Role

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
SINGLE_THREADED = dict.fromkeys(THREAD_LIMITS, "1")
LINE_LIMIT = 64 * 1024 * 1024
"""The longest answer of a worker in bytes; one fact for each of a group's files, with room to spare."""

Facts = Callable[[str, dict[str, Any]], None]


class WorkerDied(Exception):
    """The process is gone before it has answered: killed, crashed, or hung and ended by us."""


class TaskFailed(Exception):
    """The worker has answered that the task raised. ``refused``: what was asked cannot be, and the message says why."""

    def __init__(self, message: str, *, refused: bool) -> None:
        super().__init__(message)
        self.refused = refused


class Worker:
    """One role's process. ``submit`` runs one task at a time; facts are told as they come."""

    def __init__(self, role: Role, greeting: Greeting, lock: int, told: Facts, *, timeout: float) -> None:
        """``lock``: the descriptor that holds the data set's lock; the process inherits it."""
        self.role = role
        self.greeting = greeting
        self._lock = lock
        self._told = told
        self._timeout = timeout
        self._turn = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process, or None while there is none."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    @property
    def busy(self) -> bool:
        """Is a task running?"""
        return self._turn.locked()

    async def submit(self, task: Task) -> Any:
        """Run a task and answer what it answered. Raises WorkerDied or TaskFailed."""
        async with self._turn:
            if self._closed:
                await asyncio.Event().wait()  # until whoever asked is cancelled: the daemon is stopping
            try:
                async with asyncio.timeout(self._timeout):
                    process = await self._started()
                    return await self._ask(process, msgspec.json.encode(task))
            except TimeoutError:
                await self._end(f"no answer within {self._timeout:g} s")
                raise WorkerDied(f"the {self.role} worker gave no answer within {self._timeout:g} s") from None
            except asyncio.CancelledError:
                await self._kill()
                raise

    async def start(self) -> None:
        """Have the process ready before the first task."""
        async with self._turn:
            await self._started()

    async def rest(self) -> None:
        """End the process until the next task."""
        async with self._turn:
            await self._kill()

    async def stop(self, patience: float) -> None:
        """Let the running task end within ``patience`` seconds, take no other, and end the process."""
        self._closed = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience), self._turn:
                pass
        await self._kill()

    async def _started(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is not None and process.returncode is None:
            return process
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "daemon.worker",
            self.role,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **SINGLE_THREADED},
            pass_fds=(self._lock,),
            limit=LINE_LIMIT,
        )
        self._process = process
        await self._ask(process, msgspec.json.encode(self.greeting))
        log.emit("worker.started", worker=self.role, pid=process.pid)
        return process

    async def _ask(self, process: asyncio.subprocess.Process, line: bytes) -> Any:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("a worker is started with pipes")
        try:
            process.stdin.write(line + b"\n")
            await process.stdin.drain()
            while True:
                answer = await process.stdout.readline()
                if not answer.endswith(b"\n"):
                    raise ConnectionResetError
                reply = msgspec.json.decode(answer, type=Reply)
                if reply.event is not None:
                    self._told(reply.event, reply.fields)
                elif reply.failed is not None:
                    raise TaskFailed(_with_trace(reply), refused=reply.refused)
                else:
                    return reply.answer
        except (ConnectionError, BrokenPipeError):
            await self._end("it ended before it had answered")
            raise WorkerDied(f"the {self.role} worker died") from None

    async def _end(self, why: str) -> None:
        process = self._process
        pid = None if process is None else process.pid
        await self._kill()
        status = None if process is None else process.returncode
        log.emit("worker.died", worker=self.role, pid=pid, status=status, detail=why)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _with_trace(reply: Reply) -> str:
    if reply.fields.get("trace"):
        log.emit("task.failed", detail=reply.failed, trace=reply.fields["trace"])
    return str(reply.failed)
