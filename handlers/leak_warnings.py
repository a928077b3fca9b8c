"""Columns that by themselves nearly give the target away: in a window of rows, and in what a model has learned from."""

from __future__ import annotations

from handlers.domain.leakage import Leak, leaks
from handlers.domain.release import Release
from handlers.domain.scorecard import Feature
from handlers.scoring_columns import columns_of
from handlers.training_window import Window

LEAK_ROWS = 5_000
"""So many rows show whether a column gives the target away; more would only take longer."""


def leaks_in(window: Window) -> tuple[Leak, ...]:
    """The leaks in the newest rows of a window."""
    newest = window.newest(LEAK_ROWS)
    features = tuple(Feature(column.name, column.type.is_numeric) for column in newest.features)
    return leaks(columns_of(newest.table, features), newest.labels) if features else ()


def with_known(release: Release | None, found: tuple[Leak, ...]) -> tuple[Leak, ...]:
    """These, and those in the rows that a release has learned from: they count as long as it is current, however few
    rows a block has."""
    columns = {one.column for one in found}
    known = () if release is None else release.leaks
    return (*found, *(one for one in known if one.column not in columns))
