"""Paired comparison of models on the same rows: by how much the loss is lower, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.bootstrap import standard_errors
from handlers.domain.decisions.loss_level import losses
from handlers.domain.decisions.recipes import Recipe
from handlers.domain.decisions.units import Sample, Unit, common, said_of, together

Floats = NDArray[np.float64]
Verdict = Literal["better", "not better", "not enough evidence"]

STANDARD_Z = 1.28
"""All intervals are told with the same certainty, 80%, whatever the rule demands."""


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """A challenger beside the champion. ``gain``, ``low`` and ``high`` are parts of the champion's mean loss.

    ``low`` and ``high`` are the bounds of the gain, ``z`` standard errors away; ``least``: the gain that must be
    exceeded; ``reach``: so many times the rows that there are may still come into the sample. ``sample``: the rows;
    ``said`` and ``champion``: what both said of them, float64[n] in log-odds.
    """

    recipe: Recipe
    last: int
    gain: float
    error: float
    low: float
    high: float
    least: float
    reach: float
    loss: float
    champion_loss: float
    sample: Sample
    said: Floats
    champion: Floats

    @property
    def interval(self) -> tuple[float, float]:
        """The bounds of the gain as they are told, whatever the rule demands: 80% sure. A loss falls by 1 at most."""
        return self.gain - STANDARD_Z * self.error, min(self.gain + STANDARD_Z * self.error, 1.0)

    @property
    def margin(self) -> float:
        """The lower bound beyond the least gain that counts: above 0 the challenger is better."""
        return self.low - self.least

    @property
    def verdict(self) -> Verdict:
        """Better, not better, or not known yet."""
        if self.margin > 0:
            return "better"
        return "not better" if self.high <= self.least else "not enough evidence"

    @property
    def more_rows(self) -> int | None:
        """About how many more rows would show that it is better, should the gain stay what it is.

        The error shrinks with the square root of the rows. None where the gain is too small for any number of rows, or
        for one that the newest units, by which is judged, will ever hold.
        """
        beyond = self.gain - self.least
        z_error = self.gain - self.low
        if beyond <= 0 or self.margin > 0:
            return None
        factor = (z_error / beyond) ** 2 - 1
        return max(1, math.ceil(self.sample.size * factor)) if factor <= self.reach else None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a gain has to be: ``z`` standard errors sure, and more than ``least``. ``noise``: its standard deviation
    from block to block; both are parts of the loss. ``seed``: of the bootstrap; ``units``: by at most so many is
    judged."""

    z: float
    noise: float
    least: float
    seed: int
    units: int = 1


@dataclass(frozen=True, slots=True)
class Contender:
    """Who is compared: the scorers whose log-odds are averaged, and the recipe that this is."""

    scorers: tuple[str, ...]
    recipe: Recipe
    last: int


def compare(contender: Contender, champion: Floats, said: Floats, sample: Sample, demand: Demand) -> Compared:
    """Compare on a sample what both said of it, float64[n] in log-odds.

    error^2 = standard error^2 of the mean difference (by clients) + (noise x loss)^2 / units.
    """
    own, others = losses(sample.labels, champion), losses(sample.labels, said)
    difference = own - others
    champion_loss = max(float(own.mean()), 1e-12)
    chance = float(standard_errors(difference[:, None], sample.clients, seed=demand.seed)[0])
    error = math.hypot(chance / champion_loss, demand.noise / math.sqrt(sample.units))
    gain = float(difference.mean()) / champion_loss
    return Compared(
        recipe=contender.recipe,
        last=contender.last,
        gain=gain,
        error=error,
        low=gain - demand.z * error,
        high=gain + demand.z * error,
        least=demand.least,
        reach=max(demand.units / sample.units - 1, 0.0),
        loss=float(others.mean()),
        champion_loss=champion_loss,
        sample=sample,
        said=said,
        champion=champion,
    )


def compare_on(
    units: Sequence[Unit],
    contender: Contender,
    champion: str,
    since: int,
    demand: Demand,
) -> Compared | None:
    """Compare on the units from block ``since`` on that both have scored; None where there is none."""
    shared = common(units, since, contender.scorers, (champion,))
    if sum(len(unit.labels) for unit in shared) <= 1:  # one row has no spread
        return None
    sample = together(shared)
    said = said_of(shared, contender.scorers)
    return compare(contender, said_of(shared, (champion,)), said, sample, demand)
