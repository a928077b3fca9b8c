"""Servers that are asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.settings import ServerSettings
from tests.integration.asking_a_server import CSV, Client, serve
from tests.unit.server.small_house import empty_house, full_house


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    house = full_house(tmp_path)
    house.settings = ServerSettings(max_body_bytes=100_000)
    house.workspace.test.mkdir()
    (house.workspace.test / "testdata.csv").write_bytes(CSV)
    async for one in serve(house):
        yield one


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Client]:
    """Takes three clients at once, with four columns."""
    house = full_house(tmp_path)
    house.settings = ServerSettings(max_rows=3, max_columns=4)
    async for one in serve(house):
        yield one


@pytest.fixture
async def before(tmp_path: Path) -> AsyncIterator[Client]:
    async for one in serve(empty_house(tmp_path)):
        yield one
