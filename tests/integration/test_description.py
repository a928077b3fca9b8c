"""Every route answers as /openapi.json says: each status, its content type, its headers, and its body by its schema."""

from __future__ import annotations

import contextlib
import copy
import io
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pyarrow as pa
import pyarrow.ipc
import pytest
import pytest_asyncio
from aiohttp import web
from jsonschema import Draft202012Validator

from server.app import CHECKS_AT_ONCE
from server.app import runner as serving
from server.problems import CONTENT_TYPE
from server.routes import ROUTES, addresses, is_revalidated
from server.services import NotDone, Readiness
from server.settings import ServerSettings
from server.state import CHECKS
from tests.integration.lived_in_shop import lived_in, served
from tests.unit.server.small_house import CLIENT, House, empty_house, full_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARROW, CSV, JSON = "application/vnd.apache.arrow.stream", "text/csv", "application/json"
CSV_BODY = b"corporation,tenure,contract,seats\nabcd,3,monthly,4\n"
TOO_LARGE = b"x" * 2_000
ELSEWHERE = {
    "400": "what HTTP itself forbids has tests of its own; bodies and cursors are below",
    "401": "asked for with tokens alone",
    "403": "of roles; pages of other sites are below",
    "408": "test_slow_connections.py is slow on purpose",
    "429": "of tokens; files that are checked are below",
    "500": "a fault of ours: test_server.py makes one",
    "503": "of the whole service; that of a missing model is below",
}
"""Statuses that an operation may describe without being made to answer them here."""

READ = {"string": str, "integer": int, "number": float}
"""How the text of a header is read, by the type that is described."""


def arrow() -> bytes:
    sink = io.BytesIO()
    table = pa.Table.from_pylist([CLIENT])
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@dataclass(frozen=True, slots=True)
class Asked:
    """A request to a route (by its template), and the status that it is to be answered with."""

    status: int
    method: str
    route: str
    path: str = ""
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    house: str = "full"

    @property
    def id(self) -> str:
        return f"{self.status} {self.method} {self.path or self.route} {self.house}"


def _json(document: object) -> bytes:
    return json.dumps(document).encode()


def _predictions(route: str) -> list[Asked]:
    clients, wrong = _json({"clients": [CLIENT]}), _json({"clients": [{**CLIENT, "tenure": "long"}]})
    as_json, as_csv = {"Content-Type": JSON}, {"Content-Type": CSV}
    return [
        Asked(200, "POST", route, f"{route}?reasons=2", clients, as_json),
        Asked(200, "POST", route, "", CSV_BODY + b"e,,,\n", {**as_csv, "Accept": CSV}),
        Asked(200, "POST", route, "", arrow(), {"Content-Type": ARROW, "Accept": ARROW}),
        Asked(400, "POST", route, "", b"{", as_json),
        Asked(404, "POST", route, "", _json({"dataset_path": "testdata/none.csv"}), as_json),
        Asked(413, "POST", route, "", TOO_LARGE, as_json),
        Asked(415, "POST", route, "", b"x", {"Content-Type": "text/plain"}),
        Asked(422, "POST", route, "", wrong, as_json),
        Asked(422, "POST", route, "", b"[]", as_json),
        Asked(422, "POST", route, f"{route}?reasons=21", clients, as_json),
        Asked(503, "POST", route, "", clients, as_json, "empty"),
    ]


def _paged(route: str) -> list[Asked]:
    return [
        Asked(200, "GET", route, f"{route}?limit=1"),
        Asked(200, "GET", route),
        Asked(422, "GET", route, f"{route}?limit=0"),
        Asked(422, "GET", route, f"{route}?cursor=x"),
    ]


