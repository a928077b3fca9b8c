"""What the serving process must do before anything else: keep pandas out of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _NoPandas:
    """A finder that says of pandas that it is not installed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find nothing; refuse pandas."""
        if name == "pandas":
            raise ImportError("pandas is kept out of this process")
        return None


def keep_pandas_out() -> None:
    """Make pyarrow do without pandas in this process. Where pandas has been imported already, nothing is done.

    At its first conversion pyarrow looks whether pandas can be imported, and keeps it: half a second and some 60 MB
    that serving has no use for. It looks once, so the look is made to fail once. Only ``to_pandas`` and
    ``from_pandas`` are lost by it: the workers, which use them, are processes of their own.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        sys.meta_path.remove(finder)
