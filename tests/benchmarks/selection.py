"""On which streams decisions are measured: what the environment asks for, and whether that is a full measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.benchmarks.streams import KINDS, Stream, stream
from tests.benchmarks.time_ordered import time_ordered

FIRST_SEED = 11
"""Lower seeds were used to choose the rules' constants."""
PREFIX = "ATTRITIOND_BENCH_"
FEWEST_FILES = 3


@dataclass(frozen=True, slots=True)
class Selection:
    """``files``: the first of each stream, None for all; ``data``: a folder of real tables; ``processes``: so many
    streams at a time."""

    kinds: tuple[str, ...] = tuple(KINDS)
    seeds: tuple[int, ...] = (FIRST_SEED,)
    files: int | None = None
    data: Path | None = None
    processes: int = 2

    @property
    def full(self) -> bool:
        """All kinds, with all their files."""
        return self.kinds == tuple(KINDS) and self.files is None

    @property
    def generated(self) -> list[tuple[str, int]]:
        """Kind and seed of each generated stream."""
        return [(kind, seed) for seed in self.seeds for kind in self.kinds]

    def real(self) -> list[Stream]:
        """The streams of the folder, if one is named."""
        return [] if self.data is None else time_ordered(self.data)

    def taken(self, source: tuple[str, int] | Stream) -> Stream:
        """A stream, or as much of it as is wanted."""
        found = source if isinstance(source, Stream) else stream(*source)
        return found if self.files is None else replace(found, files=found.files[: self.files])


def selection(environment: Mapping[str, str]) -> Selection:
    """Read ``ATTRITIOND_BENCH_KINDS``, ``_SEEDS`` (each with commas), ``_FILES``, ``_DATA`` and ``_PROCESSES``.

    Raises ValueError for an unknown kind, too few files, a folder that is not there, and for a seed that was used to
    choose constants.
    """
    named = {name: environment.get(PREFIX + name.upper(), "") for name in Selection.__slots__}
    chosen = Selection()
    if named["kinds"]:
        chosen = replace(chosen, kinds=_kinds(named["kinds"].split(",")))
    if named["seeds"]:
        chosen = replace(chosen, seeds=tuple(int(one) for one in named["seeds"].split(",")))
    if min(chosen.seeds) < FIRST_SEED:
        raise ValueError(f"seeds are at least {FIRST_SEED}: lower ones were used to choose the rules' constants")
    if named["files"]:
        chosen = replace(chosen, files=int(named["files"]))
        if int(named["files"]) < FEWEST_FILES:
            raise ValueError(f"of each stream at least {FEWEST_FILES} files are needed")
    if named["data"]:
        chosen = replace(chosen, data=Path(named["data"]))
        if not Path(named["data"]).is_dir():
            raise ValueError(f"there is no folder {named['data']}")
    return replace(chosen, processes=int(named["processes"])) if named["processes"] else chosen


def _kinds(names: list[str]) -> tuple[str, ...]:
    unknown = [name for name in names if name not in KINDS]
    if unknown:
        raise ValueError(f"no kind of stream is named {', '.join(unknown)}; there are {', '.join(KINDS)}")
    return tuple(names)
