"""The Unix socket in the output folder: how writing commands reach the running daemon. Its folder's rights guard it."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from aiohttp import web

from daemon.workers import TaskFailed, WorkerDied
from handlers.storage.workspace import Workspace
from server.services import DeploymentRefused

LONGEST_PATH = 100
"""A Unix socket's address holds 107 bytes; a longer path is reached through a descriptor of its folder."""


class Controlled(Protocol):
    """What can be asked of the daemon."""

    async def deploy(self, version: int | None) -> int: ...
    async def reset_schema(self) -> list[str]: ...
    def scan(self) -> None: ...


class NoDaemon(Exception):
    """Nobody listens on the socket."""


async def serve(workspace: Workspace, daemon: Controlled) -> web.AppRunner:
    """Listen on the socket; the runner's ``cleanup`` ends it."""

    async def deploy(request: web.Request) -> web.Response:
        try:
            return web.json_response({"version": await daemon.deploy((await request.json())["version"])})
        except DeploymentRefused as error:
            return web.json_response({"error": str(error)}, status=409)

    async def reset(_request: web.Request) -> web.Response:
        try:
            return web.json_response({"files": await daemon.reset_schema()})
        except (TaskFailed, WorkerDied) as error:
            return web.json_response({"error": str(error)}, status=409)

    async def scan(_request: web.Request) -> web.Response:
        daemon.scan()
        return web.json_response({})

    app = web.Application()
    app.add_routes([web.post("/deploy", deploy), web.post("/schema/reset", reset), web.post("/scan", scan)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    workspace.socket.unlink(missing_ok=True)
    with _address(workspace.socket) as address:
        await web.UnixSite(runner, address).start()
        workspace.socket.chmod(0o600)
    return runner


def ask(workspace: Workspace, route: str, body: dict[str, Any]) -> dict[str, Any]:
    """Ask the running daemon and return its answer. Raises NoDaemon; ``error`` in the answer says why not."""
    return asyncio.run(_ask(workspace, route, body))


async def _ask(workspace: Workspace, route: str, body: dict[str, Any]) -> dict[str, Any]:
    with _address(workspace.socket) as address:
        connector = aiohttp.UnixConnector(path=address)
        timeout = aiohttp.ClientTimeout(total=None, connect=10)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.post(f"http://daemon{route}", json=body) as response,
            ):
                answer: dict[str, Any] = await response.json()
                return answer
        except aiohttp.ClientConnectionError as error:
            raise NoDaemon(str(error)) from error


@contextlib.contextmanager
def _address(path: Path) -> Iterator[str]:
    if len(os.fsencode(path)) <= LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
