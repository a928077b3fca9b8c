"""How the machine is doing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from handlers.diagnostics import diagnostics
from handlers.domain.release import Release
from handlers.domain.schema import Schema
from handlers.statistics import StatisticsCache
from handlers.storage.ledger import set_fact
from tests.unit.handlers.small_dataset import SmallDataset
from tests.unit.server import small_house

CHECKED = {"checked_at": "2026-01-01T00:00:00.000Z", "outdated": {}, "unanswered": [], "unreachable": None}


def release(libraries: dict[str, str]) -> Release:
    return replace(small_house.release(), manifest={"libraries": libraries})


def test_with_an_empty_ledger_and_no_model_every_part_is_there(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path, Schema())
    answer = diagnostics(small.ledger, small.workspace, None, {})
    assert (answer["timing"], answer["missing"], answer["drift"]) == ({}, {}, {})
    assert answer["dependency_check"] == {"checked_at": None, "unreachable": None, "differing": []}
    assert isinstance(answer["dependencies"], list)


def test_timings_and_drift_are_the_ledger_s_and_missing_is_in_percent(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path)
    small.add({"corporation": ["a", "b", "c", "d"], "activity": [1, None, 3, 4]})
    with small.ledger.write() as connection:
        set_fact(connection, "timing", {"training": {"fits": 3}})
        set_fact(connection, "drift", {"decision": 2, "rows": 4, "columns": []})
    answer = diagnostics(small.ledger, small.workspace, None, CHECKED, StatisticsCache())
    assert answer["timing"] == {"training": {"fits": 3}}
    assert answer["drift"] == {"decision": 2, "rows": 4, "columns": []}
    assert answer["missing"] == {"corporation": 0.0, "activity": 25.0, "spend": 100.0, "plan": 100.0, "exited": 100.0}


def test_versions_that_differ_from_those_of_the_model_are_named(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path)
    answer = diagnostics(small.ledger, small.workspace, release({"numpy": "1.0"}), CHECKED)
    numpy = next(row for row in answer["dependencies"] if row["name"] == "numpy")
    assert (numpy["installed"], numpy["trained_with"], numpy["latest"]) == (np.__version__, "1.0", np.__version__)
    assert answer["dependency_check"]["differing"] == [f"numpy {np.__version__}, trained with 1.0"]


def test_an_index_that_could_not_be_reached_is_said(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path)
    cached = {**CHECKED, "unreachable": "No package index could be reached."}
    check = diagnostics(small.ledger, small.workspace, None, cached)["dependency_check"]
    assert (check["unreachable"], check["checked_at"]) == (cached["unreachable"], CHECKED["checked_at"])


def test_reading_starts_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    small = SmallDataset(tmp_path)
    for name in ("fork", "posix_spawn"):
        monkeypatch.setattr(f"os.{name}", refuse)
    monkeypatch.setattr("subprocess.Popen", refuse)
    diagnostics(small.ledger, small.workspace, release({"numpy": "1.0"}), {})
