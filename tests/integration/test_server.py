"""The server as clients meet it: a real socket on loopback, a real HTTP client."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import threading
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.domain.axes import Columns, Floats
from handlers.domain.scorer import EstimatorFailed, NotAnswering, PipelineScorer
from handlers.telemetry import Telemetry, TelemetryReader
from server.app import runner as serving
from server.ledger_reading import LedgerReading
from server.services import Readiness, Vitals
from server.settings import ServerSettings
from tests.unit.server.small_house import CLIENT, House, empty_house, full_house, release

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


async def _serve(house: House) -> AsyncIterator[Client]:
    runner = serving(house.services())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    async with aiohttp.ClientSession() as session:
        yield Client(house, session, f"http://127.0.0.1:{port}")
    await runner.cleanup()
    house.ledger.close()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    house = full_house(tmp_path)
    house.settings = ServerSettings(max_body_bytes=100_000)
    house.workspace.test.mkdir()
    (house.workspace.test / "testdata.csv").write_bytes(CSV)
    async for one in _serve(house):
        yield one


@pytest.fixture
async def narrow(tmp_path: Path) -> AsyncIterator[Client]:
    """Takes three clients at once, with four columns."""
    house = full_house(tmp_path)
    house.settings = ServerSettings(max_rows=3, max_columns=4)
    async for one in _serve(house):
        yield one


@pytest.fixture
async def before(tmp_path: Path) -> AsyncIterator[Client]:
    async for one in _serve(empty_house(tmp_path)):
        yield one


async def test_clients_as_json_are_answered_as_json(client: Client) -> None:
    said = await client.json("POST", "/v1/prediction?reasons=2", json={"clients": [CLIENT, {**CLIENT, "exited": 1}]})
    assert (said["model_version"], said["threshold"], said["ids"]) == (2, 0.5, ["abcd", "abcd"])
    assert said["predictions"] == [1, 1]
    assert said["warnings"] == ["The target exited was not used."]
    assert said["reasons"][0][0] == {"columns": ["tenure"], "values": [3], "effect": 1.75}
    assert len(said["reasons"][1]) == 2


async def test_a_json_body_without_reasons_has_none(client: Client) -> None:
    assert "reasons" not in await client.json("POST", "/v1/prediction", json={"clients": [CLIENT]})


async def test_the_original_client_is_answered(client: Client) -> None:
    """POST /prediction with a path, GET the other three: as in the original exercise."""
    said = await client.json("POST", "/prediction", json={"dataset_path": "testdata/testdata.csv"})
    assert said["ids"] == ["abcd", "ef"]
    for path in ("/scoring", "/summarystats", "/diagnostics"):
        assert await client.json("GET", path) == await client.json("GET", f"/v1{path}")


async def test_csv_and_arrow_say_what_json_says(client: Client) -> None:
    said = await client.json("POST", "/v1/prediction", data=CSV, headers={"Content-Type": "text/csv"})
    headers = {"Content-Type": "text/csv", "Accept": ARROW}
    response, body = await client.ask("POST", "/v1/prediction?reasons=1", data=CSV, headers=headers)
    assert (response.status, response.content_type) == (200, ARROW)
    table = pa.ipc.open_stream(body).read_all()
    assert table["probability"].to_pylist() == said["probabilities"]
    sink = pa.BufferOutputStream()
    clients = pa.table(
        {"corporation": ["abcd", "ef"], "tenure": [3, 12], "contract": ["monthly", "yearly"], "seats": [4, 20]}
    )
    with pa.ipc.new_stream(sink, clients.schema) as writer:
        writer.write_table(clients)
    headers = {"Content-Type": ARROW, "Accept": "text/csv"}
    response, body = await client.ask("POST", "/v1/prediction?reasons=1", data=bytes(sink.getvalue()), headers=headers)
    lines = body.decode().splitlines()
    assert lines[0] == "id,probability,prediction,reason_1"
    assert lines[1] == f"abcd,{said['probabilities'][0]},1,tenure=3:+1.750"
    assert response.headers["X-Model-Version"] == "2"


async def test_many_clients_are_answered_beside_the_loop(client: Client) -> None:
    said = await client.json("POST", "/v1/prediction", json={"clients": [CLIENT] * 1000})
    assert len(said["probabilities"]) == 1000


async def test_a_compressed_body_is_read_and_limited(client: Client) -> None:
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    said = await client.json("POST", "/v1/prediction", data=gzip.compress(CSV), headers=headers)
    assert said["ids"] == ["abcd", "ef"]
    bomb = gzip.compress(b"tenure,contract\n" + b"1,a\n" * 1_000_000)
    assert len(bomb) < 100_000
    await client.json("POST", "/v1/prediction", data=bomb, headers=headers, status=413)
    await client.json("POST", "/v1/prediction", data=bomb, headers={"Content-Type": "text/csv"}, status=413)
    await client.json("POST", "/v1/prediction", data=b"no gzip", headers=headers, status=400)


async def test_a_compressed_body_that_was_cut_off_is_refused_not_answered_in_part(client: Client) -> None:
    headers = {"Content-Type": "text/csv", "Content-Encoding": "gzip"}
    packer = zlib.compressobj(wbits=31)
    begun = packer.compress(CSV) + packer.flush(zlib.Z_SYNC_FLUSH)
    for cut in (begun, gzip.compress(CSV)[:-4]):
        said = await client.json("POST", "/v1/prediction", data=cut, headers=headers, status=400)
        assert "ends in the middle" in said["detail"]


@pytest.mark.parametrize("encoding", ["br", "zstd", "deflate", "foo", "gzip, gzip"])
async def test_other_content_encodings_are_not_supported(client: Client, encoding: str) -> None:
    headers = {"Content-Type": "text/csv", "Content-Encoding": encoding}
    said = await client.json("POST", "/v1/prediction", data=b"x", headers=headers, status=415)
    assert encoding in said["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff\xfe", 400),
        (b'{"clients":[{"tenure":NaN}]}', 400),
        (b'{"clients":[{"tenure":"\xed\xa0\x80"}]}', 400),
        (b'{"clients":[{"tenure":"\\ud800"}]}', 400),
        (b'{"clients":[{"tenure":' + b"[" * 50_000, 400),
        (b'{"clients":' + b"[" * 50_000, 422),
        (b'{"clients":[{"contract":"a","tenure":' + b"9" * 400 + b"}]}", 422),
        (b'{"clients":[{"contract":"a","tenure":1e999}]}', 422),
        (b'{"clients":[{"contract":"a","tenure":[[[[]]]]}]}', 422),
        (b'{"clients":[{"tenure":"1","contract":"a"}]}', 422),
        (b'{"clients":[1]}', 422),
        (b'{"clients":{}}', 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"clients":[],"dataset_path":"a.csv"}', 422),
        (b'{"client":[]}', 422),
        (b'{"dataset_path":"../etc/passwd"}', 422),
        (b'{"dataset_path":"testdata/none.csv"}', 404),
        (b'{"dataset_path":5}', 422),
        (b'{"clients":[]}', 422),
    ],
)
async def test_a_wrong_json_body_is_a_problem(client: Client, body: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json"}
    problem = await client.json("POST", "/v1/prediction", data=body, headers=headers, status=status)
    assert problem["status"] == status
    assert problem["detail"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"\x00", 400),
        (b"tenure,tenure,contract\n1,1,a\n", 422),
        (b"a,b\n1,2\n", 422),
        (b"\xff,\xfe\n1,2\n", 422),
        (b"tenure,contract\n", 400),
    ],
)
async def test_a_wrong_csv_body_is_a_problem(client: Client, body: bytes, status: int) -> None:
    await client.json("POST", "/v1/prediction", data=body, headers={"Content-Type": "text/csv"}, status=status)


async def test_a_problem_names_row_and_column(client: Client) -> None:
    clients = [CLIENT, {**CLIENT, "tenure": "long"}]
    problem = await client.json("POST", "/v1/prediction", json={"clients": clients}, status=422)
    assert problem["type"] == "urn:attritiond:problem:wrong-clients"
    (error,) = problem["errors"]
    assert error["location"] == "row 1, column tenure"
    assert "'long'" in error["message"]


@pytest.mark.parametrize("query", ["", "?reasons=1"])
async def test_a_key_that_stands_twice_is_refused_by_row_and_key(client: Client, query: str) -> None:
    """On the loop, and beside it."""
    as_json = {"Content-Type": "application/json"}
    for body, location in (
        (b'{"clients":[{"tenure":1},{"tenure":2,"contract":"monthly","tenure":3}]}', "row 1, column tenure"),
        (b'{"dataset_path":"none.csv","dataset_path":"testdata/testdata.csv"}', "dataset_path"),
    ):
        problem = await client.json("POST", f"/v1/prediction{query}", data=body, headers=as_json, status=422)
        assert problem["type"] == "urn:attritiond:problem:wrong-body"
        assert [error["location"] for error in problem["errors"]] == [location]


async def test_other_content_types_and_sizes_are_refused(client: Client) -> None:
    await client.json("POST", "/v1/prediction", data=b"x", status=415)
    await client.json("POST", "/v1/prediction", data=b"x", headers={"Content-Type": ";;"}, status=415)
    large = {"clients": [CLIENT] * 3000}
    await client.json("POST", "/v1/prediction", json=large, status=413)


async def test_an_arrow_body_that_is_none_is_a_problem(client: Client) -> None:
    for body in (b"", b"x" * 100, b"ARROW1\x00\x00" + b"\xff" * 50):
        await client.json("POST", "/v1/prediction", data=body, headers={"Content-Type": ARROW}, status=400)


@pytest.mark.parametrize("query", ["reasons=21", "reasons=-1", "reasons=x", "reasons=", "reasons=\u0663"])
async def test_a_wrong_number_of_reasons_is_a_problem(client: Client, query: str) -> None:
    await client.json("POST", f"/v1/prediction?{query}", json={"clients": [CLIENT]}, status=422)


async def test_lists_are_paged(client: Client) -> None:
    first = await client.json("GET", "/v1/files?limit=2")
    second = await client.json("GET", f"/v1/files?limit=2&cursor={first['next']}")
    assert [item["name"] for item in first["items"] + second["items"]] == ["broken.csv", "july.csv", "june.csv"]
    assert second["next"] is None
    assert [item["version"] for item in (await client.json("GET", "/v1/models"))["items"]] == [2, 1]
    assert (await client.json("GET", "/v1/models/1"))["provisional"] is True
    assert len((await client.json("GET", "/v1/decisions"))["items"]) == 1
    calls = await client.json("GET", "/v1/calls?limit=1")
    again = await client.json("GET", f"/v1/calls?limit=1&cursor={calls['next']}")
    assert (calls["items"][0]["id"], again["items"][0]["rank"]) == ("back", 2)


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files?limit=0",
        "/v1/files?limit=501",
        "/v1/files?limit=x",
        "/v1/files?cursor=x",
        "/v1/files?cursor=-1",
        "/v1/files?state=lost",
        "/v1/models?cursor=99999999999999999999",
        "/v1/calls?cursor=5",
        "/v1/decisions?limit=1e2",
    ],
)
async def test_wrong_parameters_are_problems(client: Client, path: str) -> None:
    await client.json("GET", path, status=422)


async def test_a_cursor_of_another_ranking_is_a_problem(client: Client) -> None:
    await client.json("GET", "/v1/calls?cursor=1-1", status=400)


@pytest.mark.parametrize("path", ["/nothing", "/v1/events", "/v1/models/9", "/v1/models/x", "/v1/calls/a/outcome"])
async def test_what_is_not_there_is_a_problem(client: Client, path: str) -> None:
    await client.json("GET", path, status=404)


async def test_a_wrong_method_says_which_are_allowed(client: Client) -> None:
    response, _ = await client.ask("GET", "/v1/prediction")
    assert (response.status, response.headers["Allow"]) == (405, "POST")
    assert response.content_type == "application/problem+json"


async def test_deploying_goes_through_the_services(client: Client) -> None:
    assert await client.json("POST", "/v1/models/1/deploy") == {"model_version": 1}
    assert "no release 9" in (await client.json("POST", "/v1/models/9/deploy", status=404))["detail"]
    assert "no previous" in (await client.json("POST", "/v1/rollback", status=409))["detail"]
    assert client.house.deployed == [1, 9, None]


async def test_pages_of_other_sites_change_nothing(client: Client) -> None:
    await client.json("POST", "/v1/rollback", headers={"Origin": "http://evil.example"}, status=403)
    await client.json("POST", "/v1/rollback", headers={"Sec-Fetch-Site": "cross-site"}, status=403)
    await client.json("GET", "/v1/files", headers={"Host": "evil.example"}, status=421)
    assert client.house.deployed == []


async def test_before_the_first_model(before: Client) -> None:
    await before.json("POST", "/v1/prediction", json={"clients": [CLIENT]}, status=503)
    await before.json("GET", "/v1/scoring", status=503)
    await before.json("GET", "/v1/calls", status=503)
    ready = await before.json("GET", "/readyz", status=503)
    assert set(ready["problems"]) == {"model"}
    assert (await before.json("GET", "/v1/files"))["items"] == []
    assert (await before.json("GET", "/v1/summarystats"))["rows"] == 0
    assert await before.json("GET", "/livez") == {"status": "alive"}
    response, body = await before.ask("GET", "/")
    assert response.status == 200
    assert "No model yet" in body.decode()


async def test_ready_says_what_is_left_to_do(client: Client) -> None:
    client.house.readiness = Readiness(waiting=3, undecided=1)
    expected = {"status": "ready", "problems": {}, "warnings": {}, "waiting": 3, "undecided": 1, "form": "scorecard"}
    assert await client.json("GET", "/readyz") == expected
    client.house.readiness = Readiness({"ledger": "It cannot be written."})
    assert (await client.json("GET", "/readyz", status=503))["problems"] == {"ledger": "It cannot be written."}


async def test_a_warning_is_told_and_shown_and_leaves_it_ready(client: Client) -> None:
    client.house.readiness = Readiness(warnings={"freshness": "The last drop came <long> ago."})
    ready = await client.json("GET", "/readyz")
    assert (ready["status"], ready["warnings"]) == ("ready", {"freshness": "The last drop came <long> ago."})
    for page in ("/", "/drift"):
        _, body = await client.ask("GET", page)
        assert "<b>freshness</b> The last drop came &lt;long&gt; ago." in body.decode()


async def test_a_loop_that_answers_and_does_not_keep_its_beat_is_not_alive(client: Client) -> None:
    client.house.vitals = Vitals(beat_age=9.0)
    assert await client.json("GET", "/livez") == {"status": "alive"}
    client.house.vitals = Vitals(beat_age=12.3)
    response, body = await client.ask("GET", "/livez")
    assert response.status == 503
    assert json.loads(body) == {
        "status": "stuck",
        "detail": "The event loop has not kept its beat for 12 s: something holds it up.",
    }


async def test_a_deployment_is_served_at_once(client: Client) -> None:
    client.house.champion.release = release(3)
    assert (await client.json("POST", "/v1/prediction", json={"clients": [CLIENT]}))["model_version"] == 3


@pytest.mark.parametrize(
    "path", ["scoring", "summarystats", "files", "models", "models/2", "decisions", "drift", "calls?limit=2"]
)
async def test_what_a_client_has_already_is_not_sent_again(client: Client, path: str) -> None:
    first, body = await client.ask("GET", f"/v1/{path}")
    tag = first.headers["ETag"]
    assert (tag.startswith('"2-'), first.headers["Cache-Control"]) == (True, "private, no-cache")
    for known in (tag, f'"older", {tag}', f"W/{tag}", "*"):
        again, nothing = await client.ask("GET", f"/v1/{path}", headers={"If-None-Match": known})
        assert (again.status, again.headers["ETag"], nothing) == (304, tag, b"")
    other, whole = await client.ask("GET", f"/v1/{path}", headers={"If-None-Match": '"2-0000000000000000"'})
    assert (other.status, whole) == (200, body)


async def test_another_release_has_other_tags(client: Client) -> None:
    before, _ = await client.ask("GET", "/v1/scoring")
    client.house.champion.release = release(3)
    after, _ = await client.ask("GET", "/v1/scoring", headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status, after.headers["ETag"] != before.headers["ETag"]) == (200, True)


async def test_every_request_has_an_id_and_is_told_to_the_log(client: Client) -> None:
    response, _ = await client.ask("GET", "/v1/files?limit=1", headers={"X-Request-ID": "mine-1"})
    assert response.headers["X-Request-ID"] == "mine-1"
    response, _ = await client.ask("GET", "/v1/models/77?secret=1", headers={"X-Request-ID": "no plain id"})
    given = response.headers["X-Request-ID"]
    assert re.fullmatch("[0-9a-f]{17,32}", given)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    first, second = client.house.served
    assert (first.request_id, first.method, first.route, first.status, first.detail) == (
        "mine-1",
        "GET",
        "/v1/files",
        200,
        None,
    )
    assert (second.request_id, second.route, second.status, second.detail) == (
        given,
        "/v1/models/{version}",
        404,
        "not-found",
    )
    assert first.seconds > 0


async def test_a_fault_of_ours_is_500_without_a_trace_but_with_an_id(client: Client) -> None:
    client.house.ledger.close()
    for part in client.house.workspace.parts.iterdir():
        part.write_bytes(b"damaged")
    problem = await client.json("GET", "/v1/calls", status=500)
    assert "Arrow" not in json.dumps(problem)
    assert client.house.served[-1].request_id in problem["detail"]
    assert client.house.served[-1].detail is not None
    assert "Arrow" in client.house.served[-1].detail


async def test_the_page_escapes_every_name_and_needs_no_script(client: Client) -> None:
    response, body = await client.ask("GET", "/")
    html = body.decode()
    assert "<b>&'" not in html
    assert "&lt;b&gt;&amp;&#39;&#34;" in html
    assert "<script" not in html
    assert " style=" not in html
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
    for expected in ("july.csv", "Model 2 was promoted", "broken.csv", "quotation mark", "/v1/models/2", "/v1/scoring"):
        assert expected in html
    response, _ = await client.ask("GET", "/style.css")
    assert (response.status, response.content_type) == (200, "text/css")


async def test_the_page_shows_as_many_clients_as_the_configuration_says_and_a_reload_changes_that(
    client: Client,
) -> None:
    for shown in (1, 3):
        client.house.calls_shown = shown
        _, body = await client.ask("GET", "/")
        assert body.count(b'<td class="rank">') == shown


@pytest.mark.parametrize("page", ["/", "/drift", "/docs"])
async def test_every_address_on_the_page_answers(client: Client, page: str) -> None:
    _, body = await client.ask("GET", page)
    links = {link.replace("&amp;", "&") for link in body.decode().split('href="')[1:] for link in [link.split('"')[0]]}
    assert len(links) > 10
    for link in sorted(links):
        response, _ = await client.ask("GET", link)
        assert response.status == 200, link


async def test_counts_are_there_for_prometheus(client: Client) -> None:
    await client.ask("GET", "/livez")
    _, body = await client.ask("GET", "/metrics")
    text = body.decode()
    assert 'attritiond_http_requests_total{method="GET",route="/livez",status="200"} 1.0' in text
    assert 'attritiond_files{state="quarantined"} 1.0' in text
    assert "attritiond_model_version 2.0" in text


async def test_scored_clients_are_counted_however_they_came(client: Client) -> None:
    await client.json("POST", "/v1/prediction", json={"clients": [CLIENT] * 3})
    await client.json("POST", "/v1/prediction", data=CSV, headers={"Content-Type": "text/csv"})
    await client.json("POST", "/v1/prediction", json={"clients": [{"tenure": "x"}]}, status=422)
    _, body = await client.ask("GET", "/metrics")
    assert "attritiond_predicted_rows_total 5.0" in body.decode()


async def test_a_ledger_that_is_gone_leaves_the_counts_of_the_process(client: Client) -> None:
    client.house.ledger.close()
    client.house.workspace.dataset.rename(client.house.workspace.root / "away")
    response, body = await client.ask("GET", "/metrics")
    assert response.status == 200
    assert "attritiond_ledger_readable 0.0" in body.decode()
    assert "attritiond_model_version 2.0" in body.decode()


async def test_a_ledger_that_hangs_is_read_by_one_thread_and_holds_up_no_scrape(client: Client) -> None:
    hanging, back, reads = threading.Event(), threading.Event(), []

    class Hanging(TelemetryReader):
        def read(self) -> Telemetry:
            reads.append(1)
            hanging.set()
            back.wait(30.0)
            return super().read()

    reading = LedgerReading(Hanging(client.house.ledger), patience=0.05)
    assert [await reading.telemetry() for _ in range(3)] == [None] * 3
    assert hanging.is_set()
    assert len(reads) == 1
    back.set()
    told = None
    while told is None:
        told = await reading.telemetry()
    assert told.files["quarantined"] == 1


async def test_the_description_is_served(client: Client) -> None:
    document = await client.json("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    response, body = await client.ask("HEAD", "/openapi.json")
    assert (response.status, body) == (200, b"")


async def test_life_does_not_wait_for_a_large_csv(client: Client) -> None:
    body = b"tenure,contract\n" + b"1,a\n" * 20_000
    slow = asyncio.ensure_future(client.ask("POST", "/v1/prediction", data=body, headers={"Content-Type": "text/csv"}))
    assert (await client.json("GET", "/livez"))["status"] == "alive"
    assert (await slow)[0].status == 200


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["monthly", 3, 10**30]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
NAMES = st.sampled_from(["tenure", "contract", "seats", "corporation", "exited", "arr", "tenur"]) | st.text(max_size=5)
CLIENTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=6), max_size=4)
BODIES = (
    st.fixed_dictionaries({"clients": CLIENTS})
    | st.fixed_dictionaries({"dataset_path": st.text()})
    | st.fixed_dictionaries({"clients": VALUES})
    | VALUES
)


async def test_no_json_body_is_our_fault(client: Client) -> None:
    """Whatever JSON says, the answer is a prediction or a problem of the client's."""
    loop = asyncio.get_running_loop()

    async def post(body: bytes) -> int:
        response, _ = await client.ask(
            "POST", "/v1/prediction?reasons=2", data=body, headers={"Content-Type": "application/json"}
        )
        return response.status

    @settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])
    @given(body=BODIES.map(lambda value: json.dumps(value).encode()) | st.binary())
    def fuzz(body: bytes) -> None:
        assert asyncio.run_coroutine_threadsafe(post(body), loop).result() in (200, 400, 404, 422)

    await asyncio.to_thread(fuzz)


