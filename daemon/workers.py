"""A supervised process behind one ``submit``: started when needed, killed when hung, started again when dead."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from daemon import log
from daemon.tasks import Greeting, Reply, Role, Task

THREAD_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
SINGLE_THREADED = dict.fromkeys(THREAD_LIMITS, "1")
LINE_LIMIT = 64 * 1024 * 1024
"""The longest answer of a worker in bytes; one fact for each of a group's files, with room to spare."""
_CHUNK = 65_536
IDLE_END = "it ended while it was idle"
DEATHS_IN_A_ROW = 3
"""So many deaths without an answer in between are told: a file may cost three, its group's and two of its own."""

T = TypeVar("T")
Facts = Callable[[str, dict[str, Any]], None]


class WorkerDied(Exception):
    """The process is gone before it has answered: killed, crashed, or hung and ended by us.

    ``broken``: the task had not begun, so that it is not at fault.
    """

    broken = False


class NotStarted(WorkerDied):
    """No process could be started, or none that takes a task."""

    broken = True


class TaskFailed(Exception):
    """The worker has answered that the task raised. ``refused``: what was asked cannot be, and the message says why.

    ``broken``: the machine is at fault (a full disk, a missing right), so that the same task may succeed later.
    """

    def __init__(self, message: str, *, refused: bool = False, broken: bool = False) -> None:
        super().__init__(message)
        self.refused = refused
        self.broken = broken


