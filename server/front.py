"""What the serving process must do before anything else: keep pandas out of it."""

from __future__ import annotations

import sys


def keep_pandas_out() -> None:
    """Make pyarrow do without pandas in this process. Where pandas has been imported already, nothing is done.

    At its first conversion pyarrow looks whether pandas can be imported, and keeps it: half a second and some 60 MB
    that serving has no use for. It looks once, so the look is made to fail once. Only ``to_pandas`` and
    ``from_pandas`` are lost by it: the workers, which use them, are processes of their own.
    """
    if "pandas" in sys.modules:
        return
    sys.modules["pandas"] = None  # type: ignore[assignment]  # how Python is told that a module cannot be imported
    try:
        import pyarrow as pa

        pa.array([0])
    finally:
        del sys.modules["pandas"]
