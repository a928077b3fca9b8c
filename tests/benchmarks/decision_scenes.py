"""How well is decided: the program beside plain rules, on streams on which no constant was chosen.

Generated streams of all kinds with a seed that was kept aside, and the tables of a folder of one's own: ``make bench
ARGS=decisions DATA=folder``. :mod:`tests.benchmarks.selection` says how to take fewer or more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import fmean
from typing import TypeVar

from threadpoolctl import threadpool_limits

from tests.benchmarks import harm_readings, hindsight, replayed_streams
from tests.benchmarks.harm_readings import WORLDS, World
from tests.benchmarks.hindsight import Course
from tests.benchmarks.measures import Measure
from tests.benchmarks.selection import FIRST_SEED, Selection, selection
from tests.benchmarks.streams import Stream, stream

EVIDENCE = replayed_streams.POLICIES[0]
SHOWN = (*replayed_streams.POLICIES, *hindsight.RULES)
TARGET_MEAN, TARGET_WORST, TARGET_DEPLOYMENTS, TARGET_SECONDS, TARGET_ALARMS = 0.8, 12, 11, 3.0, 0.1
QUIET_KINDS, QUIET_SEEDS = ("no_drift", "covariate_shift"), 20
DETECTIONS = ((0.3, 1), (0.2, 3))
"""A rise of the loss, and the number of files within which it is to be alarmed."""
DETECTION_SEEDS = 400

Item = TypeVar("Item")
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """All policies on one stream. ``best``: the lowest of the four losses among which is chosen in hindsight;
    ``courses``: by policy; ``fits`` and ``seconds``: of the program's own rule, fits in all, CPU by decision."""

    stream: str
    rows: int
    best: tuple[str, float]
    courses: Mapping[str, Course]
    fits: int
    seconds: tuple[float, ...]

    @property
    def files(self) -> int:
        return len(self.courses[EVIDENCE].losses) + 1

    def above(self, policy: str) -> float:
        """By how many percent the mean loss of a policy is above the best in hindsight."""
        return 100 * (self.courses[policy].loss / self.best[1] - 1)

    def deployments(self, policy: str) -> float:
        """In 100 files."""
        return 100 * self.courses[policy].deployments / self.files

    def row(self) -> str:
        """One line of the table."""
        cells = (
            f"{self.above(name):+.1f}%, {self.deployments(name):.0f}, {self.courses[name].alarms}" for name in SHOWN
        )
        rows = f"{self.files} x {self.rows:,}"
        return f"| {self.stream} | {rows} | {self.best[1]:.4f} ({self.best[0]}) | {' | '.join(cells)} |"


def decisions() -> list[Measure]:
    """Print a line for each stream as soon as it is judged, and sum them up."""
    chosen = selection(os.environ)
    if not chosen.full:
        files = "all files" if chosen.files is None else f"the first {chosen.files} files"
        print(f"- ONLY {files} OF {', '.join(chosen.kinds)}: no full measurement")
    print("\nOf each policy: mean log loss above the best in hindsight, deployments in 100 files, alarms.\n")
    print(f"| stream | files x rows | best in hindsight | {' | '.join(SHOWN)} |")
    print(f"|---|--:|---|{'--:|' * len(SHOWN)}", flush=True)
    judging = partial(judge, chosen)
    generated = list(_shown(each(judging, chosen.generated, chosen.processes)))
    real = list(_shown(each(judging, chosen.real(), chosen.processes)))
    print()
    quiet = [(kind, FIRST_SEED + place) for place in range(QUIET_SEEDS) for kind in QUIET_KINDS]
    read = list(each(_harm_alarms, quiet, chosen.processes))
    return [
        *summary(generated, "generated"),
        *(summary(real, "real") if real else ()),
        *false_alarms(dict(zip(quiet, read, strict=True))),
        *detection(),
    ]


