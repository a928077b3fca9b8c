"""The state as a value: where the harm test stands, and who scores."""

from __future__ import annotations

import msgspec

from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.state import Incumbent, Reading, State
from tests.unit.handlers.domain.decisions.samples import shadow, state_with


def reading(version: int, phase: str) -> Reading:
    document = dict.fromkeys(
        ("rows", "loss", "reference", "z", "watch_z", "cusum", "watch_cusum", "limit", "cusum_limit"), 0.5
    )
    return msgspec.convert({**document, "block": 4, "version": version, "alarm": False, "phase": phase}, Reading)


def test_all_deployed_models_and_shadows_score() -> None:
    state = state_with(shadow("s3"), version=7, previous=Incumbent(5, over(("logistic",), 1), 2))
    assert state.scorers == ("m7", "m5", "s3")
    assert State().scorers == ()


def test_the_phase_is_that_of_the_champions_own_reading() -> None:
    assert State().phase == "stable"
    assert state_with(version=7, path=(reading(7, "watch"),)).phase == "watch"
    assert state_with(version=8, path=(reading(7, "watch"),)).phase == "stable"
    assert state_with(version=7, path=(reading(7, "adapting"),)).phase == "stable"
    assert state_with(version=7, path=(reading(7, "stable"),), adapting=1).phase == "adapting"


def test_a_state_that_an_earlier_version_wrote_is_read_with_what_is_new_left_at_its_default() -> None:
    document = msgspec.to_builtins(state_with(shadow()))
    for new in ("path", "held", "latest_period", "scores_f1"):
        del document[new]
    assert msgspec.convert(document, State) == state_with(shadow())
