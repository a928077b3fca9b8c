"""A path in a request stays inside the configured folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.dataset_path import read_dataset
from server.problems import Kind, Problem
from tests.unit.server.small_house import House, empty_house

CONTENT = b"tenure,contract\n1,monthly\n"


@pytest.fixture
def house(tmp_path: Path) -> House:
    root = tmp_path / "workspace"
    root.mkdir()
    house = empty_house(root)
    house.workspace.test.mkdir()
    (house.workspace.test / "testdata.csv").write_bytes(CONTENT)
    (tmp_path / "outside.csv").write_bytes(b"secret\n1\n")
    (root / "beside.csv").write_bytes(b"secret\n1\n")
    return house


def _refusal(house: House, path: str) -> Kind:
    with pytest.raises(Problem) as refused:
        read_dataset(house.workspace, path, max_bytes=10_000)
    assert "secret" not in refused.value.detail
    return refused.value.kind


@pytest.mark.parametrize("path", ["testdata/testdata.csv", "./testdata//testdata.csv"])
def test_a_csv_in_a_configured_folder_is_read(house: House, path: str) -> None:
    assert read_dataset(house.workspace, path, max_bytes=10_000) == CONTENT


def test_an_absolute_path_inside_is_read(house: House) -> None:
    path = str(house.workspace.test / "testdata.csv")
    assert read_dataset(house.workspace, path, max_bytes=10_000) == CONTENT


@pytest.mark.parametrize(
    "path",
    [
        "../outside.csv",
        "testdata/../../outside.csv",
        "testdata/../testdata/testdata.csv",
        "beside.csv",
        "/etc/passwd",
        "/etc/passwd.csv",
        "ingesteddata/ledger.sqlite3",
        "ingesteddata/keys/release.key",
        "testdata",
        "",
        "testdata/a\0.csv",
        "\ud800.csv",
    ],
)
def test_what_is_outside_or_no_csv_is_refused(house: House, path: str) -> None:
    assert _refusal(house, path) is Kind.WRONG_BODY


def test_a_missing_file_is_not_found(house: House) -> None:
    assert _refusal(house, "testdata/none.csv") is Kind.NOT_FOUND
    assert _refusal(house, f"testdata/{'x' * 5000}.csv") is Kind.NOT_FOUND


def test_a_link_is_not_followed(house: House) -> None:
    (house.workspace.test / "link.csv").symlink_to(house.workspace.root.parent / "outside.csv")
    assert _refusal(house, "testdata/link.csv") is Kind.WRONG_BODY


def test_a_folder_that_is_a_link_to_the_outside_is_refused(house: House) -> None:
    (house.workspace.test / "folder").symlink_to(house.workspace.root.parent)
    assert _refusal(house, "testdata/folder/outside.csv") is Kind.WRONG_BODY


def test_special_files_and_folders_are_refused_without_waiting(house: House) -> None:
    os.mkfifo(house.workspace.test / "pipe.csv")
    (house.workspace.test / "folder.csv").mkdir()
    assert _refusal(house, "testdata/pipe.csv") is Kind.WRONG_BODY
    assert _refusal(house, "testdata/folder.csv") is Kind.WRONG_BODY


def test_a_file_that_is_too_large_is_refused(house: House) -> None:
    (house.workspace.test / "large.csv").write_bytes(b"x" * 10_001)
    assert _refusal(house, "testdata/large.csv") is Kind.TOO_LARGE
