"""The report of a release: figures, and one page for those who decide. Written after the deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlers.domain.scorer import Scorer
from handlers.storage import report_folder


@dataclass(frozen=True, slots=True, eq=False)
class ReportFacts:
    """What a report is made of.

    ``labels`` (1 left, 0 stayed) and ``probabilities`` are those of rows that the model had not learned from, which
    ``what`` names; ``metrics`` are computed from them, ``test`` on ``testdata/``. ``drift``: one item a column, as
    ``handlers.figures.drift`` reads them, None where no drift was scored. ``sentence``: what was decided, and why.
    """

    version: int
    provisional: bool
    estimator: str
    created_at: str
    sentence: str
    labels: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    threshold: float
    what: str
    metrics: Mapping[str, float | int | None]
    test: Mapping[str, float | int | None] | None
    scorer: Scorer
    drift: Sequence[Mapping[str, Any]] | None


def write_report(reports: Path, facts: ReportFacts) -> list[Path]:
    """Write ``reports/<version>/`` in one step, and link ``reports/latest`` to the newest version.

    A report that is there already stays as it is. Returns its files. Raises OSError.
    """
    folder = report_folder.write(reports, facts.version, partial(_render, facts))
    return sorted(folder.iterdir())


def _render(facts: ReportFacts, folder: Path) -> None:
    from handlers.figures import calibration, confusion, curves, drift, effects, page, style

    labels, probabilities, threshold = facts.labels, facts.probabilities, facts.threshold
    if len(labels) != len(probabilities) or not np.isin(labels, (0, 1)).all():
        raise ValueError("a report needs one probability for each label, and labels of 0 and 1")
    figures = {
        "confusionmatrix.png": style.new_figure(5.0, 4.0),
        "curves.png": style.new_figure(8.0, 4.0),
        "calibration.png": style.new_figure(5.0, 5.0),
        "effects.png": style.new_figure(9.0, 6.0),
    }
    confusion.draw(figures["confusionmatrix.png"], labels, probabilities, threshold)
    curves.draw(figures["curves.png"], labels, probabilities, threshold)
    calibration.draw(figures["calibration.png"], labels, probabilities)
    effects.draw(figures["effects.png"], facts.scorer, rows=2, columns=3)
    if facts.drift is not None:
        figures["drift.png"] = style.new_figure(8.0, 1.6 + 0.24 * min(len(facts.drift), drift.MOST_COLUMNS))
        drift.draw(figures["drift.png"], facts.drift)
    for name, figure in figures.items():
        style.save(figure, folder / name, metadata={"Software": None})
    numbers = [(facts.what, facts.metrics)] + ([] if facts.test is None else [("testdata", facts.test)])
    kind = "provisional, from little data" if facts.provisional else "not provisional"
    content = page.Content(
        heading=f"Model {facts.version}",
        about=f"{facts.estimator}, {kind}, made {facts.created_at}; threshold {threshold:.3g}",
        sentence=facts.sentence,
        numbers=tuple(numbers),
        labels=labels,
        probabilities=probabilities,
        threshold=threshold,
        scorer=facts.scorer,
    )
    metadata = {"Title": f"attritiond: model {facts.version}", "Creator": "attritiond", "CreationDate": None}
    style.save(page.draw(content), folder / "report.pdf", metadata=metadata)
