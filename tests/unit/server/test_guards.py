"""Which hosts and which pages may ask."""

from __future__ import annotations

import pytest
from aiohttp import HttpVersion, HttpVersion10
from aiohttp.test_utils import make_mocked_request

from server.guards import check_form, check_host, check_origin
from server.problems import Kind, Problem


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "127.8.0.1", "[::1]:8000", "a.localhost"]
)
def test_names_of_this_machine_are_served(host: str) -> None:
    check_host(make_mocked_request("GET", "/", headers={"Host": host}), "127.0.0.1")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "10.0.0.1", "", "localhost@evil", "[::1", "a:b:c"],
)
def test_other_names_are_refused_on_loopback(host: str) -> None:
    with pytest.raises(Problem) as refused:
        check_host(make_mocked_request("GET", "/", headers={"Host": host}), "127.0.0.1")
    assert refused.value.kind is Kind.MISDIRECTED


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:8000"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://LOCALHOST:8000"},
    ],
)
def test_programs_and_our_own_page_may_post(headers: dict[str, str]) -> None:
    check_origin(make_mocked_request("POST", "/v1/rollback", headers={"Host": "localhost:8000", **headers}))


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:9000"},
        {"Origin": "http://[::1"},
    ],
)
def test_a_page_of_another_site_may_not_post(headers: dict[str, str]) -> None:
    request = make_mocked_request("POST", "/v1/rollback", headers={"Host": "localhost:8000", **headers})
    with pytest.raises(Problem) as refused:
        check_origin(request)
    assert refused.value.kind is Kind.CROSS_SITE


@pytest.mark.parametrize("target", ["/", "*", "http://localhost:8000/livez", "http://127.0.0.1", "https://[::1]:1/"])
def test_an_address_of_this_machine_may_stand_in_the_request_line(target: str) -> None:
    request = make_mocked_request("GET", target)
    check_form(request)
    check_host(request, "127.0.0.1")


@pytest.mark.parametrize("target", ["http://evil.example/", "http://127.0.0.1.evil.example/", "http://10.0.0.1/"])
def test_another_address_in_the_request_line_is_refused_as_another_host_is(target: str) -> None:
    with pytest.raises(Problem) as refused:
        check_host(make_mocked_request("GET", target, headers={"Host": "localhost"}), "127.0.0.1")
    assert refused.value.kind is Kind.MISDIRECTED


def test_beyond_loopback_any_name_may_stand_in_the_request_line() -> None:
    request = make_mocked_request("GET", "http://risk.example/")
    check_form(request)
    check_host(request, "192.0.2.1")


@pytest.mark.parametrize(
    ("method", "target"),
    [("CONNECT", "localhost:443"), ("GET", "ftp://localhost/"), ("GET", "http://a@localhost/"), ("GET", "http:///")],
)
def test_what_no_server_answers_is_refused(method: str, target: str) -> None:
    with pytest.raises(Problem) as refused:
        check_form(make_mocked_request(method, target))
    assert refused.value.kind is Kind.BAD_REQUEST


@pytest.mark.parametrize("version", [HttpVersion(0, 9), HttpVersion(2, 0)])
def test_other_versions_are_refused(version: HttpVersion) -> None:
    with pytest.raises(Problem) as refused:
        check_form(make_mocked_request("GET", "/", version=version))
    assert refused.value.kind is Kind.BAD_REQUEST


def test_chunks_need_the_version_that_has_them() -> None:
    chunks = {"Transfer-Encoding": "chunked"}
    check_form(make_mocked_request("POST", "/", headers=chunks))
    check_form(make_mocked_request("POST", "/", version=HttpVersion10))
    with pytest.raises(Problem) as refused:
        check_form(make_mocked_request("POST", "/", headers=chunks, version=HttpVersion10))
    assert refused.value.headers == {"Connection": "close"}
