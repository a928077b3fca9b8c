"""What a policy has come to in a replay: step by step, and as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.recipes import Recipe
from handlers.domain.decisions.state import Phase
from handlers.domain.metrics import measure


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy did at a step. ``loss``: the mean log loss of the ``rows`` that it scored, None where it scored
    none; ``z``: of the harm test, where that has read the block; ``deployed``: another model is current from here on,
    the first ones not counted."""

    number: int
    rows: int
    loss: float | None
    verdict: str
    trigger: str
    phase: Phase
    recipe: Recipe | None
    z: float | None
    alarm: bool
    deployed: bool

    def document(self) -> dict[str, Any]:
        """As it is answered; ``block``: the id of the decision, where the ledger knows the files."""
        return {
            "block": self.number,
            "rows": self.rows,
            "log_loss": self.loss,
            "verdict": self.verdict,
            "trigger": self.trigger,
            "phase": self.phase,
            "z": self.z,
            "alarm": self.alarm,
            "deployed": self.deployed,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy has come to. ``rows``: those that a model scored before it learned from them, of which
    ``log_loss``, ``roc_auc`` and ``f1`` are; None where there is none, or one class alone."""

    policy: str
    files: int
    rows: int
    log_loss: float | None
    roc_auc: float | None
    f1: float | None
    deployments: int
    fits: int
    alarms: int
    steps: tuple[Judged, ...] = ()

    def document(self) -> dict[str, Any]:
        """As it is answered."""
        names = ("policy", "files", "rows", "log_loss", "roc_auc", "f1", "deployments", "fits", "alarms")
        return {name: getattr(self, name) for name in names} | {"decisions": [one.document() for one in self.steps]}


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What the model of the moment said of n rows before it learned from them. ``labels``: int8[n], 1 left, 0 stayed;
    ``probabilities``: float64[n]; ``called``: bool[n], those predicted to leave, by the threshold of that model."""

    labels: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    called: NDArray[np.bool_]


def outcome(policy: str, steps: Sequence[Judged], scores: Sequence[Scores], *, files: int, fits: int) -> Outcome:
    """Sum up what a policy did, and how well it foresaw all rows together."""
    rows, log_loss, roc_auc, f1 = 0, None, None, None
    if scores:
        labels = np.concatenate([one.labels for one in scores])
        found = measure(labels, np.concatenate([one.probabilities for one in scores]), 0.5)
        rows, log_loss, roc_auc = found.rows, found.log_loss, found.roc_auc
        f1 = measure(labels, np.concatenate([one.called for one in scores]).astype(np.float64), 0.5).f1
    return Outcome(
        policy=policy,
        files=files,
        rows=rows,
        log_loss=log_loss,
        roc_auc=roc_auc,
        f1=f1,
        deployments=sum(one.deployed for one in steps),
        fits=fits,
        alarms=sum(one.alarm for one in steps),
        steps=tuple(steps),
    )
