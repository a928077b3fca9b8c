"""A key that stands twice is found however the body is written, and nothing else is taken for one."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.clients import SHOWN_FAULTS
from server.json_requests import decode_request
from server.problems import Kind, Problem
from server.repeated_keys import TWICE, check_keys

#: A number that Python by itself refuses to read.
ENDLESS = "9" * 4_000


def check(content: bytes) -> None:
    clients = decode_request(content).clients
    check_keys(content, clients if isinstance(clients, list) else ())


def refused(content: bytes) -> Problem:
    with pytest.raises(Problem) as found:
        check(content)
    return found.value


@dataclass(frozen=True, slots=True)
class Style:
    """How a body is written: what stands between key and value, and which characters are escaped."""

    colon: str
    ascii: bool
    escaped: bool


Pairs = list[tuple[str, Any]]
styles = st.builds(Style, st.sampled_from([":", ": ", " :", "\t:\n", "\r\n : "]), st.booleans(), st.booleans())
keys = st.sampled_from(["tenure", "contract", ":", "a\\u003a", '":', "ä", ""]) | st.text(max_size=3)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["09:30", '{"a":1,"a":2}', "\\"]),
    lambda inner: st.lists(inner, max_size=2) | st.lists(st.tuples(keys, inner), max_size=3).map(tuple),
    max_leaves=4,
)
clients_drawn = st.lists(st.lists(st.tuples(keys, values), max_size=4), min_size=1, max_size=4)


def written(value: Any, style: Style) -> str:
    """JSON in which an object is a tuple of pairs, so that it can have a key twice."""
    if isinstance(value, tuple):
        pairs = (f"{written(key, style)}{style.colon}{written(one, style)}" for key, one in value)
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{','.join(written(one, style) for one in value)}]"
    text = json.dumps(value, ensure_ascii=style.ascii)
    return text.replace(":", "\\u003a") if style.escaped and isinstance(value, str) else text


@given(clients_drawn, styles)
def test_what_is_refused_are_the_clients_in_which_a_key_stands_twice(clients: list[Pairs], style: Style) -> None:
    body = written((("clients", [tuple(client) for client in clients]),), style).encode()
    twice = {
        f"row {row}, column {key}"
        for row, client in enumerate(clients)
        for key in {key for key, _ in client}
        if sum(other == key for other, _ in client) > 1
    }
    if not twice:
        check(body)
        return
    problem = refused(body)
    assert (problem.kind, problem.kind.status) == (Kind.WRONG_BODY, 422)
    assert {fault.location for fault in problem.errors} == twice
    assert {fault.message for fault in problem.errors} == {TWICE}


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ('{"clients":[{"tenure":1,"tenure":1}]}', "row 0, column tenure"),
        ('{"clients":[{"tenure":1},{"tenure":1,"more":"09:30","tenure":null}]}', "row 1, column tenure"),
        ('{"clients":[{"tenure":1,"t\\u0065nure":2}]}', "row 0, column tenure"),
        ('{"clients":[{"tenure":1,"tenure":"\\u003a"}]}', "row 0, column tenure"),
        (f'{{"clients":[{{"tenure":{ENDLESS},"tenure":2}}]}}', "row 0, column tenure"),
        ('{"clients":[{"":1,"":2}]}', "row 0, column "),
        ('{"clients":[{"tenure":1}],"clients":[{"tenure":2}]}', "clients"),
        ('{"clients":[{"tenure":1,"tenure":2}],"clients":[{"tenure":2}]}', "clients"),
        ('{"clients":[],"clients":[{}]}', "clients"),
        ('{"dataset_path":"a.csv","dataset_path":"b.csv"}', "dataset_path"),
        ('{"dataset_path":"a:b.csv","dataset_path":"\\u003a"}', "dataset_path"),
    ],
)
def test_where_a_key_stands_twice_is_said(body: str, location: str) -> None:
    problem = refused(body.encode())
    assert [fault.location for fault in problem.errors] == [location]
    assert problem.kind.status == 422


@pytest.mark.parametrize(
    "body",
    [
        '{"clients":[{"tenure":1,"seen":"2026-07-01T09:30:00","more":{"a":1,"a":2,"tenure":3}}]}',
        f'{{"clients":[{{"more":[{{"a":1,"a":2}}],"tenure":{ENDLESS}}}]}}',
        '{"clients":[{},{"tenure":1}]}',
        '{"dataset_path":"C:/a.csv"}',
        '{"dataset_path":"\\u003a:"}',
    ],
)
def test_colons_and_objects_in_values_are_no_matter(body: str) -> None:
    check(body.encode())


def test_not_more_keys_are_named_than_help() -> None:
    client = '{"a":1,"a":2}'
    assert len(refused(f'{{"clients":[{",".join([client] * 50)}]}}'.encode()).errors) == SHOWN_FAULTS


def test_what_is_nested_too_deeply_is_refused_here_too() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(Problem) as found:
        check_keys(b'{"clients":[{"a":"09:30"}]}', [{"a": deep}])
    assert found.value.kind is Kind.MALFORMED
