"""From a fitted recipe to the release that is served: prepared, proved, recorded; and back to an older one."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import joblib
import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.activation import proved
from handlers.domain import divergence
from handlers.domain import scorecard as scorecards
from handlers.domain.batch import LabelledTable
from handlers.domain.metrics import log_losses, loss_level, measure
from handlers.domain.release import Release
from handlers.domain.scorecard import Scorecard
from handlers.house import House
from handlers.scoring_columns import columns_of
from handlers.storage import files as ledger_files
from handlers.storage import releases, schemas
from handlers.storage.published import name_lines
from handlers.training_window import Window

GOLDEN_ROWS = 20
"""Rows whose predictions are stored with the release; a reader must answer them to the last bit."""

LIBRARIES = ("scikit-learn", "interpret-core", "numpy", "pandas", "pyarrow", "joblib")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be released. ``held_out``: what the recipe said of rows with ``labels`` before the final refit."""

    version: int
    provisional: bool
    estimator: str
    fitted: object
    scorecard: Scorecard
    labels: NDArray[np.int8]
    held_out: NDArray[np.float64]
    parent: int | None
    decision: int
    record: Mapping[str, Any]


def prepare(house: House, window: Window, plan: Plan, tests: Sequence[LabelledTable]) -> Release:
    """Write the release's folder, read it back as its readers do, and have it answer its golden rows.

    Nothing is deployed by this. Raises NotDeployable, or ReleaseError where it cannot be read back.
    """
    with house.ledger.read() as connection:
        names = ledger_files.accepted_names(connection)
    files = _files(window, plan, tests)
    files["decision.json"] = msgspec.json.format(msgspec.json.encode(plan.record))
    files["ingestedfiles.txt"] = name_lines(names)
    files["manifest.json"] = _manifest(house, window, plan, files, tests)
    releases.write(house.workspace.releases, plan.version, files, house.workspace.keys)
    return proved(house, plan.version)


def _files(window: Window, plan: Plan, tests: Sequence[LabelledTable]) -> dict[str, bytes]:
    document, arrays = scorecards.to_document(plan.scorecard)
    pipeline, evaluation = io.BytesIO(), io.BytesIO()
    joblib.dump(plan.fitted, pipeline)
    np.savez(evaluation, labels=plan.labels, probabilities=plan.held_out)
    files = {
        "scorecard.json": msgspec.json.format(msgspec.json.encode(document)),
        "model.joblib": pipeline.getvalue(),
        "trainedmodel.pkl": pickle.dumps(plan.fitted),
        "evaluation.npz": evaluation.getvalue(),
        "sketch.json": msgspec.json.encode(divergence.to_document(divergence.sketch(_columns(window, plan)))),
        "golden.json": _golden(window, plan),
        "latestscore.txt": f"{_latest_score(plan, tests)}\n".encode(),
    }
    if arrays:
        stored = io.BytesIO()
        np.savez(stored, **arrays)  # type: ignore[arg-type]  # its stub takes the flag allow_pickle for an array's name
        files["scorecard.npz"] = stored.getvalue()
    return files


def _columns(window: Window, plan: Plan) -> dict[str, NDArray[Any]]:
    return columns_of(window.table, plan.scorecard.features)


def _golden(window: Window, plan: Plan) -> bytes:
    places = np.unique(np.linspace(0, len(window.labels) - 1, GOLDEN_ROWS).astype(np.int64))
    columns = {name: values[places] for name, values in _columns(window, plan).items()}
    listed = {
        name: [None if isinstance(value, float) and np.isnan(value) else value for value in values.tolist()]
        for name, values in columns.items()
    }
    return msgspec.json.encode({"columns": listed, "log_odds": plan.scorecard.log_odds(columns).tolist()})


def _test_metrics(plan: Plan, tests: Sequence[LabelledTable]) -> dict[str, Any] | None:
    if not tests:
        return None
    scorecard = plan.scorecard
    said = [scorecard.probabilities(columns_of(one.table, scorecard.features)) for one in tests]
    labels = np.concatenate([one.labels for one in tests])
    return measure(labels, np.concatenate(said), scorecard.threshold).as_dict()


def _latest_score(plan: Plan, tests: Sequence[LabelledTable]) -> float:
    test = _test_metrics(plan, tests)
    return float(test["f1"] if test else measure(plan.labels, plan.held_out, plan.scorecard.threshold).f1)


def _manifest(
    house: House, window: Window, plan: Plan, files: Mapping[str, bytes], tests: Sequence[LabelledTable]
) -> bytes:
    from importlib.metadata import version as installed

    training = house.learning.training
    parameters: dict[str, object] = getattr(plan.fitted, "get_params", dict)()
    manifest = {
        "version": plan.version,
        "provisional": plan.provisional,
        "estimator": plan.estimator,
        "created_at": house.now(),
        "parent": plan.parent,
        "schema": schemas.to_document(window.schema),
        "training": {
            "rows": len(window.labels),
            "labelled_rows": window.total,
            "dataset_version": window.dataset_version,
            "dataset_sha256": window.sha256,
            "last_decision": plan.decision,
        },
        "parameters": {name: repr(value) for name, value in sorted(parameters.items()) if "__" not in name},
        "seed": training.seed,
        "metrics": measure(plan.labels, plan.held_out, plan.scorecard.threshold).as_dict(),
        "test": _test_metrics(plan, tests),
        "reference": loss_level(log_losses(plan.labels, plan.held_out)),
        "libraries": {name: installed(name) for name in LIBRARIES},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    return msgspec.json.format(msgspec.json.encode(manifest))
