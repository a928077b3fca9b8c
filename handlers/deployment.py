"""From a fitted recipe to the release that is served: prepared, proved, recorded; and back to an older one."""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers import proving
from handlers.activation import proved
from handlers.domain.batch import LabelledTable
from handlers.domain.decisions.loss_level import LossLevel, probabilities_of
from handlers.domain.decisions.state import Incumbent
from handlers.domain.metrics import measure
from handlers.domain.reference_sketch import sketch
from handlers.domain.release import Release
from handlers.domain.sketch_document import to_document
from handlers.house import House
from handlers.leak_warnings import leaks_in
from handlers.scoring_columns import columns_of
from handlers.storage import files as ledger_files
from handlers.storage import releases, schemas, scorer_files
from handlers.storage.published import name_lines
from handlers.training import Trained

GOLDEN_ROWS = 20
"""Rows whose predictions are stored with the release; a reader must answer them to the last bit."""

LIBRARIES = ("scikit-learn", "interpret-core", "numpy", "pandas", "pyarrow", "joblib")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be released, and what it learned from: version ``dataset_version``, which has ``labelled_rows``."""

    incumbent: Incumbent
    trained: Trained
    parent: int | None
    dataset_version: int
    labelled_rows: int
    reference: LossLevel
    record: Mapping[str, Any]

    @property
    def held_out(self) -> NDArray[np.float64]:
        """What the recipe says of rows that it was not fitted on, as probabilities, float64[n]."""
        return probabilities_of(self.trained.held_out.log_odds)

    @property
    def labels(self) -> NDArray[np.int8]:
        """The labels of these rows."""
        return self.trained.held_out.labels


def prepare(house: House, plan: Plan, tests: Sequence[LabelledTable]) -> Release:
    """Write the release's folder, read it back as its readers do, and have it answer its golden rows.

    Nothing is deployed by this. Raises NotDeployable, or ReleaseError where it cannot be read back.
    """
    with house.ledger.read() as connection:
        names = ledger_files.accepted_names(connection)
    files = _files(plan, tests)
    files["decision.json"] = msgspec.json.format(msgspec.json.encode(plan.record))
    files["ingestedfiles.txt"] = name_lines(names)
    files["manifest.json"] = _manifest(house, plan, files, tests)
    version = plan.incumbent.version
    releases.write(house.workspace.releases, version, files, house.workspace.keys)
    return proved(house, version)


def _files(plan: Plan, tests: Sequence[LabelledTable]) -> dict[str, bytes]:
    import joblib  # the ingest worker has no use for it

    pipeline, evaluation = io.BytesIO(), io.BytesIO()
    joblib.dump(plan.trained.fitted, pipeline)
    np.savez(evaluation, labels=plan.labels, probabilities=plan.held_out)
    return {
        **scorer_files.encode(plan.trained.scorer),
        scorer_files.MODEL: pipeline.getvalue(),
        "trainedmodel.pkl": pickle.dumps(plan.trained.fitted),
        "evaluation.npz": evaluation.getvalue(),
        "sketch.json": msgspec.json.encode(to_document(sketch(_columns(plan)))),
        "golden.json": _golden(plan),
        "latestscore.txt": f"{_latest_score(plan, tests)}\n".encode(),
    }


def _columns(plan: Plan) -> dict[str, NDArray[Any]]:
    return columns_of(plan.trained.window.table, plan.trained.scorer.features)


def _golden(plan: Plan) -> bytes:
    places = np.unique(np.linspace(0, len(plan.trained.window.labels) - 1, GOLDEN_ROWS).astype(np.int64))
    columns = {name: values[places] for name, values in _columns(plan).items()}
    return proving.golden(columns, plan.trained.scorer)


def _test_metrics(plan: Plan, tests: Sequence[LabelledTable]) -> dict[str, Any] | None:
    if not tests:
        return None
    scorer = plan.trained.scorer
    said = [scorer.probabilities(columns_of(one.table, scorer.features)) for one in tests]
    labels = np.concatenate([one.labels for one in tests])
    return measure(labels, np.concatenate(said), scorer.threshold).as_dict()


def _latest_score(plan: Plan, tests: Sequence[LabelledTable]) -> float:
    test = _test_metrics(plan, tests)
    return float(test["f1"] if test else measure(plan.labels, plan.held_out, plan.trained.scorer.threshold).f1)


def _manifest(house: House, plan: Plan, files: Mapping[str, bytes], tests: Sequence[LabelledTable]) -> bytes:
    from importlib.metadata import version as installed

    trained, incumbent = plan.trained, plan.incumbent
    parameters: dict[str, object] = getattr(trained.fitted, "get_params", dict)()
    promotion = house.learning.promotion
    manifest = {
        "version": incumbent.version,
        "provisional": incumbent.provisional,
        "estimator": incumbent.recipe.estimator,
        "created_at": house.now(),
        "parent": plan.parent,
        "schema": schemas.to_document(trained.window.schema),
        "training": {
            "rows": len(trained.window.labels),
            "labelled_rows": plan.labelled_rows,
            "dataset_version": plan.dataset_version,
            "dataset_sha256": trained.window.sha256,
            "last_decision": incumbent.last,
            "incumbent": incumbent,
            "pairs": trained.pairs,
            "settings": house.learning.training,
            "threshold_rule": promotion.threshold,
            "leaks": leaks_in(trained.window),
        },
        "parameters": {name: repr(value) for name, value in sorted(parameters.items()) if "__" not in name},
        "seed": house.learning.training.seed,
        "calibration": trained.calibration,
        "score_sketch": to_document(sketch({"score": trained.held_out.log_odds})),
        "threshold": trained.scorer.threshold,
        "metrics": measure(plan.labels, plan.held_out, trained.scorer.threshold).as_dict(),
        "test": _test_metrics(plan, tests),
        "reference": plan.reference,
        "libraries": {name: installed(name) for name in LIBRARIES},
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    return msgspec.json.format(msgspec.json.encode(manifest))
