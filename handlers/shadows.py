"""Shadows: challengers in waiting. They are kept in ``output_model_path``, score what comes, and are never served."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping

import msgspec

from handlers.domain.decisions.recipes import Shadow
from handlers.domain.facts import Fact
from handlers.domain.scorer import Scorer
from handlers.estimators.pipelines import opened
from handlers.house import House
from handlers.storage import model_folder, scorer_files, signing
from handlers.training import Learner

RECIPE, SIGNATURE = "recipe.json", "challenger.sig"


def train(house: House, learner: Learner, shadows: tuple[Shadow, ...]) -> None:
    """Fit these and write them down. Until a decision's commit names them, they are rubbish."""
    import joblib  # the ingest worker has no use for it

    for shadow in shadows:
        found = learner.fit(shadow.part, shadow.last, shadow.pairs)
        model = io.BytesIO()
        joblib.dump(found.fitted, model)
        contents = {
            **scorer_files.encode(found.scorer),
            scorer_files.MODEL: model.getvalue(),
            RECIPE: msgspec.json.format(msgspec.json.encode(shadow)),
        }
        contents[SIGNATURE] = signing.sign(house.workspace.keys, _digest(contents))
        model_folder.write(house.workspace.models, shadow.name, contents)


def read(house: House, learner: Learner, shadow: Shadow) -> tuple[Scorer, tuple[Fact, ...]]:
    """What scores for a shadow, and what is to be told of it. One whose folder is gone or damaged is fitted again from
    its recipe, and written down."""
    try:
        return _decoded(house, shadow, model_folder.read(house.workspace.models, shadow.name)), ()
    except (ValueError, KeyError, signing.SignatureError) as error:
        fields = {"challenger": shadow.name, "detail": f"It could not be read: {error}"}
    train(house, learner, (shadow,))
    return learner.fit(shadow.part, shadow.last, shadow.pairs).scorer, (Fact("challenger.refitted", fields),)


def prune(house: House, shadows: tuple[Shadow, ...]) -> None:
    """Remove what is older than the shadows of now, but for the newest ``retention.challengers``."""
    keep = {shadow.name for shadow in shadows}
    model_folder.prune(house.workspace.models, keep, house.learning.retention.challengers)


def _decoded(house: House, shadow: Shadow, stored: Mapping[str, bytes]) -> Scorer:
    if msgspec.json.decode(stored[RECIPE], type=Shadow) != shadow:
        raise ValueError("its recipe is another one")
    if scorer_files.PIPELINE in stored:  # it is unpickled to be asked
        signing.verify(house.workspace.keys, _digest(stored), stored[SIGNATURE], what=f"challenger {shadow.name}")
    return scorer_files.decode(stored, 0, opened)


def _digest(stored: Mapping[str, bytes]) -> bytes:
    """What is signed: the files by their names, the signature aside."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in stored.items() if name != SIGNATURE}
    return msgspec.json.encode(hashes, order="sorted")
