"""Columns as hypothesis draws them, and as a seed makes them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

number = st.one_of(st.just(math.nan), st.integers(-3, 3).map(float), st.floats(allow_nan=False))
word = st.one_of(st.none(), st.sampled_from("abc"), st.text(max_size=2))
table = st.lists(st.tuples(number, word), min_size=1, max_size=60)


def columns(drawn: list[Any]) -> dict[str, np.ndarray]:
    """Two columns, "number" and "word", of rows that were drawn from ``table``."""
    numbers, words = zip(*drawn, strict=True)
    return {"number": np.array(numbers, dtype=np.float64), "word": np.array(words, dtype=object)}


def ten_columns(rng: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    """Columns of many kinds: skewed, tied, binary, with gaps; few, many and very many categories."""
    frequent = 1 / np.arange(1, 101)
    names = np.array([f"c{index}" for index in range(300)], dtype=object)
    return {
        "normal": rng.normal(size=rows),
        "uniform": rng.random(rows),
        "skewed": np.exp(1.5 * rng.normal(size=rows)),
        "rounded": np.round(np.exp(rng.normal(size=rows) + 1)),
        "count": rng.poisson(0.6, rows).astype(np.float64),
        "flag": (rng.random(rows) < 0.03).astype(np.float64),
        "gaps": np.where(rng.random(rows) < 0.5, np.nan, rng.normal(size=rows)),
        "few": rng.choice(names[:5], rows, p=[0.5, 0.3, 0.1, 0.07, 0.03]),
        "many": rng.choice(names[:100], rows, p=frequent / frequent.sum()),
        "very_many": rng.choice(names, rows),
    }


def part(columns: dict[str, np.ndarray], rows: slice) -> dict[str, np.ndarray]:
    """Some of the rows."""
    return {name: values[rows] for name, values in columns.items()}
