"""Roles stand in one order, and a token is known again by its hash alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.roles import (
    PREFIX,
    Role,
    Token,
    TokenRefused,
    digest_of,
    holder_of,
    is_name,
    with_token,
    without_token,
)

AT = "2026-07-01T06:00:00.123Z"


def _token(name: str, secret: str, role: Role = Role.READ) -> Token:
    return Token(name, role, digest_of(secret), AT)


def test_each_role_allows_what_the_ones_before_it_allow_and_nothing_else() -> None:
    allowed = {(have, need) for have in Role for need in Role if have.covers(need)}
    assert allowed == {
        ("read", "read"),
        ("predict", "read"),
        ("predict", "predict"),
        ("admin", "read"),
        ("admin", "predict"),
        ("admin", "admin"),
    }


@given(st.lists(st.text(), unique=True, max_size=8), st.text())
def test_whoever_presents_a_token_is_its_holder_and_nobody_else_is(secrets: list[str], other: str) -> None:
    tokens = [_token(f"t{number}", secret) for number, secret in enumerate(secrets)]
    for number, secret in enumerate(secrets):
        assert holder_of(secret, tokens) == tokens[number]
    assert (holder_of(other, tokens) is not None) is (other in secrets)


def test_bytes_that_are_no_text_are_a_wrong_token_like_any_other() -> None:
    assert holder_of("\udcff\udcfe", [_token("a", "secret")]) is None


def test_the_hash_is_that_of_the_whole_token() -> None:
    assert digest_of(f"{PREFIX}a") != digest_of("a")
    assert len(digest_of("a")) == 64


@pytest.mark.parametrize("name", ["a", "crm-2.office_1", "7", "x" * 64])
def test_plain_names_are_names(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize("name", ["", ".a", "-a", "a b", "a\n", "ä", "a/b", "x" * 65, '"', "\x1b[0m"])
def test_what_would_change_a_line_of_the_log_is_no_name(name: str) -> None:
    assert not is_name(name)


def test_a_name_is_given_once() -> None:
    tokens = with_token((), _token("crm", "one"))
    with pytest.raises(TokenRefused, match="a token crm already"):
        with_token(tokens, _token("crm", "two"))


def test_what_is_revoked_is_gone_and_what_is_not_there_is_told_with_what_is() -> None:
    tokens = (_token("crm", "one"), _token("office", "two"))
    assert without_token(tokens, "crm") == tokens[1:]
    with pytest.raises(TokenRefused, match=r"no token boss\. There are: crm, office"):
        without_token(tokens, "boss")
    with pytest.raises(TokenRefused, match="none at all"):
        without_token((), "boss")
