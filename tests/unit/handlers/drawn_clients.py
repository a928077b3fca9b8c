"""Clients as hypothesis draws them: with gaps, categories that nobody knows, wrong values, and none of the columns."""

from __future__ import annotations

from hypothesis import strategies as st

drawn: st.SearchStrategy[dict[str, object]] = st.one_of(
    st.fixed_dictionaries(
        {"tenure": st.one_of(st.none(), st.integers(-5, 90), st.floats(-1e9, 1e9))},
        optional={
            "corporation": st.one_of(st.none(), st.text(max_size=3), st.integers()),
            "contract": st.one_of(st.none(), st.sampled_from(["monthly", "yearly", "daily", " "]), st.integers(0, 3)),
            "seats": st.one_of(st.none(), st.integers(0, 50)),
            "more": st.integers(),
        },
    ),
    st.fixed_dictionaries({"tenure": st.just("three")}),
    st.just({}),
)
