"""A dropped file's name and stamp."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.files import IGNORED_SUFFIXES, FileStamp, ignored_because, shown_name


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "b.csv.gz", "B.CSV.GZ", "~a.csv", "-.csv", "a b.csv"])
def test_csv_files_are_taken(name: str) -> None:
    assert ignored_because(name) is None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        (".a.csv", "hidden"),
        (".csv", "hidden"),
        ("a.csv~", "temporary"),
        ("a.txt", "not_csv"),
        ("a.csv.zip", "not_csv"),
        ("csv", "not_csv"),
        ("a.gz", "not_csv"),
        *((f"a.csv{suffix}", "temporary") for suffix in IGNORED_SUFFIXES),
        *((f"a.csv{suffix.upper()}", "temporary") for suffix in IGNORED_SUFFIXES),
    ],
)
def test_everything_else_is_ignored_with_its_reason_and_what_to_do(name: str, code: str) -> None:
    reason = ignored_because(name)
    assert reason is not None
    assert reason.code == code
    assert reason.hint


@given(st.binary(min_size=1, max_size=40))
def test_any_name_that_a_system_can_hold_is_shown_as_valid_text(raw: bytes) -> None:
    shown = shown_name(os.fsdecode(raw))
    shown.encode("utf-8")
    try:
        assert shown == raw.decode("utf-8")
    except UnicodeDecodeError:
        assert "\\x" in shown


def test_a_stamp_fits_a_database_whatever_the_file_system_says() -> None:
    status = os.stat_result((0, 2**64 - 1, 2**64 - 2, 1, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 7, 8))
    stamp = FileStamp.of(status)
    assert 0 <= stamp.inode < 2**63
    assert 0 <= stamp.device < 2**63
