"""What follows from a ruling."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.recipes import Part, Recipe
from handlers.domain.decisions.requests import HeldOut, Ruling
from handlers.domain.decisions.state import Incumbent, State
from handlers.domain.decisions.succession import Place, current_after, state_after, successor
from handlers.domain.learning_settings import TrainingSettings

RECIPE = Recipe((Part("logistic", 1),))
HELD_OUT = HeldOut(np.array([0, 1, 1], dtype=np.int8), np.arange(3), np.array([-1.0, 0.5, 2.0]))
PLACE = Place(block=7, rows=900, period="2026-07", held=(3,))
TRAINING = TrainingSettings()


def test_a_deployment_promises_its_evidence_and_else_its_losses_out_of_fold() -> None:
    proved = LossLevel(0.4, 0.1, 500.0)
    ruling = Ruling(trigger="evidence", state=State(), deploy=RECIPE, reference=proved)
    assert successor(ruling, HELD_OUT, PLACE, version=2, seed=1).reference == proved
    bare = successor(Ruling(trigger="first", state=State(), deploy=RECIPE), HELD_OUT, PLACE, version=2, seed=1)
    assert bare.reference == level(losses(HELD_OUT.labels, HELD_OUT.log_odds), HELD_OUT.clients, seed=1)
    assert bare.incumbent == Incumbent(2, RECIPE, last=7, provisional=False, period="2026-07")


def test_nothing_succeeds_where_nothing_is_deployed() -> None:
    with pytest.raises(ValueError, match="deploys nothing"):
        successor(Ruling(trigger="none", state=State()), HELD_OUT, PLACE, version=2, seed=1)


def test_a_deployed_model_is_the_champion_of_the_next_state_and_counts_from_the_next_block() -> None:
    before = Incumbent(1, RECIPE, last=3)
    ruling = Ruling(trigger="evidence", state=State(champion=before), deploy=RECIPE)
    new = successor(ruling, HELD_OUT, PLACE, version=2, seed=1)
    state = state_after(ruling, new, PLACE, TRAINING)
    assert (state.champion, state.previous, state.since, state.held) == (new.incumbent, before, 8, (3,))
    assert current_after(ruling, new, 1) == 2


def test_new_shadows_are_named_and_end_with_the_block() -> None:
    ruling = Ruling(trigger="none", state=State(next_shadow=4), refresh=(Part("logistic", 2),))
    state = state_after(ruling, None, PLACE, TRAINING)
    assert [(one.name, one.last) for one in state.shadows] == [("s4", 7)]
    assert state.trained_rows == 900


def test_after_a_way_back_the_older_model_is_current_and_else_the_one_that_was() -> None:
    older = Incumbent(1, RECIPE, last=3)
    assert current_after(Ruling(trigger="harm", state=State(champion=older), roll_back=True), None, 2) == 1
    assert current_after(Ruling(trigger="none", state=State(champion=older)), None, 1) == 1
    assert current_after(Ruling(trigger="none", state=State()), None, None) is None
