"""A server over a small house on a real socket of loopback, and a real HTTP client that asks it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from server.app import runner as serving
from tests.unit.server.small_house import House

ARROW = "application/vnd.apache.arrow.stream"
CSV = b"corporation,tenure,contract,seats,exited\nabcd,3,monthly,4,\nef,12,yearly,20,1\n"


@dataclass(slots=True)
class Client:
    """A client and the house behind the server it asks."""

    house: House
    session: aiohttp.ClientSession
    url: str

    async def ask(
        self,
        method: str,
        path: str,
        **arguments: Any,
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        async with self.session.request(method, self.url + path, **arguments) as response:
            return response, await response.read()

    async def json(
        self,
        method: str,
        path: str,
        *,
        status: int = 200,
        **arguments: Any,
    ) -> Any:
        response, body = await self.ask(method, path, **arguments)
        assert response.status == status, body
        kind = "application/json" if status == 200 or path == "/readyz" else "application/problem+json"
        assert response.content_type == kind
        return json.loads(body)


async def serve(house: House) -> AsyncIterator[Client]:
    runner = serving(house.services())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield Client(house, session, f"http://127.0.0.1:{port}")
    await runner.cleanup()
    house.ledger.close()
