"""The report of a release."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_curve

from handlers import reporting
from handlers.domain.axes import Categories, Cuts
from handlers.domain.effects import Line, Sum, Table
from handlers.domain.metrics import measure
from handlers.domain.scorecard import Feature, Scorecard
from handlers.figures import calibration, confusion, curves, effects, style
from handlers.reporting import ReportFacts, write_report
from handlers.storage import report_folder

FILES = ["calibration.png", "confusionmatrix.png", "curves.png", "effects.png", "report.pdf"]
FORMULA = r"cost in $\frac$"
"""As a formula this cannot be parsed."""


def scorecard() -> Scorecard:
    terms = (
        Sum(
            (Line("blended", 10.0, 2.0, 0.5, 0.0, 0.1, 0.0, 20.0),),
            Table((Cuts("blended", (5.0,)),), np.array([0.4, 0.0, 0.1])),
        ),
        Line("spend", 10.0, 2.0, 0.5, 0.0, 0.1, 0.0, 20.0),
        Table((Cuts("activity", (1.0, 5.0)),), np.array([0.9, 0.0, -0.4, 0.2])),
        Table((Cuts("one cut", (1.0,)),), np.array([0.9, 0.0, -0.4])),
        Table((Cuts("no cut", ()),), np.array([0.0, 0.3])),
        Table((Categories(FORMULA, ("$a", "b$", "名")),), np.array([0.2, -0.2, 0.1, 0.0, 0.0])),
        Table((Cuts("activity", (1.0,)), Categories(FORMULA, ("$a",))), np.arange(9.0).reshape(3, 3) / 9),
        Table((Cuts("idle", ()),), np.zeros(2)),
    )
    numeric = ("blended", "spend", "activity", "one cut", "no cut", "idle")
    features = (*(Feature(name, True) for name in numeric), Feature(FORMULA, False))
    return Scorecard(-1.0, 0.4, terms, features)


def facts(rows: int = 300, version: int = 7, **changes: object) -> ReportFacts:
    rng = np.random.default_rng(5)
    probabilities = rng.random(rows)
    labels = (rng.random(rows) < probabilities).astype(np.int8)
    made = ReportFacts(
        version=version,
        provisional=False,
        estimator="explainable_boosting",
        created_at="2026-01-01T00:00:00.000Z",
        sentence="Model 7 replaces model 6: $1 saved is $1 earned.",
        labels=labels,
        probabilities=probabilities,
        threshold=0.4,
        what="held-out rows",
        metrics=measure(labels, probabilities, 0.4).as_dict() if rows else {},
        test=None,
        scorer=scorecard(),
        drift=None,
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # each test names a field and its value


def drift(name: str = FORMULA) -> dict[str, Any]:
    return {
        "name": name,
        "psi": 0.3,
        "null_quantile": 0.1,
        "missing_before": 0.0,
        "missing_now": 0.5,
        "new_categories": 0,
        "alert": True,
    }


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def pages(pdf: Path) -> int:
    return len(re.findall(rb"/Type /Page\b", pdf.read_bytes()))


def test_a_report_has_its_figures_and_one_page_and_is_the_latest(tmp_path: Path) -> None:
    written = write_report(tmp_path / "reports", facts())
    assert [path.name for path in written] == FILES
    assert pages(tmp_path / "reports" / "latest" / "report.pdf") == 1
    assert names(tmp_path / "reports") == ["7", "latest"]
    assert all(path.read_bytes().startswith((b"\x89PNG", b"%PDF")) for path in written)


def test_drift_is_drawn_where_it_was_scored(tmp_path: Path) -> None:
    write_report(tmp_path, facts(drift=[drift(), drift("b")]))
    assert "drift.png" in names(tmp_path / "7")


@pytest.mark.parametrize("rows", [0, 1, 17])
def test_little_data_makes_a_report(tmp_path: Path, rows: int) -> None:
    write_report(tmp_path, facts(rows, drift=[]))
    assert pages(tmp_path / "7" / "report.pdf") == 1


@pytest.mark.parametrize("label", [0, 1])
def test_one_class_makes_a_report(tmp_path: Path, label: int) -> None:
    labels = np.full(17, label, dtype=np.int8)
    probabilities = np.full(17, 0.25)
    metrics = measure(labels, probabilities, 0.4).as_dict()
    write_report(tmp_path, facts(labels=labels, probabilities=probabilities, metrics=metrics, test=metrics))
    assert names(tmp_path / "7") == FILES


def test_a_sentence_of_any_length_stays_on_the_page(tmp_path: Path) -> None:
    write_report(tmp_path, facts(sentence="word " * 500))
    assert pages(tmp_path / "7" / "report.pdf") == 1


def test_a_second_call_changes_nothing(tmp_path: Path) -> None:
    first = {path: path.stat().st_mtime_ns for path in write_report(tmp_path, facts())}
    assert {path: path.stat().st_mtime_ns for path in write_report(tmp_path, facts(rows=20))} == first


def test_the_same_facts_make_the_same_pictures(tmp_path: Path) -> None:
    # The PDF is left out: matplotlib writes a coordinate of zero now with a minus sign and now without.
    made = [write_report(tmp_path / place, facts(drift=[drift()])) for place in ("one", "two")]
    pictures = [[path.read_bytes() for path in paths if path.suffix == ".png"] for paths in made]
    assert len(pictures[0]) == 5
    assert pictures[0] == pictures[1]


def test_a_report_that_was_not_finished_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="labels of 0 and 1"):
        write_report(tmp_path, facts(labels=np.full(300, -1, dtype=np.int8)))
    assert names(tmp_path) == []


def test_what_a_killed_process_left_is_swept_and_reports_stay(tmp_path: Path) -> None:
    report_folder.sweep(tmp_path / "absent")
    write_report(tmp_path, facts())
    (tmp_path / ".7.killed").mkdir()
    (tmp_path / ".latest.link").symlink_to("7")
    report_folder.sweep(tmp_path)
    assert names(tmp_path) == ["7", "latest"]


def test_latest_never_goes_back_to_an_older_version(tmp_path: Path) -> None:
    for version in (3, 10, 9):
        write_report(tmp_path, facts(20, version))
    assert (tmp_path / "latest").readlink() == Path("10")
    assert names(tmp_path) == ["10", "3", "9", "latest"]


def test_the_serving_process_does_not_load_matplotlib_with_this_module() -> None:
    assert not {"Figure", "figures", "style"} & set(vars(reporting))


def test_the_curves_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.integers(0, 12, 200) / 12
    labels = (rng.random(200) < probabilities).astype(np.int8)
    points = curves.rates(labels, probabilities)
    alarms, recall, _ = roc_curve(labels, probabilities, drop_intermediate=False)
    np.testing.assert_allclose(np.append(0, points.false_alarms), alarms)
    np.testing.assert_allclose(np.append(0, points.recall), recall)
    average = (np.diff(np.append(0, points.recall)) * points.precision).sum()
    assert average == pytest.approx(average_precision_score(labels, probabilities))


def test_the_matrix_counts_at_the_threshold() -> None:
    labels, probabilities = np.array([0, 0, 1, 1, 1], dtype=np.int8), np.array([0.1, 0.4, 0.4, 0.9, 0.39])
    assert confusion.confusion_counts(labels, probabilities, 0.4).tolist() == [[1, 1], [1, 2]]


def test_calibration_groups_hold_every_row_once_and_bound_their_share() -> None:
    rng = np.random.default_rng(3)
    probabilities = np.round(rng.random(500), 2)
    labels = (rng.random(500) < probabilities).astype(np.int8)
    found = calibration.groups(labels, probabilities)
    assert found.rows.sum() == 500
    assert (found.rows * found.observed).sum() == pytest.approx(labels.sum())
    assert (np.diff(found.predicted) > 0).all()
    assert ((found.low <= found.observed) & (found.observed <= found.high)).all()


def test_wilson_s_interval_is_the_published_one() -> None:
    # 81 of 263: Newcombe, Statistics in Medicine 17, 857 (1998), method 3.
    low, high = calibration.wilson(np.array([81 / 263]), np.array([263]))
    assert (round(float(low[0]), 4), round(float(high[0]), 4)) == (0.2553, 0.3662)


def test_the_strongest_terms_come_first_and_idle_ones_not_at_all() -> None:
    chosen = effects.strongest(scorecard(), 10)
    assert chosen[0].columns == ("spend",)
    assert ("idle",) not in [term.columns for term in chosen]
    assert len(effects.strongest(scorecard(), 2)) == 2


def test_a_name_is_one_line_of_limited_length() -> None:
    assert style.shown("a\nb\tc") == "a b c"
    assert style.shown("x" * 40, 10) == "x" * 9 + "…"
    assert style.shown("  ") == "(no name)"
