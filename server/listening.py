"""The connections of one server: how many there may be, and that all of them are looked at."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass

from aiohttp import web

from server import ending
from server.body import AT_ONCE_BYTES
from server.connections import Connection
from server.deadlines import Deadlines, deadlines
from server.disturbances import Cause, Disturbance, Disturbances
from server.handshakes import Handshake
from server.rounds import Rounds
from server.settings import ServerSettings

BACKLOG = 1024
"""Connections that wait in the kernel until the loop accepts them. One that finds no place there tries again after a
second, and 128, the default of the library, is what a single burst fills."""
SHORTEST_ROUND, LONGEST_ROUND = 0.02, 1.0
"""Seconds that a round of looks takes: a quarter of the shortest deadline, within these. The looks are spread over it:
whom one cuts off comes again, and a crowd is borne more easily when it neither goes nor comes in one instant."""
LINGERING_AT_ONCE = 128
"""So many connections that are not served, or no more, are kept until they have read why; those beyond are closed at
once. They count as none of those that are served."""

Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
Tell = Callable[[Disturbance], None]
Count = Callable[[Cause], None]


@dataclass(frozen=True, slots=True)
class Serving:
    """What a server has: ``answer`` answers its requests, ``tell`` is given lines for the log, ``count`` each cause."""

    settings: ServerSettings
    answer: Answer
    tell: Tell
    count: Count
    tls: ssl.SSLContext | None = None
    """What connections are encrypted with; the sites that are added to the runner are given none."""


class Listener(web.Server):
    """All connections of one server; over TLS where there is a context for it."""

    def __init__(self, server: web.Server, serving: Serving) -> None:
        loop = asyncio.get_running_loop()
        settings = serving.settings
        super().__init__(
            serving.answer,
            request_factory=server.request_factory,
            handler_cancellation=server.handler_cancellation,
            loop=loop,
            **server._kwargs,
        )
        self.settings = settings
        self.deadlines: Deadlines = deadlines(settings)
        self.too_many = ending.Bytes(ending.too_many_connections())
        self.malformed = ending.Bytes(ending.malformed())
        self.headers_too_large = ending.Bytes(ending.headers_too_large())
        self.slow_headers = ending.Bytes(ending.slow_headers(settings.header_seconds))
        self._count = serving.count
        self._disturbances = Disturbances(serving.tell)
        self._open: set[Connection] = set()
        self._refused = 0
        self._of_address: Counter[bytes | None] = Counter()
        self._looks: Rounds[Connection] = Rounds(min(LONGEST_ROUND, max(SHORTEST_ROUND, self.deadlines.shortest / 4)))
        self._timer: asyncio.TimerHandle | None = None
        self._tls = serving.tls
        self._handshakes: set[asyncio.Task[None]] = set()

    def __call__(self) -> asyncio.Protocol:  # type: ignore[override]  # the loop asks no more of it
        return self.connection() if self._tls is None else Handshake(self, self._tls)

    def connection(self) -> Connection:
        """What serves one more connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def begin(self, connection: Connection, handshake: Coroutine[None, None, None]) -> None:
        """Shake hands, and end that where all is ended."""
        task = self._loop.create_task(handshake)
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)
        task.add_done_callback(lambda _: None if connection.made else connection.depart(None))

    @property
    def open_connections(self) -> int:
        """Connections that are served."""
        return len(self._open) - self._refused

    def cause_to_refuse(self, connection: Connection) -> Cause | None:
        """Why a new connection is not taken, or None."""
        if self.open_connections >= self.settings.max_connections:
            return Cause.TOO_MANY
        sender = connection.sender
        if sender is not None and self._of_address[sender] >= self.settings.max_connections_per_address:
            return Cause.TOO_MANY_OF_ADDRESS
        return None

    def may_linger(self) -> bool:
        """Whether a connection that is not served, or no more, is kept until it has read why."""
        return self._refused <= LINGERING_AT_ONCE

    def joined(self, connection: Connection) -> None:
        """A connection is there, taken or refused."""
        self._open.add(connection)
        if connection.refused:
            self._refused += 1
        else:
            self._of_address[connection.sender] += 1
        self._keep_looking()

    def served_no_more(self, connection: Connection) -> None:
        """A connection is refused although it was taken: who comes next may have its place."""
        self._refused += 1
        self._forget_address(connection)

    def left(self, connection: Connection) -> None:
        """A connection is gone."""
        self._open.discard(connection)
        if connection.refused:
            self._refused -= 1
        else:
            self._forget_address(connection)

    def _forget_address(self, connection: Connection) -> None:
        self._of_address[connection.sender] -= 1
        if not self._of_address[connection.sender]:
            del self._of_address[connection.sender]

    def disturbed(self, one: Disturbance) -> None:
        """A request could not be understood, or a connection was not served or cut off."""
        self._count(one.cause)
        self._disturbances.seen(one, self._loop.time())
        self._keep_looking()

    async def shutdown(self, timeout: float | None = None) -> None:
        """End all connections, those too that read too slowly to end by themselves."""
        if self._timer is not None:
            self._timer.cancel()
        self._disturbances.flush(float("inf"))
        for handshake in self._handshakes:
            handshake.cancel()
        await super().shutdown(timeout)
        for connection in list(self._open):
            connection.abort()

    def _keep_looking(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._looks.pause, self._look)

    def _look(self) -> None:
        """Look at some connections; in a round at all of them. Ends where there is nothing to look at.

        The timer that has rung stays until the end, so that nobody whom a look disturbs begins another row of looks.
        """
        now = self._loop.time()
        try:
            if self._looks.ended:
                self._disturbances.flush(now)
                self._looks.begin(self._open, now)
            for connection in self._looks.turn(now):
                connection.look(now)
        finally:
            self._timer = None
            if not self._looks.ended or self._open or self._disturbances.pending:
                self._keep_looking()


class Runner(web.AppRunner):
    """What serves an application over such connections. ``server.body`` unpacks bodies itself."""

    __slots__ = ("_serving",)

    def __init__(self, app: web.Application, serving: Serving) -> None:
        settings = serving.settings
        super().__init__(
            app,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=2.0,
            auto_decompress=False,
            # Its own timer is the second net: it closes a connection that waits, headers begun or not.
            keepalive_timeout=settings.idle_seconds + settings.header_seconds,
            lingering_time=settings.linger_seconds,
            read_bufsize=AT_ONCE_BYTES,
        )
        self._serving = serving

    async def _make_server(self) -> Listener:
        return Listener(await super()._make_server(), self._serving)
