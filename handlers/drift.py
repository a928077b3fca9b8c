"""How far the rows of a block are from the champion's training window. A diagnosis: it decides nothing."""

from __future__ import annotations

import pyarrow as pa

from handlers.decision_blocks import OpenBlock
from handlers.domain import divergence
from handlers.domain.divergence import ColumnDrift
from handlers.domain.facts import Fact
from handlers.domain.release import Release
from handlers.scoring_columns import columns_of
from handlers.training_window import Window


def score(release: Release | None, window: Window, block: OpenBlock) -> tuple[ColumnDrift, ...]:
    """The drift of each feature, in the order of the release's sketch; nothing without a release or without rows."""
    chosen = window.among(block.rows)
    if release is None or not chosen.any():
        return ()
    table = window.table.filter(pa.array(chosen))
    columns = columns_of(table, release.scorecard.features)
    return divergence.population_stability_index(divergence.from_document(release.sketch), columns)


def document(decision: int, rows: int, drifts: tuple[ColumnDrift, ...]) -> dict[str, object]:
    """The newest drift score, as the ledger keeps it and the API shows it."""
    columns = [
        {
            "name": one.name,
            "psi": one.psi,
            "null_quantile": one.null_quantile,
            "missing_before": one.missing_before,
            "missing_now": one.missing_now,
            "new_categories": one.new_categories,
            "alert": one.alert,
        }
        for one in drifts
    ]
    return {"decision": decision, "rows": rows, "columns": columns}


def fact(block: OpenBlock, release: Release, drifts: tuple[ColumnDrift, ...]) -> Fact:
    """What the log says: the columns that alert, and the largest index."""
    return Fact(
        "drift.scored",
        {
            "decision": block.id,
            "model_version": release.version,
            "rows": len(block.rows),
            "alerts": [one.name for one in drifts if one.alert],
            "largest_psi": round(max(one.psi for one in drifts), 4),
        },
    )
