"""A connection begins with TLS: from its first packet on it is counted, and its handshake has a time."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import TYPE_CHECKING, cast

from server.connections import Connection
from server.disturbances import Cause

if TYPE_CHECKING:
    from server.listening import Listener


class Handshake(asyncio.Protocol):
    """What a TCP connection is taken by where TLS is spoken.

    The loops' own way tells nobody of a connection before its handshake is done, and thousands can wait there, each an
    open file. So the connection is taken from the loop when it comes, and given back to be shaken hands with.
    """

    def __init__(self, listener: Listener, context: ssl.SSLContext) -> None:
        self._listener = listener
        self._context = context

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        connection = self._listener.connection()
        connection.arrive(transport.get_extra_info("peername"))
        taken = None
        if not connection.refused or self._listener.may_linger():
            try:
                taken = socket.socket(fileno=os.dup(transport.get_extra_info("socket").fileno()))
            except OSError:  # no file may be opened any more
                connection.depart(Cause.TOO_MANY)
                cast("asyncio.Transport", transport).abort()
                return
        cast("asyncio.Transport", transport).abort()  # this end of it alone: a copy of the socket keeps the connection
        if taken is None:
            connection.depart(connection.refusal)
        else:
            taken.setblocking(False)
            self._listener.begin(connection, self._shake_hands(connection, taken))

    async def _shake_hands(self, connection: Connection, taken: socket.socket) -> None:
        seconds = self._listener.settings.header_seconds
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: connection, taken, ssl=self._context, ssl_handshake_timeout=seconds
            )
        except ConnectionAbortedError:  # by the loop, when the time is over
            connection.depart(Cause.SLOW_HANDSHAKE)
            taken.close()
        except OSError:  # the other end has gone, or what the library of TLS raises
            connection.depart(Cause.HANDSHAKE)
            taken.close()
        except BaseException:
            taken.close()
            raise
