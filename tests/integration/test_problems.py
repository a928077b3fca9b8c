"""Whatever a client sends that cannot be answered is answered with a problem that says why: never with a 500."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
import pyarrow.ipc
import pytest
import pytest_asyncio
from aiohttp import web

from server.app import runner as serving
from server.settings import ServerSettings
from tests.unit.server.small_house import CLIENT, full_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

ARROW, CSV, JSON = "application/vnd.apache.arrow.stream", "text/csv", "application/json"
WHOLE = json.dumps({"clients": [CLIENT]})
CSV_BODY = b"corporation,tenure,contract,seats\nabcd,3,monthly,4\n"
DEEP = 100_000


def one(tenure: str) -> bytes:
    """A client whose tenure is this JSON."""
    return f'{{"clients": [{{"contract": "monthly", "tenure": {tenure}}}]}}'.encode()


def arrow(table: pa.Table, compression: str | None = None) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return sink.getvalue()


TABLE = pa.Table.from_pylist([CLIENT])
JSON_BODIES: dict[str, tuple[bytes, int, str, str]] = {
    # What it is: the body, the status, the kind, and a part of what is said.
    "nothing": (b"", 400, "malformed", "not JSON"),
    "NaN": (one("NaN"), 400, "malformed", "row 0, column tenure"),
    "Infinity": (one("Infinity"), 400, "malformed", "row 0, column tenure"),
    "-Infinity": (one("-Infinity"), 400, "malformed", "row 0, column tenure"),
    "a float beyond 64 bits": (one("1e999"), 422, "wrong-body", "row 0, column tenure"),
    "an integer beyond 64 bits of floating point": (one("9" * 400), 422, "", "tenure"),
    "an integer of ten thousand digits": (one("9" * 10_000), 422, "wrong-body", "row 0, column tenure"),
    "an id of ten thousand digits": (
        f'{{"clients": [{{"contract": "a", "tenure": 1, "corporation": {"9" * 10_000}}}]}}'.encode(),
        422,
        "wrong-body",
        "row 0, column corporation",
    ),
    "a leading zero": (one("01"), 400, "malformed", "row 0, column tenure"),
    "a hexadecimal number": (one("0x1"), 400, "malformed", "row 0, column tenure"),
    "a number as text": (one('"3"'), 422, "wrong-clients", "row 0, column tenure"),
    "true for a number": (one("true"), 422, "wrong-clients", "row 0, column tenure"),
    "a list for a number": (one("[]"), 422, "wrong-clients", "row 0, column tenure"),
    "an object for a number": (one("{}"), 422, "wrong-clients", "row 0, column tenure"),
    "lists in lists, without an end": (one("[" * DEEP), 400, "malformed", ""),
    "lists in lists": (one("[" * DEEP + "]" * DEEP), 400, "malformed", "nested too deeply"),
    "objects in objects": (one('{"a":' * DEEP + "1" + "}" * DEEP), 400, "malformed", "nested too deeply"),
    "lists in lists instead of clients": (b'{"clients": ' + b"[" * DEEP, 422, "wrong-body", ""),
    "no clients": (b'{"clients": []}', 422, "wrong-body", "no clients"),
    "no clients at the second time": (f'{WHOLE[:-1]}, "clients": []}}'.encode(), 422, "wrong-body", "no clients"),
    "the same column twice, the second wrong": (one('1, "tenure": "x"'), 422, "wrong-body", "tenure"),
    "clients that are none": (b'{"clients": [1]}', 422, "wrong-body", "clients[0]"),
    "a client that is null": (b'{"clients": [null]}', 422, "wrong-body", "clients[0]"),
    "an object instead of clients": (b'{"clients": {}}', 422, "wrong-body", "clients"),
    "null instead of clients": (b'{"clients": null}', 422, "wrong-body", "clients"),
    "neither clients nor a path": (b"{}", 422, "wrong-body", "either"),
    "both": (f'{WHOLE[:-1]}, "dataset_path": "a.csv"}}'.encode(), 422, "wrong-body", "either"),
    "another key": (b'{"client": []}', 422, "wrong-body", "client"),
    "null": (b"null", 422, "wrong-body", ""),
    "a list": (b"[]", 422, "wrong-body", ""),
    "text": (b'"clients"', 422, "wrong-body", ""),
    "a client of nothing": (b'{"clients": [{"tenure": 1}, {}]}', 422, "wrong-clients", "row 1"),
    "a client without a column of the model": (b'{"clients": [{"corporation": "a"}]}', 422, "wrong-clients", "row 0"),
    "a column that is misspelt": (b'{"clients": [{"tenur": 1, "contract": "a"}]}', 422, "wrong-clients", "tenur"),
    "a category that is a fraction": (
        b'{"clients": [{"tenure": 1, "contract": 1.5}]}',
        422,
        "wrong-clients",
        "row 0, column contract",
    ),
    "half of a surrogate": (one('"\\ud800"'), 400, "malformed", "not JSON"),
    "bytes that are no UTF-8": (one('"x"').replace(b"x", b"\xff"), 400, "malformed", "Row 0: A text is not in UTF-8"),
    "a NUL": (one('"x"').replace(b"x", b"\0"), 400, "malformed", "not JSON"),
    "UTF-16 that is not said to be": (WHOLE.encode("utf-16"), 400, "malformed", "not JSON"),
    "a byte order mark": (b"\xef\xbb\xbf" + WHOLE.encode(), 400, "malformed", "not JSON"),
    "more behind the end": (WHOLE.encode() + b"{}", 400, "malformed", "not JSON"),
    "single quotes": (WHOLE.replace('"', "'").encode(), 400, "malformed", "not JSON"),
    "a comma too many": (b'{"clients": [],}', 400, "malformed", "not JSON"),
    "a path that leaves the folders": (b'{"dataset_path": "testdata/../config.csv"}', 422, "wrong-body", "'..'"),
    "a path from the root": (b'{"dataset_path": "/etc/passwd.csv"}', 422, "wrong-body", "configured folders"),
    "a path of no CSV": (b'{"dataset_path": "testdata/a.json"}', 422, "wrong-body", "CSV"),
    "a path with a NUL": (b'{"dataset_path": "testdata/\\u0000.csv"}', 422, "wrong-body", "configured folders"),
    "a path of nothing": (b'{"dataset_path": ""}', 422, "wrong-body", "CSV"),
    "a path that is a number": (b'{"dataset_path": 1}', 422, "wrong-body", "dataset_path"),
    "a path of a folder": (b'{"dataset_path": "testdata/folder.csv"}', 422, "wrong-body", ""),
    "a path of a link": (b'{"dataset_path": "testdata/link.csv"}', 422, "wrong-body", ""),
    "a path of no file": (b'{"dataset_path": "testdata/none.csv"}', 404, "not-found", "no such file"),
    "a path that is too long": (
        json.dumps({"dataset_path": f"testdata/{'a' * 5_000}.csv"}).encode(),
        404,
        "not-found",
        "",
    ),
}
BODIES: dict[str, tuple[str, bytes, int, str]] = {
    # What it is: the content type, the body, the status, and a part of what is said.
    "a CSV of nothing": (CSV, b"", 400, ""),
    "a CSV of its header alone": (CSV, b"tenure,contract\n", 400, ""),
    "a CSV with a NUL": (CSV, b"\0", 400, ""),
    "a CSV with a quotation mark that is never closed": (CSV, b'tenure,contract\n1,"a\n', 400, "quotation mark"),
    "a CSV with a row that is too long": (CSV, b"tenure,contract\n1,a,3\n", 422, "Line 2"),
    "a CSV with a column twice": (CSV, b"tenure,tenure,contract\n1,1,a\n", 422, "tenure"),
    "a CSV with text for a number": (CSV, b"tenure,contract\nlong,a\n", 422, "tenure"),
    "a CSV without a column": (CSV, b"tenure\n1\n", 422, "contract"),
    "JSON that is said to be a CSV": (CSV, WHOLE.encode(), 400, "JSON"),
    "an Arrow stream of nothing": (ARROW, b"", 400, "Arrow"),
    "an Arrow stream that is none": (ARROW, b"ARROW1\0\0" + b"\xff" * 50, 400, "Arrow"),
    "an Arrow stream that was cut off": (ARROW, arrow(TABLE)[:-100], 400, "Arrow"),
    "an Arrow stream of no clients": (ARROW, arrow(TABLE.slice(0, 0)), 422, "no clients"),
    "an Arrow stream that is compressed": (ARROW, arrow(TABLE, "zstd"), 415, "Compressed"),
    "an Arrow stream with dates for numbers": (
        ARROW,
        arrow(TABLE.set_column(1, "tenure", pa.array([0], pa.date32()))),
        422,
        "tenure",
    ),
    "JSON that is larger than is taken": (JSON, b" " * 900_000, 413, "max_body_bytes"),
    "plain text": ("text/plain", b"x", 415, JSON),
    "a form": ("application/x-www-form-urlencoded", b"tenure=1", 415, JSON),
    "a form in parts": ("multipart/form-data; boundary=x", b"--x--", 415, JSON),
    "a type that is none": (";;", b"x", 415, JSON),
    "a type like JSON's": ("application/jsonl", WHOLE.encode(), 415, JSON),
    "JSON in UTF-16": (f"{JSON}; charset=utf-16", WHOLE.encode("utf-16"), 415, "UTF-8"),
    "JSON that is said to be UTF-16": (f"{JSON}; charset=utf-16", WHOLE.encode(), 415, "UTF-8"),
    "JSON in Latin-1": (f'{JSON}; charset="ISO-8859-1"', WHOLE.encode(), 415, "UTF-8"),
}
PACKED: dict[str, tuple[str, bytes, int]] = {
    "gzip that is none": ("gzip", b"no gzip", 400),
    "gzip that was cut off": ("gzip", gzip.compress(WHOLE.encode())[:-4], 400),
    "gzip that is far larger than it seems": ("gzip", gzip.compress(b" " * 10_000_000), 413),
    "another compression": ("br", b"x", 415),
    "two of them": ("gzip, gzip", b"x", 415),
}
ADDRESSES: dict[str, tuple[str, int]] = {
    "no address": ("/nothing", 404),
    "the folder of the API": ("/v1", 404),
    "a slash too many": ("/v1/models/", 404),
    "a release that is none": ("/v1/models/9", 404),
    "a release of a negative version": ("/v1/models/-1", 404),
    "a release of a fraction": ("/v1/models/1.5", 404),
    "a release of a huge version": ("/v1/models/99999999999999999999", 404),
    "a release in other digits": ("/v1/models/%D9%A3", 404),
    "a release with a NUL": ("/v1/models/1%00", 404),
    "a release that is a path": ("/v1/models/..%2F1", 404),
    "a limit of none": ("/v1/files?limit=0", 422),
    "a limit that is too high": ("/v1/files?limit=501", 422),
    "a limit with a sign": ("/v1/files?limit=%2B1", 422),
    "a limit that is a fraction": ("/v1/files?limit=1.0", 422),
    "a limit in other digits": ("/v1/files?limit=%D9%A3", 422),
    "a limit twice": ("/v1/files?limit=1&limit=2", 422),
    "a parameter that is misspelt": ("/v1/files?limt=1", 422),
    "a parameter of another list": ("/v1/models?state=held", 422),
    "a cursor of ours no more": ("/v1/calls?cursor=1-1", 400),
    "a cursor of nobody": ("/v1/calls?cursor=x", 422),
    "a state that is none": ("/v1/files?state=lost", 422),
    "half of an escape": ("/v1/files?state=%E0%A4", 422),
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    house = full_house(tmp_path_factory.mktemp("house"))
    house.settings = ServerSettings(max_body_bytes=800_000)
    tests: Path = house.workspace.test
    (tests / "folder.csv").mkdir(parents=True)
    (tests / "testdata.csv").write_bytes(CSV_BODY)
    (tests / "link.csv").symlink_to(tests / "testdata.csv")
    runner = serving(house.services())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    house.ledger.close()


async def problem_of(
    method: str, address: str, status: int, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The problem that is answered, in the form that every problem has."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, address, data=body, headers=headers) as response,
    ):
        content = await response.read()
    assert response.status == status, content
    assert response.content_type == "application/problem+json"
    assert response.headers["X-Request-ID"]
    problem: dict[str, Any] = json.loads(content)
    assert list(problem) == ["type", "title", "status", "detail", "errors"]
    assert problem["type"].startswith("urn:attritiond:problem:")
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert all(set(error) == {"location", "message"} for error in problem["errors"])
    return problem


@pytest.mark.parametrize("path", ["/v1/prediction", "/prediction"])
@pytest.mark.parametrize("what", JSON_BODIES)
async def test_json_that_cannot_be_scored_is_a_problem(url: str, path: str, what: str) -> None:
    body, status, kind, part = JSON_BODIES[what]
    problem = await problem_of("POST", url + path, status, body=body, headers={"Content-Type": JSON})
    assert problem["type"].endswith(kind)
    assert part.lower() in json.dumps(problem).lower()


@pytest.mark.parametrize("what", BODIES)
async def test_another_body_that_cannot_be_scored_is_a_problem(url: str, what: str) -> None:
    form, body, status, part = BODIES[what]
    problem = await problem_of("POST", f"{url}/v1/prediction", status, body=body, headers={"Content-Type": form})
    assert part.lower() in json.dumps(problem).lower()


@pytest.mark.parametrize("what", PACKED)
async def test_a_body_that_cannot_be_unpacked_is_a_problem(url: str, what: str) -> None:
    encoding, body, status = PACKED[what]
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    await problem_of("POST", f"{url}/v1/prediction", status, body=body, headers=headers)


@pytest.mark.parametrize("what", ADDRESSES)
async def test_an_address_that_is_none_is_a_problem(url: str, what: str) -> None:
    path, status = ADDRESSES[what]
    await problem_of("GET", url + path, status)


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "QUERY"])
@pytest.mark.parametrize("path", ["/v1/prediction", "/v1/files", "/v1/models/2", "/", "/livez"])
async def test_a_method_that_an_address_does_not_have_is_a_problem(url: str, path: str, method: str) -> None:
    problem = await problem_of(method, url + path, 405)
    assert problem["detail"].startswith("Allowed: ")
