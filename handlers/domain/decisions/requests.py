"""What a rule asks for while it decides, and what it decides in the end.

A rule is a generator: it yields requests, is sent the answers, and returns a ruling. It reads and fits nothing
itself, so that a test can play the outside, and the daemon and a replay are the same rule with different answers.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.gains import Compared, Verdict
from handlers.domain.decisions.guard_rails import Breach
from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.recipes import Part, Recipe
from handlers.domain.decisions.state import Phase, State
from handlers.domain.decisions.units import Unit

Floats = NDArray[np.float64]

Trigger = Literal["first", "provisional", "challenge", "harm", "evidence", "policy", "f1", "none"]


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """Fit these parts on the blocks before ``unit``, and give the log-odds of each for all n rows of that unit.

    ``half``: they also learn from the rows of the unit that ``Unit.held_half`` leaves them. Answer: by part float64[n].
    """

    parts: tuple[Part, ...]
    unit: Unit
    half: bool = False


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Give what each of these parts says of the rows of its window while they are held out. Answer: by part."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """Give the segments among these rows (int64[n], their numbers) of these blocks. Answer: by name bool[n]."""

    blocks: tuple[int, ...]
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """The answer to ``OutOfFold``, for one part: labels, clients and log-odds of n rows."""

    labels: NDArray[np.int8]
    clients: NDArray[np.int64]
    log_odds: Floats


@dataclass(frozen=True, slots=True)
class Ruling:
    """What is to be done. ``state``: that of the next decision, but for what a deployment and new shadows add to it.

    ``deploy``: a recipe that is to be fitted up to the newest block; ``reference``: what it promises, None: its
    out-of-fold losses. ``roll_back``: to the previous model. ``refresh``: shadows to be trained. ``best``: the
    contender that the verdict is about; ``breaches``: why it is not deployed although it is better; ``compared``: all
    contenders. ``judged``: the harm test has read this unit; ``goes_on``: the alarm lasts although a model is
    deployed. ``note``: the reason where there is no test to tell of.
    """

    trigger: Trigger
    state: State
    deploy: Recipe | None = None
    reference: LossLevel | None = None
    roll_back: bool = False
    refresh: tuple[Part, ...] = ()
    best: Compared | None = None
    verdict: Verdict | None = None
    breaches: tuple[Breach, ...] = ()
    compared: tuple[Compared, ...] = ()
    statistics: Mapping[str, float] = field(default_factory=dict)
    judged: bool = False
    goes_on: bool = False
    note: str = ""

    @property
    def phase(self) -> Phase:
        """The phase in which was decided: what the harm test has read, before a deployment or a way back ends it."""
        return self.state.path[-1].phase if self.judged and self.state.path else self.state.phase


Request: TypeAlias = Trial | OutOfFold | Segments
Rule: TypeAlias = Generator[Request, Any, Ruling]
