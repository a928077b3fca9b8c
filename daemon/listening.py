"""A server begins to listen, or says in a sentence why it cannot."""

from __future__ import annotations

import ssl

from aiohttp import web

from server.settings import ServerSettings


class CannotStart(Exception):
    """The program cannot listen; the message says why and what to do."""


async def listen(
    runner: web.AppRunner, settings: ServerSettings, tls: ssl.SSLContext | None
) -> tuple[web.AppRunner, str]:
    """Have the runner listen, and return it with its address as a URL. Raises CannotStart."""
    await runner.setup()
    site = web.TCPSite(runner, settings.host, settings.port, ssl_context=tls)
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
