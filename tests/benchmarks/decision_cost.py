"""What is computed for a decision beside fits, in CPU time: the drift score, the estimate without labels, misfits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from handlers import drift, estimators
from handlers.domain.axes import Columns
from handlers.domain.decisions.bootstrap import standard_errors
from handlers.domain.decisions.loss_level import LossLevel, probabilities_of
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.state import Incumbent
from handlers.domain.estimated_performance import estimate
from handlers.domain.misfit import Judged, misfit
from handlers.domain.quality_gate import Break, GateSettings, breaks
from handlers.domain.reference_sketch import sketch, tally
from handlers.domain.release import Release
from handlers.domain.schema import Schema
from handlers.drift import Diagnosis
from tests.benchmarks.measures import Measure, median_of
from tests.benchmarks.streams import Stream, stream

COLUMNS = 10
LEARNED_ROWS = 10_000
SMALL, LARGE = 500, 100_000
REPEATS = {SMALL: 100, LARGE: 20}
DRIFT_MS = {SMALL: 10.0, LARGE: 100.0}
_FIRST_SEED = 11


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """n rows: columns, labels int8[n], what the release says of them, and clients of three rows each, int64[n]."""

    columns: Columns
    labels: np.ndarray
    log_odds: np.ndarray
    clients: np.ndarray


def drift_cost() -> list[Measure]:
    """The cost in CPU time of what is told of a file of 500, and of 100,000 rows, each against 10,000 learned ones."""
    with threadpool_limits(1):
        release, learned = released(_ten_columns())
        return [one for rows in (SMALL, LARGE) for one in _costs(release, learned, rows)]


def _costs(release: Release, learned: Rows, count: int) -> list[Measure]:
    rows, usual = drawn(learned, count, seed=1), drawn(learned, 4 * SMALL, seed=2)
    said, before = (probabilities_of(one.log_odds) for one in (rows, usual))
    judged = Judged(usual.columns, usual.labels, before)
    works: Mapping[str, Callable[[], object]] = {
        "drift score": lambda: scored(release, rows),
        "estimate without labels": lambda: estimate(said, release.scorer.threshold),
        "where the model is wrong": lambda: misfit(release.sketch, rows.columns, rows.labels, said, usual=judged),
        "bootstrap by client": lambda: standard_errors(rows.log_odds[:, None], rows.clients, seed=1),
    }
    found = [median_of(f"{name}, {count:,} rows, CPU", spent(work, REPEATS[count])) for name, work in works.items()]
    return [replace(found[0], baseline=DRIFT_MS[count], baseline_name="target"), *found[1:]]


def scored(release: Release, rows: Rows) -> tuple[Diagnosis, tuple[Break, ...]]:
    """The drift of columns and scores, and the quality gate, as for a file without labels."""
    counted = tally(release.sketch, rows.columns)
    return drift.of_tally(release, counted, rows.log_odds, None), breaks(release.sketch, counted, GateSettings())


def spent(work: Callable[[], object], repeats: int) -> list[float]:
    """Seconds of CPU of each repeat, after one that does not count."""
    work()
    found = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        found.append(time.process_time() - began)
    return found


def released(learned: Stream) -> tuple[Release, Rows]:
    """A blend that has learned a stream's first rows, as it would be deployed, and those rows."""
    import pandas as pd

    columns = {name: np.concatenate([one.columns[name] for one in learned.files]) for name in learned.files[0].columns}
    columns = {name: values[:LEARNED_ROWS] for name, values in columns.items()}
    labels = np.concatenate([one.labels for one in learned.files])[:LEARNED_ROWS]
    frame, recipe = pd.DataFrame(columns), estimators.load(estimators.BLEND)
    card = recipe.scorecard(recipe.fit(frame, labels, 1), frame)
    log_odds = card.log_odds(columns)
    release = Release(
        version=1,
        provisional=False,
        estimator=estimators.BLEND,
        scorer=card,
        schema=Schema(),
        metrics={"rows": len(labels), "positives": int((labels == 1).sum())},
        test=None,
        reference=LossLevel(0.5, 0.1, float(len(labels))),
        incumbent=Incumbent(1, over(estimators.NAMES, 1), 1),
        sketch=sketch(columns),
        score_sketch=sketch({drift.SCORE: log_odds}),
        manifest={},
    )
    return release, Rows(columns, labels, log_odds, np.arange(len(labels)) // 3)


def drawn(rows: Rows, count: int, *, seed: int) -> Rows:
    """So many rows, drawn with replacement."""
    chosen = np.random.default_rng(seed).integers(0, len(rows.labels), count)
    columns = {name: values[chosen] for name, values in rows.columns.items()}
    return Rows(columns, rows.labels[chosen], rows.log_odds[chosen], np.arange(count) // 3)


def _ten_columns() -> Stream:
    """The first stream without drift that shows all of its columns; some hide one."""
    seed = _FIRST_SEED
    while len((found := stream("no_drift", seed)).files[0].columns) < COLUMNS:
        seed += 1
    return found
