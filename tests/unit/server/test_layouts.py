"""What is decoded by a layout is what the objects say, or nothing."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.layouts import MAX_CHARACTERS, MAX_KEYS, Decoded, Layout, layout

NUMBERS, TEXTS = frozenset(("a",)), frozenset(("b", "c"))
Pairs = list[tuple[str, Any]]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text('ab:,"{}\\', max_size=5),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from("ab"), st.integers(), max_size=2),
)
plain: dict[str, st.SearchStrategy[Any]] = {
    "a": st.one_of(st.none(), st.integers(-(2**70), 2**70), st.floats(-1e300, 1e300)),
    "b": st.one_of(st.none(), st.integers(), st.text("ab:\u00e9", max_size=5)),
    "c": st.text(max_size=3),
    "x": values,
}


def objects(*, keys: str, most: int) -> st.SearchStrategy[list[Pairs]]:
    """Pairs of keys and values, a key perhaps twice."""
    pair = st.sampled_from(keys).flatmap(lambda key: st.tuples(st.just(key), values | plain.get(key, values)))
    return st.lists(st.lists(pair, max_size=most), min_size=1, max_size=4)


def written(drawn: list[Pairs], *, ascii_only: bool) -> bytes:
    """As JSON, keys that stand twice included."""
    listed = [
        ", ".join(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=ascii_only)}" for key, value in pairs)
        for pairs in drawn
    ]
    return f"[{','.join(f'{{{pairs}}}' for pairs in listed)}]".encode()


def ours() -> Layout:
    found = layout(("a", "b", "x", "c"), NUMBERS, TEXTS)
    assert found is not None
    return found


def same(decoded: Decoded, clients: list[dict[str, Any]]) -> None:
    assert decoded.rows == len(clients)
    assert list(decoded.columns) == ["a", "b", "x", "c"]
    for name in NUMBERS:
        assert list(decoded.columns[name]) == [
            None if (value := client.get(name)) is None else float(value) for client in clients
        ]
    for name in TEXTS:
        assert list(decoded.columns[name]) == [client.get(name) for client in clients]
    assert list(decoded.columns["x"]) == [client["x"] for client in clients]
    missing = {name: sum(name not in client for client in clients) for name in "abc"}
    assert decoded.absent == {name: rows for name, rows in missing.items() if rows}


def is_decoded(clients: list[dict[str, Any]]) -> None:
    content = written([list(client.items()) for client in clients], ascii_only=False)
    if b"\\u003" in content:
        return
    decoded = ours().decode(content)
    assert decoded is not None
    same(decoded, clients)


@given(objects(keys="abcxy", most=6), st.booleans())
def test_what_is_decoded_is_what_was_sent(drawn: list[Pairs], ascii_only: bool) -> None:
    decoded = ours().decode(written(drawn, ascii_only=ascii_only))
    if decoded is None:
        return
    for pairs in drawn:
        keys = [key for key, _ in pairs]
        assert len(set(keys)) == len(keys), "a key that stands twice was not seen"
        assert {"x"} <= set(keys) <= set("abcx"), "a key that is not known was not seen"
    same(decoded, [dict(pairs) for pairs in drawn])


@given(st.lists(st.fixed_dictionaries(plain), min_size=1, max_size=5))
def test_objects_with_all_the_keys_are_decoded(clients: list[dict[str, Any]]) -> None:
    is_decoded(clients)


@given(
    st.lists(
        st.fixed_dictionaries({"x": plain["x"]}, optional={name: plain[name] for name in "abc"}), min_size=1, max_size=5
    )
)
def test_keys_that_are_read_may_be_absent(clients: list[dict[str, Any]]) -> None:
    is_decoded(clients)


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": 1, "x": 0}, {"a": 2, "a": 3, "x": 0}]',
        '[{"a": 1, "b": "t", "c": "u", "x": 0, "y": 1}]',
        '[{"a": 1, "b": "t", "x": 0, "y": 1}]',
        '[{"a": "1", "b": "t", "c": "u", "x": 0}]',
        '[{"a": true, "b": "t", "c": "u", "x": 0}]',
        '[{"a": 1, "b": 1.5, "c": "u", "x": 0}]',
        '[{"a": 1, "b": "t", "c": "u"}]',
        '[{"a": 1, "a": 2, "b": "\\u003a", "c": "u", "x": 0}]',
        "[null]",
        "[]",
    ],
    ids=[
        "a key twice",
        "another key",
        "another key, one absent",
        "a number as text",
        "a truth value",
        "a broken number as text",
        "no value for an unread key",
        "a key twice, and a colon in disguise",
        "no object",
        "nobody",
    ],
)
def test_of_anything_else_nothing_is_said(content: str) -> None:
    assert ours().decode(content.encode()) is None


def test_what_is_no_json_is_the_callers_affair() -> None:
    with pytest.raises(msgspec.DecodeError):
        ours().decode(b'[{"a": 1, "b": "t", "c": "u", "x": 0}')


@pytest.mark.parametrize(
    "names",
    [
        tuple(f"k{number}" for number in range(MAX_KEYS + 1)),
        ("k" * (MAX_CHARACTERS + 1),),
        ('a"b',),
        ("a\\b",),
        ("a\nb",),
    ],
    ids=["many", "long", "quote", "backslash", "control character"],
)
def test_keys_that_cannot_name_a_field_have_no_layout(names: tuple[str, ...]) -> None:
    assert layout(names, frozenset(), frozenset()) is None
