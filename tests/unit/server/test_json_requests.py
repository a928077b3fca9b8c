"""Where a body cannot be read, the client and the column are named, however the body is written."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.clients import shown
from handlers.domain.limits import RequestLimits
from server.json_requests import (
    BEYOND_RANGE,
    NOT_A_NUMBER,
    UNREADABLE,
    PredictionRequest,
    decode_by_rows,
    decode_request,
)
from server.problems import Kind, Problem

keys = st.sampled_from(["tenure", "contract", ":", '":', "NaN", "ä", ""]) | st.text(max_size=4)
values = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.sampled_from(["NaN}]}", '"\\', "1e400"])
clients = st.lists(st.dictionaries(keys, values | st.lists(values, max_size=2), min_size=1, max_size=4), min_size=1)
MARK = "\ue000"
WRONG = {
    "NaN": (Kind.MALFORMED, NOT_A_NUMBER),
    "-Infinity": (Kind.MALFORMED, NOT_A_NUMBER),
    "+1": (Kind.MALFORMED, UNREADABLE),
    "07": (Kind.MALFORMED, UNREADABLE),
    "'a'": (Kind.MALFORMED, UNREADABLE),
    "1e400": (Kind.WRONG_BODY, BEYOND_RANGE),
    "-" + "9" * 5_000: (Kind.WRONG_BODY, BEYOND_RANGE),
}


def _refused(body: str) -> Problem:
    with pytest.raises(Problem) as found:
        decode_request(body.encode("utf-8", "surrogatepass"))
    return found.value


@given(clients, st.sampled_from(sorted(WRONG)), st.booleans(), st.data())
def test_the_client_and_the_column_are_named(
    rows: list[dict[str, object]], wrong: str, ascii_only: bool, data: st.DataObject
) -> None:
    row = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(sorted(rows[row])))
    rows[row][column] = MARK
    body = json.dumps({"clients": rows}, ensure_ascii=ascii_only)
    found = _refused(body.replace(json.dumps(MARK, ensure_ascii=ascii_only), wrong))
    kind, message = WRONG[wrong]
    assert found.kind is kind
    assert [(one.location, one.message) for one in found.errors] == [(f"row {row}, column {shown(column)}", message)]


@pytest.mark.parametrize(
    "body",
    [
        '{"clients": [NaN]}',
        '{"clients": [{"a": 1}], "dataset_path": NaN}',
        '{"clients": [{"a": 1}]NaN}',
        '{"clients": [{"a": [NaN]}]}',
        '{"clients": [{NaN: 1}]}',
        '{"clients": [{"a": 1} NaN',
        "NaN",
        '{"clients": [{"a": "\x01"}]}',
    ],
)
def test_what_is_no_value_of_a_client_is_said_to_be_at_a_byte(body: str) -> None:
    found = _refused(body)
    assert found.kind is Kind.MALFORMED
    assert "(byte " in found.detail
    assert found.errors == ()


def test_a_number_deeper_in_a_value_is_told_of_its_column() -> None:
    found = _refused('{"clients": [{"b": 1, "a": [1e400]}]}')
    assert found.kind is Kind.WRONG_BODY
    assert [one.location for one in found.errors] == ["row 0, column a"]


@pytest.mark.parametrize("wrong", ["NaN", "1e400", "-" * 3_000_000])
def test_it_is_found_in_time_behind_a_long_text(wrong: str) -> None:
    """Square in the length it would take hours, and the loop would stand still."""
    found = _refused(f'{{"clients": [{{"b": "{"x" * 3_000_000}", "a": {wrong}}}]}}')
    assert [one.location for one in found.errors] == ["row 0, column a"]


def _outcome(read: Callable[[], object]) -> object:
    try:
        return read()
    except Problem as problem:
        return problem.kind, problem.detail, problem.errors


JSON_TEXTS = st.recursive(
    st.sampled_from(["1", "1e400", "NaN", "null", '"a"', '"\udcff"', "[]", "{}", "tru", "-", '{"a":1}', "9" * 5_000]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda some: f"[{','.join(some)}]")
        | st.lists(st.tuples(st.sampled_from(["clients", "a", "b", "dataset_path"]), inner), max_size=3).map(
            lambda some: f"{{{','.join(f'{json.dumps(key)}: {value}' for key, value in some)}}}"
        )
    ),
    max_leaves=6,
)
bodies = JSON_TEXTS | JSON_TEXTS.map(lambda text: f'{{"clients": [{{"a": 1}}, {text}]}}')


@given(bodies)
def test_what_is_read_row_by_row_is_what_is_read_in_one_go(body: str) -> None:
    content = body.encode("utf-8", "surrogateescape")
    read = _outcome(lambda: decode_request(content))
    assert _outcome(lambda: decode_by_rows(content, RequestLimits(max_rows=99, max_columns=99))) == read
    if isinstance(read, PredictionRequest):
        assert msgspec.json.decode(content, type=PredictionRequest) == read
    else:
        with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
            raise_or_refuse(content)


def raise_or_refuse(content: bytes) -> None:
    """What the decoder says by itself, or that the request is empty or has not one of the two keys."""
    request = msgspec.json.decode(content, type=PredictionRequest)
    if request.clients == [] or (request.clients is msgspec.UNSET) == (request.dataset_path is msgspec.UNSET):
        raise msgspec.ValidationError


def test_a_client_of_too_many_keys_is_refused_before_they_are_decoded() -> None:
    limits = RequestLimits(max_rows=9, max_columns=3)
    many = '{"a": 1, "b": 2, "c": 3, "d": 4}'
    with pytest.raises(Problem) as found:
        decode_by_rows(f'{{"clients": [{{"a": 1}}, {many}]}}'.encode(), limits)
    assert [one.location for one in found.value.errors] == ["row 1"]
    assert "4 columns" in found.value.detail
    texts = decode_by_rows(b'{"clients": [{"a": "\\":::", "b\\":": "{\\"c\\": 1, \\"d\\": 2}", "c": ":"}]}', limits)
    assert texts.clients == [{"a": '":::', 'b":': '{"c": 1, "d": 2}', "c": ":"}]
    inside = decode_by_rows(b'{"clients": [{"a": {"b": 1, "c": 2, "d": [{"e": 1, "f": 2}]}, "g": []}]}', limits)
    assert inside.clients == [{"a": {"b": 1, "c": 2, "d": [{"e": 1, "f": 2}]}, "g": []}]


def test_a_text_that_looks_like_what_is_put_in_place_of_the_wrong_value_is_not_taken_for_it() -> None:
    found = _refused('{"clients": [{"x": "\\u0000", "z": "\\u0000\\u0000", "y": NaN}]}')
    assert [one.location for one in found.errors] == ["row 0, column y"]


@pytest.mark.parametrize("clients", ["{}," * 9 + "{}", '{"a":[{},{},{}]},' * 9 + '{"a":"{{["}'])
def test_too_many_clients_are_refused_before_there_is_an_object_for_each(clients: str) -> None:
    body = f'{{"clients": [{clients}]}}'.encode()
    with pytest.raises(Problem) as found:
        decode_by_rows(body, RequestLimits(max_rows=9, max_columns=9))
    assert found.value.kind is Kind.TOO_LARGE
    assert len(decode_by_rows(body, RequestLimits(max_rows=10, max_columns=9)).clients or ()) == 10


@pytest.mark.parametrize(
    "text", ['"' + '\\"' * 2_000_000, '"' + '\\"' * 2_000_000 + "\\", '{"a":"' + "\\u0000" * 700_000 + '","b":NaN']
)
def test_what_does_not_end_is_looked_through_once(text: str) -> None:
    """Square in the length it would take hours."""
    with pytest.raises(Problem):
        decode_by_rows(f'{{"clients": [{"{}," * 3}{text}'.encode(), RequestLimits(max_rows=2, max_columns=9))
    with pytest.raises(Problem):
        decode_by_rows(f'{{"clients": [{text}'.encode(), RequestLimits(max_rows=0, max_columns=9))
