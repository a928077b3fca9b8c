"""A release is trained again from what it says of itself, and what it says compared with the one that is deployed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from typing import Any

import msgspec

from handlers import training_window
from handlers.domain import scorecard as scorecards
from handlers.domain.learning_settings import DriftSettings, Judging, PromotionSettings, TrainingSettings
from handlers.domain.release import Release
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import EstimatorFailed, Scorer
from handlers.house import House
from handlers.storage import models, releases
from handlers.storage.versions import UnknownVersion
from handlers.training import Learner, Trained


class NotReproducible(Exception):
    """The release cannot be trained again; the message says why."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """Of release ``version``. ``differences``: a sentence for each thing that is another one, none where it is equal;
    ``libraries``: those whose version is another one today, as "name 1.0, now 1.1"."""

    version: int
    differences: tuple[str, ...]
    libraries: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Is it the same model, from the same rows?"""
        return not self.differences


def reproduce(house: House, version: int) -> Reproduction:
    """Train a release again, in memory. Raises NotReproducible, and ReleaseError where its files cannot be read."""
    with house.ledger.read() as connection:
        if models.find(connection, version) is None:
            raise NotReproducible(f"There is no model {version}; `attritiond models` lists those that there are.")
    if not (house.workspace.releases / str(version)).is_dir():
        raise NotReproducible(
            f"The folder of model {version} was removed (retention.releases): nothing to compare with."
        )
    release = releases.load(house.workspace.releases, version, house.workspace.keys, house.pipelines)
    try:
        trained = _trained(house, release)
    except UnknownVersion as error:
        raise NotReproducible(f"The rows of model {version} are no longer known. {error}") from error
    try:
        differences = (*_data(release, trained), *_compared(release.scorer, trained))
    except EstimatorFailed as error:
        raise NotReproducible(f"Model {version} gives no answer to be compared with: {error}.") from error
    return Reproduction(version, differences, tuple(_libraries(release.manifest["libraries"])))


def _trained(house: House, release: Release) -> Trained:
    recorded = release.manifest["training"]
    settings = msgspec.convert(recorded["settings"], TrainingSettings)
    judging = Judging(DriftSettings(), settings, PromotionSettings(threshold=recorded["threshold_rule"]))
    then = dataclasses.replace(house, learning=dataclasses.replace(house.learning, training=settings))
    read = partial(training_window.read, then, version=recorded["dataset_version"])
    learner = Learner(read=read, settings=judging, timer=house.timer, block=release.incumbent.last)
    recipe = release.incumbent.recipe
    if not learner.window(min(part.first for part in recipe.parts), learner.block).learnable:
        raise NotReproducible(f"The rows that model {release.version} has learned from are no longer there.")
    return learner.train(recipe)


def _data(release: Release, trained: Trained) -> Iterator[str]:
    recorded = release.manifest["training"]
    rows = len(trained.window.labels)
    if rows != recorded["rows"]:
        yield f"It learned from {recorded['rows']:,} rows; there are {rows:,} now."
    elif trained.window.sha256 != recorded["dataset_sha256"]:
        yield "The rows that it learned from are not the same: their hash is another one."


def _compared(deployed: Scorer, trained: Trained) -> Iterator[str]:
    """A sentence for each difference; where there are no effects, in what is said of the rows that it learned from."""
    again = trained.scorer
    if isinstance(deployed, Scorecard) and isinstance(again, Scorecard):
        yield from compare(deployed, again)
        return
    if deployed.form != again.form or deployed.features != again.features:
        yield "Its form or its columns are others."
        return
    for name, before, after in (
        ("threshold", deployed.threshold, again.threshold),
        ("calibration", deployed.calibration, again.calibration),
    ):
        if before != after:
            yield f"The {name} is {after!r}, deployed is {before!r}."
    rows = int((trained.window.log_odds(deployed) != trained.window.log_odds(again)).sum())
    if rows:
        yield f"It says something else of {rows:,} of the {len(trained.window.labels):,} rows that it learned from."


def compare(deployed: Scorecard, again: Scorecard) -> tuple[str, ...]:
    """A sentence for each part of a scorecard that is not the same to the last bit."""
    found = [
        f"The {name} is {after!r}, deployed is {before!r}."
        for name, before, after in (
            ("base", deployed.base, again.base),
            ("threshold", deployed.threshold, again.threshold),
            ("calibration", deployed.calibration, again.calibration),
        )
        if before != after
    ]
    features = [one.name for one in deployed.features], [one.name for one in again.features]
    if features[0] != features[1]:
        found.append(f"The columns are {', '.join(features[1])}; deployed are {', '.join(features[0])}.")
    before, after = _terms(deployed), _terms(again)
    if list(before) != list(after):
        lost, new = [name for name in before if name not in after], [name for name in after if name not in before]
        found += [f"The term {name} is not there." for name in lost] + [f"The term {name} is new." for name in new]
        if not lost and not new:
            found.append("The terms are in another order.")
    found += [
        f"The effect of {name} is another one." for name in before if name in after and before[name] != after[name]
    ]
    return tuple(found)


def _terms(card: Scorecard) -> dict[str, bytes]:
    """Each term by its columns, as it is stored."""
    return {" x ".join(one.columns): _stored(dataclasses.replace(card, base=0.0, terms=(one,))) for one in card.terms}


def _stored(card: Scorecard) -> bytes:
    document, arrays = scorecards.to_document(card)
    tables = {name: values.tolist() for name, values in arrays.items()}
    return msgspec.json.encode((document["terms"], tables))


def _libraries(recorded: Mapping[str, Any]) -> Iterator[str]:
    for name, before in recorded.items():
        try:
            now = installed(name)
        except PackageNotFoundError:
            now = "not installed"
        if now != before:
            yield f"{name} {before}, now {now}"
