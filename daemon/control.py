"""The Unix socket in the output folder: how writing commands reach the running daemon. Its folder's rights guard it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

import aiohttp
from aiohttp import web

from daemon.local_sockets import address, bound
from daemon.workers import TaskFailed, WorkerDied
from handlers.storage.workspace import Workspace
from server.services import DeploymentRefused


class Controlled(Protocol):
    """What can be asked of the daemon."""

    async def deploy(self, version: int | None) -> int: ...
    async def reset_schema(self) -> list[str]: ...
    async def release(self, sha256: Sequence[str]) -> list[dict[str, Any]]: ...
    def scan(self) -> None: ...
    def status(self) -> dict[str, Any]: ...


class NoDaemon(Exception):
    """Nobody listens on the socket."""


async def serve(workspace: Workspace, daemon: Controlled) -> web.AppRunner:
    """Listen on the socket; the runner's ``cleanup`` ends it."""

    async def deploy(request: web.Request) -> web.Response:
        try:
            return web.json_response({"model_version": await daemon.deploy((await request.json())["version"])})
        except DeploymentRefused as error:
            return web.json_response({"error": str(error)}, status=409)

    async def reset(_request: web.Request) -> web.Response:
        try:
            return web.json_response({"files": await daemon.reset_schema()})
        except (TaskFailed, WorkerDied) as error:
            return web.json_response({"error": str(error)}, status=409)

    async def release(request: web.Request) -> web.Response:
        try:
            return web.json_response({"items": await daemon.release((await request.json())["sha256"])})
        except (TaskFailed, WorkerDied) as error:
            return web.json_response({"error": str(error)}, status=409)

    async def scan(_request: web.Request) -> web.Response:
        daemon.scan()
        return web.json_response({})

    async def status(_request: web.Request) -> web.Response:
        return web.json_response(daemon.status())

    app = web.Application()
    handlers = {"/deploy": deploy, "/schema/reset": reset, "/files/release": release, "/scan": scan, "/status": status}
    app.add_routes([web.post(route, handler) for route, handler in handlers.items()])
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=2.0)
    await runner.setup()
    await web.SockSite(runner, bound(workspace.socket)).start()
    return runner


def ask(workspace: Workspace, route: str, body: dict[str, Any], *, patience: float | None = None) -> dict[str, Any]:
    """Ask the running daemon and return its answer; ``error`` in the answer says why not.

    Raises NoDaemon where none listens, or where none has answered within ``patience`` seconds (None: wait).
    """
    return asyncio.run(_ask(workspace, route, body, patience))


async def _ask(workspace: Workspace, route: str, body: dict[str, Any], patience: float | None) -> dict[str, Any]:
    timeout = aiohttp.ClientTimeout(total=patience, connect=10)
    try:
        with address(workspace.socket) as where:
            connector = aiohttp.UnixConnector(path=where)
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.post(f"http://daemon{route}", json=body) as response,
            ):
                answer: dict[str, Any] = await response.json()
                return answer
    except aiohttp.ContentTypeError as error:  # not our JSON: it failed, or another version of it is running
        return {"error": f"The running daemon answered {error.status}; its log says more."}
    except (aiohttp.ClientConnectionError, FileNotFoundError, TimeoutError) as error:
        raise NoDaemon(str(error)) from error
