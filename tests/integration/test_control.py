"""The control socket: a real one, with a daemon of cardboard behind it."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from daemon import control
from daemon.settings import Settings, workspace
from daemon.workers import TaskFailed, WorkerDied
from handlers.storage.workspace import Workspace
from server.services import DeploymentRefused


class CardboardDaemon:
    """Remembers what it was asked; ``error`` is raised instead of an answer."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.error: Exception | None = None

    async def deploy(self, version: int | None) -> int:
        self.asked.append(version)
        if self.error is not None:
            raise self.error
        return version or 1

    async def reset_schema(self) -> list[str]:
        if self.error is not None:
            raise self.error
        return ["a.csv"]

    async def release(self, sha256: Sequence[str]) -> list[dict[str, Any]]:
        if self.error is not None:
            raise self.error
        return [{"name": "a.csv", "sha256": one} for one in sha256]

    def scan(self) -> None:
        self.asked.append("scan")

    def status(self) -> dict[str, Any]:
        return {"pid": os.getpid()}


def _workspace(root: Path) -> Workspace:
    folders = workspace(Settings(), root / "config.json")
    folders.dataset.mkdir(parents=True)
    return folders


@pytest.fixture(params=["", "a long name " * 12], ids=["short", "longer than an address"])
def folders(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    made = _workspace(tmp_path / request.param.strip() if request.param else tmp_path)
    if request.param:
        assert len(os.fsencode(made.socket)) > 108
    return made


@pytest.fixture
async def daemon(folders: Workspace) -> AsyncIterator[CardboardDaemon]:
    cardboard = CardboardDaemon()
    runner: web.AppRunner = await control.serve(folders, cardboard)
    yield cardboard
    await runner.cleanup()


async def _ask(folders: Workspace, route: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    return await asyncio.to_thread(control.ask, folders, route, body or {})


async def test_what_is_asked_is_done_and_answered(folders: Workspace, daemon: CardboardDaemon) -> None:
    assert await _ask(folders, "/deploy", {"version": 7}) == {"model_version": 7}
    assert await _ask(folders, "/deploy", {"version": None}) == {"model_version": 1}
    assert await _ask(folders, "/schema/reset") == {"files": ["a.csv"]}
    assert await _ask(folders, "/files/release", {"sha256": ["00ff"]}) == {
        "items": [{"name": "a.csv", "sha256": "00ff"}]
    }
    assert await _ask(folders, "/scan") == {}
    assert await _ask(folders, "/status") == {"pid": os.getpid()}
    assert daemon.asked == [7, None, "scan"]


async def test_what_cannot_be_is_answered_with_the_reason(folders: Workspace, daemon: CardboardDaemon) -> None:
    daemon.error = DeploymentRefused("There is no model 9.")
    assert await _ask(folders, "/deploy", {"version": 9}) == {"error": "There is no model 9."}
    for error in (TaskFailed("It is settled."), WorkerDied("the worker died")):
        daemon.error = error
        assert await _ask(folders, "/schema/reset") == {"error": str(error)}
        assert await _ask(folders, "/files/release", {"sha256": ["00ff"]}) == {"error": str(error)}


@pytest.mark.usefixtures("daemon")
async def test_only_its_owner_may_connect(folders: Workspace) -> None:
    status = folders.socket.lstat()
    assert stat.S_ISSOCK(status.st_mode)
    assert stat.S_IMODE(status.st_mode) == 0o600


async def test_the_socket_of_a_killed_daemon_is_replaced(tmp_path: Path) -> None:
    folders = _workspace(tmp_path)
    folders.socket.touch(0o644)
    runner = await control.serve(folders, CardboardDaemon())
    assert await _ask(folders, "/scan") == {}
    await runner.cleanup()


async def test_without_a_daemon_nobody_answers(tmp_path: Path) -> None:
    folders = _workspace(tmp_path)
    with pytest.raises(control.NoDaemon):
        await _ask(folders, "/scan")
    runner = await control.serve(folders, CardboardDaemon())
    await runner.cleanup()
    with pytest.raises(control.NoDaemon):
        await _ask(folders, "/scan")


async def test_descriptors_are_given_back(folders: Workspace) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        runner = await control.serve(folders, CardboardDaemon())
        await _ask(folders, "/scan")
        await runner.cleanup()
    await asyncio.sleep(0)
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
