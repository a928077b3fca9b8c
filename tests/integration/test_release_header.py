"""Which release an answer is of, said in a header: to whoever has only the headers, in a log or behind a proxy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request

from server.app import build
from server.dispatch import DISPATCHER
from server.routes import ROUTES, addresses
from server.services import Answering, Champion, Readiness
from server.settings import ServerSettings
from tests.integration.raw_server import RawServer, running
from tests.unit.server.small_house import CLIENT, empty_house, full_house, release

HEADER = "x-model-version"
BODY = json.dumps({"clients": [CLIENT]})
OF_RELEASE = [(route.method, path) for route in ROUTES if route.of_release for path in addresses(route)]
OTHERS = [
    (route.method, path)
    for route in ROUTES
    if route.method == "GET" and not route.of_release
    for path in addresses(route)
]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RawServer]:
    with running(full_house(tmp_path), "uvloop") as one:
        yield one


@pytest.fixture
def before(tmp_path: Path) -> Iterator[RawServer]:
    with running(empty_house(tmp_path), "uvloop") as one:
        yield one


@pytest.mark.parametrize(("method", "path"), OF_RELEASE)
def test_an_answer_of_a_release_names_it(server: RawServer, method: str, path: str) -> None:
    body = BODY if method == "POST" else None
    status, headers, content = server.ask(method, path, body)
    assert (status, headers[HEADER]) == (200, "2")
    assert json.loads(content).get("model_version", 2) == 2
    server.house.champion.release = release(7)
    _, headers, content = server.ask(method, path, body)
    said = json.loads(content).get("model_version", 7)
    assert headers[HEADER] == str(said)
    assert said == (2 if path == "/v1/drift" else 7)  # that one is of the release that was judged


@pytest.mark.parametrize("accept", ["text/csv", "application/vnd.apache.arrow.stream"])
def test_so_it_does_in_each_form(server: RawServer, accept: str) -> None:
    _, headers, _ = server.ask("POST", "/v1/prediction", BODY, [("Accept", accept)])
    assert (headers["content-type"], headers[HEADER]) == (accept, "2")


@pytest.mark.parametrize("path", [path for method, path in OF_RELEASE if method == "GET" and path.startswith("/v1/")])
def test_what_a_client_has_already_is_of_the_same_release(server: RawServer, path: str) -> None:
    status, headers, _ = server.ask("GET", path, headers=[("If-None-Match", "*")])
    assert (status, headers[HEADER]) == (304, "2")


@pytest.mark.parametrize("path", [path.replace("{version}", "1") for _, path in OTHERS])
def test_what_is_of_none_names_none(server: RawServer, path: str) -> None:
    status, headers, _ = server.ask("GET", path)
    assert (status, HEADER in headers) == (200, False)


@pytest.mark.parametrize(("method", "path"), OF_RELEASE)
def test_before_the_first_model_there_is_none_to_name(before: RawServer, method: str, path: str) -> None:
    status, headers, _ = before.ask(method, path, BODY if method == "POST" else None)
    assert status in (200, 503)
    assert HEADER not in headers


async def test_a_replica_names_it_too() -> None:
    answering = Answering(
        settings=ServerSettings(),
        champion=Champion(release(7)),
        readiness=Readiness,
        served=lambda _: None,
        disturbed=lambda _: None,
    )
    asked = make_mocked_request("GET", "/v1/scoring", headers={"Host": "localhost"})
    response = await build(answering)[DISPATCHER](asked)
    assert (response.status, response.headers[HEADER]) == (200, "7")
