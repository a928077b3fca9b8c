"""What the serving process must do before anything else: keep pandas out of it, and its memory small."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder
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


class _PyarrowAlone(Loader):
    """Loads pyarrow, and has it look for pandas while there is none to be found."""

    def __init__(self, loader: Loader, *, thrifty: bool) -> None:
        self._loader = loader
        self._thrifty = thrifty

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """As it would be made without us."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Load it, and let the look fail."""
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        _settle(module, thrifty=self._thrifty)


class _Pyarrow:
    """A finder for pyarrow alone, once: whoever imports it first gets it as ``_PyarrowAlone`` loads it."""

    def __init__(self, *, thrifty: bool) -> None:
        self._thrifty = thrifty

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find pyarrow where it is installed."""
        if name != "pyarrow":
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _PyarrowAlone(spec.loader, thrifty=self._thrifty)
        return spec


def keep_pandas_out(*, thrifty: bool = False) -> None:
    """Make pyarrow do without pandas in this process. Where pandas has been imported already, nothing is done.

    At its first conversion pyarrow looks whether pandas can be imported, and keeps it: half a second and some 60 MB
    that serving has no use for. It looks once, so the look is made to fail once, as soon as pyarrow is loaded: this
    does not load it. Only ``to_pandas`` and ``from_pandas`` are lost by it: the workers, which use them, are processes
    of their own. ``thrifty``: it takes memory by the C library's allocator, which is slower than its own pool for what
    is large, and holds on to less of it: a list of clients costs 20 MB instead of 60 from then on.
    """
    if "pandas" in sys.modules or any(isinstance(finder, _Pyarrow) for finder in sys.meta_path):
        return
    if "pyarrow" in sys.modules:
        _settle(sys.modules["pyarrow"], thrifty=thrifty)
    else:
        sys.meta_path.insert(0, _Pyarrow(thrifty=thrifty))


def _settle(pyarrow: ModuleType, *, thrifty: bool) -> None:
    if thrifty:
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pyarrow.array([0])
    finally:
        sys.meta_path.remove(finder)
