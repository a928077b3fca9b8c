"""The versions of libraries."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from handlers.dependencies import dependencies, differing, installed, requirements

METADATA = """Metadata-Version: 2.1
Name: attritiond-under-test
Version: 1.0
Requires-Dist: numpy<3,>=2.3
Requires-Dist: Scikit_Learn (>=1.8)
Requires-Dist: msgspec
Requires-Dist: not-installed-anywhere[extra]>=1; python_version >= "3.11"
Requires-Dist: pytest>=9; extra == "dev"
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    folder = tmp_path / "attritiond_under_test-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(METADATA)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "attritiond-under-test"


def test_what_is_required_comes_from_the_installed_distribution_without_its_extras(distribution: str) -> None:
    assert dict(requirements(distribution)) == {
        "numpy": "<3,>=2.3",
        "scikit-learn": ">=1.8",
        "msgspec": "",
        "not-installed-anywhere": ">=1",
    }


def test_each_library_has_its_four_versions(distribution: str) -> None:
    cached = {"outdated": {"numpy": "99.0"}, "unanswered": ["scikit-learn"]}
    rows = {row["name"]: row for row in dependencies({"NumPy": "2.3.0", "joblib": "1.0"}, cached, distribution)}
    assert list(rows) == ["joblib", "msgspec", "not-installed-anywhere", "numpy", "scikit-learn"]
    assert rows["numpy"] == {
        "name": "numpy",
        "installed": metadata.version("numpy"),
        "required": "<3,>=2.3",
        "trained_with": "2.3.0",
        "latest": "99.0",
    }
    assert rows["msgspec"]["latest"] == rows["msgspec"]["installed"]
    assert (rows["msgspec"]["required"], rows["msgspec"]["trained_with"]) == (None, None)
    assert rows["scikit-learn"]["latest"] is None
    assert (rows["not-installed-anywhere"]["installed"], rows["not-installed-anywhere"]["latest"]) == (None, None)
    assert rows["joblib"]["required"] is None


@pytest.mark.parametrize("cached", [{}, {"outdated": None, "unreachable": "No package index could be reached."}])
def test_before_the_first_answer_the_latest_version_is_not_known(distribution: str, cached: dict[str, object]) -> None:
    assert {row["latest"] for row in dependencies({}, cached, distribution)} == {None}


def test_a_program_that_is_not_installed_lists_what_the_model_was_trained_with() -> None:
    rows = dependencies({"numpy": "2.3.0"}, {}, "no-such-distribution")
    assert [(row["name"], row["required"]) for row in rows] == [("numpy", None)]
    assert dependencies({}, {}, "no-such-distribution") == []


def test_libraries_that_differ_from_those_trained_with_are_named() -> None:
    numpy = installed("numpy")
    assert numpy is not None
    assert differing({"numpy": numpy}) == []
    assert differing({"numpy": "1.0", "no-such-library": "3.1"}) == [
        "no-such-library is not installed, trained with 3.1",
        f"numpy {numpy}, trained with 1.0",
    ]
