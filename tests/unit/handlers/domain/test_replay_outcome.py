"""What a policy has come to."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from handlers.domain.replay_outcome import Judged, Scores, outcome


def _judged(number: int, *, alarm: bool = False, deployed: bool = False) -> Judged:
    return Judged(number, 0, None, "kept", "none", "stable", None, None, alarm, deployed)


def test_the_scores_of_all_blocks_are_pooled_each_row_at_the_threshold_of_its_moment() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 60).astype(np.int8)
    said = rng.uniform(0.01, 0.99, 60)
    called = np.concatenate([said[:20] >= 0.3, said[20:] >= 0.7])
    parts = [Scores(labels[:20], said[:20], called[:20]), Scores(labels[20:], said[20:], called[20:])]
    found = outcome("never", [_judged(1, deployed=True), _judged(2, alarm=True)], parts, files=2, fits=3)
    assert found.document() == {
        "policy": "never",
        "files": 2,
        "rows": 60,
        "log_loss": pytest.approx(log_loss(labels, said)),
        "roc_auc": pytest.approx(roc_auc_score(labels, said)),
        "f1": pytest.approx(f1_score(labels, called)),
        "deployments": 1,
        "fits": 3,
        "alarms": 1,
        "decisions": [_judged(1, deployed=True).document(), _judged(2, alarm=True).document()],
    }


def test_each_decision_is_answered() -> None:
    one = Judged(7, 150, 0.5, "kept", "harm", "adapting", None, 4.2, True, False)
    assert one.document() == {
        "block": 7,
        "rows": 150,
        "log_loss": 0.5,
        "verdict": "kept",
        "trigger": "harm",
        "phase": "adapting",
        "z": 4.2,
        "alarm": True,
        "deployed": False,
    }


def test_without_a_scored_row_there_are_no_scores() -> None:
    found = outcome("never", [_judged(1)], [], files=1, fits=1).document()
    assert (found["rows"], found["log_loss"], found["roc_auc"], found["f1"]) == (0, None, None, None)
