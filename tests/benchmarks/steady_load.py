"""Requests at a steady rate, each due at a moment that no answer can put off, and every answer kept.

``python -m tests.benchmarks.steady_load`` reads what to ask from standard input and writes the replies to standard
output. It is a process of its own, so that it waits for nobody but the server. A request that finds all connections
waiting is late, and this counts: times are from the moment at which it was due.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import re
import selectors
import subprocess
import sys
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec

from tests.end_to_end.daemon_process import PATIENCE, PROJECT

ANSWER_PATIENCE = 30.0
BEGIN_SECONDS = 0.2
"""From the last connection to the first request."""

_STATUS = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")
_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_VERSION = re.compile(rb"\r\nx-model-version: *([0-9]+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)


class Schedule(msgspec.Struct, frozen=True):
    """So many requests a second, for so long."""

    rate: float
    seconds: float

    @property
    def requests(self) -> int:
        return round(self.rate * self.seconds)

    def due(self, number: int) -> float:
        """When request ``number`` is due, in seconds since the first."""
        return number / self.rate


class Reply(msgspec.Struct, frozen=True, array_like=True):
    """What became of a request. ``sent`` and ``ended``: in seconds since the first request was due; ``status``: 0
    where none came, then ``fault`` says why; ``version``: the header ``X-Model-Version``."""

    number: int
    sent: float
    ended: float
    status: int
    version: int | None
    body: bytes
    fault: str | None = None

    @property
    def is_answer(self) -> bool:
        return self.status == 200


class Job(msgspec.Struct, frozen=True):
    """What to ask: request n sends the body n modulo their number."""

    url: str
    schedule: Schedule
    connections: int
    bodies: list[bytes]


def seconds_from_due(replies: Sequence[Reply], schedule: Schedule) -> list[float]:
    """How long each request has taken since it was due, those that failed too."""
    return [one.ended - schedule.due(one.number) for one in replies]


def lateness(replies: Sequence[Reply], schedule: Schedule) -> list[float]:
    """How long after it was due each request was sent: we were not awake, or all connections waited for answers."""
    return [one.sent - schedule.due(one.number) for one in replies]


def ask(job: Job) -> list[Reply]:
    """Ask in a process of its own. Replies are in the order in which they ended."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.steady_load"],
        cwd=PROJECT,
        input=msgspec.msgpack.encode(job),
        stdout=subprocess.PIPE,
        timeout=job.schedule.seconds + ANSWER_PATIENCE + PATIENCE,
        check=True,
    )
    return msgspec.msgpack.decode(done.stdout, type=list[Reply])


async def asked(job: Job) -> list[Reply]:
    """Ask from the running loop."""
    asking = _Asking(job)
    await asking.run()
    return asking.replies


class _Asking:
    def __init__(self, job: Job) -> None:
        address = urlsplit(job.url)
        self._host, self._port = address.hostname or "", address.port or 0
        head = f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Type: application/json\r\n"
        self._requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in job.bodies]
        self._job = job
        self._numbers = iter(range(job.schedule.requests))
        self._began = 0.0
        self.replies: list[Reply] = []

    async def run(self) -> None:
        opened = [await self._connect() for _ in range(self._job.connections)]
        self._began = time.perf_counter() + BEGIN_SECONDS
        async with asyncio.TaskGroup() as group:
            for streams in opened:
                group.create_task(self._ask(*streams))

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port)

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the next number as long as there is one, on one connection, or on the one that takes its place."""
        for number in self._numbers:
            await asyncio.sleep(self._began + self._job.schedule.due(number) - time.perf_counter())
            sent = time.perf_counter()
            head, body, fault = b"", b"", None
            try:
                async with asyncio.timeout(ANSWER_PATIENCE):
                    if writer.is_closing():
                        reader, writer = await self._connect()
                    writer.write(self._requests[number % len(self._requests)])
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = _LENGTH.search(head)
                    body = await reader.readexactly(int(length[1]) if length else 0)
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError) as error:
                fault = repr(error)
            ended = time.perf_counter()
            if fault is not None or _CLOSES.search(head):
                writer.close()
            status, version = _STATUS.match(head), _VERSION.search(head)
            reply = Reply(
                number,
                sent - self._began,
                ended - self._began,
                int(status[1]) if status and fault is None else 0,
                int(version[1]) if version else None,
                body,
                fault,
            )
            self.replies.append(reply)
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _loop() -> asyncio.AbstractEventLoop:
    # epoll, and uvloop, wait for whole milliseconds: two requests come in that time.
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def main() -> None:
    """Ask, and tell."""
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    gc.disable()  # a collection among so many kept answers would be a stall of ours
    with asyncio.Runner(loop_factory=_loop) as runner:
        replies = runner.run(asked(job))
    sys.stdout.buffer.write(msgspec.msgpack.encode(replies))


if __name__ == "__main__":
    main()
