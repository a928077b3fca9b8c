"""Clients as they should be: kept connections, each with a request now and then, and how long the answers took.

``python -m tests.end_to_end.good_clients HOST PORT CONNECTIONS EVERY SECONDS`` asks /livez on each connection every so
many seconds, for so many seconds, and prints what it found. A process of its own, so that it is not us.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.end_to_end.daemon_process import PATIENCE, PROJECT

_REQUEST = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
_END = b'{"status":"alive"}'
ANSWER_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Seconds of each answer, and what went wrong."""

    seconds: list[float]
    failures: list[str]


def ask(url: str, *, connections: int, every: float, seconds: float) -> Asked:
    """Ask for so long, and tell."""
    address = urlsplit(url)
    arguments = (address.hostname, address.port, connections, every, seconds)
    done = subprocess.run(
        [sys.executable, "-m", "tests.end_to_end.good_clients", *map(str, arguments)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=seconds + ANSWER_PATIENCE + PATIENCE,
        check=True,
    )
    return Asked(**json.loads(done.stdout))


class _Asking:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.failures: list[str] = []

    async def one(self, address: tuple[str, int], *, begin: float, every: float, until: float) -> None:
        await asyncio.sleep(max(0.0, begin - time.perf_counter()))
        reader, writer = await asyncio.open_connection(*address)
        due = time.perf_counter()
        while due < until and not self.failures:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            began = time.perf_counter()
            try:
                writer.write(_REQUEST)
                answer = await asyncio.wait_for(reader.readuntil(_END), ANSWER_PATIENCE)
            except (OSError, EOFError, TimeoutError) as error:
                self.failures.append(repr(error))
                break
            self.seconds.append(time.perf_counter() - began)
            if not answer.startswith(b"HTTP/1.1 200 "):
                self.failures.append(answer[:40].decode("latin-1"))
            due += every
        writer.close()


async def _run(host: str, port: int, connections: int, every: float, seconds: float) -> _Asking:
    asking = _Asking()
    now = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(connections):  # not all in one instant: they would wait for each other
            begin = now + every * number / connections
            group.create_task(asking.one((host, port), begin=begin, every=every, until=now + seconds))
    return asking


def main(host: str, port: str, connections: str, every: str, seconds: str) -> None:
    """Ask, and print."""
    asking = asyncio.run(_run(host, int(port), int(connections), float(every), float(seconds)))
    print(json.dumps({"seconds": asking.seconds, "failures": asking.failures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
