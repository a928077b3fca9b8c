"""The server as clients meet it: a real socket on loopback, a real HTTP client."""

from __future__ import annotations

import json
import re

import pytest

from tests.integration.asking_a_server import Client
from tests.unit.server.small_house import CLIENT, release


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


@pytest.mark.parametrize("page", ["/", "/drift", "/docs"])
async def test_every_address_on_the_page_answers(client: Client, page: str) -> None:
    _, body = await client.ask("GET", page)
    links = {link.replace("&amp;", "&") for link in body.decode().split('href="')[1:] for link in [link.split('"')[0]]}
    assert len(links) > 10
    for link in sorted(links):
        response, _ = await client.ask("GET", link)
        assert response.status == 200, link


async def test_the_description_is_served(client: Client) -> None:
    document = await client.json("GET", "/openapi.json")
    assert document["openapi"] == "3.1.0"
    response, body = await client.ask("HEAD", "/openapi.json")
    assert (response.status, body) == (200, b"")
