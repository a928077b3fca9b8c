"""A decision as a value, and the document that is stored of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pytest

from handlers.domain.decision_record import MOST_FILES, Decided, document
from handlers.domain.decision_sentence import Misread, reason, sentence
from handlers.domain.decisions import sparing
from handlers.domain.decisions.requests import Ruling
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import State
from handlers.domain.learning_settings import Judging
from tests.unit.handlers.domain.decisions.samples import Answers, block, judged, promised, shadow, state_with

SETTINGS = Judging()
KEYS = {
    "sentence", "policy", "trigger", "reason", "phase", "rows", "files", "dataset_version", "statistics", "candidates",
    "verdict", "more_rows", "guard_rails", "model_version", "champion_before", "metrics", "shifted_columns", "misread",
    "held", "leaks",
}  # fmt: skip


def ruling(**signs: float) -> Ruling:
    """What the rule of sparing deployments says of two blocks."""
    units = [block(number, signs=signs) for number in (2, 3)]
    state = state_with(shadow(), reference=promised("m1", sign=signs["m1"]))
    for unit in units:
        state = judged(state, unit)
    return run(sparing.judge(state, units, SETTINGS, 500), Answers())


BETTER = ruling(m1=0.4, s1=1.0)
NONE = Ruling("none", State(), note="All rows have the same label.")


def decided(of: Ruling = BETTER, *, before: int | None = 1, after: int | None = 2, **changes: Any) -> Decided:
    plain: dict[str, Any] = {"rows": 400, "dataset_version": 6, "files": ("a.csv",)}
    return Decided(SETTINGS, of, before, after, **{**plain, **changes})


@pytest.mark.parametrize(
    ("of", "verdict"),
    [
        (decided(), "promoted"),
        (decided(after=1), "kept"),
        (decided(NONE, before=None, after=None), "collected"),
        (decided(NONE, before=None, after=1), "promoted"),
        (decided(replace(NONE, roll_back=True), before=2, after=1), "rolled_back"),
        (decided(NONE, after=1, rows=0, held=("x.csv is broken.",)), "held"),
        (decided(NONE, after=1, rows=30, held=("x.csv is broken.",)), "kept"),
    ],
)
def test_the_verdict_follows_from_what_is_current_before_and_after(of: Decided, verdict: str) -> None:
    assert of.verdict == verdict


def test_the_record_has_what_the_decision_was_made_from() -> None:
    of = decided(
        metrics={"f1": 0.5},
        shifted=("spend",),
        misread=(Misread(("spend",), "spend below 3", 40, 5.0, 12),),
        leaks=("Column x gives the target away.",),
    )
    record = document(of)
    assert set(record) == KEYS
    assert BETTER.best is not None
    reading = BETTER.state.path[-1]
    assert record["sentence"] == sentence(of.told)
    assert record["reason"] == reason(BETTER)
    assert (record["policy"], record["trigger"], record["verdict"]) == ("evidence", "evidence", "better")
    assert (record["champion_before"], record["model_version"], record["dataset_version"]) == (1, 2, 6)
    assert (record["rows"], record["files"], record["metrics"]) == (400, ["a.csv"], {"f1": 0.5})
    statistics = record["statistics"]
    assert (statistics["z"], statistics["alarm_z"]) == (reading.z, SETTINGS.drift.alarm_z)
    assert (statistics["mean_loss"], statistics["reference_loss"]) == (reading.loss, reading.reference)
    assert (statistics["cusum"], statistics["alarm_cusum"]) == (reading.cusum, SETTINGS.drift.alarm_cusum)
    [candidate] = record["candidates"]
    assert candidate["estimator"] == "explainable_boosting"
    assert candidate["parts"] == [{"estimator": "explainable_boosting", "first_block": 1}]
    assert (candidate["rows"], candidate["blocks"]) == (800, 2)
    assert candidate["log_loss"] == pytest.approx(candidate["champion_log_loss"] * (1 - candidate["gain"]))
    assert candidate["low"] < candidate["gain"] < candidate["high"]
    assert f"({100 * candidate['low']:.1f}% to {100 * candidate['high']:.1f}%)" in record["sentence"]
    assert record["shifted_columns"] == ["spend"]
    assert record["misread"] == [
        {"columns": ("spend",), "cell": "spend below 3", "rows": 40, "expected": 5.0, "observed": 12}
    ]


def numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [found for one in value.values() for found in numbers(one)]
    if isinstance(value, list | tuple):
        return [found for one in value for found in numbers(one)]
    return [value] if isinstance(value, float) else []


@pytest.mark.parametrize(
    "of", [BETTER, ruling(m1=1.0, s1=-1.0), ruling(m1=1.0, s1=1.0), NONE, Ruling("policy", State())]
)
def test_the_record_is_plain_json(of: Ruling) -> None:
    record = document(decided(of))
    assert all(math.isfinite(one) for one in numbers(record))
    read = msgspec.json.decode(msgspec.json.encode(record))
    assert msgspec.json.encode(read) == msgspec.json.encode(record)


def test_numbers_of_numpy_do_not_come_into_the_record() -> None:
    assert not [one for one in numbers(document(decided())) if isinstance(one, np.generic)]


def test_a_block_of_many_files_names_the_first_of_them() -> None:
    names = tuple(f"{number}.csv" for number in range(MOST_FILES + 30))
    assert document(decided(files=names))["files"] == list(names[:MOST_FILES])


def test_a_unit_that_was_not_judged_tells_no_reading_of_an_earlier_one() -> None:
    waits = Ruling("none", BETTER.state, note="Too few rows.")
    assert document(decided(waits))["statistics"] == {}


def test_how_many_rows_would_decide_is_told_where_it_is_known() -> None:
    assert document(decided())["more_rows"] is None
    assert document(decided(NONE))["more_rows"] is None
    assert BETTER.best is not None
    open_question = replace(BETTER, best=replace(BETTER.best, low=-0.01, gain=0.03), verdict="not enough evidence")
    assert document(decided(open_question, after=1))["more_rows"] > 0
