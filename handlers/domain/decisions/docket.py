"""Which rule a block comes before: the first models, the challenge of the first, or the judgement of a champion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from handlers.domain.blocks import enough
from handlers.domain.decisions import first_models, rules, transitions
from handlers.domain.decisions.fixed_policies import weighs_rows
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.requests import Rule, Ruling
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Unit, pooled
from handlers.domain.learning_settings import Judging
from handlers.domain.metrics import measure

Earlier = Callable[[Sequence[Sequence[int]]], list[Unit]]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """What a rule is told. ``block``: the number of the decision; ``challenge``: no rows, the first model is due to be
    compared; ``scored``: the block's rows with what each model says of them, None where there is no model or no row;
    ``earlier``: reads the units of these blocks; ``rows`` and ``positives``: all labelled rows that were ever taken up,
    the block's included; ``learnable``: there is something to learn from in them; ``late``: the block is older than
    the end of the champion's training data. ``threshold`` and ``last_f1`` are the champion's."""

    block: int
    state: State
    scored: Unit | None
    earlier: Earlier
    rows: int
    positives: int
    challenge: bool = False
    learnable: bool = True
    late: bool = False
    threshold: float = 0.5
    last_f1: float = 0.0


def rule_of(case: Case, settings: Judging) -> Rule:
    """The rule that decides this case."""
    state = case.state if case.state.oldest else replace(case.state, oldest=case.block)
    if not case.learnable:
        return _nothing(state, nothing_to_learn(case.rows, case.positives))
    if state.champion is None or state.champion.provisional:
        return first_models.first(state, settings, case.rows, case.positives)
    if case.challenge:
        return first_models.challenge(state, settings)
    if case.scored is None:
        return _nothing(state, "There are no new rows that are learned from.")
    if case.late:
        learned = f"what model {state.champion.version} has learned"
        return _nothing(state, f"The rows are older than {learned}: they are learned from, but decide nothing.")
    return _judgement(case, state, settings)


def nothing_to_learn(rows: int, positives: int) -> str:
    """Why nothing can be learned."""
    if positives in (0, rows):
        return f"All {rows:,} labelled rows so far have the same label: nothing to learn from."
    return "There is no column to learn from, or the newest rows have one label alone."


def _judgement(case: Case, state: State, settings: Judging) -> Rule:
    """Rows that are too few are pooled with those of earlier blocks until there are enough."""
    champion = state.champion
    if case.scored is None or champion is None:
        raise ValueError("there is nothing to judge")
    pool = (*state.pool, case.block)
    before = case.earlier([state.pool]) if state.pool else []
    newest = pooled([*before, case.scored])
    positives = int((newest.labels == 1).sum())
    needed = settings.training
    limits = {"minimum_rows": needed.minimum_rows, "minimum_rare": needed.minimum_rare}
    if champion.scorer not in newest.said:  # another model has come between: what it never scored is left out
        newest, pool = case.scored, (case.block,)
    if weighs_rows(settings.drift.policy) and not enough(len(newest.labels), positives, **limits):
        rare = min(positives, len(newest.labels) - positives)
        few = f"{len(newest.labels):,} new rows with {rare:,} of the rarer class are too few to judge by"
        note = f"{few}; {needed.minimum_rows:,} with {needed.minimum_rare:,} are awaited."
        return _nothing(replace(state, pool=pool), note)
    state = transitions.add_unit(state, pool, case.rows)
    known = state.units[-settings.promotion.evidence_blocks : -1]
    units = [*case.earlier(known), newest]
    f1 = measure(newest.labels, probabilities_of(newest.said[champion.scorer]), case.threshold).f1
    return rules.judge(state, units, settings, rows=case.rows, f1=(f1, case.last_f1))


def _nothing(state: State, note: str) -> Rule:
    yield from ()
    return Ruling(trigger="none", state=state, note=note)
