"""The small house of the server's tests with a configuration file, and its release 2 on disk."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import msgspec
import numpy as np

from handlers.domain import scorecard as scorecards
from handlers.domain.reference_sketch import sketch
from handlers.domain.sketch_document import to_document
from handlers.storage import releases, schemas, signing
from tests.integration.small_releases import COLUMNS
from tests.unit.server.small_house import METRICS, SCHEMA, SCORECARD, SKETCH, House, empty_house, full_house


def write_config(folder: Path) -> Path:
    """A configuration that fits the small house."""
    path = folder / "config.json"
    path.write_text(json.dumps({"dataset": {"value_column": "arr"}, "server": {"port": 0}}))
    return path


def house_without_files(folder: Path) -> House:
    """A workspace before its first file."""
    write_config(folder)
    return empty_house(folder)


def house_on_disk(folder: Path) -> House:
    """Three files, two releases of which 2 is current and lies signed in its folder."""
    write_config(folder)
    house = full_house(folder)
    document, arrays = scorecards.to_document(SCORECARD)
    stored = io.BytesIO()
    np.savez(stored, **arrays)
    golden = {name: [values[0]] for name, values in COLUMNS.items()}
    columns = {name: np.array(values) for name, values in golden.items()}
    contents = {
        "golden.json": msgspec.json.encode({"columns": golden, "log_odds": SCORECARD.log_odds(columns).tolist()}),
        "scorecard.json": msgspec.json.encode(document),
        "scorecard.npz": stored.getvalue(),
        "sketch.json": msgspec.json.encode(to_document(SKETCH)),
    }
    manifest = {
        "version": 2,
        "provisional": False,
        "estimator": "logistic",
        "schema": schemas.to_document(SCHEMA),
        "metrics": METRICS,
        "test": None,
        "reference": {"mean": 0.4, "variance": 0.2, "rows": 900.0},
        "training": {"incumbent": {"version": 2, "recipe": {"parts": []}, "last": 1}},
        "score_sketch": to_document(sketch({"score": np.array([-1.0, 0.0, 1.0])})),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
        "libraries": {},
    }
    signing.make_keys(house.workspace.keys)
    files = {**contents, releases.MANIFEST: msgspec.json.encode(manifest)}
    releases.write(house.workspace.releases, 2, files, house.workspace.keys)
    return house
