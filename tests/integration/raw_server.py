"""A server on a loop of its own in a thread, and clients that send it bytes and not requests."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import uvloop
from aiohttp import web

from server.app import runner as serving
from server.listening import Listener
from tests.unit.server.small_house import House

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
PATIENCE = 20.0
"""Seconds for anything to come on a slow machine."""


@dataclass(slots=True)
class RawServer:
    """The server at ``port``. ``faults``: what the loop's exception handler was told."""

    house: House
    port: int
    listener: Listener
    faults: list[dict[str, Any]]

    def connect(self, *, receive_bytes: int | None = None) -> socket.socket:
        """A connection; ``receive_bytes``: the room for answers that have not been read."""
        connection = socket.socket()
        if receive_bytes is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", self.port))
        return connection

    def ask(
        self, method: str, path: str, body: str | None = None, headers: Sequence[tuple[str, str]] = ()
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers with names in lower case, and body of the answer to a request; ``body``: of JSON."""
        given = [] if body is None else [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        lines = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            *(f"{one}: {value}" for one, value in [*given, *headers]),
        ]
        with self.connect() as connection:
            send(connection, ["".join(f"{line}\r\n" for line in [*lines, ""]).encode() + (body or "").encode()])
            return answer(connection, method)


@contextlib.contextmanager
def running(house: House, loop_name: str, tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Serve the house; at the end everything is closed."""
    loop = LOOPS[loop_name]()
    faults: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _loop, context: faults.append(context))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> web.AppRunner:
        runner = serving(house.services(), tls=tls)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return runner

    try:
        runner = asyncio.run_coroutine_threadsafe(start(), loop).result(PATIENCE)
        assert isinstance(runner.server, Listener)
        try:
            yield RawServer(house, runner.addresses[0][1], runner.server, faults)
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(PATIENCE)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()
        house.ledger.close()


def answer(connection: socket.socket, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Status, headers with names in lower case, and body of the next answer, to a request of this method."""
    response = http.client.HTTPResponse(connection, method=method)
    try:
        response.begin()
        body = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body
    finally:
        response.close()


def rest(connection: socket.socket) -> bytes:
    """What comes until the other end closes; a reset is an end, too."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(65_536):
            came += part
    return came


def send(connection: socket.socket, pieces: Sequence[bytes]) -> None:
    """Send pieces in segments of their own; where the other end has closed, the rest is not sent."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
