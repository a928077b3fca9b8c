"""When to learn again: the policies, each a pure function from what is known to a reason that prints."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import msgspec

from handlers.domain.blocks import enough
from handlers.domain.facts import Fact


class DriftSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``drift``: what counts as evidence that the deployed model has become worse."""

    policy: Literal["evidence", "raw_f1", "always", "never"] = "evidence"
    """evidence: when the loss on new rows has significantly risen, or the data have doubled; raw_f1: when the F1 is
    below the last one (the original exercise); always: after each block; never: after the first model, never."""
    alarm_z: Annotated[float, msgspec.Meta(gt=0)] = 3.0
    """Standard errors by which the mean log loss must exceed its reference; 3 is a false alarm in 740 blocks."""


class TrainingSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``training``: what is learned, and from how much."""

    estimators: tuple[Literal["logistic", "explainable_boosting"], ...] = ("logistic", "explainable_boosting")
    """The recipes that compete, the simplest first. The first model of all is the first of them alone."""
    minimum_rows: Annotated[int, msgspec.Meta(ge=1)] = 200
    """Labelled rows below which a model is provisional."""
    minimum_rare: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Rows of the rarer class below which a model is provisional."""
    growth: Annotated[float, msgspec.Meta(gt=1)] = 2.0
    """The factor by which the labelled rows must have grown since the last training to train a challenger for that."""
    folds: Annotated[int, msgspec.Meta(ge=2, le=20)] = 3
    """Folds of the held-out comparison; three keep most rows for training at a third of the cost of ten."""
    max_rows: Annotated[int, msgspec.Meta(ge=100)] = 200_000
    """At most so many of the newest labelled rows are learned from; more make a fit slower, hardly better."""
    max_categories: Annotated[int, msgspec.Meta(ge=2)] = 100
    """A text column with more distinct values is kept but not learned from."""
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] = 1
    """The seed of folds and estimators: the same rows give the same model."""


Trigger = Literal["first", "provisional", "challenge", "harm", "growth", "policy", "f1", "none"]


@dataclass(frozen=True, slots=True)
class ChampionFacts:
    """What a decision knows of the deployed model. ``reference``: mean, variance and rows of its promised log loss."""

    version: int
    provisional: bool
    trained_rows: int
    last_f1: float
    reference: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Observed:
    """The champion on rows that it had not learned from. ``f1``: on the newest block of them."""

    rows: int
    positives: int
    mean_loss: float
    variance: float
    f1: float

    def after(self, earlier: Observed) -> Observed:
        """Both together; mean and variance by Chan, Golub and LeVeque (1979)."""
        rows = earlier.rows + self.rows
        difference = self.mean_loss - earlier.mean_loss
        squares = earlier.variance * (earlier.rows - 1) + self.variance * (self.rows - 1)
        squares += difference**2 * earlier.rows * self.rows / rows
        return Observed(
            rows=rows,
            positives=earlier.positives + self.positives,
            mean_loss=earlier.mean_loss + difference * self.rows / rows,
            variance=squares / (rows - 1),
            f1=self.f1,
        )


@dataclass(frozen=True, slots=True)
class Situation:
    """``rows`` and ``positives``: all labelled rows there are, those of the block included. ``learnable``: the rows
    that would be learned from are of both classes, and have a column to learn from."""

    rows: int
    positives: int
    champion: ChampionFacts | None
    observed: Observed | None
    challenge: bool = False
    learnable: bool = True


@dataclass(frozen=True, slots=True)
class Retraining:
    """Whether to learn again, why, and the numbers behind it. ``compare``: the challenger must win to be deployed.
    ``pooled``: the rows are too few to judge by, and are judged together with those of later blocks."""

    trigger: Trigger
    sentence: str
    compare: bool = True
    pooled: bool = False
    statistics: Mapping[str, float] = field(default_factory=dict)

    @property
    def train(self) -> bool:
        return self.trigger != "none"

    @property
    def provisional(self) -> bool:
        return self.trigger == "provisional"

    def fact(self, decision: int, rows: int) -> Fact:
        """What the log says of it, before the training starts."""
        fields = {"decision": decision, "trigger": self.trigger, "train": self.train, "rows": rows}
        return Fact("retrain.decided", {**fields, "detail": self.sentence})