async def test_more_clients_or_columns_than_allowed_are_refused_in_every_format(narrow: Client) -> None:
    table = pa.table({"tenure": [1] * 4, "contract": ["monthly"] * 4})
    wide = pa.table({name: ["1"] for name in ("tenure", "contract", "seats", "corporation", "more")})
    large: list[tuple[bytes, str]] = [
        (json.dumps({"clients": [CLIENT] * 4}).encode(), "application/json"),
        (b"tenure,contract\n" + b"1,monthly\n" * 4, "text/csv"),
        (_stream(table), ARROW),
    ]
    for body, kind in large:
        said = await narrow.json("POST", "/v1/prediction", data=body, headers={"Content-Type": kind}, status=413)
        assert "3" in said["detail"]
    many: list[tuple[bytes, str]] = [
        (json.dumps({"clients": [CLIENT, {**CLIENT, "more": 1}]}).encode(), "application/json"),
        (b"tenure,contract,seats,corporation,more\n1,monthly,1,a,1\n", "text/csv"),
        (_stream(wide), ARROW),
    ]
    for body, kind in many:
        said = await narrow.json("POST", "/v1/prediction", data=body, headers={"Content-Type": kind}, status=422)
        assert "4" in said["detail"]
    assert len((await narrow.json("POST", "/v1/prediction", json={"clients": [CLIENT] * 3}))["ids"]) == 3


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def held(house: House, say: Callable[[Columns], Floats]) -> None:
    """The current release has no scorecard, and its pipeline says this."""
    current = release()
    scorer = PipelineScorer(current.scorer.features, 0.5, say)
    house.champion.release = replace(current, scorer=scorer)


