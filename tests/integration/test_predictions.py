"""Predictions as clients ask for them: every form of a body, what is refused, and why."""

from __future__ import annotations

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.domain.axes import Columns, Floats
from handlers.domain.scorer import EstimatorFailed, NotAnswering, PipelineScorer
from tests.integration.asking_a_server import ARROW, CSV, Client
from tests.unit.server.small_house import CLIENT, House, release


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


async def test_the_page_shows_as_many_clients_as_the_configuration_says_and_a_reload_changes_that(
    client: Client,
) -> None:
    for shown in (1, 3):
        client.house.calls_shown = shown
        _, body = await client.ask("GET", "/")
        assert body.count(b'<td class="rank">') == shown


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
