"""A server begins to listen, or says in a sentence why it cannot."""

from __future__ import annotations

import ssl

from aiohttp import web

from daemon import log
from server import app
from server.descriptors import room_for
from server.listening import BACKLOG
from server.services import Answering


class CannotStart(Exception):
    """The program cannot listen; the message says why and what to do."""


async def listen(services: Answering, tls: ssl.SSLContext | None) -> tuple[web.AppRunner, str]:
    """Serve over these services, with as many connections as there is room for; the runner, and its address as a URL.

    Raises CannotStart.
    """
    settings = services.settings
    possible = room_for(settings.max_connections)
    if possible < settings.max_connections:
        detail = "Allow it more open files (LimitNOFILE=, ulimit -n), or lower server.max_connections."
        log.emit("connections.limited", configured=settings.max_connections, possible=possible, detail=detail)
    runner = app.runner(services, max_connections=possible, tls=tls)
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, backlog=BACKLOG)
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        address = f"{settings.host}:{settings.port}"
        what = "Set server.host and server.port to an address of this machine that nobody else listens on."
        raise CannotStart(f"{address} cannot be listened on: {error.strerror or error}. {what}") from error
    host, port = runner.addresses[0][:2]
    scheme = "http" if tls is None else "https"
    return runner, f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"
