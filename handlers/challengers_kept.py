"""``output_model_path``: what was trained and not deployed, to look at; nothing reads it."""

from __future__ import annotations

import io

import joblib
import msgspec

from handlers import training
from handlers.decision_blocks import OpenBlock
from handlers.evaluation import Verdict
from handlers.house import House
from handlers.storage import model_folder
from handlers.training_window import Window


def keep(house: House, window: Window, block: OpenBlock, verdict: Verdict | None) -> None:
    """Keep the best of the challengers that lost, fitted on the whole window, with what it was judged by."""
    most = house.learning.retention.challengers
    if verdict is None or verdict.winner is not None or most == 0:
        return
    trained = training.refit(house, window, verdict.shown)
    stored = io.BytesIO()
    joblib.dump(trained.fitted, stored)
    document = {
        "decision": block.id,
        "estimator": verdict.shown,
        "rows": trained.rows,
        "dataset_version": window.dataset_version,
        "dataset_sha256": window.sha256,
        "candidates": verdict.candidates,
    }
    contents = {
        "model.joblib": stored.getvalue(),
        "evaluation.json": msgspec.json.format(msgspec.json.encode(document)),
    }
    model_folder.write(house.workspace.models, f"decision-{block.id:08d}-{verdict.shown}", contents)
    model_folder.prune(house.workspace.models, most)
