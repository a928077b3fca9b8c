"""``python -m tests.benchmarks [SCENE...]``: measure, and print a table that can stand in docs/performance.md."""

from __future__ import annotations

import sys
import time

from tests.benchmarks.baselines import machine
from tests.benchmarks.measures import Measure, table
from tests.benchmarks.scenes import SCENES


def main() -> None:
    """Run the scenes that are named, or all."""
    wanted = sys.argv[1:]
    began = time.monotonic()
    for name, value in machine().items():
        print(f"- {name}: {value}")
    measures: list[Measure] = []
    for scene in SCENES:
        if not wanted or scene.__name__ in wanted:
            print(f"measuring: {scene.__name__}", file=sys.stderr, flush=True)
            measures += scene()
    print(f"- measured in {time.monotonic() - began:.0f} s\n")
    print(table(measures))


if __name__ == "__main__":
    main()
