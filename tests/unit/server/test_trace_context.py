"""Which ``traceparent`` is taken, and what is answered to it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.trace_context import Trace, trace_of

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NOTHING = {TRACE: "0" * 32, PARENT: "0" * 16}


def digits(count: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdef", min_size=count, max_size=count)


ids = digits(32).filter(lambda one: int(one, 16) > 0)
parents = digits(16).filter(lambda one: int(one, 16) > 0)
later_versions = digits(2).filter(lambda one: one not in ("00", "ff"))


@given(ids, parents, st.integers(0, 255))
def test_a_trace_is_taken_with_the_flags_that_are_known(trace_id: str, parent: str, flags: int) -> None:
    assert trace_of([f"00-{trace_id}-{parent}-{flags:02x}"]) == Trace(trace_id, flags & 3)


@given(later_versions, ids, parents, digits(2), st.text(max_size=10).map("-{}".format) | st.just(""))
def test_a_later_version_is_taken_by_its_first_four_fields(
    version: str, trace_id: str, parent: str, flags: str, more: str
) -> None:
    taken = trace_of([f"{version}-{trace_id}-{parent}-{flags}{more}"])
    assert taken == trace_of([f"00-{trace_id}-{parent}-{flags}"])
    assert taken is not None


@pytest.mark.parametrize(
    "given",
    [
        "",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-",
        f"00-{TRACE}-{PARENT}-01-more",
        f"01-{TRACE}-{PARENT}-01more",
        f"01-{TRACE}-{PARENT}-",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{NOTHING[TRACE]}-{PARENT}-01",
        f"00-{TRACE}-{NOTHING[PARENT]}-01",
        f"01-{NOTHING[TRACE]}-{PARENT}-01-more",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT.upper()}-01",
        f"0A-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-0A",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}0-{PARENT}-01",
        f"00-{TRACE}-{PARENT[1:]}-01",
        f"00-{TRACE}-{PARENT}-1",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        f"00-{TRACE[1:]}\u0660-{PARENT}-01",
        f"00_{TRACE}_{PARENT}_01",
        f"+1-{TRACE}-{PARENT}-01",
    ],
)
def test_what_is_not_valid_is_ignored(given: str) -> None:
    assert trace_of([given]) is None


@given(st.text(max_size=60) | st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{31,33}-[0-9a-f]{15,17}-[0-9a-f]{1,3}.*"))
def test_nothing_that_is_sent_raises_and_what_is_taken_has_the_form(given: str) -> None:
    taken = trace_of([given])
    if taken is not None:
        assert given[2:55].startswith(f"-{taken.trace_id}-")
        assert int(taken.trace_id, 16)


def test_a_trace_that_is_there_twice_is_ignored() -> None:
    one = f"00-{TRACE}-{PARENT}-01"
    assert trace_of([one]) is not None
    assert trace_of([one, one]) is None
    assert trace_of([]) is None


@given(ids, st.integers(0, 3), st.integers(0, 2**66))
def test_what_is_answered_is_valid_itself_and_each_number_has_an_id_of_its_own(
    trace_id: str, flags: int, number: int
) -> None:
    trace = Trace(trace_id, flags)
    said = [trace.header(number + step) for step in range(3)]
    assert [trace_of([one]) for one in said] == [trace] * 3
    assert len(set(said)) == 3
