"""The sentence of a decision, as a client manager reads it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.decision_sentence import Misread, Told, reason, sentence
from handlers.domain.decisions.gains import Compared
from handlers.domain.decisions.guard_rails import Breach
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.requests import Ruling
from handlers.domain.decisions.state import Phase, Reading, State
from handlers.domain.decisions.units import Sample
from handlers.domain.learning_settings import Judging
from tests.unit.handlers.domain.decisions.samples import state_with

BOTH = over(("logistic", "explainable_boosting"), 3)
BOOSTING = over(("explainable_boosting",), 3)
NOBODY = np.empty(0)


def compared(gain: float, low: float, high: float, rows: int = 1000, recipe: Any = BOOSTING) -> Compared:
    ids = np.arange(rows)
    return Compared(
        recipe=recipe,
        last=8,
        gain=gain,
        error=(high - low) / 2.56,
        low=low,
        high=high,
        least=0.0025,
        reach=50.0,
        loss=0.4 * (1 - gain),
        champion_loss=0.4,
        sample=Sample(np.zeros(rows, dtype=np.int8), ids, ids, 2, (7, 8)),
        said=NOBODY,
        champion=NOBODY,
    )


def read(phase: Phase = "stable", *, alarm: bool = False) -> State:
    document = {
        "block": 8, "version": 7, "rows": 1234.0, "loss": 0.4567, "reference": 0.4321, "z": 1.25, "watch_z": 1.5,
        "cusum": 0.75, "watch_cusum": 1.0, "limit": 3.5, "cusum_limit": 5.0, "alarm": alarm, "phase": phase,
    }  # fmt: skip
    return state_with(version=7, path=(msgspec.convert(document, Reading),))


def told(verdict: str = "kept", *, after: int | None = 7, before: int | None = 7, **changes: Any) -> Told:
    of_ruling: dict[str, Any] = {"trigger": "none", "state": read(), "judged": True}
    names = {"best", "verdict", "breaches", "deploy", "note", "state", "judged", "trigger"}
    of_ruling |= {name: value for name, value in changes.items() if name in names}
    rest = {name: value for name, value in changes.items() if name not in names}
    return Told(verdict, Ruling(**of_ruling), Judging(), before, after, **rest)


LOSS = "the log loss on 1,234 new rows was 0.457, promised was 0.432 (z = 1.2, sum 0.8)"
KEEPS = f"Model 7 keeps its promise: {LOSS}."


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (told(), f"Kept model 7. {KEEPS}"),
        (
            told(best=compared(-0.02, -0.04, 0.0)),
            f"Kept model 7: the new model was worse by 2.0% (0.0% to 4.0%), that is not better. {KEEPS}",
        ),
        (
            told(best=compared(0.001, -0.02, 0.022)),
            "Kept model 7: the new model was better by 0.1% (-2.0% to 2.2%), which may be chance: "
            f"not enough evidence. {KEEPS}",
        ),
        (
            told(best=compared(0.003, -0.02, 0.026)),
            "Kept model 7: the new model was better by 0.3% (-2.0% to 2.6%), not enough evidence; "
            f"so small a gain would take too many rows to show. {KEEPS}",
        ),
        (
            told(best=compared(0.08, 0.05, 0.11), verdict="better", breaches=(Breach("F1", 0.61, 0.5, 0.05),)),
            "Kept model 7: the new model was better by 8.0% (5.0% to 11.0%), but its F1 would be 0.500 instead of "
            f"0.610. {KEEPS}",
        ),
        (
            told("promoted", after=8, best=compared(0.08, 0.05, 0.11), deploy=BOTH),
            f"Deployed model 8 (blend of both): it was better by 8.0% (5.0% to 11.0%) on 1,000 rows. {KEEPS}",
        ),
        (
            told("promoted", before=None, after=1, deploy=over(("logistic",), 1), note="There are rows enough."),
            "Deployed model 1 (logistic regression). There are rows enough.",
        ),
        (
            told("rolled_back", after=6, best=compared(0.08, 0.05, 0.11), state=read("adapting", alarm=True)),
            "Went back to model 6: it was better by 8.0% (5.0% to 11.0%) and is surely better than model 7 by now. "
            f"Model 7 has become worse: {LOSS}.",
        ),
        (
            told("collected", before=None, after=None, note="All 5 have the same label.", judged=False),
            "There is no model yet. All 5 have the same label.",
        ),
        (told("held", held=("a.csv is broken.",)), "Kept model 7: all rows of this block are held. a.csv is broken."),
    ],
)
def test_a_decision_is_said_in_a_sentence(of: Told, said: str) -> None:
    assert sentence(of) == said


@pytest.mark.parametrize(("rows", "more", "shown"), [(189, 735, 740), (165, 642, 640), (2000, 7773, 7800), (2, 8, 8)])
def test_how_many_rows_would_decide_is_said_in_two_digits(rows: int, more: int, shown: int) -> None:
    best = compared(0.012, -0.009, 0.031, rows=rows)
    assert best.more_rows == more
    assert sentence(told(best=best)) == (
        "Kept model 7: the new model was better by 1.2% (-0.8% to 3.2%), not enough evidence; "
        f"{shown:,} more rows would decide. {KEEPS}"
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (read(), KEEPS),
        (
            read("watch"),
            f"Model 7 is watched: {LOSS.partition(' (')[0]} (z = 1.5, sum 1.0, without the allowance).",
        ),
        (read("adapting"), f"After an alarm model 7 is still being held against new ones: {LOSS}."),
        (read("adapting", alarm=True), f"Model 7 has become worse: {LOSS}."),
    ],
)
def test_the_reason_says_where_the_harm_test_stands(state: State, said: str) -> None:
    assert reason(Ruling("none", state, judged=True)) == said


def test_where_nothing_was_judged_the_reason_is_the_note_and_no_reading_of_before() -> None:
    assert reason(Ruling("none", read(), note="Too few rows.")) == "Too few rows."
    assert reason(Ruling("policy", read())) == ""
    assert reason(Ruling("none", State(), judged=True)) == ""


def test_after_an_alarm_the_columns_and_the_worst_rows_are_named() -> None:
    misread = (
        Misread(("contract", "spend"), "contract = monthly and spend below 200", 340, 61.4, 120),
        Misread(("spend", "region", "age"), "region = north", 90, 10.0, 22),
        Misread(("tenure",), "tenure above 3", 80, 10.0, 19),
    )
    said = sentence(told(misread=misread))
    assert said.endswith(
        "What has changed shows in contract, spend, region and age: among 340 clients with contract = monthly and "
        "spend below 200, 120 left where 61 were expected."
    )


def test_columns_that_have_shifted_held_files_the_new_normal_and_leaks_are_told() -> None:
    said = sentence(
        told(
            shifted=("a", "b", "c", "d"),
            held=("x.csv is broken.",),
            freed=2,
            leaks=("Column e gives the target away.",),
        )
    )
    assert said == (
        f"Kept model 7. {KEEPS} The values of a, b and c have shifted. x.csv is broken. "
        "This is the new normal: the 2 files that were held are learned from after all. Column e gives the target away."
    )
    assert "the file that was held is learned from" in sentence(told(freed=1))


@given(
    gain=st.floats(-3, 0.99),
    width=st.floats(0, 5),
    rows=st.integers(2, 10**6),
    verdict=st.sampled_from(["kept", "promoted", "rolled_back", "collected", "held"]),
)
def test_whatever_was_compared_there_is_one_paragraph_without_a_number_that_is_none(
    gain: float, width: float, rows: int, verdict: str
) -> None:
    best = replace(compared(gain, gain - width, gain + width, rows=2), sample=compared(0, 0, 0, min(rows, 3000)).sample)
    said = sentence(told(verdict, best=best, deploy=BOTH))
    assert said.endswith(".")
    assert not {"nan", "inf", "None"} & set(said.replace("%", " ").replace("(", " ").split())
    assert "  " not in said
