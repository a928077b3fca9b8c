"""Checking a file and taking one again, as senders ask for it: a real socket, and a house of cardboard behind it."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from server.app import CHECKS_AT_ONCE
from server.app import runner as serving
from server.services import NotDone
from server.settings import ServerSettings
from server.state import CHECKS
from tests.unit.server.small_house import House, checked_file, full_house

CSV = b"corporation,tenure\na,1\n"
TEXT = {"Content-Type": "text/csv"}


class Client:
    """Asks the server, and looks into the house behind it."""

    def __init__(self, house: House, session: aiohttp.ClientSession, url: str, runner: web.AppRunner) -> None:
        self.house = house
        self.session = session
        self.url = url
        self.runner = runner

    async def post(self, path: str, data: bytes = b"", **headers: str) -> tuple[int, Any]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(self.url + path, data=data, headers=given) as response:
            return response.status, json.loads(await response.read())


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    house = full_house(tmp_path)
    house.settings = ServerSettings(max_body_bytes=10_000)
    runner = serving(house.services())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield Client(house, session, f"http://127.0.0.1:{runner.addresses[0][1]}", runner)
    await runner.cleanup()
    house.ledger.close()


@pytest.mark.parametrize(
    "kind", ["text/csv", "text/csv; charset=utf-8", "application/gzip", "application/octet-stream"]
)
async def test_what_is_sent_is_checked_under_the_name_that_is_given(client: Client, kind: str) -> None:
    status, said = await client.post("/v1/files/check?name=a%20b.csv", CSV, Content_Type=kind)
    assert (status, said) == (200, checked_file("a b.csv", len(CSV)))
    assert client.house.checked == [("a b.csv", CSV)]


async def test_without_a_name_it_has_the_suffix_of_what_it_is(client: Client) -> None:
    packed = gzip.compress(CSV)
    await client.post("/v1/files/check", CSV, Content_Type="application/octet-stream")
    await client.post("/v1/files/check", packed, Content_Type="application/octet-stream")
    assert client.house.checked == [("file.csv", CSV), ("file.csv.gz", packed)]


async def test_a_packed_transfer_is_unpacked_a_packed_file_is_not(client: Client) -> None:
    packed = gzip.compress(CSV)
    await client.post("/v1/files/check", packed, Content_Type="text/csv", Content_Encoding="gzip")
    await client.post("/v1/files/check?name=a.csv.gz", packed, Content_Type="application/gzip")
    assert client.house.checked == [("file.csv", CSV), ("a.csv.gz", packed)]


async def test_what_is_too_large_is_not_taken_in(client: Client) -> None:
    for body, encoding in ((b"x" * 10_001, "identity"), (gzip.compress(b"x" * 10_001), "gzip")):
        status, problem = await client.post("/v1/files/check", body, Content_Type="text/csv", Content_Encoding=encoding)
        assert (status, problem["type"]) == (413, "urn:attritiond:problem:too-large")
    assert client.house.checked == []


@pytest.mark.parametrize("name", ["", ".", "..", "a%2Fb.csv", "a%00.csv", "a%0Ab.csv", "%C3%A9" * 128 + ".csv"])
async def test_a_name_is_that_of_a_file(client: Client, name: str) -> None:
    status, problem = await client.post(f"/v1/files/check?name={name}", CSV, Content_Type="text/csv")
    assert (status, problem["errors"][0]["location"]) == (422, "name")


async def test_other_content_types_are_not_checked(client: Client) -> None:
    status, _ = await client.post("/v1/files/check", b"{}", Content_Type="application/json")
    assert status == 415


async def test_more_checks_than_are_held_in_memory_are_sent_away(client: Client) -> None:
    checks = client.runner.app[CHECKS]
    for _ in range(CHECKS_AT_ONCE):
        await checks.acquire()
    async with client.session.post(client.url + "/v1/files/check", data=CSV, headers=TEXT) as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "5")
    checks.release()
    assert (await client.post("/v1/files/check", CSV, Content_Type="text/csv"))[0] == 200
    assert len(client.house.checked) == 1


async def test_a_check_that_fails_gives_its_place_back(client: Client) -> None:
    client.house.not_done = NotDone("It could not be checked: the worker died.", unavailable=True)
    for _ in range(CHECKS_AT_ONCE + 1):
        status, problem = await client.post("/v1/files/check", CSV, Content_Type="text/csv")
        assert (status, problem["detail"]) == (503, "It could not be checked: the worker died.")


async def test_a_refused_file_is_taken_again(client: Client) -> None:
    status, said = await client.post("/v1/files/ab12/retry")
    assert (status, said["name"]) == (200, "broken.csv")
    assert said["reason"] == {
        "code": "quotes",
        "detail": "A quotation mark in line 3 is never closed.",
        "lines": [3],
        "what_to_do": "Correct it.",
    }
    client.house.taken_again = False
    assert (await client.post("/v1/files/ab12/retry"))[0] == 202
    assert client.house.retried == ["ab12", "ab12"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (NotDone("There is no such file.", unknown=True), 404),
        (NotDone("Its copy is gone."), 409),
        (NotDone("The disk is full.", unavailable=True), 503),
    ],
)
async def test_what_cannot_be_taken_again_is_answered_with_the_reason(
    client: Client, error: NotDone, status: int
) -> None:
    client.house.not_done = error
    answered, problem = await client.post("/v1/files/ab12/retry")
    assert (answered, problem["detail"]) == (status, str(error))


async def test_a_page_of_another_site_can_do_neither(client: Client) -> None:
    for path in ("/v1/files/check", "/v1/files/ab12/retry"):
        status, _ = await client.post(path, CSV, Content_Type="text/csv", Origin="http://example.com")
        assert status == 403
    assert (client.house.checked, client.house.retried) == ([], [])