def judge(chosen: Selection, source: tuple[str, int] | Stream) -> Judged:
    """All policies on one stream."""
    with threadpool_limits(1):  # the matrices are small: several threads would wait for each other
        found = chosen.taken(source)
        fits = hindsight.Fits(found)
        best = min((course.loss, name) for name, course in hindsight.alone(fits).items())
        rules = hindsight.rules(fits)
        played = replayed_streams.play(found)
    courses = {name: one.course for name, one in played.items()} | rules
    rows = round(fmean(len(one.labels) for one in found.files))
    own = played[EVIDENCE]
    return Judged(found.name, rows, best[::-1], courses, own.fits, own.seconds)


def each(work: Callable[[Item], Found], items: Sequence[Item], processes: int) -> Iterator[Found]:
    """The work done on each item, in their order, in so many processes."""
    if processes < 2 or len(items) < 2:
        yield from map(work, items)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, items)


def summary(found: Sequence[Judged], which: str) -> list[Measure]:
    """Each policy over all of these streams, the program's own beside its targets."""
    measures = []
    for name in SHOWN:
        above = [one.above(name) for one in found]
        deployed = [one.deployments(name) for one in found]
        own = name in replayed_streams.POLICIES
        goal = f"target (worst: {TARGET_WORST} %)" if own else ""
        measures.append(
            Measure(
                f"{which} streams, {name}: log loss above the best in hindsight, mean",
                "%",
                fmean(above),
                len(found),
                max(above),
                TARGET_MEAN if own else None,
                goal,
            )
        )
        limit = TARGET_DEPLOYMENTS if name == EVIDENCE else None
        what = f"{which} streams, {name}: deployments in 100 files"
        measures.append(Measure(what, "", fmean(deployed), len(found), max(deployed), limit, "target"))
    return [*measures, *_cost(found, which)]


def _cost(found: Sequence[Judged], which: str) -> list[Measure]:
    spent = [seconds for one in found for seconds in one.seconds]
    fits = [100 * one.fits / one.files for one in found]
    name = f"{which} streams, {EVIDENCE}"
    return [
        Measure(
            f"{name}: CPU of a decision, mean", "s", fmean(spent), len(spent), max(spent), TARGET_SECONDS, "target"
        ),
        Measure(f"{name}: fits in 100 files", "", fmean(fits), len(found), max(fits)),
    ]


def false_alarms(read: Mapping[tuple[str, int], tuple[int, int]]) -> list[Measure]:
    """The part of the files without drift on which the harm test alarms, by the kind of stream."""
    measures = []
    for kind in dict.fromkeys(kind for kind, _ in read):
        of_kind = [counts for (own, _), counts in read.items() if own == kind]
        alarms, files = (sum(counts) for counts in zip(*of_kind, strict=True))
        what = f"harm test on {kind}: alarms, of the files"
        measures.append(Measure(what, "%", 100 * alarms / files, files, None, TARGET_ALARMS, "target"))
    return measures


def detection() -> list[Measure]:
    """The part of sudden rises that are alarmed in time: the mean over worlds of several strengths, and the worst."""
    measures = []
    for rise, within in DETECTIONS:
        shares = [_in_time(World.rising(auc, rise), within, range(DETECTION_SEEDS)) for auc in WORLDS]
        files = "one file" if within == 1 else f"{within} files"
        what = f"a rise of the loss by {rise:.0%} in files of 500 rows: alarmed within {files}"
        measures.append(Measure(what, "%", fmean(shares), DETECTION_SEEDS * len(shares), min(shares), 100, "target"))
    return measures


def _in_time(world: World, within: int, seeds: Iterable[int]) -> float:
    found = list(harm_readings.delays(world, seeds, within))
    return 100 * sum(delay <= within for delay in found) / len(found)


def _harm_alarms(source: tuple[str, int]) -> tuple[int, int]:
    with threadpool_limits(1):
        return harm_readings.alarms(stream(*source))


def _shown(found: Iterable[Judged]) -> Iterator[Judged]:
    for one in found:
        print(one.row(), flush=True)
        yield one
