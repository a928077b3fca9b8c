"""A server with tokens, as those with one, with the wrong one and with none meet it."""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.domain.rate_limit import RateLimit
from handlers.domain.roles import Role, Token, digest_of
from server.app import runner as serving
from server.auth import Keyring
from server.routes import ROUTES, addresses, role_needed
from server.services import Readiness
from server.settings import ServerSettings
from tests.unit.server.small_house import CLIENT, House, full_house

SECRETS = {role: f"attritiond_the-secret-of-{role}" for role in Role}
TOKENS = tuple(
    Token(f"some-{role}", role, digest_of(secret), "2026-07-01T06:00:00Z") for role, secret in SECRETS.items()
)
PLACES = [(route, path, re.sub(r"\{\w+\}", "2", path)) for route in ROUTES for path in addresses(route)]


class Server:
    """A server, and what is asked of it."""

    def __init__(self, house: House, session: aiohttp.ClientSession, port: int) -> None:
        self.house = house
        self.port = port
        self.session = session

    async def status(self, method: str, path: str, secret: str | None, **arguments: Any) -> int:
        headers = {} if secret is None else {"Authorization": f"Bearer {secret}"}
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.request(method, url, headers=headers, allow_redirects=False, **arguments) as response:
            return response.status

    async def get(self, path: str, **headers: str) -> tuple[aiohttp.ClientResponse, dict[str, Any]]:
        async with self.session.get(f"http://127.0.0.1:{self.port}{path}", headers=headers) as response:
            said: dict[str, Any] = json.loads(await response.read())
            return response, said

    async def raw(self, *pieces: bytes, until: bytes) -> bytes:
        """Send the first piece, and each further one after an answer; what came until ``until`` is in it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            async with asyncio.timeout(10):
                came = b""
                for number, piece in enumerate(pieces):
                    writer.write(piece)
                    if number < len(pieces) - 1:
                        came += await reader.readuntil(b"\r\n\r\n")
                while until not in came:
                    more = await reader.read(4096)
                    assert more, came
                    came += more
                return came
        finally:
            writer.close()


async def _serve(house: House) -> AsyncIterator[Server]:
    runner = serving(house.services())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with aiohttp.ClientSession() as session:
        yield Server(house, session, runner.addresses[0][1])
    await runner.cleanup()
    house.ledger.close()


def _house(folder: Path, keyring: Keyring | None) -> House:
    house = full_house(folder)
    house.settings = ServerSettings(tokens_file="tokens.json")
    house.keyring = keyring
    return house


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async for one in _serve(_house(tmp_path, Keyring(TOKENS))):
        yield one


# -- who may do what -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [None, *Role])
async def test_each_role_reaches_the_routes_that_it_should_and_no_other(server: Server, role: Role | None) -> None:
    secret = None if role is None else SECRETS[role]
    for route, path, address in PLACES:
        status = await server.status(route.method, address, secret)
        needed = role_needed(route)
        if needed is None or (role is not None and role.covers(needed)):
            assert status not in (401, 403), (route.method, path)
        else:
            assert status == (401 if role is None else 403), (route.method, path)


async def test_what_a_role_may_not_do_is_not_done(server: Server) -> None:
    for role in (Role.READ, Role.PREDICT):
        assert await server.status("POST", "/v1/models/1/deploy", SECRETS[role]) == 403
        assert await server.status("POST", "/v1/files/abcd/retry", SECRETS[role]) == 403
    assert (server.house.deployed, server.house.retried) == ([], [])
    assert await server.status("POST", "/v1/models/1/deploy", SECRETS[Role.ADMIN]) == 200
    assert server.house.deployed == [1]


async def test_head_needs_what_get_needs(server: Server) -> None:
    assert await server.status("HEAD", "/v1/files", None) == 401
    assert await server.status("HEAD", "/v1/files", SECRETS[Role.READ]) == 200


@pytest.mark.parametrize("path", ["/nothing", "/v1/files/", "//v1/files", "/v1/FILES", "/v1/files%2f"])
async def test_strangers_are_not_told_which_addresses_there_are(server: Server, path: str) -> None:
    assert await server.status("GET", path, None) == 401
    assert await server.status("GET", path, SECRETS[Role.READ]) == 404


async def test_a_method_that_is_not_there_is_told_to_those_with_a_token(server: Server) -> None:
    assert await server.status("PUT", "/v1/files", None) == 401
    assert await server.status("PUT", "/v1/files", SECRETS[Role.READ]) == 405


async def test_a_token_is_served_under_any_name_of_the_machine(server: Server) -> None:
    """As a proxy hands it on; a page whose name was pointed at us has no token."""
    _, said = await server.get("/v1/files", Authorization=f"Bearer {SECRETS[Role.READ]}", Host="clients.example")
    assert said["items"]


async def test_a_page_of_another_site_can_change_nothing_with_the_password_that_a_browser_keeps(server: Server) -> None:
    url = f"http://127.0.0.1:{server.port}/v1/models/1/deploy"
    auth = "Basic " + base64.b64encode(f"anna:{SECRETS[Role.ADMIN]}".encode()).decode()
    async with server.session.post(url, headers={"Authorization": auth, "Sec-Fetch-Site": "cross-site"}) as response:
        assert response.status == 403
    assert server.house.deployed == []
    async with server.session.post(url, headers={"Authorization": auth, "Sec-Fetch-Site": "same-origin"}) as response:
        assert response.status == 200


# -- what strangers are told ---------------------------------------------------------------------------------------


async def test_a_stranger_is_told_how_to_ask_in_both_ways_and_gets_a_problem(server: Server) -> None:
    response, said = await server.get("/v1/files", **{"X-Request-ID": "mine"})
    assert (response.status, response.content_type, said["status"]) == (401, "application/problem+json", 401)
    assert said["type"] == "urn:attritiond:problem:unauthorised"
    assert [each.split()[0] for each in response.headers.getall("WWW-Authenticate")] == ["Bearer", "Basic"]
    assert response.headers["X-Request-ID"] == "mine"


async def test_a_refusal_says_who_is_known_what_is_needed_and_never_the_token(server: Server) -> None:
    secret = SECRETS[Role.READ]
    url = f"http://127.0.0.1:{server.port}/v1/rollback"
    async with server.session.post(url, headers={"Authorization": f"Bearer {secret}"}) as response:
        said = await response.json(content_type="application/problem+json")
    assert (response.status, said["type"]) == (403, "urn:attritiond:problem:forbidden")
    assert "some-read has the role read; here admin is needed" in said["detail"]
    assert secret not in json.dumps(said) + str(response.headers)


async def test_the_log_is_told_the_name_and_never_the_token(server: Server) -> None:
    await server.status("GET", "/v1/files", SECRETS[Role.READ])
    await server.status("GET", "/v1/files", "attritiond_wrong")
    await server.status("GET", f"/v1/files?token={SECRETS[Role.READ]}", None)
    assert [(one.status, one.token) for one in server.house.served] == [(200, "some-read"), (401, None), (401, None)]
    assert "attritiond_" not in repr(server.house.served)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=80))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
async def test_no_other_token_is_let_in(server: Server, secret: str) -> None:
    assert await server.status("GET", "/v1/files", secret) == 401


@pytest.mark.parametrize("wrong", ["", "x", "-", " "])
async def test_nearly_the_token_is_not_the_token(server: Server, wrong: str) -> None:
    secret = SECRETS[Role.ADMIN]
    near = secret[:-1] if not wrong else secret + wrong + "x"
    assert await server.status("GET", "/v1/files", near) == 401


async def test_strangers_learn_that_it_is_not_ready_and_only_others_why(server: Server) -> None:
    server.house.readiness = Readiness({"ledger": "/srv/secret cannot be read"}, waiting=3)
    response, said = await server.get("/readyz")
    assert (response.status, said["waiting"]) == (503, 3)
    assert said["problems"] == {"ledger": "Ask with a token for the reason."}
    response, said = await server.get("/readyz", Authorization="Bearer wrong")
    assert said["problems"] == {"ledger": "Ask with a token for the reason."}
    response, said = await server.get("/readyz", Authorization=f"Bearer {SECRETS[Role.READ]}")
    assert said["problems"] == {"ledger": "/srv/secret cannot be read"}


async def test_the_description_says_what_is_needed_where(server: Server) -> None:
    _, said = await server.get("/openapi.json", Authorization=f"Bearer {SECRETS[Role.READ]}")
    assert {name: each["scheme"] for name, each in said["components"]["securitySchemes"].items()} == {
        "bearer": "bearer",
        "basic": "basic",
    }
    for route, path, _ in PLACES:
        operation = said["paths"][path][route.method.lower()]
        needed = role_needed(route)
        assert operation["security"] == ([] if needed is None else [{"bearer": [needed]}, {"basic": [needed]}])
        assert ("401" in operation["responses"]) is (needed is not None)
        assert needed is None or {"403", "429"} <= operation["responses"].keys()


# -- before the body -----------------------------------------------------------------------------------------------

_HEAD = b"POST /v1/prediction HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
_BODY = json.dumps({"clients": [CLIENT]}).encode()


def _head(role: Role | None, *more: bytes) -> bytes:
    token = b"" if role is None else f"Authorization: Bearer {SECRETS[role]}\r\n".encode()
    return _HEAD + token + b"".join(line + b"\r\n" for line in more) + b"\r\n"


@pytest.mark.parametrize(("role", "status"), [(None, b"401"), (Role.READ, b"403")])
@pytest.mark.parametrize("body", [b"Content-Length: 60000000", b"Transfer-Encoding: chunked"])
async def test_a_refusal_does_not_wait_for_the_body(
    server: Server, role: Role | None, status: bytes, body: bytes
) -> None:
    came = await server.raw(_head(role, body), until=b"}")
    assert came.startswith(b"HTTP/1.1 " + status)


@pytest.mark.parametrize(("role", "status"), [(None, b"401"), (Role.READ, b"403")])
async def test_who_asks_before_he_sends_is_refused_and_not_called_on(
    server: Server, role: Role | None, status: bytes
) -> None:
    came = await server.raw(_head(role, b"Content-Length: 60000000", b"Expect: 100-continue"), until=b"}")
    assert came.startswith(b"HTTP/1.1 " + status)
    assert b"100 Continue" not in came


async def test_who_asks_before_he_sends_and_may_is_called_on_and_answered(server: Server) -> None:
    length = f"Content-Length: {len(_BODY)}".encode()
    came = await server.raw(_head(Role.PREDICT, length, b"Expect: 100-continue"), _BODY, until=b"probabilities")
    assert came.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")


async def test_a_body_of_the_wrong_kind_is_not_called_for(server: Server) -> None:
    head = _head(Role.PREDICT, b"Content-Length: 9", b"Expect: 100-continue").replace(b"application/json", b"text/x")
    assert (await server.raw(head, until=b"}")).startswith(b"HTTP/1.1 415")


async def test_another_expectation_is_refused(server: Server) -> None:
    came = await server.raw(_head(Role.PREDICT, b"Content-Length: 9", b"Expect: wonders"), until=b"\r\n\r\n")
    assert came.startswith(b"HTTP/1.1 417")


# -- how often -----------------------------------------------------------------------------------------------------


async def test_more_than_the_limit_is_429_with_when_to_ask_again(tmp_path: Path) -> None:
    async for server in _serve(_house(tmp_path, Keyring(TOKENS, RateLimit(0.01, 3), lambda: 0.0))):
        statuses = [await server.status("GET", "/v1/files", SECRETS[Role.READ]) for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        response, said = await server.get("/v1/files", Authorization=f"Bearer {SECRETS[Role.READ]}")
        assert response.headers["Retry-After"] == "100"
        assert (said["type"], "some-read" in said["detail"]) == ("urn:attritiond:problem:too-often", True)
        assert await server.status("GET", "/v1/files", SECRETS[Role.ADMIN]) == 200
        assert await server.status("GET", "/readyz", SECRETS[Role.READ]) == 200


# -- when the tokens change ----------------------------------------------------------------------------------------


async def test_a_revoked_token_is_refused_on_a_connection_that_it_has_opened(server: Server) -> None:
    keyring = server.house.keyring
    assert keyring is not None
    assert await server.status("GET", "/v1/files", SECRETS[Role.READ]) == 200
    keyring.replace(TOKENS[1:])
    assert await server.status("GET", "/v1/files", SECRETS[Role.READ]) == 401
    assert await server.status("GET", "/v1/files", SECRETS[Role.ADMIN]) == 200


async def test_a_tokens_file_whose_tokens_nobody_has_brought_lets_nobody_in(tmp_path: Path) -> None:
    async for server in _serve(_house(tmp_path, None)):
        for route, path, address in PLACES:
            status = await server.status(route.method, address, SECRETS[Role.ADMIN])
            assert (status == 401) is (role_needed(route) is not None), path
