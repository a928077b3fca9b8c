"""Shadows: challengers in waiting. They are kept in ``output_model_path``, score what comes, and are never served."""

from __future__ import annotations

import io
from collections.abc import Mapping

import joblib
import msgspec
import numpy as np

from handlers.domain import scorecard as scorecards
from handlers.domain.decisions.recipes import Shadow
from handlers.domain.scorecard import Scorecard
from handlers.house import House
from handlers.storage import model_folder
from handlers.training import Learner


def train(house: House, learner: Learner, shadows: tuple[Shadow, ...]) -> None:
    """Fit these and write them down. Until a decision's commit names them, they are rubbish."""
    for shadow in shadows:
        found = learner.fit(shadow.part, shadow.last, learner.pairs)
        model, arrays = io.BytesIO(), io.BytesIO()
        joblib.dump(found.fitted, model)
        document, large = scorecards.to_document(found.scorecard)
        np.savez(arrays, **large)  # type: ignore[arg-type]  # its stub takes the flag allow_pickle for an array's name
        contents = {
            "model.joblib": model.getvalue(),
            "scorecard.json": msgspec.json.format(msgspec.json.encode(document)),
            "scorecard.npz": arrays.getvalue(),
            "recipe.json": msgspec.json.format(msgspec.json.encode({"shadow": shadow, "pairs": learner.pairs})),
        }
        model_folder.write(house.workspace.models, shadow.name, contents)


def read(house: House, learner: Learner, shadow: Shadow) -> Scorecard:
    """A shadow's scorecard. One whose folder is gone or damaged is fitted again from its recipe, and written down."""
    stored = model_folder.read(house.workspace.models, shadow.name, ("recipe.json", "scorecard.json", "scorecard.npz"))
    found = None if stored is None else _decoded(shadow, stored)
    if found is None:
        train(house, learner, (shadow,))
        return learner.fit(shadow.part, shadow.last, learner.pairs).scorecard
    return found


def prune(house: House, shadows: tuple[Shadow, ...]) -> None:
    """Remove what is older than the shadows of now, but for the newest ``retention.challengers``."""
    keep = {shadow.name for shadow in shadows}
    model_folder.prune(house.workspace.models, keep, house.learning.retention.challengers)


def _decoded(shadow: Shadow, stored: Mapping[str, bytes]) -> Scorecard | None:
    try:
        recipe = msgspec.json.decode(stored["recipe.json"], type=_Stored)
        if recipe.shadow != shadow:
            return None
        with np.load(io.BytesIO(stored["scorecard.npz"]), allow_pickle=False) as arrays:
            return scorecards.from_document(msgspec.json.decode(stored["scorecard.json"]), dict(arrays))
    except (ValueError, KeyError, OSError, EOFError):
        return None


class _Stored(msgspec.Struct):
    shadow: Shadow
    pairs: tuple[tuple[str, str], ...]
