"""Who is current after a ruling, and the state that follows."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.decisions import succession
from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.recipes import Part, over
from handlers.domain.decisions.requests import HeldOut, Ruling
from handlers.domain.decisions.succession import Place
from handlers.domain.learning_settings import TrainingSettings
from tests.unit.handlers.domain.decisions.samples import BASE, labels_of, shadow, state_with

SAID = np.full(300, BASE)
HELD_OUT = HeldOut(labels_of(SAID, 3), np.arange(300), SAID)
PLACE = Place(block=12, rows=1500, period="2026-07", held=(4, 5))
RECIPE = over(("logistic",), 3)
TRAINING = TrainingSettings()


def test_a_model_promises_its_evidence_and_without_any_its_losses_on_held_out_rows() -> None:
    shown = LossLevel(0.3, 0.1, 900.0)
    evidence = Ruling("evidence", state_with(), deploy=RECIPE, reference=shown)
    assert succession.successor(evidence, HELD_OUT, PLACE, version=4, seed=1).reference == shown
    policy = Ruling("policy", state_with(), deploy=RECIPE)
    promised = succession.successor(policy, HELD_OUT, PLACE, version=4, seed=1).reference
    assert promised == level(losses(HELD_OUT.labels, SAID), HELD_OUT.clients, seed=1)


@pytest.mark.parametrize(("trigger", "provisional"), [("provisional", True), ("first", False), ("harm", False)])
def test_the_new_model_knows_its_recipe_and_the_last_block_it_learned(trigger: str, provisional: bool) -> None:
    ruling = Ruling(trigger, state_with(), deploy=RECIPE)  # type: ignore[arg-type]
    new = succession.successor(ruling, HELD_OUT, PLACE, version=4, seed=1).incumbent
    assert (new.version, new.recipe, new.last, new.period, new.provisional) == (4, RECIPE, 12, "2026-07", provisional)


def test_a_ruling_that_deploys_nothing_has_no_successor() -> None:
    with pytest.raises(ValueError, match="deploys nothing"):
        succession.successor(Ruling("none", state_with()), HELD_OUT, PLACE, version=4, seed=1)


def test_a_deployment_and_new_shadows_are_in_the_state_that_follows() -> None:
    parts = (Part("logistic", 3), Part("explainable_boosting", 3))
    ruling = Ruling("evidence", state_with(shadow("s1"), next_shadow=2), deploy=RECIPE, refresh=parts)
    new = succession.successor(ruling, HELD_OUT, PLACE, version=4, seed=1)
    state = succession.state_after(ruling, new, PLACE, TRAINING)
    assert state.champion == new.incumbent
    assert [(one.name, one.last) for one in state.shadows] == [("s2", 12), ("s3", 12)]
    assert (state.since, state.trained_rows, state.held) == (13, 1500, (4, 5))
    assert succession.current_after(ruling, new, 1) == 4


def test_without_any_of_it_only_the_held_files_are_new() -> None:
    ruling = Ruling("none", state_with())
    state = succession.state_after(ruling, None, PLACE, TRAINING)
    assert state == type(state)(
        **{name: getattr(state_with(), name) for name in state.__struct_fields__} | {"held": (4, 5)}
    )
    assert succession.current_after(ruling, None, 1) == 1
    assert succession.current_after(ruling, None, None) is None


def test_after_a_way_back_the_champion_of_the_state_is_current() -> None:
    ruling = Ruling("harm", state_with(version=3), roll_back=True)
    assert succession.current_after(ruling, None, 7) == 3
