"""An answer of each route, as it looks: by its path, and for what is no JSON by its content type as well.

A test holds each of them against the schema of its route.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from server.services import NO_MODEL

_AT = "2026-08-01T06:00:12.123Z"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SCORES = {
    "rows": 3000,
    "positives": 223,
    "f1": 0.363,
    "precision": 0.334,
    "recall": 0.397,
    "accuracy": 0.896,
    "roc_auc": 0.811,
    "log_loss": 0.223,
    "brier": 0.062,
    "calibration_error": 0.018,
}
_SENTENCE = (
    "Deployed model 2 (blend of both): it was better by 11.8% (6.3% to 17.2%) on 1,500 rows. Model 1 has become worse."
)
_DECISION = {
    "id": 9,
    "kind": "block",
    "periods": ["2026-07"],
    "rows": 3000,
    "dataset_version": 8,
    "started_at": "2026-08-01T06:00:01.001Z",
    "ended_at": _AT,
    "verdict": "promoted",
    "sentence": _SENTENCE,
    "policy": "evidence",
    "model_version": 2,
    "record": {"sentence": _SENTENCE, "policy": "evidence", "trigger": "harm", "phase": "adapting", "rows": 3000},
}
_MODEL = {
    "version": 2,
    "state": "current",
    "provisional": False,
    "estimator": "blend",
    "trained_rows": 9000,
    "dataset_version": 8,
    "metrics": _SCORES,
    "deployed_at": _AT,
}
_CHALLENGER: Any = {
    "name": "s7",
    "version": None,
    "state": "challenger",
    "provisional": False,
    "estimator": "logistic",
    "trained_rows": 6000,
    "dataset_version": 8,
    "metrics": {},
    "deployed_at": None,
    "first_block": 5,
    "last_block": 9,
}
_COLUMN = {
    "name": "tenure",
    "psi": 0.0051,
    "null_quantile": 0.0163,
    "jensen_shannon": 0.0304,
    "kolmogorov_smirnov": 0.0123,
    "kolmogorov_smirnov_p": 0.85,
    "wasserstein": 0.0134,
    "chi_square": 13.0,
    "degrees": 17,
    "chi_square_p": 0.74,
    "missing_before": 0.0,
    "missing_now": 0.0,
    "missing_z": 0.0,
    "missing_p": 1.0,
    "new_categories": 0,
    "new_share": 0.0,
    "unseen": 0.0,
    "outside_share": 0.0,
    "p_value": 1.0,
    "adjusted_p": 1.0,
    "importance": 6.13,
    "effect": False,
    "alert": False,
    "severity": 0.0304,
    "rank": 0.186,
}
_LABELLED = {
    "decision": 9,
    "model_version": 1,
    "rows": 3000,
    "columns": [_COLUMN],
    "score": {**_COLUMN, "name": "score"},
    "label_rate": {"before": 0.0475, "now": 0.0743, "z": 5.99, "p_value": 2.1e-9},
}
_FILE = {
    "name": "broken.csv",
    "sha256": _SHA256,
    "state": "quarantined",
    "reason": {
        "code": "quotes",
        "detail": "A quotation mark in line 3 is never closed.",
        "lines": [3],
        "what_to_do": "Put the cell in quotes and double each quotation mark inside it.",
    },
    "notes": [],
    "rows": {"read": 0, "ingested": 0, "duplicate": 0, "rejected": 0},
    "bytes": 300,
    "seen_at": "2026-08-01T06:00:12.100Z",
    "committed_at": _AT,
    "seconds": 0.01,
}
_TAKEN = {
    **_FILE,
    "state": "ingested",
    "reason": None,
    "rows": {"read": 300, "ingested": 300, "duplicate": 0, "rejected": 0},
}
_REASONS = [{"columns": ["tenure"], "values": [3], "effect": 1.75}]

ANSWERS: Mapping[str, Any] = MappingProxyType(
    {
        "/v1/prediction": {
            "model_version": 2,
            "served_by": "scorecard",
            "threshold": 0.5,
            "ids": ["abcd"],
            "probabilities": [0.913],
            "predictions": [1],
            "warnings": [],
            "reasons": [_REASONS],
        },
        "/v1/scoring": {
            "model_version": 2,
            "f1": 0.363,
            "metrics": _SCORES,
            "evaluated_on": {"what": "held_out", "rows": 3000},
            "prequential": _SCORES,
            "test": None,
            "history": [{"version": 2, "f1": 0.363, "deployed_at": _AT}],
        },
        "/v1/summarystats": {
            "dataset_version": 8,
            "rows": 9000,
            "columns": [
                {
                    "name": "tenure",
                    "type": "number",
                    "mean": 32.4,
                    "median": 29.0,
                    "std": 24.6,
                    "min": 0.0,
                    "max": 72.0,
                    "missing": 18,
                    "missing_percent": 0.2,
                    "distinct": None,
                }
            ],
        },
        "/v1/diagnostics": {
            "timing": {
                "ingestion": {"files": 3, "rows": 9000, "seconds": 0.4, "last_seconds": 0.1, "last_at": _AT},
                "training": {"count": 2, "seconds": 7.1, "last_seconds": 3.9, "last_at": _AT},
            },
            "missing": {"tenure": 0.2},
            "dependencies": [
                {
                    "name": "numpy",
                    "installed": "2.4.0",
                    "required": ">=2.3,<3",
                    "trained_with": "2.4.0",
                    "latest": None,
                }
            ],
            "dependency_check": {"checked_at": None, "unreachable": None, "differing": []},
            "drift": _LABELLED,
        },
        "/v1/files": {"items": [_FILE], "next": None},
        "/v1/files/check": {
            "name": "july.csv",
            "sha256": _SHA256,
            "bytes": 18230,
            "taken": True,
            "state": "ingested",
            "reason": None,
            "kind": "rows",
            "encoding": "UTF-8",
            "compression": None,
            "delimiter": ";",
            "columns": [{"name": "corporation", "type": "text", "role": "id", "new": False}],
            "notes": ["The cells are separated by a semicolon."],
            "rows": {"read": 400, "rejected": 1, "unlabelled": 0},
            "rejected": [
                {
                    "line": 17,
                    "column": "seats",
                    "code": "not_a_number",
                    "value": "n.n.",
                    "what_to_do": "Write a plain number, such as 1234.5, or leave the cell empty.",
                }
            ],
        },
        "/v1/files/{sha256}/retry": _TAKEN,
        "/v1/models": {"items": [_MODEL], "next": None, "challengers": [_CHALLENGER]},
        "/v1/models/{version}": {**_MODEL, "decision": _DECISION},
        "/v1/models/{version}/deploy": {"model_version": 1},
        "/v1/rollback": {"model_version": 1},
        "/v1/decisions": {"items": [_DECISION], "next": "9"},
        "/v1/drift": {
            "phase": "stable",
            "model_version": 2,
            "estimator": "blend",
            "since_block": 10,
            "reference": {"mean": 0.2225, "variance": 0.4099, "rows": 1500.0},
            "adapting_blocks_left": 0,
            "refresh_in_blocks": 1,
            "path": [
                {
                    "block": 9,
                    "version": 1,
                    "rows": 3000.0,
                    "loss": 0.2438,
                    "reference": 0.1473,
                    "z": 7.76,
                    "watch_z": 8.01,
                    "cusum": 6.76,
                    "watch_cusum": 7.51,
                    "limit": 3.5,
                    "cusum_limit": 5.0,
                    "alarm": True,
                    "phase": "adapting",
                }
            ],
            "challengers": [_CHALLENGER],
            "previous_version": 1,
            "pooled_rows": 0,
            "held": [],
            "labelled": _LABELLED,
            "unlabelled": None,
            "decisions": [_DECISION],
        },
        "/v1/calls": {
            "model_version": 2,
            "file": "2026-08-clients.csv",
            "broken": None,
            "ranking": 12,
            "total": 3000,
            "items": [
                {"rank": 1, "id": "abcd", "probability": 0.913, "prediction": 1, "value": 40.0, "reasons": _REASONS}
            ],
            "next": "12-1",
        },
        "/livez": {"status": "alive"},
        "/readyz": {
            "status": "ready",
            "problems": {},
            "warnings": {},
            "waiting": 0,
            "undecided": 0,
            "form": "scorecard",
        },
        "/openapi.json": {
            "openapi": "3.1.0",
            "info": {"title": "attritiond", "version": "0.1.0", "description": "..."},
            "servers": [{"url": "/"}],
            "tags": [{"name": "Predictions"}],
            "paths": {},
            "components": {},
        },
    }
)
"""JSON, by the path of the route."""

STUCK: Mapping[str, Any] = MappingProxyType(
    {"status": "stuck", "detail": "The event loop has not kept its beat for 12 s: something holds it up."}
)
NOT_READY: Mapping[str, Any] = MappingProxyType(
    {
        "status": "unavailable",
        "problems": {"model": NO_MODEL},
        "warnings": {},
        "waiting": 1,
        "undecided": 0,
        "form": None,
    }
)

TEXTS: Mapping[str, str] = MappingProxyType(
    {
        "/v1/prediction": "id,probability,prediction,reason_1\nabcd,0.913,1,tenure=3:+1.750\n",
        "/metrics": 'attritiond_http_requests_total{method="GET",route="/livez",status="200"} 1.0\n',
        "/style.css": ":root {\n",
        "/icon.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
    }
)
"""Text that is no JSON, by the path of the route."""
PAGE = "<!doctype html>\n"
"""The beginning of every page."""
