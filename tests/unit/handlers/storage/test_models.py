"""Releases in the ledger, and which of them is current."""

from __future__ import annotations

from pathlib import Path

from handlers.storage import models
from handlers.storage.ledger import Ledger
from handlers.storage.models import ModelRecord

AT = "2026-01-01T00:00:00.000Z"


def test_current_and_previous_follow_each_deployment_and_version_numbers_are_not_used_twice(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")

    def states() -> dict[int, str]:
        return {record.version: record.state for record in models.page(connection, limit=10)}

    with ledger.write() as connection:
        assert (models.current(connection), models.previous(connection), models.next_version(connection)) == (
            None,
            None,
            1,
        )
        for version in (1, 2, 3):
            models.add(connection, ModelRecord(version, "", False, "logistic", 5, 1, {"f1": 0.5}, None, AT))
            models.set_current(connection, version)
        assert states() == {3: "current", 2: "previous", 1: "retired"}
        models.set_current(connection, 1)
        assert states() == {1: "current", 3: "previous", 2: "retired"}
        models.set_current(connection, 1)
        assert states() == {1: "current", 3: "previous", 2: "retired"}
        assert models.next_version(connection) == 4
        assert [record.version for record in models.page(connection, limit=1, before=3)] == [2]
        assert models.find(connection, 9) is None
        found = models.find(connection, 3)
        assert found == ModelRecord(3, "previous", False, "logistic", 5, 1, {"f1": 0.5}, None, AT)


def test_a_report_is_missing_until_it_is_said_to_be_there(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite3").write() as connection:
        for version in (1, 2):
            models.add(connection, ModelRecord(version, "", True, "logistic", 5, 1, {}, None, AT))
        assert models.unreported(connection) == [1, 2]
        models.set_reported(connection, 1)
        assert models.unreported(connection) == [2]