CHECK, RETRY, RANKING = "/v1/files/check", "/v1/files/{sha256}/retry", "/v1/calls"
MODEL, DEPLOY = "/v1/models/{version}", "/v1/models/{version}/deploy"
AS_CSV = {"Content-Type": CSV}
PLAIN = ("/v1/summarystats", "/v1/diagnostics", "/summarystats", "/diagnostics", "/v1/drift", "/livez", "/readyz")
PAGES = ("/metrics", "/openapi.json", "/docs", "/", "/drift", "/style.css", "/icon.svg")
REQUESTS = [
    *_predictions("/v1/prediction"),
    *_predictions("/prediction"),
    *(Asked(status, "GET", one, house=house) for one in ("/v1/scoring", "/scoring") for status, house in
      ((200, "full"), (503, "empty"))),
    *(Asked(200, "GET", one) for one in PLAIN + PAGES),
    *(Asked(200, "GET", one, house="empty") for one in PLAIN + PAGES if one != "/readyz"),
    Asked(503, "GET", "/readyz", house="empty"),
    *(one for route in ("/v1/files", "/v1/models", "/v1/decisions", RANKING) for one in _paged(route)),
    Asked(422, "GET", "/v1/files", "/v1/files?state=lost"),
    Asked(422, "GET", "/v1/files", "/v1/files?limt=1"),
    Asked(422, "GET", "/v1/files", "/v1/files?limit=1&limit=2"),
    Asked(400, "GET", RANKING, "/v1/calls?cursor=1-1"),
    Asked(503, "GET", RANKING, house="empty"),
    Asked(200, "GET", MODEL, "/v1/models/2"),
    Asked(200, "GET", MODEL, "/v1/models/1"),
    Asked(404, "GET", MODEL, "/v1/models/9"),
    Asked(200, "POST", DEPLOY, "/v1/models/1/deploy"),
    Asked(404, "POST", DEPLOY, "/v1/models/9/deploy"),
    Asked(409, "POST", DEPLOY, "/v1/models/2/deploy", house="refusing"),
    Asked(200, "POST", "/v1/rollback", house="previous"),
    Asked(409, "POST", "/v1/rollback"),
    Asked(200, "POST", CHECK, "", CSV_BODY, AS_CSV),
    Asked(400, "POST", CHECK, "", b"no gzip", {**AS_CSV, "Content-Encoding": "gzip"}),
    Asked(413, "POST", CHECK, "", TOO_LARGE, AS_CSV),
    Asked(415, "POST", CHECK, "", b"x", {"Content-Type": JSON}),
    Asked(422, "POST", CHECK, f"{CHECK}?name=a%2Fb", CSV_BODY, AS_CSV),
    Asked(429, "POST", CHECK, "", CSV_BODY, AS_CSV, "busy"),
    Asked(503, "POST", CHECK, "", CSV_BODY, AS_CSV, "unavailable"),
    Asked(200, "POST", RETRY, "/v1/files/ab12/retry"),
    Asked(202, "POST", RETRY, "/v1/files/ab12/retry", house="waiting"),
    Asked(404, "POST", RETRY, "/v1/files/ab12/retry", house="unknown"),
    Asked(409, "POST", RETRY, "/v1/files/ab12/retry", house="not done"),
    Asked(503, "POST", RETRY, "/v1/files/ab12/retry", house="unavailable"),
]  # fmt: skip
REASONS = {
    "unavailable": NotDone("The disk is full.", unavailable=True),
    "unknown": NotDone("There is no such file.", unknown=True),
    "not done": NotDone("Its copy is gone."),
}


@dataclass(slots=True)
class Described:
    """What a server says of itself; ``closed``: its components, in which nothing is allowed that they do not name."""

    document: dict[str, Any]
    closed: dict[str, Any]

    def conform(self, operation: Mapping[str, Any], response: aiohttp.ClientResponse, body: bytes) -> None:
        described = self._resolved(operation["responses"][str(response.status)])
        for name, one in described["headers"].items():
            header = self._resolved(one)
            given = response.headers.get(name)
            assert given is not None or not header.get("required"), f"{name} is missing"
            if given is not None:
                self._validate(header["schema"], READ[header["schema"]["type"]](given), name)
        if response.method == "HEAD" or "content" not in described:
            assert body == b""
            return
        media = described["content"][response.content_type]
        if response.content_type in (JSON, CONTENT_TYPE):
            self._validate(media["schema"], json.loads(body), response.content_type)
        elif media["schema"].get("format") != "binary":
            assert body.decode()

    def _validate(self, schema: Mapping[str, Any], value: Any, what: str) -> None:
        whole = {**schema, "components": self.closed}
        errors = [
            f"{error.json_path}: {error.message[:300]}" for error in Draft202012Validator(whole).iter_errors(value)
        ]
        assert errors == [], what

    def _resolved(self, one: Mapping[str, Any]) -> Mapping[str, Any]:
        for step in one.get("$ref", "#").split("/")[1:]:
            one = self.document[step] if one.get("$ref") else one[step]
        return one


