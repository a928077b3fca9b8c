"""What the files of a stream are drawn from, and how one concept becomes another.

Weights change along a circle, ``cos(angle) * old + sin(angle) * other``: the signal stays about as strong, while what
says it becomes something else. How far, is found so that the log loss of a model that has learned the old concept rises
by a given part; the rate of leavers stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.stream_truth import (
    EFFECTS,
    OWN_SEGMENT,
    REFERENCE_ROWS,
    TRAITS,
    Clients,
    Floats,
    Learned,
    Population,
    balanced,
    chance,
    design,
    weights,
)

FILES = 60
_ANGLES = np.linspace(0, np.pi, 64)
_ROWS = (300, 400, 500, 700, 1000)
_SMALL_ROWS = (60, 121)


@dataclass(frozen=True, slots=True)
class Change:
    """What changes from file ``first`` on and is complete in file ``last``, files counted from 0.

    ``loss_rise``: by which part the log loss of an additive model that has learned the concept before rises once the
    change is complete (for a swing: at its height); below 0 where fewer leave. None where the concept stays.
    """

    first: int
    last: int
    how: str
    loss_rise: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """A column that is not measured: ``value`` stands in every row (NaN: nothing does)."""

    column: str
    value: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What each file is drawn from. Arrays have a row for each file."""

    population: Population
    concepts: Floats
    rows: NDArray[np.int64]
    changes: tuple[Change, ...]
    means: Floats = field(default_factory=lambda: np.zeros((FILES, TRAITS)))
    tilts: Floats = field(default_factory=lambda: np.zeros(FILES))
    faults: Mapping[int, Fault] = field(default_factory=dict)
    returning: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """The first concept and what it is compared on."""

    rng: np.random.Generator
    population: Population
    reference: Clients
    matrix: Floats
    concept: Floats
    rate: float
    rows: NDArray[np.int64]

    def plan(self, concepts: Floats, *changes: Change) -> Plan:
        return Plan(self.population, concepts, self.rows, changes)

    def constant(self) -> Floats:
        return np.tile(self.concept, (FILES, 1))

    def file_between(self, low: int, high: int) -> int:
        return int(self.rng.integers(low, high))

    def rise(self, before: Floats, after: Floats) -> float:
        return Learned.of(self.matrix, before).rise(after)


@dataclass(frozen=True, slots=True)
class Path:
    """The concepts between ``start`` and another, for everybody or for one segment."""

    world: World
    start: Floats
    other: Floats
    own_segment: bool = False

    def at(self, angle: float) -> Floats:
        """Give the concept at an angle; the rate of leavers is that of the start."""
        moved = np.cos(angle) * self.start[:EFFECTS] + np.sin(angle) * self.other
        concept = self.start.copy()
        inside = np.ones(REFERENCE_ROWS, dtype=np.bool_)
        part, intercept = slice(0, EFFECTS), EFFECTS
        if self.own_segment:
            inside = self.world.reference.segment == OWN_SEGMENT
            part, intercept = slice(EFFECTS + 1, 2 * EFFECTS + 1), 2 * EFFECTS + 1
            moved = moved - self.start[:EFFECTS]
        matrix = self.world.matrix[inside]
        rate = float(chance(matrix @ self.start).mean())
        concept[part] = moved
        concept[intercept] += balanced(matrix @ concept, rate)
        return concept

    def angle(self, rise: float) -> float:
        """Give the least angle at which the loss has risen by ``rise``; the largest rise if none has so much."""
        known = Learned.of(self.world.matrix, self.start)
        rises: list[float] = []
        for number, angle in enumerate(_ANGLES):
            rises.append(known.rise(self.at(angle)))
            if number and rises[-1] >= rise:
                return float(np.interp(rise, rises[-2:], _ANGLES[number - 1 : number + 1]))
        return float(_ANGLES[np.argmax(rises)])


def path(world: World, start: Floats, *, own_segment: bool = False) -> Path:
    """Lead from a concept to one that is as strong and differs in about half of the effects."""
    other = weights(world.rng) * (world.rng.random(EFFECTS) < 0.6)
    other *= np.linalg.norm(start[:EFFECTS]) / np.linalg.norm(other)
    return Path(world, start, other, own_segment)


def world(rng: np.random.Generator, *, small: bool = False) -> World:
    """Draw a population, its first concept and the sizes of the files."""
    population = Population(rng.uniform(-0.6, 0.6, TRAITS))
    reference = population.draw(rng, REFERENCE_ROWS)
    matrix = design(reference)
    rate = float(rng.uniform(0.15 if small else 0.08, 0.35))
    rows = rng.integers(*_SMALL_ROWS, FILES) if small else np.full(FILES, rng.choice(_ROWS))
    concept = np.zeros(matrix.shape[1])
    concept[:EFFECTS] = weights(rng)
    concept[:EFFECTS] *= rng.uniform(1.3, 1.9) / (matrix @ concept).std()
    concept[EFFECTS] = balanced(matrix @ concept, rate)
    return World(rng, population, reference, matrix, concept, rate, rows.astype(np.int64))
