"""One connection: how long it may take, and what is answered where there is no request yet.

aiohttp has no deadline for headers, bodies and slow readers, and answers what it cannot parse as text that repeats it.
That is put right around its own ``RequestHandler`` (ADR 16 says which of its internals are used). There are no timers
for each request: ``server.listening`` looks at every connection now and then.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
import uuid
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, cast

from aiohttp import EMPTY_PAYLOAD, HttpVersion10, HttpVersion11, web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import _ErrInfo

from server import ending
from server.deadlines import Phase, Watch
from server.dispatch import place_of
from server.disturbances import Cause, Disturbance
from server.guards import is_loopback
from server.heads import head_bytes, is_of_size
from server.problems import Kind, Problem

if TYPE_CHECKING:
    from server.listening import Listener

BYTES_PER_BODY_BYTE = 2
"""So much may come for each byte that a body may have. More is what frames its chunks, which can have no end."""

UNSENT_BYTES = 128 * 1024
"""So much of an answer, beyond what is on its way, lies in the kernel. Else it takes 2.5 MB for each client that reads
nothing, and 3,000 of those are gigabytes; a fast reader notices no difference."""
_ACKNOWLEDGED_AT = 120
"""Where ``tcpi_bytes_acked`` is in ``struct tcp_info``, whose beginning never changes; since Linux 4.1."""


class Connection(web.RequestHandler):
    """One connection."""

    __slots__ = (
        "_address",
        "_arrived",
        "_channel",
        "_departed",
        "_head_began",
        "_head_bytes",
        "_listener",
        "_over",
        "_pipelined",
        "_received",
        "_refusal",
        "_sender",
        "_watch",
    )

    def __init__(self, listener: Listener, *, loop: asyncio.AbstractEventLoop, **settings: Any) -> None:
        super().__init__(listener, loop=loop, **settings)
        self._listener = listener
        self._watch = Watch()
        self._channel: asyncio.Transport | None = None
        self._address = ""
        self._sender: bytes | None = None
        self._received = 0
        self._head_bytes = 0
        self._head_began = 0
        self._over = False
        self._pipelined = False
        self._arrived = self._departed = False
        self._refusal: Cause | None = None

    @property
    def sender(self) -> bytes | None:
        """Who its connections are counted for."""
        return self._sender

    @property
    def refusal(self) -> Cause | None:
        """Why it is not served, or no more."""
        return self._refusal

    @property
    def refused(self) -> bool:
        return self._refusal is not None

    @property
    def made(self) -> bool:
        """It has begun: the loop tells when it is lost."""
        return self._channel is not None or self._departed

    def arrive(self, peer: object) -> None:
        """It counts from now on. ``peer``: the address of the other end as a socket gives it."""
        self._address = str(peer[0]) if isinstance(peer, tuple) else ""  # a Unix socket has none
        self._sender = sender_of(self._address)
        self._watch.since = self._loop.time()
        self._refusal = self._listener.cause_to_refuse(self)
        self._arrived = True
        self._listener.joined(self)

    def depart(self, cause: Cause | None) -> None:
        """It is gone before it was made: nothing was said."""
        if self._departed or self._channel is not None:
            return
        self._departed = True
        self._listener.left(self)
        if cause is not None:
            self._tell(cause)

    def abort(self) -> None:
        """End it at once. What has still to be sent is dropped, by the kernel too, which would go on trying."""
        if self._channel is not None:
            connection = self._channel.get_extra_info("socket")
            if connection is not None:  # TLS has ended, and the loop has not said so yet
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._channel.abort()

    # -- what the loop tells ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._channel = cast("asyncio.Transport", transport)
        if not self._arrived:
            self.arrive(transport.get_extra_info("peername"))
        self._watch.since = self._loop.time()
        _leave_little_to_the_kernel(self._channel)
        if self._refusal is None:
            super().connection_made(transport)
            return
        self._end(self._listener.too_many, self._refusal)

    def connection_lost(self, exc: BaseException | None) -> None:
        if not self._departed:
            self._departed = True
            self._listener.left(self)
        self._channel = None
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # Some loops tell of data before the task that waits for it has begun.
        waiting = self._waiter is not None or not (self._request_count or self._messages)
        requests, began = self._request_count, self._received
        self._received += len(data)
        try:
            super().data_received(data)
        except Exception:  # a bug of the parser must not put what was sent into the log
            self._end(self._listener.malformed, Cause.MALFORMED)
            return
        if requests != self._request_count:
            self._pipelined = self._pipelined or len(self._messages) > 1
            # A head began where the one before it ended, or later: few can be too long, and only those are measured.
            if self._pipelined or self._received - self._head_began > self._listener.settings.max_header_bytes:
                self._refuse_long_heads()
            self._head_began = began
        if self._upgraded and len(self._message_tail) > self._listener.settings.max_header_bytes and not self._over:
            self._end(self._listener.headers_too_large, Cause.HEADERS_TOO_LARGE)  # nobody would measure what is there
            return
        if not waiting or self._messages:
            self._head_bytes = 0
            if self._messages and not waiting:
                self._look_for_a_broken_body()
            return
        self._head_bytes += len(data)
        if self._head_bytes > self._listener.settings.max_header_bytes and not self._over:
            self._end(self._listener.headers_too_large, Cause.HEADERS_TOO_LARGE)

    def _refuse_long_heads(self) -> None:
        """Heads that came whole are refused as those are that come in pieces."""
        limit = self._listener.settings.max_header_bytes
        for place, (message, _) in enumerate(self._messages):
            if isinstance(message, RawRequestMessage) and head_bytes(message) > limit:
                self._messages[place] = (_ErrInfo(400, LineTooLong(b"", limit), ""), EMPTY_PAYLOAD)

    def resume_reading(self, resume_parser: bool = True) -> None:
        """Go on where reading was held back. The library does so after each body that was read, and parses nothing
        once more."""
        if self._reading_paused or self._buffer_paused:
            super().resume_reading(resume_parser)

    def _parse_rest(self) -> None:
        """The parser holds back what comes behind some thirty requests, and counts one too many of them after each body
        that came later than its head; so nobody tells it that they are answered."""
        if self.transport is not None and not self._messages and not self._over:
            self.data_received(b"")

    def _look_for_a_broken_body(self) -> None:
        """Before a body has ended nothing can follow it but an error, of which the library does not tell its reader."""
        request = self._current_request
        if request is not None and not request.content.is_eof():
            self._stop_body(ending.broken_body())

    # -- what is answered in place of the library ------------------------------------------------------------------

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what could not be parsed, in place of text that repeats it.

        Then there is nothing more to answer: what is returned finds no connection to go to.
        """
        if not self._over and request.writer.output_size == 0:
            if status != Kind.BAD_REQUEST.status:
                self.log_exception("A request has failed outside of its handler", exc_info=exc)
                self.force_close()
            elif is_of_size(exc):
                self._end(self._listener.headers_too_large, Cause.HEADERS_TOO_LARGE)
            else:
                self._end(self._listener.malformed, Cause.MALFORMED)
        if exc is not None:
            exc.__traceback__ = None  # as in finish_response
        return web.Response()

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Tell where something was raised; its message could hold what was sent."""
        self.logger.error("%s: %s", args[0], place_of(kw["exc_info"]))

    def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> Coroutine[Any, Any, tuple[web.StreamResponse, bool]]:
        """Send an answer. None follows a broken body."""
        if request.version not in (HttpVersion11, HttpVersion10):
            request._cache["version"] = HttpVersion11  # an answer has the version of its request
        fault = request.content.exception()
        if fault is not None:
            fault.__traceback__ = None  # it leads back here: a crowd of such connections would wait to be collected
        if self._pipelined and not self._messages:
            self._loop.call_soon(self._parse_rest)
        said = resp.headers.get("Connection") if resp.status >= Kind.BAD_REQUEST.status else None
        if said == "close" or fault is not None:
            resp.force_close()
        return super().finish_response(request, resp, start_time)

    # -- deadlines -------------------------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Cut off what has taken too long."""
        channel = self._channel
        if channel is None:
            return
        phase, watch = self._phase(channel), self._watch
        overdue = watch.overdue(now, phase, self._request_count, self._moved, self._listener.deadlines)
        most = BYTES_PER_BODY_BYTE * self._listener.settings.max_body_bytes
        if phase is Phase.BODY and self._received - watch.level > most:
            self._stop_body(ending.oversized_chunks())
        if not overdue:
            return
        if phase is Phase.HEAD:
            self._end(self._listener.slow_headers, Cause.SLOW_HEADERS)
        elif phase is Phase.BODY:
            self._stop_body(ending.slow_body())
        elif phase is Phase.ANSWER:
            self._tell(Cause.SLOW_ANSWER)
            self.abort()
        elif phase is Phase.CLOSING:
            self.abort()
        else:
            self.force_close()

    def _phase(self, channel: asyncio.Transport) -> Phase:
        request = self._current_request
        if self._over or channel.is_closing():
            return Phase.CLOSING
        if channel.get_write_buffer_size():
            return Phase.ANSWER
        if request is not None:
            body = request.content
            waited_for = not (body.is_eof() or self._reading_paused or body.exception())
            return Phase.BODY if waited_for else Phase.WORK
        if self._waiter is None:
            return Phase.WORK
        if self._head_bytes:
            return Phase.HEAD
        return Phase.IDLE if self._request_count else Phase.NEW

    def _moved(self, phase: Phase) -> int:
        """Bytes of a body that have come, or of answers that have been taken."""
        if phase is Phase.BODY:
            return self._received
        return _acknowledged(self._channel) if phase is Phase.ANSWER and self._channel is not None else 0

    def _stop_body(self, problem: Problem) -> None:
        """Have whoever reads the body raise this. What still comes of it is not waited for."""
        if self._current_request is not None:
            self._current_request.content.set_exception(problem)
        self._lingering_time = 0.0

    def _end(self, answer: ending.Bytes, cause: Cause) -> None:
        """Answer although there is no request, and nothing more; the other end may read it, and close."""
        channel = self._channel
        self._over = True
        if channel is None or channel.is_closing():
            return
        if self._refusal is None:
            self._refusal = cause
            self._listener.served_no_more(self)
        content, request_id = answer.bytes()
        self._tell(cause, request_id)
        channel.write(content)
        self.transport = None
        self.force_close()
        if not self._listener.may_linger():
            channel.abort()  # what the kernel has been given is sent
        elif channel.can_write_eof():
            channel.write_eof()
        else:
            channel.close()

    def _tell(self, cause: Cause, request_id: str | None = None) -> str:
        request_id = request_id or uuid.uuid4().hex
        self._listener.disturbed(Disturbance(cause, self._address, request_id))
        return request_id


def _leave_little_to_the_kernel(channel: asyncio.Transport) -> None:
    connection = channel.get_extra_info("socket")
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


def _acknowledged(channel: asyncio.Transport) -> int:
    """Bytes that the other machine has said to have. Our own buffer does not tell: it empties in steps, and while it
    does a further answer fills it."""
    connection = channel.get_extra_info("socket")
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _ACKNOWLEDGED_AT + 8)
    return int.from_bytes(info[_ACKNOWLEDGED_AT:], sys.byteorder)


def sender_of(address: str) -> bytes | None:
    """What counts as one sender: an IPv4 address, or the 64 bits of IPv6 that one customer is given.

    None: this machine, whose programs, a reverse proxy among them, share an address.
    """
    if not address or is_loopback(address):
        return None
    if ":" not in address:
        return address.encode()
    try:
        return socket.inet_pton(socket.AF_INET6, address.partition("%")[0])[:8]
    except OSError:
        return address.encode()
