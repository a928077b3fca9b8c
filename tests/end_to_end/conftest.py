"""A scratch workspace for each test, and how large the heavy ones are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.end_to_end.drops import Clients, chance


@pytest.fixture
def clients() -> Clients:
    return Clients(chance(7))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test makes its workspace; short, as the control socket's address is."""
    return tmp_path / "work"


@pytest.fixture
def rounds() -> int:
    """``ATTRITIOND_TEST_ROUNDS``: kills of the crash test; 200 is its full size."""
    return int(os.environ.get("ATTRITIOND_TEST_ROUNDS", "4"))
