"""A rule is asked until it rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from handlers.domain.decisions.recipes import Part
from handlers.domain.decisions.requests import OutOfFold, Rule, Ruling, Segments, Trial
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import State
from tests.unit.handlers.domain.decisions.samples import Answers, block

UNIT = block(3, 20, signs={})
REQUESTS = (
    Trial((Part("logistic", 1),), UNIT),
    OutOfFold((Part("logistic", 1),)),
    Segments((3,), UNIT.rows),
)


def test_each_request_is_answered_by_the_one_of_its_name_in_order() -> None:
    answered: list[Any] = []

    def asking() -> Rule:
        for request in REQUESTS:
            answered.append((yield request))
        return Ruling("none", State(), note="done")

    outside = Answers(trial={"logistic": 0.0}, held_out={"logistic": np.zeros(4)})
    outside.labels = np.zeros(4, dtype=np.int8)
    outside.segments_found = {"all": np.ones(20, dtype=np.bool_)}
    assert run(asking(), outside).note == "done"
    assert outside.asked == list(REQUESTS)
    trial, held_out, segments = answered
    assert len(trial[Part("logistic", 1)]) == 20
    assert len(held_out[Part("logistic", 1)].labels) == 4
    assert set(segments) == {"all"}


def test_a_rule_that_asks_nothing_rules_at_once() -> None:
    def silent() -> Rule:
        yield from ()
        return Ruling("none", State(), note="at once")

    assert run(silent(), Answers()).note == "at once"
