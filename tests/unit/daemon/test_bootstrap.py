"""From settings to a house, and what an existing data set refuses."""

from __future__ import annotations

import re
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from daemon import bootstrap
from daemon.configuration import ConfigurationError
from daemon.settings import Settings, workspace
from handlers.domain.schema import DatasetSettings
from handlers.storage.ledger import LedgerError, get_fact

SETTINGS = Settings()


def test_an_empty_folder_becomes_a_workspace_with_keys_that_only_the_daemon_reads(tmp_path: Path) -> None:
    folders = workspace(SETTINGS, tmp_path / "config.json")
    with closing(bootstrap.open_ledger(SETTINGS, folders)) as ledger, ledger.read() as connection:
        key = get_fact(connection, bootstrap.ROW_HASH_KEY)
    assert 0 <= key < 2**63
    for folder in (folders.source, folders.dataset, folders.parts, folders.models, folders.releases):
        assert folder.is_dir()
    private = [path for path in folders.keys.iterdir() if stat.S_IMODE(path.stat().st_mode) == 0o600]
    assert len(private) == 1


def test_opened_again_it_is_the_same_data_set(tmp_path: Path) -> None:
    folders = workspace(SETTINGS, tmp_path / "config.json")
    keys = []
    for _ in range(2):
        with closing(bootstrap.open_ledger(SETTINGS, folders)) as ledger, ledger.read() as connection:
            keys.append(get_fact(connection, bootstrap.ROW_HASH_KEY))
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("key", "value"),
    [("id_column", None), ("time_column", "month"), ("target_column", "Churn"), ("positive_label", "Yes")],
)
def test_a_data_set_that_was_made_for_other_columns_is_refused_by_key(
    tmp_path: Path, key: str, value: str | None
) -> None:
    folders = workspace(SETTINGS, tmp_path / "config.json")
    bootstrap.open_ledger(SETTINGS, folders).close()
    other = msgspec.structs.replace(SETTINGS, dataset=msgspec.structs.replace(DatasetSettings(), **{key: value}))
    with pytest.raises(ConfigurationError, match=f"dataset.{key} is .*another workspace"):
        bootstrap.open_ledger(other, folders)


def test_a_ledger_that_cannot_be_written_is_said_in_a_sentence(tmp_path: Path) -> None:
    folders = workspace(SETTINGS, tmp_path / "config.json")
    bootstrap.open_ledger(SETTINGS, folders).close()
    with closing(sqlite3.connect(folders.ledger)) as database:
        database.execute("DELETE FROM facts WHERE name = 'identity'")
        database.execute("CREATE TRIGGER full BEFORE INSERT ON facts BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
        database.commit()
    with pytest.raises(LedgerError, match=r"ledger\.sqlite3 cannot be written: disk is full"):
        bootstrap.open_ledger(SETTINGS, folders)


def test_the_house_stands_where_the_configuration_says(tmp_path: Path) -> None:
    settings = Settings(input_folder_path="drops", output_folder_path="data")
    (tmp_path / "data").mkdir()
    house = bootstrap.house_of(settings, tmp_path / "config.json")
    with closing(house.ledger):
        assert house.workspace.source == tmp_path / "drops"
        assert house.ledger.path == tmp_path / "data" / "ledger.sqlite3"
        assert house.timer() <= house.timer()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", house.now())