def decide(situation: Situation, drift: DriftSettings, training: TrainingSettings) -> Retraining:
    """Learn again or not. The first models are trained under every policy."""
    champion, observed = situation.champion, situation.observed
    if not situation.learnable or situation.positives in (0, situation.rows):
        return Retraining("none", _nothing_to_learn(situation))
    if champion is None or champion.provisional:
        return _first(situation, training)
    if situation.challenge:
        return Retraining("challenge", "The other estimators are compared with the first model.")
    if observed is None or drift.policy == "never":
        return Retraining("none", "The policy is never to train again." if observed else "There are no new rows.")
    return _by_policy(situation, champion, observed, (drift, training))


def _by_policy(
    situation: Situation,
    champion: ChampionFacts,
    observed: Observed,
    settings: tuple[DriftSettings, TrainingSettings],
) -> Retraining:
    drift, _ = settings
    if drift.policy == "always":
        return Retraining("policy", "The policy is to train after each block.", compare=False)
    if drift.policy == "raw_f1":
        return _raw_f1(observed.f1, champion.last_f1)
    return _evidence(situation, champion, observed, settings)


def _nothing_to_learn(situation: Situation) -> str:
    if situation.positives in (0, situation.rows):
        return f"All {situation.rows:,} labelled rows so far have the same label: nothing to learn from."
    return "There is no column to learn from, or the newest rows have one label alone."


def loss_z(observed: Observed, reference: Mapping[str, float]) -> float:
    """By how many standard errors the mean log loss is above its reference (two-sample z, unequal variances)."""
    error = math.sqrt(observed.variance / observed.rows + reference["variance"] / max(reference["rows"], 1.0))
    return (observed.mean_loss - reference["mean"]) / error if error > 0 else 0.0


def _first(situation: Situation, training: TrainingSettings) -> Retraining:
    rows, positives = situation.rows, situation.positives
    counts = f"{rows:,} labelled rows with {min(positives, rows - positives):,} of the rarer class"
    if enough(rows, positives, minimum_rows=training.minimum_rows, minimum_rare=training.minimum_rare):
        return Retraining("first", f"There are {counts}: enough for a first model.", compare=False)
    need = f"{training.minimum_rows} with {training.minimum_rare}"
    return Retraining(
        "provisional", f"There are {counts}; a model is provisional until there are {need}.", compare=False
    )


def _raw_f1(now: float, before: float) -> Retraining:
    statistics = {"f1": now, "last_f1": before}
    if now < before:
        return Retraining("f1", f"The F1 fell from {before:.3f} to {now:.3f}.", compare=False, statistics=statistics)
    return Retraining("none", f"The F1 of {now:.3f} is not below the last one, {before:.3f}.", statistics=statistics)


def _evidence(
    situation: Situation,
    champion: ChampionFacts,
    observed: Observed,
    settings: tuple[DriftSettings, TrainingSettings],
) -> Retraining:
    drift, training = settings
    limits = {"minimum_rows": training.minimum_rows, "minimum_rare": training.minimum_rare}
    judged = enough(observed.rows, observed.positives, **limits)
    z = loss_z(observed, champion.reference)
    statistics = {
        "z": z,
        "alarm_z": drift.alarm_z,
        "mean_loss": observed.mean_loss,
        "reference_loss": champion.reference["mean"],
        "rows": observed.rows,
        "growth": situation.rows / max(champion.trained_rows, 1),
    }
    promised = champion.reference["mean"]
    loss = f"the log loss on {observed.rows:,} new rows is {observed.mean_loss:.3f}, promised was {promised:.3f}"
    if judged and z > drift.alarm_z:
        return Retraining(
            "harm", f"Model {champion.version} has become worse: {loss} (z = {z:.1f}).", statistics=statistics
        )
    if situation.rows >= training.growth * champion.trained_rows:
        learned = f"model {champion.version} was last weighed at {champion.trained_rows:,}"
        sentence = f"There are {situation.rows:,} labelled rows now, {learned}."
        return Retraining("growth", sentence, statistics=statistics)
    if not judged:
        rare = min(observed.positives, observed.rows - observed.positives)
        few = f"{observed.rows:,} new rows with {rare:,} of the rarer class are too few to judge by"
        need = f"{training.minimum_rows:,} with {training.minimum_rare:,} are awaited"
        return Retraining("none", f"{few}; {need}.", pooled=True, statistics=statistics)
    return Retraining(
        "none", f"Model {champion.version} keeps its promise: {loss} (z = {z:.1f}).", statistics=statistics
    )
