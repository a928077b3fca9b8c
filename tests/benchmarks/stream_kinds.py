"""The kinds of streams: which concept, which inputs and which faults each file has, and what changes where.

By how much the loss rises at a change is drawn from a range of the kind; how a concept changes is told in
:mod:`tests.benchmarks.stream_plans`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tests.benchmarks.stream_plans import FILES, Change, Fault, Plan, World, path
from tests.benchmarks.stream_truth import COLUMN_OF_EFFECT, EFFECTS, TRAITS, balanced

PERIOD = 12
GRADUAL_FILES = 15


def _abrupt(world: World, rises: tuple[float, float], firsts: tuple[int, ...]) -> Plan:
    concepts, changes, concept = world.constant(), [], world.concept
    for first in firsts:
        leading = path(world, concept)
        new = leading.at(leading.angle(float(world.rng.uniform(*rises))))
        changes.append(Change(first, first, "other weights at once", world.rise(concept, new)))
        concepts[first:] = concept = new
    return world.plan(concepts, *changes)


def _firsts(world: World) -> tuple[int, ...]:
    firsts = (world.file_between(14, 26), world.file_between(36, 50))
    return firsts if world.rng.random() < 0.5 else firsts[:1]


def sudden(world: World) -> Plan:
    """One or two abrupt changes by 15% to 60% of the loss."""
    return _abrupt(world, (0.15, 0.6), _firsts(world))


def sudden_small(world: World) -> Plan:
    """One or two abrupt changes by 5% to 10% of the loss."""
    return _abrupt(world, (0.05, 0.1), _firsts(world))


def small(world: World) -> Plan:
    """One abrupt change by 25% to 60% of the loss, in files of 60 to 120 rows."""
    return _abrupt(world, (0.25, 0.6), (world.file_between(20, 36),))


def clients(world: World) -> Plan:
    """The same clients again and again, several rows of some in a file; one abrupt change by 20% to 50%."""
    plan = _abrupt(world, (0.2, 0.5), (world.file_between(20, 36),))
    return Plan(plan.population, plan.concepts, plan.rows, plan.changes, returning=True)


def gradual(world: World) -> Plan:
    """From one concept to another in 15 files, by 20% to 60% of the loss."""
    first, leading = world.file_between(12, 26), path(world, world.concept)
    whole = leading.angle(float(world.rng.uniform(0.2, 0.6)))
    done = np.clip((np.arange(FILES) - first + 1) / GRADUAL_FILES, 0, 1)
    concepts = np.array([leading.at(whole * part) for part in done])
    rise = world.rise(world.concept, concepts[-1])
    return world.plan(concepts, Change(first, first + GRADUAL_FILES - 1, "other weights, step by step", rise))


def seasonal(world: World) -> Plan:
    """A swing to both sides with a period of 12 files, by 10% to 30% of the loss from the middle to the height."""
    leading = path(world, world.concept)
    height = leading.angle(float(world.rng.uniform(0.1, 0.3)))
    swing = np.sin(2 * np.pi * np.arange(FILES) / PERIOD)
    concepts = np.array([leading.at(height * part) for part in swing])
    rise = world.rise(world.concept, concepts[PERIOD // 4])
    return world.plan(concepts, Change(1, FILES - 1, f"a swing with a period of {PERIOD} files", rise))


def rotating(world: World) -> Plan:
    """Weights that turn all the time, by 10% to 30% of the loss in 12 files."""
    leading = path(world, world.concept)
    step = leading.angle(float(world.rng.uniform(0.1, 0.3))) / PERIOD
    concepts = np.array([leading.at(step * number) for number in range(FILES)])
    rise = world.rise(world.concept, concepts[PERIOD])
    return world.plan(concepts, Change(1, PERIOD, "a slow turn of the weights, all the time", rise))


def one_segment(world: World) -> Plan:
    """One segment of five, a quarter of the rows, changes abruptly, by 6% to 20% of the loss of all rows."""
    first, leading = world.file_between(14, 34), path(world, world.concept, own_segment=True)
    concepts = world.constant()
    concepts[first:] = leading.at(leading.angle(float(world.rng.uniform(0.06, 0.2))))
    rise = world.rise(world.concept, concepts[-1])
    return world.plan(concepts, Change(first, first, "other weights in one segment", rise))


def label_shift(world: World) -> Plan:
    """The rate of leavers is multiplied by 1.5 to 2.2, and later goes back; who leaves sooner stays the same."""
    up, down = world.file_between(12, 24), world.file_between(34, 48)
    higher = min(0.5, world.rate * float(world.rng.uniform(1.5, 2.2)))
    concepts = world.constant()
    concepts[up:down, EFFECTS] += balanced(world.matrix @ world.concept, higher)
    low, high = concepts[0], concepts[up]
    return world.plan(
        concepts,
        Change(up, up, "more leave", world.rise(low, high)),
        Change(down, down, "as few leave as before", world.rise(high, low)),
    )


def outage(world: World) -> Plan:
    """Twice a column that matters is not measured for 2 or 3 files: first nothing, then nonsense stands there."""
    strong = np.argsort(-np.abs(world.concept[: len(COLUMN_OF_EFFECT)]))
    faults: dict[int, Fault] = {}
    changes = []
    for first, value, effect in (
        (world.file_between(14, 24), np.nan, strong[0]),
        (world.file_between(34, 46), float(world.rng.choice([0.0, 99999.0])), strong[1]),
    ):
        length, column = int(world.rng.integers(2, 4)), COLUMN_OF_EFFECT[int(effect)]
        faults |= {number: Fault(column, value) for number in range(first, first + length)}
        changes.append(Change(first, first, f"{column} is {value} in every row", None))
        changes.append(Change(first + length, first + length, f"{column} is measured again", None))
    return Plan(world.population, world.constant(), world.rows, tuple(changes), faults=faults)


def no_drift(world: World) -> Plan:
    """Nothing changes."""
    return world.plan(world.constant())


def covariate_shift(world: World) -> Plan:
    """Four traits and the shares of the segments move, at once and later step by step; the concept stays."""
    first, second = world.file_between(12, 22), world.file_between(30, 40)
    moving = np.zeros((2, TRAITS))
    for row in moving:
        row[world.rng.choice(TRAITS - 1, 4, replace=False)] = world.rng.uniform(-0.8, 0.8, 4)
    numbers = np.arange(FILES)[:, None]
    step = np.clip((numbers - second + 1) / GRADUAL_FILES, 0, 1)
    means = (numbers >= first) * moving[0] + step * moving[1]
    tilts = np.where(numbers[:, 0] >= first, 0.4, 0.0)
    changes = (
        Change(first, first, "other inputs at once", None),
        Change(second, second + GRADUAL_FILES - 1, "other inputs, step by step", None),
    )
    return Plan(world.population, world.constant(), world.rows, changes, means=means, tilts=tilts)


KINDS: Mapping[str, Callable[[World], Plan]] = {
    kind.__name__: kind
    for kind in (
        sudden,
        gradual,
        seasonal,
        rotating,
        one_segment,
        label_shift,
        outage,
        small,
        no_drift,
        covariate_shift,
        clients,
        sudden_small,
    )
}
