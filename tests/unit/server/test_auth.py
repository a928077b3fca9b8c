"""What a request presents, and what each token may be used for, how often."""

from __future__ import annotations

import base64

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from handlers.domain.rate_limit import RateLimit
from handlers.domain.roles import Role, Token, digest_of
from server.auth import Door, Keyring, presented
from server.problems import Kind, Problem
from server.routes import ROUTES, Route, role_needed
from server.views import health

AT = "2026-07-01T06:00:00.123Z"
CRM = Token("crm", Role.PREDICT, digest_of("secret"), AT)


def _request(*authorization: str) -> web.Request:
    headers = CIMultiDict([("Authorization", each) for each in authorization])
    return make_mocked_request("GET", "/", headers=headers)


def _basic(text: bytes) -> str:
    return f"Basic {base64.b64encode(text).decode()}"


@pytest.mark.parametrize(
    "authorization",
    ["Bearer secret", "bearer secret", "BEARER  secret ", _basic(b"anna:secret"), _basic(b":secret")],
)
def test_a_token_comes_as_bearer_or_as_the_password_of_any_user(authorization: str) -> None:
    assert presented(_request(authorization)) == "secret"


def test_a_password_may_hold_a_colon() -> None:
    assert presented(_request(_basic(b"anna:a:b"))) == "a:b"


@pytest.mark.parametrize(
    "authorization",
    ["", "secret", "Bearer", "Bearer ", "Basic", "Basic secret", "Basic \xe9", _basic(b"secret"), _basic(b"\xff:\xfe")],
)
def test_what_cannot_be_understood_is_no_token(authorization: str) -> None:
    assert presented(_request(authorization)) is None


def test_two_tokens_in_one_request_are_none() -> None:
    """A proxy and we could each look at another one."""
    assert presented(_request("Bearer secret", "Bearer other")) is None


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0")))
def test_no_header_is_an_error(text: str) -> None:
    presented(_request(f"Basic {text}"))
    presented(_request(text))


def _door(clock: list[float], limit: RateLimit | None) -> tuple[Door, web.Request]:
    request = _request("Bearer secret")
    keyring = Keyring((CRM,), limit, lambda: clock[0])
    return Door(keyring, {request.match_info.route: Role.READ}), request


def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    clock = [0.0]
    door, request = _door(clock, RateLimit(rate=0.5, burst=2))
    door.authorise(request)
    door.authorise(request)
    with pytest.raises(Problem) as refused:
        door.authorise(request)
    assert (refused.value.kind, refused.value.headers["Retry-After"]) == (Kind.TOO_OFTEN, "2")
    clock[0] = 2.0
    door.authorise(request)


def test_without_a_limit_nobody_asks_too_often() -> None:
    door, request = _door([0.0], None)
    for _ in range(10_000):
        door.authorise(request)


def test_one_token_does_not_use_up_what_another_may() -> None:
    other = Token("other", Role.READ, digest_of("another"), AT)
    keyring = Keyring((CRM, other), RateLimit(1.0, 1), lambda: 0.0)
    assert (keyring.too_early(CRM), keyring.too_early(CRM), keyring.too_early(other)) == (0.0, 1.0, 0.0)


def test_tokens_that_are_read_again_have_used_what_they_had_used() -> None:
    keyring = Keyring((CRM,), RateLimit(1.0, 1), lambda: 0.0)
    keyring.too_early(CRM)
    keyring.replace((CRM,))
    assert keyring.too_early(CRM) == 1.0


def test_a_route_that_says_nothing_is_read_by_readers_and_changed_by_admins() -> None:
    needs = {method: role_needed(Route(method, "/x", health.livez, "")) for method in ("GET", "POST", "DELETE")}
    assert needs == {"GET": Role.READ, "POST": Role.ADMIN, "DELETE": Role.ADMIN}


def test_strangers_are_answered_only_whether_it_lives_and_is_ready() -> None:
    assert {route.path for route in ROUTES if role_needed(route) is None} == {"/livez", "/readyz"}


def test_predictions_and_checks_are_all_that_needs_the_role_predict() -> None:
    needed = {route.path for route in ROUTES if role_needed(route) is Role.PREDICT}
    assert needed == {"/v1/prediction", "/v1/files/check"}
