"""``python -m tests.benchmarks [SCENE...]``: measure, and print a table that can stand in docs/performance.md."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tests.benchmarks import (
    bulk_scenes,
    crowd_scene,
    decision_cost,
    decision_scenes,
    large_scene,
    load_scenes,
    scenes,
    serving_scenes,
    serving_start,
    single_scenes,
    soak_scene,
    store,
)
from tests.benchmarks.baselines import machine
from tests.benchmarks.measures import Measure, table

SCENES: tuple[Callable[[], list[Measure]], ...] = (
    *scenes.SCENES,
    *serving_scenes.SCENES,
    large_scene.serving_large,
    serving_start.serving_start,
    crowd_scene.slow_crowd,
    soak_scene.soak,
    bulk_scenes.bulk,
    bulk_scenes.many_files,
    single_scenes.one_file,
    single_scenes.start_large,
    load_scenes.great_burst,
    load_scenes.memory,
    decision_cost.drift_cost,
    decision_scenes.decisions,
)


def main() -> None:
    """Run the scenes that are named, or all."""
    wanted = sys.argv[1:]
    unknown = set(wanted) - {scene.__name__ for scene in SCENES}
    if unknown:
        sys.exit(f"no such scene: {', '.join(sorted(unknown))}; there are {', '.join(one.__name__ for one in SCENES)}")
    began = time.monotonic()
    for name, value in machine().items():
        print(f"- {name}: {value}")
    if store.SCALE != 1:
        print(f"- ALL SIZES DIVIDED BY {store.SCALE}: no measurement")
    measures: list[Measure] = []
    try:
        for scene in SCENES:
            if not wanted or scene.__name__ in wanted:
                print(f"measuring: {scene.__name__}", file=sys.stderr, flush=True)
                measures += scene()
    finally:
        store.forget()
    print(f"- measured in {time.monotonic() - began:.0f} s\n")
    print(table(measures))


if __name__ == "__main__":
    main()
