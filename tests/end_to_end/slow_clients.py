"""Clients that are slow on purpose: a third sends headers a byte at a time, a third a body, a third reads nothing.

``python -m tests.end_to_end.slow_clients HOST PORT COUNT`` keeps so many connections open, a new one for each that is
cut off, until its standard input ends; then it prints how many were cut off, by kind. A process of its own, so that
what it costs is not taken for the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import socket
import sys
from collections import Counter
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.end_to_end.beside import beside

KINDS = ("headers", "body", "reads")
EVERY_SECONDS = 1.0
SPREAD_SECONDS = 10.0
"""They begin one after the other within so many seconds: a crowd that comes in one instant is another matter."""
OPENED_AT_ONCE = 50
_HOST = b"Host: localhost\r\n"
_BEGINNINGS = {
    "headers": b"GET /livez HTTP/1.1\r\n" + _HOST + b"X: ",
    "body": b"POST /v1/prediction HTTP/1.1\r\n"
    + _HOST
    + b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
    "reads": (b"GET /openapi.json HTTP/1.1\r\n" + _HOST + b"\r\n") * 30,
}


class SlowClients:
    """What came of them, known once the asking has ended: ``cut`` by kind, and how many were ``open`` at most."""

    def __init__(self) -> None:
        self.cut: dict[str, int] = {}
        self.open = 0


@contextlib.contextmanager
def slow_clients(url: str, count: int) -> Iterator[SlowClients]:
    """So many of them all the while; those inside wait until all have connected."""
    address, clients = urlsplit(url), SlowClients()
    with beside("tests.end_to_end.slow_clients", address.hostname, address.port, count) as found:
        yield clients
    clients.cut, clients.open = found["cut"], found["open"]


class _Crowd:
    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._turns = asyncio.Semaphore(OPENED_AT_ONCE)
        self.cut: Counter[str] = Counter()
        self.open = 0
        self.most = 0

    async def one(self, kind: str, delay: float) -> None:
        """Be slow, again and again."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(delay)
        while True:
            connection = socket.socket()
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            async with self._turns:
                await loop.sock_connect(connection, self._address)
            self.open += 1
            self.most = max(self.most, self.open)
            try:
                await self._dawdle(connection, kind)
            except ConnectionError:
                self.cut[kind] += 1
            finally:
                self.open -= 1
                connection.close()

    async def _dawdle(self, connection: socket.socket, kind: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(connection, _BEGINNINGS[kind])
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            if kind == "reads":
                error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if error:
                    raise ConnectionError(os.strerror(error))
            else:
                await loop.sock_sendall(connection, b"y")  # an error, once the other end has closed


async def crowd(host: str, port: int, count: int) -> None:
    """Keep ``count`` of them until the standard input ends."""
    loop = asyncio.get_running_loop()
    everybody = _Crowd(host, port)
    tasks = [
        asyncio.create_task(everybody.one(KINDS[number % len(KINDS)], SPREAD_SECONDS * number / count))
        for number in range(count)
    ]
    while everybody.most < 0.9 * count and not any(task.done() for task in tasks):
        await asyncio.sleep(0.05)
    print("all are there", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    for task in tasks:
        task.cancel()
    ended = await asyncio.gather(*tasks, return_exceptions=True)
    failures = [repr(one) for one in ended if isinstance(one, Exception)]
    if failures:
        sys.exit(f"{len(failures)} slow clients have failed: {failures[0]}")
    print(json.dumps({"cut": dict(everybody.cut), "open": everybody.most}))


def main(host: str, port: str, count: str) -> None:
    """Allow this process as many open files as it needs, and begin."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, int(count) + 256), hard))
    asyncio.run(crowd(host, int(port), int(count)))


if __name__ == "__main__":
    main(*sys.argv[1:])
