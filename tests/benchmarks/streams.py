"""Labelled files in order, made up or real, on which policies of retraining are judged.

``stream("sudden", 1)`` is the same on every machine and in every order of calls: 60 files of one size, 300 to 1,000
rows (60 to 120 for "small"), eight or seven numbers, two categories, gaps. Files differ by more than the chance of
their rows: the base rate and the inputs of each have a small term of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tests.benchmarks.stream_kinds import KINDS
from tests.benchmarks.stream_plans import FILES, Change, Plan, world
from tests.benchmarks.stream_truth import TRAITS, Clients, Column, Floats, chance, columns_of, design

__all__ = ["FILES", "KINDS", "Change", "Stream", "StreamFile", "plan", "stream"]

#: Standard deviation of each file's own term: in the log-odds of all its rows (about 1.5% of the loss), in each trait.
FILE_LOG_ODDS = 0.04
FILE_TRAITS = 0.04
#: Of the log-odds of a returning client, beside what is seen of it.
_CLIENT_LOG_ODDS = 0.6
#: What of a returning client's traits stays from file to file.
_CLIENT_MEMORY = 0.9


@dataclass(frozen=True, slots=True)
class StreamFile:
    """``columns``: float64[n] with NaN, or objects (str or None); ``labels`` int8[n], 1 left; ``clients`` int64[n]."""

    columns: dict[str, Column]
    labels: NDArray[np.int8]
    clients: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """Files in the order in which they come; ``changes`` is empty where it is not known what changes."""

    name: str
    files: tuple[StreamFile, ...]
    changes: tuple[Change, ...]


def stream(kind: str, seed: int) -> Stream:
    """Make the stream of a kind and a seed. Raises ValueError naming the kinds if there is none of this name."""
    planned = plan(kind, seed)
    named = np.random.default_rng([seed, 1, *kind.encode()])
    hidden = {"age"} if named.random() < 0.5 else set()
    source = _Returning(planned, named) if planned.returning else _Fresh(planned)
    files = []
    for number in range(FILES):
        rng = np.random.default_rng([seed, 2 + number, *kind.encode()])
        clients, who, own = source.draw(rng, number)
        log_odds = design(clients) @ planned.concepts[number] + own + rng.normal(0, FILE_LOG_ODDS)
        labels = (rng.random(len(who)) < chance(log_odds)).astype(np.int8)
        columns = {name: values for name, values in columns_of(clients, rng).items() if name not in hidden}
        if number in planned.faults:
            fault = planned.faults[number]
            columns[fault.column] = np.full(len(who), fault.value)
        files.append(StreamFile(columns, labels, who))
    return Stream(f"{kind}-{seed}", tuple(files), planned.changes)


def plan(kind: str, seed: int) -> Plan:
    """Give what the files of ``stream(kind, seed)`` are drawn from. Raises ValueError as it does."""
    if kind not in KINDS:
        raise ValueError(f"no kind of stream is named {kind!r}; there are {', '.join(KINDS)}")
    rng = np.random.default_rng([seed, 0, *kind.encode()])
    return KINDS[kind](world(rng, small=kind == "small"))


class _Fresh:
    """Every row is a client of its own."""

    def __init__(self, planned: Plan) -> None:
        self._plan = planned
        self._starts = np.concatenate(([0], np.cumsum(planned.rows)))

    def draw(self, rng: np.random.Generator, number: int) -> tuple[Clients, NDArray[np.int64], Floats]:
        """Give clients, their numbers, and what of their log-odds is not seen."""
        size = int(self._plan.rows[number])
        means = self._plan.means[number] + rng.normal(0, FILE_TRAITS, TRAITS)
        clients = self._plan.population.draw(rng, size, means=means, tilt=float(self._plan.tilts[number]))
        return clients, self._starts[number] + np.arange(size), np.zeros(size)


class _Returning:
    """As many clients as a file has rows; a file draws its rows from them, some twice or more."""

    def __init__(self, planned: Plan, rng: np.random.Generator) -> None:
        self._plan = planned
        size = int(planned.rows.max())
        self._clients = planned.population.draw(rng, size)
        self._own = rng.normal(0, _CLIENT_LOG_ODDS, size)

    def draw(self, rng: np.random.Generator, number: int) -> tuple[Clients, NDArray[np.int64], Floats]:
        """Give clients, their numbers, and what of their log-odds is not seen."""
        size = int(self._plan.rows[number])
        who = rng.integers(0, len(self._own), size)
        seen = self._clients[who]
        fresh = rng.normal(size=seen.traits.shape) * np.sqrt(1 - _CLIENT_MEMORY**2)
        traits = _CLIENT_MEMORY * seen.traits + fresh
        known = seen.delay_known
        return Clients(traits, seen.segment, seen.region, known), who, self._own[who]
