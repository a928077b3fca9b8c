"""Running a rule: its requests are answered until it rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.recipes import Part
from handlers.domain.decisions.requests import HeldOut, OutOfFold, Request, Rule, Ruling, Segments, Trial

Floats = NDArray[np.float64]


class Outside(Protocol):
    """Who fits and reads for a rule: the daemon, a replay, a test. The methods answer the requests of their names."""

    def trial(self, asked: Trial) -> Mapping[Part, Floats]:
        """Log-odds of each part for the newest unit."""
        ...

    def out_of_fold(self, asked: OutOfFold) -> Mapping[Part, HeldOut]:
        """What each part says of rows that were held out."""
        ...

    def segments(self, asked: Segments) -> Mapping[str, NDArray[np.bool_]]:
        """Which rows belong to which segment."""
        ...


def run(rule: Rule, outside: Outside) -> Ruling:
    """Answer a rule until it has decided."""
    try:
        asked = next(rule)
        while True:
            asked = rule.send(_answer(outside, asked))
    except StopIteration as end:
        ruling: Ruling = end.value
        return ruling


def _answer(outside: Outside, asked: Request) -> Any:
    match asked:
        case Trial():
            return outside.trial(asked)
        case OutOfFold():
            return outside.out_of_fold(asked)
        case Segments():
            return outside.segments(asked)
