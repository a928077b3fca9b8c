"""A decision in progress: what is known so far, what the rule is told, and what is committed when it has spoken."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from handlers import evaluation
from handlers.decision_blocks import Ending, OpenBlock
from handlers.deployment import Plan
from handlers.domain import decision_record, retraining
from handlers.domain.decision_record import Decided
from handlers.domain.divergence import ColumnDrift
from handlers.domain.facts import Fact
from handlers.domain.release import Release
from handlers.domain.retraining import ChampionFacts, Observed, Retraining, Situation
from handlers.drift import document as drift_document
from handlers.evaluation import Prequential, Verdict
from handlers.house import House
from handlers.storage import models
from handlers.storage.models import ModelRecord
from handlers.training import Trained
from handlers.training_window import Window


@dataclass(frozen=True, slots=True)
class Deliberation:
    """What is known before anything is learned."""

    block: OpenBlock
    champion: Release | None
    window: Window
    seen: Prequential | None
    drift: tuple[ColumnDrift, ...]

    @property
    def observed(self) -> Observed | None:
        """The champion on the block's rows, and on those of earlier blocks that were too few to judge it by."""
        pool = self.block.state.get("pool")
        if self.seen is None or pool is None:
            return None if self.seen is None else self.seen.observed
        return self.seen.observed.after(Observed(**pool["observed"]))

    def reason(self, house: House) -> Retraining:
        """Whether to learn again, by the policy."""
        situation = Situation(
            rows=self.window.total,
            positives=self.window.positives,
            champion=None if self.champion is None else _champion(self.champion, self.block.state),
            observed=self.observed,
            challenge=self.block.kind == "challenge",
            learnable=self.window.learnable,
        )
        return retraining.decide(situation, house.learning.drift, house.learning.training)

    def decided(self, reason: Retraining, verdict: Verdict | None, version: int | None) -> Decided:
        """The decision as a value; ``version``: that of the new release, or None where the champion stays."""
        before = None if self.champion is None else self.champion.version
        return Decided(
            retraining=reason,
            before=before,
            after=before if version is None else version,
            estimator=None if verdict is None else verdict.winner,
            candidates=[] if verdict is None else verdict.candidates,
            drift=self.drift,
        )

    def record(self, house: House, decided: Decided) -> dict[str, Any]:
        """The decision's record, as it is kept and shown."""
        metrics = None if self.seen is None else self.seen.metrics.as_dict()
        return decision_record.document(decided, house.learning.drift.policy, metrics)


def plan(house: House, case: Deliberation, reason: Retraining, verdict: Verdict, trained: Trained) -> Plan:
    """What is to be released, under the next version number."""
    with house.ledger.read() as connection:
        version = models.next_version(connection)
    threshold = evaluation.threshold(verdict, house.learning.promotion, provisional=reason.provisional)
    return Plan(
        version=version,
        provisional=reason.provisional,
        estimator=trained.estimator,
        fitted=trained.fitted,
        scorecard=trained.scorecard.with_threshold(threshold),
        labels=verdict.labels,
        held_out=verdict.held_out,
        parent=None if case.champion is None else case.champion.version,
        decision=case.block.id,
        record=case.record(house, case.decided(reason, verdict, version)),
    )


def ending(
    house: House, case: Deliberation, reason: Retraining, verdict: Verdict | None, release: Release | None
) -> Ending:
    """What is committed: verdict, record, the next state, scores, drift and the release."""
    decided = case.decided(reason, verdict, None if release is None else release.version)
    record = case.record(house, decided)
    facts: dict[str, Any] = {}
    if case.seen is not None:
        facts["prequential"] = evaluation.pooled(house, case.seen.part)
    if case.drift:
        facts["drift"] = drift_document(case.block.id, len(case.block.rows), case.drift)
    told = Fact(
        "model.promoted" if release is not None else "model.kept",
        {"decision": case.block.id, "model_version": decided.after, "detail": record["sentence"]},
    )
    return Ending(
        verdict=decided.verdict,
        record=record,
        state=_next_state(house, case, reason, verdict, release),
        facts=facts,
        scores=None if case.seen is None else case.seen.part,
        model=None if release is None else _model(release, house.now()),
        told=(told,),
    )


def _champion(release: Release, state: dict[str, Any]) -> ChampionFacts:
    """The level that was accepted and the rows that were tried, where they are about this release, else its own."""
    mine = state.get("version") == release.version
    trained = int(release.manifest["training"]["labelled_rows"])
    last = release.test if release.test is not None else release.metrics
    return ChampionFacts(
        version=release.version,
        provisional=release.provisional,
        trained_rows=max(trained, int(state.get("challenged_rows", 0))) if mine else trained,
        last_f1=float(last["f1"] or 0.0),
        reference=state["reference"] if mine and state.get("reference") else release.reference,
    )


def _next_state(
    house: House, case: Deliberation, reason: Retraining, verdict: Verdict | None, release: Release | None
) -> dict[str, Any]:
    """After a deployment the new model's own promise counts. A champion that no challenger could beat is tried again
    only when the data have grown again, and after an alarm the level that it has reached is accepted."""
    others = len(house.learning.training.estimators) > 1 and house.learning.drift.policy != "never"
    due = case.block.state.get("challenge_due", False) and reason.trigger != "challenge"
    if release is not None:
        return {"version": release.version, "challenge_due": reason.trigger == "first" and others}
    state = {**case.block.state, "challenge_due": due}
    if case.seen is not None:
        state.pop("pool", None)
    if reason.pooled and case.champion is not None and case.observed is not None:
        pool = {"since": case.block.judged_since, "observed": asdict(case.observed)}
        state |= {"version": case.champion.version, "pool": pool}
    if verdict is None or case.champion is None:
        return state
    state |= {"version": case.champion.version, "challenged_rows": case.window.total}
    if reason.trigger == "harm":
        state["reference"] = verdict.level
    return state


def _model(release: Release, at: str) -> ModelRecord:
    training = release.manifest["training"]
    return ModelRecord(
        version=release.version,
        state="current",
        provisional=release.provisional,
        estimator=release.estimator,
        trained_rows=training["rows"],
        dataset_version=training["dataset_version"],
        metrics=dict(release.metrics),
        decision=training["last_decision"],
        deployed_at=at,
    )
