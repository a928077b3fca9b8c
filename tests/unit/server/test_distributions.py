"""Counting into buckets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from server.distributions import Distribution

BOUNDS = (0.5, 1.0, 4.0)


@given(st.lists(st.floats(min_value=0, max_value=10) | st.sampled_from(BOUNDS)))
def test_it_counts_as_the_histogram_of_the_client_library_does(values: list[float]) -> None:
    registry = CollectorRegistry()
    theirs, ours = Histogram("x", "x", buckets=BOUNDS, registry=registry), Distribution(BOUNDS)
    for value in values:
        theirs.observe(value)
        ours.observe(value)
    seen = ours.so_far()
    for bound, count in seen.buckets(BOUNDS):
        assert registry.get_sample_value("x_bucket", {"le": bound}) == count
    assert registry.get_sample_value("x_sum") == seen.total
    assert registry.get_sample_value("x_count") == seen.count


def test_two_that_are_added_have_seen_what_both_have() -> None:
    one, other = Distribution(BOUNDS), Distribution(BOUNDS)
    one.observe(0.25)
    other.observe(0.25)
    other.observe(9.5)
    both = one.so_far() + other.so_far()
    assert (both.counts, both.total, both.count) == ((2, 0, 0, 1), 10.0, 3)
