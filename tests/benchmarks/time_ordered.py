"""Real tables, whose rows are in the order of time, cut into files as :mod:`tests.benchmarks.streams` makes them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tests.benchmarks.stream_truth import Column
from tests.benchmarks.streams import Stream, StreamFile

TARGETS = ("class", "exited", "Churn", "target")
ROWS = 500
#: A table that is long enough is cut in these sizes, too, each a stream of its own.
OTHER_ROWS = (300, 1000)
LONG = 30_000
MOST_FILES = 90
FEWEST_FILES = 8
_NUMBERS = 0.95
_TEXTS = 100
_FOLLOWS = 0.95
_POSITIVE = ("1", "1.0", "yes", "true", "up")


def time_ordered(folder: Path) -> list[Stream]:
    """Read every CSV file below a folder that has a label of two values and rows for eight files of 500.

    A stream is named by its file, and by the rows of a file where they are not 500.
    """
    streams = []
    for path in sorted(folder.rglob("*.csv")):
        frame = pd.read_csv(path, low_memory=False)
        target = next((name for name in TARGETS if name in frame.columns), frame.columns[-1])
        frame = frame[frame[target].notna()]
        if frame[target].nunique() != 2 or len(frame) < FEWEST_FILES * ROWS:
            continue
        labels = _labels(frame.pop(target))
        columns = {name: values for name in frame.columns if (values := _column(frame[name])) is not None}
        for rows in (ROWS, *(OTHER_ROWS if len(frame) >= LONG else ())):
            name = path.stem if rows == ROWS else f"{path.stem}-{rows}"
            streams.append(Stream(name, _files(columns, labels, rows), ()))
    return streams


def _files(columns: dict[str, Column], labels: NDArray[np.int8], rows: int) -> tuple[StreamFile, ...]:
    """Cut; of more files than ``MOST_FILES`` so many are taken, spread evenly over the whole time."""
    whole = len(labels) // rows
    taken = np.unique(np.linspace(0, whole - 1, min(whole, MOST_FILES)).round().astype(int))
    parts = [slice(number * rows, (number + 1) * rows) for number in taken.tolist()]
    return tuple(
        StreamFile({name: values[part] for name, values in columns.items()}, labels[part], np.arange(len(labels))[part])
        for part in parts
    )


def _labels(values: pd.Series) -> NDArray[np.int8]:
    """1 for the value that says yes, else for the rarer one."""
    text = values.astype(str).str.lower()
    positive = next((word for word in _POSITIVE if word in set(text)), text.value_counts().index[-1])
    return np.asarray(text == positive).astype(np.int8)


def _column(values: pd.Series) -> Column | None:
    """Give a column as estimators read it, or None if it is an id or gives the order of the rows away."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().sum() >= _NUMBERS * values.notna().sum():
        column = numbers.to_numpy(dtype=np.float64)
        known = column[~np.isnan(column)]
        unique = len(np.unique(known)) == len(known) and bool((known == np.round(known)).all())
        return None if unique or _follows_the_rows(numbers) else column
    if values.nunique() > _TEXTS:
        return None
    text = values.astype(object)
    return text.where(text.notna(), None).to_numpy(dtype=object)


def _follows_the_rows(numbers: pd.Series) -> bool:
    """Whether a column is a clock: by the rank correlation with the rows' own order."""
    order = pd.Series(np.arange(len(numbers), dtype=np.float64), numbers.index)
    return numbers.nunique() > 1 and abs(numbers.rank().corr(order)) > _FOLLOWS
