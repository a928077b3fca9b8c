"""Memory goes back to the system."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

from daemon.memory import give_back


def test_pyarrows_pool_is_asked_to_let_go_where_pyarrow_is_loaded_and_is_not_loaded_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    pool = SimpleNamespace(release_unused=lambda: asked.append("pyarrow"))
    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace(default_memory_pool=lambda: pool))  # type: ignore[arg-type]
    give_back()
    assert asked == ["pyarrow"]
    monkeypatch.delitem(sys.modules, "pyarrow")
    give_back()
    assert asked == ["pyarrow"]
    assert "pyarrow" not in sys.modules
