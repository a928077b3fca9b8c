"""How the machine is doing: timings, gaps in the data, versions of libraries, drift. Reading it runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from handlers.dependencies import Dependency, differing
from handlers.dependencies import dependencies as listed_dependencies
from handlers.domain.release import Release
from handlers.drift_records import NewestDrift
from handlers.statistics import StatisticsCache, summary_statistics
from handlers.storage.ledger import LABELLED_DRIFT, Ledger, get_fact
from handlers.storage.workspace import Workspace


class Timing(TypedDict, total=False):
    """How often a step has run (``count``), or for ingestion the files and rows, the seconds of all times together,
    and those of the last time and when that was."""

    count: int
    files: int
    rows: int
    seconds: float
    last_seconds: float
    last_at: str | None


class DependencyCheck(TypedDict):
    """When the index was asked, why it could not be reached, and which libraries differ from the model's."""

    checked_at: str | None
    unreachable: str | None
    differing: list[str]


class Diagnostics(TypedDict):
    """How the steps, the data and the libraries stand. ``missing``: percent of the rows, by column."""

    timing: dict[str, Timing]
    missing: dict[str, float]
    dependencies: list[Dependency]
    dependency_check: DependencyCheck
    drift: NewestDrift


def diagnostics(
    ledger: Ledger,
    workspace: Workspace,
    release: Release | None,
    dependencies: Mapping[str, Any],
    cache: StatisticsCache | None = None,
) -> Diagnostics:
    """Say how the steps, the data and the libraries stand.

    ``release`` is the champion, None before the first; ``dependencies`` what the background check has cached.
    ``missing`` is in percent of the rows. ``dependency_check`` says when the index was asked, why it could not be
    reached, and which libraries differ from those that the champion was trained with.
    """
    with ledger.read() as connection:
        timing = get_fact(connection, "timing", {})
        drift = get_fact(connection, LABELLED_DRIFT, {})
    summary = summary_statistics(ledger, workspace, cache)
    trained_with: Mapping[str, str] = {} if release is None else release.manifest.get("libraries", {})
    return {
        "timing": timing,
        "missing": {column["name"]: column["missing_percent"] for column in summary["columns"]},
        "dependencies": listed_dependencies(trained_with, dependencies),
        "dependency_check": {
            "checked_at": dependencies.get("checked_at"),
            "unreachable": dependencies.get("unreachable"),
            "differing": differing(trained_with),
        },
        "drift": drift,
    }
