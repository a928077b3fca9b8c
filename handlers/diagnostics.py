"""How the machine is doing: timings, gaps in the data, versions of libraries, drift. Reading it runs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from handlers.dependencies import dependencies as listed_dependencies
from handlers.dependencies import differing
from handlers.domain.release import Release
from handlers.statistics import StatisticsCache, summary_statistics
from handlers.storage.ledger import LABELLED_DRIFT, Ledger, get_fact
from handlers.storage.workspace import Workspace


def diagnostics(
    ledger: Ledger,
    workspace: Workspace,
    release: Release | None,
    dependencies: Mapping[str, Any],
    cache: StatisticsCache | None = None,
) -> dict[str, Any]:
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
