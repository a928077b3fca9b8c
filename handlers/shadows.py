"""Shadows: challengers in waiting. They are kept in ``output_model_path``, score what comes, and are never served."""

from __future__ import annotations

import io
from collections.abc import Mapping

import msgspec

from handlers.domain.decisions.recipes import Shadow
from handlers.domain.facts import Fact
from handlers.domain.scorecard import Scorecard
from handlers.house import House
from handlers.storage import model_folder, scorecard_files
from handlers.training import Learner

RECIPE = "recipe.json"


def train(house: House, learner: Learner, shadows: tuple[Shadow, ...]) -> None:
    """Fit these and write them down. Until a decision's commit names them, they are rubbish."""
    import joblib  # the ingest worker has no use for it

    for shadow in shadows:
        found = learner.fit(shadow.part, shadow.last, shadow.pairs)
        model = io.BytesIO()
        joblib.dump(found.fitted, model)
        contents = {
            **scorecard_files.encode(found.scorecard),
            "model.joblib": model.getvalue(),
            RECIPE: msgspec.json.format(msgspec.json.encode(shadow)),
        }
        model_folder.write(house.workspace.models, shadow.name, contents)


def read(house: House, learner: Learner, shadow: Shadow) -> tuple[Scorecard, tuple[Fact, ...]]:
    """A shadow's scorecard, and what is to be told of it. One whose folder is gone or damaged is fitted again from its
    recipe, and written down."""
    try:
        return _decoded(shadow, model_folder.read(house.workspace.models, shadow.name)), ()
    except (ValueError, KeyError) as error:
        fields = {"challenger": shadow.name, "detail": f"It could not be read: {error}"}
    train(house, learner, (shadow,))
    return learner.fit(shadow.part, shadow.last, shadow.pairs).scorecard, (Fact("challenger.refitted", fields),)


def prune(house: House, shadows: tuple[Shadow, ...]) -> None:
    """Remove what is older than the shadows of now, but for the newest ``retention.challengers``."""
    keep = {shadow.name for shadow in shadows}
    model_folder.prune(house.workspace.models, keep, house.learning.retention.challengers)


def _decoded(shadow: Shadow, stored: Mapping[str, bytes]) -> Scorecard:
    if msgspec.json.decode(stored[RECIPE], type=Shadow) != shadow:
        raise ValueError("its recipe is another one")
    return scorecard_files.decode(stored)
