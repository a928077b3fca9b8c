"""A large body that is read in pieces says what it says as a whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.clients import Clients
from handlers.domain.limits import RequestLimits
from server import json_pieces, wire
from server.json_pieces import NotInPieces
from server.json_requests import decode_request
from server.problems import Problem
from server.repeated_keys import check_keys
from tests.unit.handlers.drawn_clients import drawn
from tests.unit.server.small_house import CLIENT, release

RELEASE, LIMITS = release(), RequestLimits(max_rows=1000, max_columns=9)
Said = tuple[object, ...]

odd_keys = st.dictionaries(
    st.sampled_from(["more", "exited", 'qu"ote', "Tenure", "a:b"]),
    st.one_of(st.none(), st.text("a:}{,[", max_size=4), st.lists(st.integers(), max_size=2)),
    max_size=3,
)
clients = st.lists(st.tuples(drawn, odd_keys).map(lambda both: {**both[0], **both[1]}), min_size=1, max_size=30)


@pytest.fixture(autouse=True, scope="module")
def small_pieces() -> Any:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_pieces, "PIECE_BYTES", 60)
        yield


def said(clients: Clients) -> Said:
    columns = {name: np.asarray(values).tolist() for name, values in clients.columns.items()}
    return clients.ids[:], clients.warnings, repr(columns)


def whole(content: bytes) -> Said:
    try:
        asked = decode_request(content)
        assert isinstance(asked.clients, list)
        found = wire.clients_of_objects(RELEASE, asked.clients, LIMITS)
        check_keys(content, asked.clients)
    except Problem as problem:
        return problem.kind, problem.detail, problem.errors
    return said(found)


def in_pieces(content: bytes) -> Said | None:
    try:
        return said(wire.clients_in_pieces(RELEASE, content, LIMITS))
    except Problem as problem:
        return problem.kind, problem.detail, problem.errors
    except NotInPieces:
        return None


@given(clients, st.sampled_from([None, 1]))
def test_in_pieces_it_is_what_it_is_at_once(drawn: list[dict[str, object]], indent: int | None) -> None:
    content = json.dumps({"clients": drawn}, indent=indent).encode()
    assert in_pieces(content) in (whole(content), None)


@given(st.integers(10, 40), st.integers(0, 39), drawn)
def test_one_that_is_unlike_the_others(rows: int, at: int, other: dict[str, object]) -> None:
    some: list[dict[str, object]] = [{**CLIENT, "corporation": f"c:{row}", "tenure": row} for row in range(rows)]
    some[at % rows] = other
    content = json.dumps({"clients": some}).encode()
    assert in_pieces(content) in (whole(content), None)


@given(st.integers(10, 40), st.integers(0, 39), st.sampled_from(["tenure", "corporation", "exited", "more"]))
def test_a_key_that_stands_twice_is_never_taken(rows: int, at: int, key: str) -> None:
    lines = [json.dumps({**CLIENT, "corporation": f"c{row}", "exited": 0, "more": 1}) for row in range(rows)]
    lines[at % rows] = f'{lines[at % rows][:-1]}, "{key}": null}}'
    content = f'{{"clients": [{", ".join(lines)}]}}'.encode()
    refused = whole(content)
    assert "stands more than once" in str(refused)
    assert in_pieces(content) in (refused, None)


def test_most_bodies_are_read_in_pieces() -> None:
    for more in ({}, {"more": [1, {"a": 2}]}, {"exited": 0}):
        some = [{**CLIENT, "corporation": f"urn:c:{row}", **more} for row in range(50)]
        content = json.dumps({"clients": some}).encode()
        assert in_pieces(content) == whole(content)


def test_a_column_that_nobody_has_is_named_and_one_that_some_have_is_not() -> None:
    some: list[dict[str, object]] = [{"tenure": row, "contract": "monthly"} for row in range(50)]
    nobody = json.dumps({"clients": some}).encode()
    assert in_pieces(nobody) == whole(nobody)
    assert "The column seats is not there" in str(whole(nobody))
    some[33]["seats"] = 4
    content = json.dumps({"clients": some}).encode()
    assert in_pieces(content) == whole(content)
    assert "seats is not there" not in str(whole(content))


@pytest.mark.parametrize("value", [b'"\xff\xfe"', b"1e999", b"9" * 5000, b'{"a": 1e999}', b'["\xff"]'])
@pytest.mark.parametrize("at", [0, 30, 49])
def test_what_nobody_reads_has_to_be_json_all_the_same(value: bytes, at: int) -> None:
    lines = [json.dumps({**CLIENT, "corporation": f"c{row}", "note": "x"}).encode() for row in range(50)]
    lines[at] = lines[at].replace(b'"x"', value)
    content = b'{"clients": [%b]}' % b", ".join(lines)
    with pytest.raises(NotInPieces):
        wire.clients_in_pieces(RELEASE, content, LIMITS)
    assert not isinstance(whole(content)[0], list)


def test_a_client_with_too_many_keys_is_named_by_its_row() -> None:
    some: list[dict[str, object]] = [{**CLIENT, "corporation": f"c{row}"} for row in range(50)]
    some[20] |= {f"more{number}": 1 for number in range(9)}
    content = json.dumps({"clients": some}).encode()
    assert in_pieces(content) is None
    assert "Row 20" in str(whole(content))
