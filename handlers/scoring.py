"""Unlabelled rows are scored at once with the current scorecard: numpy alone, no training is waited for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers import commit_group
from handlers.commit_group import Group
from handlers.domain.axes import Columns
from handlers.domain.batch import Placed
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.release import Release
from handlers.domain.schema import Role, Schema
from handlers.scoring_columns import columns_of

Watch = Callable[[Columns, NDArray[np.float64]], None]


def rank(group: Group, placed: Placed, release: Release | None, watch: Watch) -> int:
    """Keep what the model says of the unlabelled rows; without a model, that they still wait for one. How many.

    ``watch`` sees the rows and what was said of them.
    """
    chosen = placed.unlabelled
    count = int(chosen.sum())
    if count:
        table = placed.chunk.table if count == len(chosen) else placed.chunk.table.filter(pa.array(chosen))
        values = None
        if release is not None:
            columns = columns_of(table, release.scorer.features)
            log_odds = release.scorer.log_odds(columns)
            values = probabilities_of(log_odds)
            watch(columns, log_odds)
        ranked = ranked_table(table, placed.schema, placed.placement.numbers[chosen], values)
        commit_group.add_ranked(group, None if release is None else release.version, ranked)
    return count


def ranked_table(
    table: pa.Table, schema: Schema, numbers: NDArray[np.int64], probabilities: NDArray[np.float64] | None
) -> pa.Table:
    """The form of a ranked part: row number, id, time and probability (missing while there is no model)."""
    columns: dict[str, object] = {"row": numbers}
    for name, role in (("id", Role.ID), ("time", Role.TIME)):
        column = schema.with_role(role)
        there = column is not None and column.name in table.column_names
        columns[name] = table[column.name] if there and column is not None else pa.nulls(table.num_rows, pa.string())
    missing = pa.nulls(table.num_rows, pa.float64())
    return pa.table({**columns, "probability": missing if probabilities is None else probabilities})


def score(release: Release, table: pa.Table) -> NDArray[np.float64]:
    """The probability that each row's client leaves, float64[n]."""
    return release.scorer.probabilities(columns_of(table, release.scorer.features))