@dataclass(slots=True)
class Server(Described):
    """A server over a house."""

    house: House
    app: web.Application
    session: aiohttp.ClientSession
    url: str

    async def hold(self, asked: Asked) -> None:
        """Ask, and hold the answer against the description."""
        self._arrange(asked.house)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(CHECKS_AT_ONCE if asked.house == "busy" else 0):
                await stack.enter_async_context(self.app[CHECKS])
            address = self.url + (asked.path or asked.route)
            response = await stack.enter_async_context(
                self.session.request(asked.method, address, data=asked.body, headers=asked.headers)
            )
            body = await response.read()
        assert response.status == asked.status, body
        operation = self.document["paths"][asked.route][asked.method.lower()]
        self.conform(operation, response, body)

    def _arrange(self, kind: str) -> None:
        self.house.taken_again = kind != "waiting"
        self.house.not_done = REASONS.get(kind)
        self.house.refuses = kind == "refusing"
        self.house.has_previous = kind == "previous"


def _closed(components: Any) -> Any:
    closed = copy.deepcopy(components)
    for schema in closed["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed


async def _serve(house: House, *, close: bool = True) -> AsyncIterator[Server]:
    runner = serving(house.services())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{url}/openapi.json") as response:
            document = await response.json()
        yield Server(document, _closed(document["components"]), house, runner.app, session, url)
    await runner.cleanup()
    if close:
        house.ledger.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def full(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    house = full_house(tmp_path_factory.mktemp("full"))
    house.settings = ServerSettings(max_body_bytes=1_500)
    house.workspace.test.mkdir()
    async for one in _serve(house):
        yield one


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def empty(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async for one in _serve(empty_house(tmp_path_factory.mktemp("empty"))):
        yield one


@pytest.mark.parametrize("asked", [pytest.param(one, id=one.id) for one in REQUESTS])
async def test_an_answer_is_as_it_is_described(full: Server, empty: Server, asked: Asked) -> None:
    await (empty if asked.house == "empty" else full).hold(asked)


async def test_every_status_that_is_described_is_answered_here_or_has_a_reason_not_to_be(full: Server) -> None:
    asked = {(one.method.lower(), one.route, str(one.status)) for one in REQUESTS}
    described = {
        (method, path, status)
        for path, item in full.document["paths"].items()
        for method, operation in item.items()
        for status in operation["responses"]
        if method != "head"
        and status not in ("304", "405", "417", "421", "431")  # of all addresses that have them, below
    }
    assert asked <= described
    assert {one for one in described - asked if one[2] not in ELSEWHERE} == set()


def _templates() -> list[tuple[str, str]]:
    return [(route.method, path) for route in ROUTES for path in addresses(route)]


def _filled(path: str) -> str:
    return path.replace("{version}", "1").replace("{sha256}", "ab12")


@pytest.mark.parametrize(("method", "path"), _templates())
async def test_what_every_address_may_answer_is_as_it_is_described(full: Server, method: str, path: str) -> None:
    operation = full.document["paths"][path][method.lower()]
    asked = [
        ("DELETE", {}, 405),
        (method, {"Host": "evil.example"}, 421),
        (method, {"Expect": "a-wonder"}, 417),
        (method, {"X": "x" * 9_000}, 431),
        *([(method, {"Origin": "http://evil.example"}, 403)] if method == "POST" else []),
    ]
    for one, headers, status in asked:
        async with full.session.request(one, full.url + _filled(path), headers=headers) as response:
            body = await response.read()
        assert response.status == status
        full.conform(operation, response, body)
        if status == 405:
            allowed = set(response.headers["Allow"].split(", "))
            assert allowed == {described.upper() for described in full.document["paths"][path]}


@pytest.mark.parametrize("path", [path for route in ROUTES if is_revalidated(route) for path in addresses(route)])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_a_client_has_already_is_answered_as_it_is_described(full: Server, path: str, method: str) -> None:
    async with full.session.request(method, full.url + _filled(path), headers={"If-None-Match": "*"}) as response:
        body = await response.read()
    assert response.status == 304
    full.conform(full.document["paths"][path][method.lower()], response, body)


@pytest.mark.parametrize("path", [path for method, path in _templates() if method == "GET"])
async def test_head_is_answered_wherever_get_is_with_the_same_headers(full: Server, path: str) -> None:
    answers = {}
    for method in ("GET", "HEAD"):
        async with full.session.request(method, full.url + _filled(path)) as response:
            full.conform(full.document["paths"][path][method.lower()], response, await response.read())
            answers[method] = response
    assert answers["HEAD"].status == answers["GET"].status
    assert answers["HEAD"].headers.keys() == answers["GET"].headers.keys()
    if path not in ("/metrics", "/openapi.json"):  # counts change; and so may nothing else
        assert answers["HEAD"].headers["Content-Length"] == answers["GET"].headers["Content-Length"]


async def test_the_description_is_that_of_the_release_that_is_current(full: Server, empty: Server) -> None:
    client = full.document["components"]["schemas"]["Client"]
    assert list(client["properties"]) == ["corporation", "tenure", "contract", "seats"]
    assert client["anyOf"] == [{"required": [name]} for name in ("tenure", "contract", "seats")]
    assert "properties" not in empty.document["components"]["schemas"]["Client"]


async def test_every_example_of_a_body_is_taken(full: Server) -> None:
    (full.house.workspace.test / "testdata.csv").write_bytes(CSV_BODY)
    seen = 0
    for path, item in full.document["paths"].items():
        for form, media in item.get("post", {}).get("requestBody", {}).get("content", {}).items():
            examples = [one["value"] for one in media.get("examples", {}).values()] or [media.get("example")]
            for example in examples[: 0 if examples == [None] else None]:
                body = example.encode() if isinstance(example, str) else _json(example)
                await full.hold(Asked(200, "POST", path, "", body, {"Content-Type": form}))
                seen += 1
    assert seen == 7


async def test_what_half_a_year_of_files_and_decisions_tells_is_described(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    shop = lived_in(tmp_path_factory.mktemp("shop"))
    async with served(shop) as url, aiohttp.ClientSession() as session:
        async with session.get(f"{url}/openapi.json") as response:
            document = await response.json()
        described = Described(document, _closed(document["components"]))
        for method, path in _templates():
            if method == "GET":
                async with session.get(url + _filled(path)) as response:
                    assert response.status == 200
                    described.conform(document["paths"][path]["get"], response, await response.read())


async def test_what_is_not_ready_is_described(full: Server) -> None:
    full.house.readiness = Readiness({"ledger": "It cannot be written."}, waiting=2)
    await full.hold(Asked(503, "GET", "/readyz"))
    full.house.readiness = Readiness()


@pytest.mark.parametrize("host", ["a b:99999", "a:b:c", "", "[::1", "<script>", "x@y/z?", "'x;y'"])
async def test_the_page_repeats_no_host_that_is_none(full: Server, host: str) -> None:
    bound, full.house.settings = full.house.settings, ServerSettings(host="0.0.0.0", port=8123)  # noqa: S104
    try:
        async for anywhere in _serve(full.house, close=False):
            async with anywhere.session.get(f"{anywhere.url}/docs", headers={"Host": host}) as response:
                assert response.status == 200
                html = await response.text()
    finally:
        full.house.settings = bound
    assert "http://0.0.0.0:8123/v1/prediction" in html


async def test_the_page_has_every_operation_every_schema_and_no_script(full: Server) -> None:
    async with full.session.get(f"{full.url}/docs") as response:
        html = await response.text()
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    assert "<script" not in html
    assert " style=" not in html
    assert "http-equiv" not in html  # it does not look again by itself
    anchors = set(re.findall(r' id="([^"]+)"', html))
    operations = {
        operation["operationId"]
        for path, item in full.document["paths"].items()
        for method, operation in item.items()
        if method != "head" and f"/v1{path}" not in full.document["paths"]
    }
    assert anchors == operations | full.document["components"]["schemas"].keys() | {"schemas"}
    links = set(re.findall(r'href="#([^"]+)"', html))
    assert links <= anchors
    outside = [link for link in re.findall(r'(?:href|src)="([^"#][^"]*)"', html) if not link.startswith("/")]
    assert outside == []
