"""Summary statistics of the data set."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handlers import statistics
from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.statistics import StatisticsCache, summary_statistics
from tests.unit.handlers.small_dataset import SCHEMA, SmallDataset


@pytest.fixture
def small(tmp_path: Path) -> SmallDataset:
    return SmallDataset(tmp_path)


def summary(small: SmallDataset, cache: StatisticsCache | None = None) -> dict[str, Any]:
    return summary_statistics(small.ledger, small.workspace, cache)


def test_the_numbers_are_those_of_pandas(small: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "CELLS_AT_ONCE", 300)  # two columns of 150 rows at a time
    rng = np.random.default_rng(1)
    activity = [int(value) for value in rng.integers(-50, 1000, 150)]
    spend = [None if rng.random() < 0.1 else float(value) for value in rng.lognormal(3, 2, 150)]
    plan = [["basic", "gold", None][index] for index in rng.integers(0, 3, 150)]
    rows = {"corporation": [f"c{index}" for index in range(150)], "activity": activity, "spend": spend, "plan": plan}
    small.add({name: list(values[:70]) for name, values in rows.items()})
    small.add({name: list(values[70:]) for name, values in rows.items()})
    answer = summary(small)
    assert (answer["dataset_version"], answer["rows"]) == (2, 150)
    assert [column["name"] for column in answer["columns"]] == list(SCHEMA.names)
    by_name = {column["name"]: column for column in answer["columns"]}
    for name in ("activity", "spend"):
        series = pd.Series(rows[name], dtype="float64")
        for statistic in ("mean", "median", "std", "min", "max"):
            assert by_name[name][statistic] == pytest.approx(getattr(series, statistic)(), rel=1e-12)
        assert by_name[name]["missing"] == series.isna().sum()
        assert by_name[name]["missing_percent"] == pytest.approx(100 * series.isna().mean())
    assert by_name["plan"] == {
        "name": "plan",
        "type": "category",
        "mean": None,
        "median": None,
        "std": None,
        "min": None,
        "max": None,
        "missing": plan.count(None),
        "missing_percent": pytest.approx(100 * plan.count(None) / 150),
        "distinct": 2,
    }
    assert (by_name["corporation"]["type"], by_name["corporation"]["distinct"]) == ("text", 150)
    assert [by_name[name]["type"] for name in ("activity", "spend", "exited")] == ["number"] * 3
    assert by_name["exited"]["missing_percent"] == 100.0


def test_integers_stay_integers_beyond_what_a_float_holds(small: SmallDataset) -> None:
    small.add({"activity": [2**53 + 1, 5, 4]})
    column = next(column for column in summary(small)["columns"] if column["name"] == "activity")
    assert (column["min"], column["max"], column["median"]) == (4, 2**53 + 1, 5.0)
    assert type(column["max"]) is int


def test_one_value_has_no_deviation_and_not_a_number_is_no_value(small: SmallDataset) -> None:
    small.add({"spend": [2.5, math.nan, None]})
    column = next(column for column in summary(small)["columns"] if column["name"] == "spend")
    assert (column["mean"], column["std"], column["missing"]) == (2.5, None, 2)


def test_without_rows_and_without_columns_there_is_an_answer(tmp_path: Path, small: SmallDataset) -> None:
    answer = summary(small)
    assert (answer["rows"], answer["dataset_version"]) == (0, 0)
    assert {column["missing_percent"] for column in answer["columns"]} == {0.0}
    nothing = SmallDataset(tmp_path / "nothing", Schema())
    assert summary(nothing) == {"dataset_version": 0, "rows": 0, "columns": []}


def test_superseded_rows_do_not_count(small: SmallDataset) -> None:
    small.add({"activity": [100]})
    small.add({"activity": [1]})
    small.supersede([0])
    answer = summary(small)
    assert (answer["rows"], answer["columns"][1]["max"]) == (1, 1)


def test_the_answer_is_computed_once_for_a_version_and_anew_for_the_next(small: SmallDataset) -> None:
    cache = StatisticsCache()
    small.add({"activity": [1]})
    first = summary(small, cache)
    assert summary(small, cache) is first
    small.add({"activity": [3]})
    assert summary(small, cache)["columns"][1]["mean"] == 2.0


def test_a_changed_schema_alone_makes_a_new_answer(small: SmallDataset) -> None:
    cache = StatisticsCache()
    summary(small, cache)
    wider = (*SCHEMA.columns, Column("new", ColumnType.TEXT, Role.FEATURE))
    small.learn(replace(SCHEMA, version=2, columns=wider))
    assert summary(small, cache)["columns"][-1]["name"] == "new"


def test_the_serving_process_loads_no_pandas_for_it() -> None:
    heavy = "{'pandas', 'sklearn', 'matplotlib'}"
    code = f"import sys, handlers.diagnostics, handlers.export; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
