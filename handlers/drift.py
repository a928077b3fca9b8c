"""How far the rows of a block are from the champion's training window. A diagnosis: it decides nothing."""

from __future__ import annotations

import pyarrow as pa

from handlers.decision_blocks import OpenBlock
from handlers.domain.divergence import ColumnDrift, compare
from handlers.domain.effects import effect_range
from handlers.domain.facts import Fact
from handlers.domain.reference_sketch import tally
from handlers.domain.release import Release
from handlers.domain.scorecard import Scorecard
from handlers.domain.sketch_document import from_document
from handlers.scoring_columns import columns_of
from handlers.training_window import Window


def score(release: Release | None, window: Window, block: OpenBlock) -> tuple[ColumnDrift, ...]:
    """The drift of each feature, those that moved most and matter most first; nothing without a release or rows."""
    chosen = window.among(block.rows)
    if release is None or not chosen.any():
        return ()
    try:
        reference = from_document(release.sketch)
    except ValueError:
        # Its hash was proved, so it is whole: an earlier version of this program has written it, in another form.
        return ()
    columns = columns_of(window.table.filter(pa.array(chosen)), release.scorecard.features)
    return compare(reference, tally(reference, columns), importance(release.scorecard))


def importance(scorecard: Scorecard) -> dict[str, float]:
    """How much each column can matter, in log-odds: the sum of the effect ranges of the terms that read it."""
    ranges = {feature.name: 0.0 for feature in scorecard.features}
    for term in scorecard.terms:
        for column in term.columns:
            ranges[column] += effect_range(term)
    return ranges


def document(decision: int, rows: int, drifts: tuple[ColumnDrift, ...]) -> dict[str, object]:
    """The newest drift score, as the ledger keeps it and the API shows it."""
    return {"decision": decision, "rows": rows, "columns": [one.as_dict() for one in drifts]}


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