class _Gone(Exception):
    """The pipe has ended, or what came through it is no reply. ``taken``: the task had begun."""

    def __init__(self, *, taken: bool) -> None:
        super().__init__()
        self.taken = taken


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
        self._is_ready = False
        self._listeners: set[asyncio.Task[None]] = set()
        self._closed = False
        self.deaths = 0
        self._unanswered_deaths = 0
        self._last_end = ""
        self._silent_since: float | None = None

    @property
    def pid(self) -> int | None:
        """The process, or None while there is none."""
        process = self._process
        return None if process is None or process.returncode is not None else process.pid

    def problem(self) -> str | None:
        """What is wrong with the worker, as a sentence: it dies again and again, or does not answer; or None."""
        if self._unanswered_deaths >= DEATHS_IN_A_ROW:
            often = f"{self._unanswered_deaths} times in a row, and has finished nothing in between"
            return f"The {self.role} worker has died {often}; `worker.died` in the log says how ({self._last_end})."
        silent = 0.0 if self._silent_since is None else time.monotonic() - self._silent_since
        if silent < self._timeout / 2:
            return None
        until = f"after {self._timeout:g} s (engine.worker_timeout_seconds) it is ended, and its work is tried again"
        return f"The {self.role} worker has said nothing for {silent:.0f} s; {until}."

    def another(self, role: Role) -> Worker:
        """One more worker like this one, of another role."""
        return Worker(role, self.greeting, self._lock, self._told, timeout=self._timeout)

    async def gone(self) -> None:
        """Wait until there is no process."""
        process = self._process
        if process is not None:
            await process.wait()

    async def submit(self, task: Task) -> Any:
        """Run a task and answer what it answered. Raises WorkerDied or TaskFailed.

        Once the daemon is stopping there is no answer: whoever asked is cancelled.
        """
        async with self._turn:
            if not self._closed:
                try:
                    return await self._run(msgspec.json.encode(task))
                except WorkerDied:
                    if not self._closed:
                        raise
        await asyncio.Event().wait()
        raise RuntimeError("nobody sets this event")

    @contextlib.asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Let the running task end, and none begin inside."""
        async with self._turn:
            yield

    async def rest(self) -> None:
        """End the process until the next task."""
        async with self._turn:
            await self._kill()

    async def stop(self, patience: float, *, last: Task | None = None) -> None:
        """Let the running task end within ``patience`` seconds, run the ``last`` one, and end the process."""
        self._closed = True
        with contextlib.suppress(TimeoutError, WorkerDied, TaskFailed):
            async with asyncio.timeout(patience), self._turn:
                if last is not None and self.pid is not None:
                    await self._run(msgspec.json.encode(last))
        await self._kill()

    async def start(self) -> None:
        """Have a process that is ready, also where there is nothing to do. Raises WorkerDied."""
        async with self._turn:
            if not self._closed:
                await self._in_time(self._started())

    def forgive(self) -> None:
        """It has lived long enough without a task: the deaths before are the past."""
        if self._silent_since is None:
            self._unanswered_deaths = 0

    async def _run(self, line: bytes) -> Any:
        answer = await self._in_time(self._deliver(line))
        self._unanswered_deaths = 0
        return answer

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        self._silent_since = time.monotonic()
        try:
            async with asyncio.timeout(self._timeout):
                return await work
        except TimeoutError:
            why = f"it gave no answer within {self._timeout:g} s"
            await self._end(why)
            raise WorkerDied(f"the {self.role} worker died: {why}") from None
        except TaskFailed:
            self._unanswered_deaths = 0
            raise
        except WorkerDied:
            raise
        except BaseException:  # cancelled in the middle: the next task must not get this one's answer
            await self._kill()
            raise
        finally:
            self._silent_since = None

    async def _deliver(self, line: bytes) -> Any:
        """Have a task done by a process that takes it: one that died while it was idle costs nobody anything."""
        for _ in range(2):
            process = await self._started()
            try:
                return await self._ask(process, line)
            except _Gone as gone:
                if gone.taken:
                    why = await self._end("it ended before it had answered")
                    raise WorkerDied(f"the {self.role} worker died ({why})") from None
                await self._end(IDLE_END)
        raise NotStarted(f"the {self.role} worker ends before it takes a task")

    async def begin(self) -> None:
        """Start the process ahead of its first task: it gets ready while whoever asks does something else."""
        async with self._turn:
            if self._process is None:
                with contextlib.suppress(NotStarted):  # whoever submits the first task is told
                    await self._spawn()

    async def _started(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is not None and process.returncode is not None:
            await self._end(IDLE_END)
            process = None
        if process is not None and self._is_ready:
            return process
        process = process or await self._spawn()
        try:
            await self._answer(process)
        except (_Gone, TaskFailed) as error:
            why = await self._end("it ended before it was ready")
            raise NotStarted(f"the {self.role} worker does not start: {str(error) or why}") from None
        self._is_ready = True
        log.emit("worker.started", worker=self.role, pid=process.pid)
        return process

    async def _spawn(self) -> asyncio.subprocess.Process:
        """Start a process and greet it; what it answers is still to be read."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "daemon.worker", self.role),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**os.environ, **SINGLE_THREADED, **import_path()},
                pass_fds=(self._lock,),
                limit=LINE_LIMIT,
            )
        except OSError as error:
            why = f"the {self.role} worker cannot be started: {error}"
            self.deaths += 1
            self._unanswered_deaths += 1
            self._last_end = str(error)
            log.emit("worker.died", worker=self.role, pid=None, exit=None, detail=why)
            raise NotStarted(why) from error
        self._process, self._is_ready = process, False
        self._listen(process)
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(self.greeting) + b"\n")
        return process

    async def _ask(self, process: asyncio.subprocess.Process, line: bytes) -> Any:
        if process.stdin is None:
            raise RuntimeError("a worker is started with pipes")
        try:
            process.stdin.write(line + b"\n")
            await process.stdin.drain()
        except ConnectionError:
            raise _Gone(taken=False) from None
        return await self._answer(process)

    async def _answer(self, process: asyncio.subprocess.Process) -> Any:
        if process.stdout is None:
            raise RuntimeError("a worker is started with pipes")
        taken = False
        try:
            while True:
                answer = await process.stdout.readline()
                if not answer.endswith(b"\n"):
                    raise _Gone(taken=taken)
                reply = msgspec.json.decode(answer, type=Reply)
                self._silent_since = time.monotonic()
                taken = taken or reply.taken
                if reply.event is not None:
                    self._told(reply.event, reply.fields)
                    await asyncio.sleep(0)  # a thousand facts may come at once, and requests must not wait for the last
                elif reply.failed is not None:
                    raise _failure(reply)
                elif reply.done:
                    return reply.answer
        except (ConnectionError, asyncio.LimitOverrunError, ValueError, msgspec.MsgspecError):
            raise _Gone(taken=taken) from None

    def _listen(self, process: asyncio.subprocess.Process) -> None:
        """What the process writes to its standard error becomes lines of the log, until it ends, which is told, too."""

        async def listen(stream: asyncio.StreamReader) -> None:
            while chunk := await stream.read(_CHUNK):
                text = chunk.decode("utf-8", "backslashreplace").strip()
                if text:
                    log.emit("library.message", logger=f"worker.{self.role}", message=text)
            await process.wait()
            async with self._turn:  # whoever has a task for it is told first
                if process is self._process:
                    await self._end(IDLE_END)

        if process.stderr is not None:
            task = asyncio.get_running_loop().create_task(listen(process.stderr))
            self._listeners.add(task)
            task.add_done_callback(self._listeners.discard)

    async def _end(self, why: str) -> str:
        """End a process that has failed, and say so; answers how it ended."""
        process = self._process
        await self._kill()
        if process is None:
            return why
        ending = _ending(process.returncode)
        if not self._closed:
            self.deaths += 1
            self._unanswered_deaths += 1
            self._last_end = str(ending)
            log.emit("worker.died", worker=self.role, pid=process.pid, exit=ending, detail=why)
        return str(ending)

    async def _kill(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                # Its own kill() would first look whether it has ended, and take that from whoever waits for it.
                os.kill(process.pid, signal.SIGKILL)
        await process.wait()


def import_path() -> dict[str, str]:
    """Workers import this program from where it runs, and nothing that lies in the current folder by chance (-P)."""
    root = Path(__file__).parent.parent
    if root.name in ("site-packages", "dist-packages"):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH"))))}


def _failure(reply: Reply) -> TaskFailed:
    if reply.fields.get("trace"):
        log.emit("task.failed", detail=reply.failed, trace=reply.fields["trace"])
    return TaskFailed(str(reply.failed), refused=reply.refused, broken=reply.broken)


def _ending(returncode: int | None) -> str | int | None:
    """The signal's name, or the exit code."""
    if returncode is None or returncode >= 0:
        return returncode
    with contextlib.suppress(ValueError):
        return signal.Signals(-returncode).name
    return returncode
