"""Where a body cannot be read, the client and the column are named, however the body is written."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.clients import shown
from server.problems import Kind, Problem
from server.unreadable_values import BEYOND_RANGE, NOT_A_NUMBER, UNREADABLE
from server.wire import decode_request

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
