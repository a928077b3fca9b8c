"""Who counts as one sender, and for how many connections there is room."""

from __future__ import annotations

import resource

import pytest

from server.connections import sender_of
from server.descriptors import RESERVED, room_for

UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.0.1", "::1", ""])
def test_this_machine_is_no_sender(address: str) -> None:
    assert sender_of(address) is None


def test_an_address_is_a_sender() -> None:
    assert sender_of("192.0.2.1") == sender_of("192.0.2.1") != sender_of("192.0.2.2")


def test_of_ipv6_the_first_64_bits_are_a_sender() -> None:
    assert sender_of("2001:db8::1") == sender_of("2001:db8:0:0:ffff::2") != sender_of("2001:db8:0:1::1")
    assert sender_of("fe80::1%eth0") == sender_of("fe80::2%eth0")


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The limit of open files, soft and hard, as it was set; the last is in force."""
    kept = [(1024, 8192)]
    monkeypatch.setattr(resource, "getrlimit", lambda _what: kept[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _what, limit: kept.append(limit))
    return kept


def test_the_limit_of_open_files_is_raised_as_far_as_it_is_needed(limits: list[tuple[int, int]]) -> None:
    assert room_for(3000) == 3000
    assert limits[-1] == (3000 + RESERVED, 8192)


def test_a_limit_that_is_enough_is_left(limits: list[tuple[int, int]]) -> None:
    limits.append((20_000, 20_000))
    assert room_for(3000) == 3000
    assert limits[-1] == (20_000, 20_000)


def test_beyond_the_hard_limit_there_is_room_for_fewer(limits: list[tuple[int, int]]) -> None:
    assert room_for(10_000) == 8192 - RESERVED
    assert limits[-1] == (8192, 8192)


def test_without_a_limit_there_is_room_for_all(limits: list[tuple[int, int]]) -> None:
    limits.append((UNLIMITED, UNLIMITED))
    assert room_for(10_000) == 10_000
    limits.append((1024, UNLIMITED))
    assert room_for(10_000) == 10_000
    assert limits[-1] == (10_000 + RESERVED, UNLIMITED)
