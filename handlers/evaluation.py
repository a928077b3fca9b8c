"""Judging: the champion on rows that nobody has learned from yet, and the challengers beside it on the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers import decision_blocks
from handlers.decision_blocks import OpenBlock
from handlers.domain.metrics import Metrics, best_threshold, log_losses, loss_level, measure
from handlers.domain.promotion import Candidate, Challenger, Choice, PromotionSettings, choose, simplest_of_the_best
from handlers.domain.release import Release
from handlers.domain.retraining import Observed, Retraining
from handlers.house import House
from handlers.scoring_columns import columns_of
from handlers.storage import parts
from handlers.storage.parts import Part, PartKind, Prepared
from handlers.training_window import Window


@dataclass(frozen=True, slots=True)
class Prequential:
    """The champion on the m rows of a block, before they were learned from. ``part``: to be recorded in the ledger."""

    observed: Observed
    metrics: Metrics
    part: Prepared


@dataclass(frozen=True, slots=True)
class Verdict:
    """``winner``: the challenger that is to be deployed, or None; ``shown``: it, or else the best of those that lost;
    ``held_out``: what that one said of the m rows it was judged on, float64[m]; ``candidates``: each as JSON values,
    with its gain over the champion where there was one to beat."""

    winner: str | None
    shown: str
    labels: NDArray[np.int8]
    held_out: NDArray[np.float64]
    candidates: list[dict[str, Any]]
    level: dict[str, float] | None
    """Mean, variance and number of the champion's losses on the same rows."""


def score_block(house: House, release: Release | None, window: Window, block: OpenBlock) -> Prequential | None:
    """Score a block's rows with the champion, and keep what it said. None without a champion or without rows."""
    chosen = window.among(block.rows)
    if release is None or not chosen.any():
        return None
    labels = window.labels[chosen]
    probabilities = _probabilities(release, window, chosen)
    losses = log_losses(labels, probabilities)
    metrics = measure(labels, probabilities, release.scorecard.threshold)
    predictions = (probabilities >= release.scorecard.threshold).astype(np.int8)
    stored = pa.table(
        {"row": window.rows[chosen], "label": labels, "probability": probabilities, "prediction": predictions}
    )
    path, rows = f"scores-{block.id:08d}", stored.num_rows
    part = Part(path, PartKind.SCORES, rows, 0, window.dataset_version, owner=block.id, model=release.version)
    level = loss_level(losses)
    return Prequential(
        Observed(len(labels), metrics.positives, level["mean"], level["variance"], metrics.f1),
        metrics,
        parts.prepare(house.workspace.parts, part, stored),
    )


def pooled(house: House, newest: Prepared) -> dict[str, Any]:
    """The metrics over all rows that were ever scored before they were learned from, those of ``newest`` included."""
    folder = house.workspace.parts
    with house.ledger.read() as connection:
        earlier = parts.read_all(connection, folder, parts.listed(connection, PartKind.SCORES))
        table = pa.concat_tables([*(table for _, table in earlier), newest.table(folder)])
    labels, predictions = table["label"].to_numpy(), table["prediction"].to_numpy().astype(np.float64)
    by_probability = measure(labels, table["probability"].to_numpy(), 0.5)
    by_prediction = measure(labels, predictions, 0.5).as_dict()
    by_prediction |= {
        "roc_auc": by_probability.roc_auc,
        "log_loss": by_probability.log_loss,
        "brier": by_probability.brier,
    }
    return by_prediction


def held_out(
    house: House, window: Window, champion: Release | None, retraining: Retraining, block: OpenBlock
) -> NDArray[np.bool_]:
    """The rows on which challengers are judged: those that the champion has not learned from, bool[n].

    After an alarm those that raised it: what was before the change is no evidence for what is now. All of them
    where there is no champion to beat yet, and in the challenge of the first model.
    """
    everything = np.ones(len(window.labels), dtype=bool)
    if champion is None or retraining.trigger in ("first", "provisional", "challenge"):
        return everything
    if retraining.trigger == "harm":
        return window.among(decision_blocks.rows_since(house, block.judged_since))
    fresh = window.among(decision_blocks.rows_since(house, champion.manifest["training"]["last_decision"]))
    return fresh if fresh.any() else everything


def champion_losses(
    window: Window,
    judged: NDArray[np.bool_],
    champion: Release | None,
    retraining: Retraining,
    found: Sequence[Challenger],
) -> NDArray[np.float64] | None:
    """The champion's log losses on the judged rows, float64[m]; None where there is none to beat.

    In the challenge of the first model there are no rows that it has not learned from, so its recipe is judged out of
    fold like the others.
    """
    if champion is None or not retraining.compare:
        return None
    labels = window.labels[judged]
    own = next((one for one in found if one.estimator == champion.estimator), None)
    if retraining.trigger == "challenge" and own is not None:
        return own.candidate(labels).losses
    return log_losses(labels, _probabilities(champion, window, judged))


def judge(
    window: Window,
    judged: NDArray[np.bool_],
    champion: NDArray[np.float64] | None,
    found: Sequence[Challenger],
    settings: PromotionSettings,
) -> Verdict | None:
    """Who is to be deployed: the one that beats the champion's losses, or without them the simplest of the best.

    ``judged``: bool[n] of the window; ``champion``: its losses on those rows. None where nobody competed.
    """
    if not found:
        return None
    labels, clients = window.labels[judged], window.clients[judged]
    candidates = [one.candidate(labels) for one in found]
    if champion is None:
        choice = Choice(simplest_of_the_best(candidates, clients, settings.confidence_z), {})
    else:
        choice = choose(champion, candidates, clients, settings)
    # In the challenge the champion's own recipe is among them, with the champion's losses.
    rivals = [one for one in candidates if champion is None or not np.array_equal(one.losses, champion)] or candidates
    best = min(rivals, key=lambda one: float(one.losses.mean())).estimator
    shown = choice.winner or best
    said = next(one.probabilities for one in found if one.estimator == shown)
    level = None if champion is None else loss_level(champion)
    return Verdict(choice.winner, shown, labels, said, [_described(one, choice, settings) for one in candidates], level)


def _probabilities(release: Release, window: Window, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
    table = window.table.filter(pa.array(chosen))
    return release.scorecard.probabilities(columns_of(table, release.scorecard.features))


def threshold(verdict: Verdict, settings: PromotionSettings, *, provisional: bool) -> float:
    """The probability from which a client is predicted to leave; too few rows leave it at one half."""
    if settings.threshold != "f1":
        return float(settings.threshold)
    return 0.5 if provisional else best_threshold(verdict.labels, verdict.held_out)


def _described(candidate: Candidate, choice: Choice, settings: PromotionSettings) -> dict[str, Any]:
    described: dict[str, Any] = {
        "estimator": candidate.estimator,
        "rows": len(candidate.losses),
        "log_loss": float(candidate.losses.mean()),
    }
    compared = choice.compared.get(candidate.estimator)
    if compared is not None:
        margin = settings.confidence_z * compared.error
        described |= {"gain": compared.gain, "low": compared.gain - margin, "high": compared.gain + margin}
    return described
