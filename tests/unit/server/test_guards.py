"""Which hosts and which pages may ask."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import make_mocked_request

from server.guards import check_host, check_origin
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
