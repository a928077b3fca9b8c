"""A large body in pieces is what it is as a whole."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server import json_pieces
from server.json_pieces import NotInPieces, Objects, pieces
from server.repeated_keys import surely_all

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.floats(-5, 5), st.text('}{,"\\[] a', max_size=8)),
    lambda some: st.one_of(st.lists(some, max_size=3), st.dictionaries(st.sampled_from("ab"), some, max_size=2)),
    max_leaves=4,
)
objects = st.lists(st.dictionaries(st.text('},{"a', max_size=4), values, max_size=4), min_size=1, max_size=40)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_pieces, "PIECE_BYTES", 30)


def decoded(piece: bytes) -> Objects:
    found = msgspec.json.decode(b"[%b]" % piece, type=Objects)
    if not surely_all(piece, found):
        raise NotInPieces
    return found


def whole(content: bytes) -> list[dict[str, object]]:
    return list(msgspec.json.decode(content, type=dict[str, list[dict[str, object]]])["clients"])


@given(objects, st.sampled_from([None, 1]))
def test_the_pieces_behind_each_other_are_the_clients(clients: list[dict[str, object]], indent: int | None) -> None:
    content = json.dumps({"clients": clients}, indent=indent).encode()
    try:
        found = list(pieces(content, decoded))
    except NotInPieces:
        return
    assert [one for some in found for one in some] == whole(content)
    assert all(found)


def test_flat_clients_come_in_many_pieces_whatever_is_in_their_texts() -> None:
    clients = [{"id": f"c{number}", "name": 'a "},{" b', "tenure": number} for number in range(100)]
    found = list(pieces(json.dumps({"clients": clients}).encode(), decoded))
    assert [one for some in found for one in some] == clients
    assert len(found) >= 50


@given(objects, st.integers(0, 10_000), st.binary(max_size=3))
def test_nothing_is_taken_in_pieces_that_would_be_refused_as_a_whole(
    clients: list[dict[str, object]], at: int, other: bytes
) -> None:
    content = bytearray(json.dumps({"clients": clients}).encode())
    place = at % len(content)
    content[place : place + 1] = other
    try:
        found = [one for some in pieces(bytes(content), decoded) for one in some]
    except NotInPieces:
        return
    assert found == whole(bytes(content))


@pytest.mark.parametrize(
    "content",
    [
        b'{"dataset_path": "a.csv"}',
        b'{"clients": []}',
        b'{"clients": [1]}',
        b'{"clients": [{"a": 1}], "clients": [{"a": 2}]}',
        b'{"clients": [{"a": 1}], "more": 1}',
        b'{"clients": [{"a": 1}]}]}',
        b'{"clients": [{"a": 1, "a": 2}]}',
        b'{"clients": [' + b'{"a": 1, "b": ":"}, ' * 20 + b'{"a": 1, "a": 2}, ' + b'{"a": 1}, ' * 20 + b'{"a": 1}]}',
        b'{"clients": [{"a": 1}]\x0b}',
        b'{"clients": [{"a": 1},]}',
        b'{"clients": [{"a": 1}',
        b"\xff",
        b"",
        b'{"clients": [' + b'{"a": {"b": 1}, "c": 2},' * 9 + b"]}",
        b'{"clients": [{"a": ' + b"[" * 2000 + b"]" * 2000 + b"}]}",
    ],
)
def test_what_is_no_list_of_clients_has_to_be_looked_at_as_a_whole(content: bytes) -> None:
    with pytest.raises(NotInPieces):
        list(pieces(content, decoded))
