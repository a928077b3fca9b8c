"""A deployment folder made by hand: signed releases that answer their golden rows, and the link to one of them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import numpy as np

from handlers.domain import scorecard as scorecards
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.state import Incumbent
from handlers.domain.sketch_document import to_document
from handlers.storage import releases, signing
from tests.unit.server.small_house import METRICS, SCHEMA, SCORECARD, SKETCH

COLUMNS = {"tenure": [1.0, None, 40.0], "contract": ["monthly", "yearly", None], "seats": [4.0, 20.0, None]}


def deployment_folder(root: Path) -> Path:
    """``root`` gets ``keys`` and ``production``, without a release."""
    signing.make_keys(root / "keys")
    (root / "production" / "releases").mkdir(parents=True)
    return root / "production"


def write_release(production: Path, version: int, *, golden: float = 0.0) -> Path:
    """A release whose threshold tells its version. ``golden``: added to the answers that are stored with it."""
    scorecard = SCORECARD.with_threshold(version / 100)
    document, _ = scorecards.to_document(scorecard)
    columns = {
        name: np.array([np.nan if one is None and name != "contract" else one for one in values], dtype=kind)
        for (name, values), kind in zip(COLUMNS.items(), (np.float64, object, np.float64), strict=True)
    }
    answers = (scorecard.log_odds(columns) + golden).tolist()
    files = {
        "scorecard.json": msgspec.json.encode(document),
        "sketch.json": msgspec.json.encode(to_document(SKETCH)),
        "golden.json": msgspec.json.encode({"columns": COLUMNS, "log_odds": answers}),
        "model.joblib": os.urandom(100_000),
    }
    manifest = {
        "version": version,
        "provisional": False,
        "estimator": "logistic",
        "schema": msgspec.to_builtins(SCHEMA),
        "metrics": METRICS,
        "test": None,
        "reference": {"mean": 0.4, "variance": 0.1, "rows": 10.0},
        "training": {"incumbent": msgspec.to_builtins(Incumbent(version, over(("logistic",), 1), 4))},
        "score_sketch": to_document(SKETCH),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files["manifest.json"] = msgspec.json.encode(manifest)
    releases.write(production / "releases", version, files, production.parent / "keys")
    return production / "releases" / str(version)


def deploy(production: Path, version: int) -> None:
    """Write a release, and link it as the current one."""
    write_release(production, version)
    releases.link(production, current=version, previous=None)
