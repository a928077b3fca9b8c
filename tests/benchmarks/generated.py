"""Rows that are a function of their number, so that any file can hold any of them again: nine columns of all kinds.

A client, two categories, a whole number, an amount with gaps, a decimal, a whole number, a date, a label. The labels
are all of one kind: then there is nothing to learn, and what is measured is ingestion alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
from numpy.typing import NDArray

SEGMENTS = pa.array(["retail", "trade", "industry", "public", "finance"])
REGIONS = pa.array(["north", "south", "east", "west"])
GAPS = 0.05
DUPLICATES = 0.054
"""The share of the rows of a bulk file that are there already."""


def table(numbers: NDArray[np.int64]) -> pa.Table:
    """The rows with these numbers."""
    names = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), 8, "0")
    amount = np.round(_share(numbers, 5) * 200, 2)
    days = np.datetime64("2018-01-01") + (_share(numbers, 8) * 2500).astype("timedelta64[D]")
    return pa.table(
        {
            "corporation": pc.binary_join_element_wise("client", names, "-"),
            "segment": SEGMENTS.take(pa.array(_whole(numbers, 1, len(SEGMENTS)))),
            "region": REGIONS.take(pa.array(_whole(numbers, 2, len(REGIONS)))),
            "activity": _whole(numbers, 3, 5000),
            "spend": pa.array(amount, mask=_share(numbers, 4) < GAPS),
            "usage": np.round(-np.log1p(-_share(numbers, 6)) * 100, 3),
            "employees": _whole(numbers, 7, 2000) + 1,
            "since": pa.array(days).cast(pa.string()),
            "exited": np.zeros(len(numbers), dtype=np.int64),
        }
    )


def write(path: Path, numbers: NDArray[np.int64]) -> Path:
    """Write these rows as a CSV file."""
    options = pyarrow.csv.WriteOptions(quoting_style="none", quoting_header="none")
    pyarrow.csv.write_csv(table(numbers), path, options)
    return path


def fresh(first: int, rows: int) -> NDArray[np.int64]:
    """Numbers that no earlier file has: ``rows`` from ``first`` on."""
    return np.arange(first, first + rows, dtype=np.int64)


def some_again(first: int, rows: int, *, seed: int) -> NDArray[np.int64]:
    """The same, but every 18th or so is replaced by an earlier one, each at most once in the file."""
    chance = np.random.default_rng(seed)
    numbers = fresh(first, rows)
    count = int(rows * DUPLICATES)
    numbers[chance.choice(rows, count, replace=False)] = chance.choice(first, count, replace=False)
    return numbers


def _share(numbers: NDArray[np.int64], column: int) -> NDArray[np.float64]:
    """From 0 to below 1, as if at random: splitmix64 of number and column."""
    mixed = numbers.astype(np.uint64) * np.uint64(16) + np.uint64(column)
    mixed = mixed * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _whole(numbers: NDArray[np.int64], column: int, below: int) -> NDArray[np.int64]:
    return (_share(numbers, column) * below).astype(np.int64)
