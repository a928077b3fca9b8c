"""The first models: provisional while the rows are few, then one for real, then the other estimators beside it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from msgspec.structs import replace

from handlers.domain.blocks import enough
from handlers.domain.decisions.gains import Compared, Contender, Demand, compare
from handlers.domain.decisions.loss_level import level, losses
from handlers.domain.decisions.recipes import Part, Recipe, blended, over
from handlers.domain.decisions.requests import HeldOut, OutOfFold, Rule, Ruling
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Sample
from handlers.domain.learning_settings import Judging, TrainingSettings


def first(state: State, settings: Judging, rows: int, positives: int) -> Rule:
    """A first model of the simplest estimator, on everything; provisional until there are rows enough."""
    yield from ()
    training = settings.training
    counts = f"{rows:,} labelled rows with {min(positives, rows - positives):,} of the rarer class"
    recipe = over(training.estimators[:1], state.oldest)
    state = replace(state, trained_rows=rows)
    if enough(rows, positives, minimum_rows=training.minimum_rows, minimum_rare=training.minimum_rare):
        others = len(training.estimators) > 1 and settings.drift.policy != "never"
        note = f"There are {counts}: enough for a first model."
        return Ruling(trigger="first", state=replace(state, challenge_due=others), deploy=recipe, note=note)
    need = f"{training.minimum_rows:,} with {training.minimum_rare:,}"
    note = f"There are {counts}; a model is provisional until there are {need}."
    return Ruling(trigger="provisional", state=state, deploy=recipe, note=note)


def challenge(state: State, settings: Judging) -> Rule:
    """The other estimators are compared with the first model, out of fold: there are no rows that it has not seen.

    All of them blended are deployed, unless one alone is better than each other by more than ``single_lead``; and
    only what is better than the first model at all.
    """
    champion = state.champion
    if champion is None:
        raise ValueError("there is no champion to challenge")
    parts = tuple(Part(name, champion.recipe.first) for name in settings.training.estimators)
    held_out = yield OutOfFold(parts)
    state = replace(state, challenge_due=False)
    chosen = choose(held_out, settings.training)
    own = held_out.get(champion.recipe.parts[0])
    if own is None or chosen == champion.recipe:
        return Ruling(trigger="challenge", state=state, note="The first model's own estimator is the best.")
    compared = _compared(chosen, held_out, own, settings)
    note = "The other estimators are compared with the first model."
    if compared.gain <= 0:
        return Ruling(
            trigger="challenge", state=state, best=compared, verdict=compared.verdict, compared=(compared,), note=note
        )
    return Ruling(
        trigger="challenge",
        state=state,
        deploy=chosen,
        reference=level(losses(own.labels, compared.said), own.clients, seed=settings.training.seed),
        best=compared,
        verdict=compared.verdict,
        compared=(compared,),
        note=note,
    )


def choose(held_out: Mapping[Part, HeldOut], settings: TrainingSettings) -> Recipe:
    """The blend of all estimators, or the one that is so much better that the others would only harm it."""
    means = {part: float(losses(one.labels, one.log_odds).mean()) for part, one in held_out.items()}
    ranked = sorted(means, key=lambda part: means[part])
    if len(ranked) == 1 or means[ranked[0]] < (1 - settings.single_lead) * means[ranked[1]]:
        return Recipe((ranked[0],))
    return Recipe(tuple(held_out))


def _compared(chosen: Recipe, held_out: Mapping[Part, HeldOut], own: HeldOut, settings: Judging) -> Compared:
    said = blended([held_out[part].log_odds for part in chosen.parts])
    sample = Sample(own.labels, own.clients, np.arange(len(own.labels)), 1, ())
    demand = Demand(settings.promotion.confidence_z, 0.0, settings.promotion.minimum_gain, settings.training.seed)
    return compare(Contender((), chosen, 0), own.log_odds, said, sample, demand)
