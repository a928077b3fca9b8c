"""What one decision leaves to the next. It is committed with the decision, so that a replay decides the same."""

from __future__ import annotations

from typing import Literal

import msgspec

from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.recipes import Recipe, Shadow

Phase = Literal["stable", "watch", "adapting"]

PATH = 60
"""So many of the last readings are kept for the picture of the sums."""
KNOWN_UNITS = 64
"""So many of the last units of evidence are known by their blocks: a slow decay is traced back no further."""


class Incumbent(msgspec.Struct, frozen=True):
    """A deployed model, as the rules see it: its version, its recipe, and the block that it learned last.

    ``rows``: of its widest window; ``provisional``: made while the rows were few, and replaced as soon as there are
    more; ``period``: the latest among its rows, None where no column tells the time."""

    version: int
    recipe: Recipe
    last: int
    rows: int = 0
    provisional: bool = False
    period: str | None = None

    @property
    def scorer(self) -> str:
        """The name under which its scores are kept."""
        return f"m{self.version}"


class Reading(msgspec.Struct, frozen=True):
    """What the harm test read at a block. ``z`` has the allowance subtracted, ``watch_z`` has not; ``limit`` and
    ``cusum_limit`` are those above which the score that counts, and its sum, are an alarm."""

    block: int
    version: int
    rows: float
    loss: float
    reference: float
    z: float
    watch_z: float
    cusum: float
    watch_cusum: float
    limit: float
    cusum_limit: float
    alarm: bool
    phase: Phase


class State(msgspec.Struct, frozen=True):
    """Phase, sums, references and pools. Blocks are named by the numbers of their decisions.

    ``units``: the blocks that were judged together, newest last; ``totals``: all labelled rows after each of them;
    ``pool``: blocks that are still too few to judge.
    ``since``: the block with which the evidence begins. ``quiet``: how many quiet blocks are in ``reference``.
    ``cusum_units``: units since the sum was 0. ``adapting``: units that are left until a new level is accepted.
    ``clock``: units until challengers are trained anew, then ``wait`` units. ``oldest``: the first block of all.
    ``trained_rows``: all labelled rows when challengers were last trained. ``scores_f1``: the champion's F1 by unit.
    ``judged``: how many units there were; ``deployments``: after which of them a model took another's place.
    ``held``: the files that were held in a row, ``held_for``: what is broken in all of them; ``normal``: what is broken
    in files, and has become the new normal.
    ``latest_period``: of all rows that were decided on.
    """

    champion: Incumbent | None = None
    previous: Incumbent | None = None
    reference: LossLevel | None = None
    quiet: int = 0
    cusum: float = 0.0
    cusum_units: int = 0
    watch_cusum: float = 0.0
    adapting: int = 0
    since: int = 0
    oldest: int = 0
    clock: int = 0
    wait: int = 0
    refreshes: int = 0
    trained_rows: int = 0
    next_shadow: int = 1
    shadows: tuple[Shadow, ...] = ()
    units: tuple[tuple[int, ...], ...] = ()
    totals: tuple[int, ...] = ()
    pool: tuple[int, ...] = ()
    challenge_due: bool = False
    scores_f1: tuple[float, ...] = ()
    judged: int = 0
    deployments: tuple[int, ...] = ()
    path: tuple[Reading, ...] = ()
    held: tuple[int, ...] = ()
    held_for: tuple[str, ...] = ()
    normal: tuple[str, ...] = ()
    latest_period: str | None = None

    @property
    def phase(self) -> Phase:
        """Where the harm test stands; of a model that it has not read yet, or whose level was accepted, ``stable``."""
        if self.adapting:
            return "adapting"
        newest = self.path[-1] if self.path else None
        mine = newest is not None and self.champion is not None and newest.version == self.champion.version
        return "watch" if mine and newest is not None and newest.phase == "watch" else "stable"

    def rows_between(self, first: int, last: int) -> int | None:
        """The labelled rows of the blocks from ``first`` to ``last``; None where that is longer ago than is known."""
        ends = [(blocks[-1], total) for blocks, total in zip(self.units[::-1], self.totals[::-1], strict=False)][::-1]
        until = [total for block, total in ends if block <= last]
        before = [total for block, total in ends if block < first]
        if not until or (first > self.oldest and not before):
            return None
        return until[-1] - (before[-1] if first > self.oldest else 0)

    @property
    def scorers(self) -> tuple[str, ...]:
        """The names of all that score the next block."""
        deployed = [one.scorer for one in (self.champion, self.previous) if one is not None]
        return (*deployed, *(shadow.name for shadow in self.shadows))