async def test_each_answer_says_what_serves_it(client: Client) -> None:
    for by, reasons in (("scorecard", [2]), ("pipeline", [0])):
        if by == "pipeline":
            held(client.house, lambda columns: np.nan_to_num(columns["tenure"]))
        assert (await client.json("GET", "/readyz"))["form"] == by
        asked = {"json": {"clients": [CLIENT]}}
        said = await client.json("POST", "/v1/prediction", **asked)
        assert said["served_by"] == by
        explained = await client.json("POST", "/v1/prediction?reasons=2", **asked)
        assert [len(one) for one in explained["reasons"]] == reasons
        assert any("There are no reasons" in warning for warning in explained["warnings"]) == (by == "pipeline")
        assert explained["probabilities"] == said["probabilities"]
        for accept in ("text/csv", ARROW):
            response, body = await client.ask("POST", "/v1/prediction", headers={"Accept": accept}, **asked)
            assert response.headers["X-Served-By"] == by
        assert pyarrow.ipc.open_stream(body).schema.metadata[b"served_by"] == by.encode()


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (NotAnswering("the process that holds model 2 is not there"), "model 2 is not there"),
        (EstimatorFailed("the estimator raised KeyError in mine.py:3"), "KeyError in mine.py:3"),
    ],
)
async def test_a_model_that_gives_no_answer_is_a_problem_that_says_why(
    client: Client, error: Exception, why: str
) -> None:
    def say(columns: Columns) -> Floats:
        raise error

    held(client.house, say)
    csv = {"data": CSV, "headers": {"Content-Type": "text/csv"}}
    for asked in ({"json": {"clients": [CLIENT]}}, csv):
        response, body = await client.ask("POST", "/v1/prediction", **asked)
        assert (response.status, response.headers["Retry-After"]) == (503, "5")
        assert json.loads(body)["type"] == "urn:attritiond:problem:unavailable"
        assert why in json.loads(body)["detail"]
