"""Which versions of the data set there are, and what belongs to each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from handlers.storage import dataset_reset, versions
from handlers.storage.versions import UnknownVersion
from tests.unit.handlers.small_dataset import SCHEMA, SmallDataset


def test_a_version_has_the_files_and_the_schema_of_its_time(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path)
    small.add({"corporation": ["a"]}, file=2)
    small.add({"corporation": ["b"]}, file=5)
    wider = replace(SCHEMA, version=2, columns=SCHEMA.columns[:2])
    small.learn(wider)
    small.add({"corporation": ["c"]}, file=7)
    with small.ledger.read() as connection:
        views = [versions.view(connection, version) for version in (0, 1, 2, 3, None)]
    assert [view.last_file for view in views] == [0, 2, 5, 7, 7]
    assert [view.version for view in views] == [0, 1, 2, 3, 3]
    assert [view.schema for view in views] == [SCHEMA, SCHEMA, wider, wider, wider]


@pytest.mark.parametrize("version", [-1, 2, 99])
def test_a_version_that_never_was_is_refused_with_those_that_are(tmp_path: Path, version: int) -> None:
    small = SmallDataset(tmp_path)
    small.add({"corporation": ["a"]})
    with (
        small.ledger.read() as connection,
        pytest.raises(UnknownVersion, match=rf"no version {version}: there are 0 to 1\."),
    ):
        versions.view(connection, version)


def test_what_was_before_a_reset_is_forgotten(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path)
    small.add({"corporation": ["a"]}, file=1)
    small.add({"corporation": ["b"]}, file=2)
    with small.ledger.write() as connection:
        dataset_reset.forget(connection)
    assert small.snapshot().num_rows == 0
    small.learn(SCHEMA)
    small.add({"corporation": ["c"]}, file=3)
    with small.ledger.read() as connection:
        assert [versions.view(connection, version).version for version in (3, 4)] == [3, 4]
        with pytest.raises(UnknownVersion, match=r"there are 3 to 4\. What was before was forgotten when the schema"):
            versions.view(connection, 2)
        assert connection.exec_driver_sql("SELECT count(*) FROM staged").scalar_one() == 1
