"""An answer whose head was made beforehand: to build and write ten headers takes longer than to score a client."""

from __future__ import annotations

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

from server.security_headers import protect

LARGEST = 64 * 1024
"""A larger body is not copied to be sent behind its head."""


class Head:
    """Headers of answers with status 200, with those that every answer has; as values, and as they are sent."""

    def __init__(self, headers: CIMultiDict[str]) -> None:
        protect(headers)
        self.headers = headers
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.sent = f"HTTP/1.1 200 OK\r\n{lines}Content-Length: ".encode()


class ReadyAnswer(web.StreamResponse):
    """A body that is there, to be sent in one piece. Whoever sends it sets ``request_id``."""

    def __init__(self, head: Head, body: bytes) -> None:
        super().__init__()
        self._head, self._content = head, body
        self._keep_alive = True
        self.request_id = ""

    def suits(self, request: web.BaseRequest) -> bool:
        """Whether it is to be sent so: all of it, over HTTP/1.1, on a connection that stays, and not worth a copy."""
        stays = request.version == HttpVersion11 and request.keep_alive
        return stays and request.method != "HEAD" and len(self._content) <= LARGEST

    def ordinary(self) -> web.Response:
        """The same for the library to send, headers as they can still be changed."""
        return web.Response(body=self._content, headers=self._head.headers)

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter:
        """Send it whole."""
        close = b"" if self._keep_alive else b"Connection: close\r\n"
        said = (
            self._head.sent,
            len(self._content),
            _date(int(time.time())),
            self.request_id.encode(),
            close,
            self._content,
        )
        await request.writer.write(b"%b%d\r\nDate: %b\r\nX-Request-ID: %b\r\n%b\r\n%b" % said)
        self._eof_sent = True
        return request.writer

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to be sent."""


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
