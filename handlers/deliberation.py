"""A decision in progress: what is known before the rule speaks, what it says, and what is committed when it has."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from msgspec.structs import replace

from handlers import drift, evaluation, shadows
from handlers.decision_blocks import Ending, OpenBlock
from handlers.deployment import Plan
from handlers.domain.decision_record import Decided, document
from handlers.domain.decision_sentence import Misread, reason
from handlers.domain.decisions import succession, transitions
from handlers.domain.decisions.docket import Case, rule_of
from handlers.domain.decisions.requests import Ruling
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import Incumbent, State
from handlers.domain.decisions.succession import Place, Successor
from handlers.domain.decisions.units import Unit, pooled
from handlers.domain.facts import Fact
from handlers.domain.release import Release
from handlers.drift import Diagnosis
from handlers.estimators import pairs_of
from handlers.evaluation import Scored
from handlers.house import House
from handlers.proving import proved
from handlers.quality import Gate
from handlers.storage import files, models
from handlers.storage.ledger import LABELLED_DRIFT
from handlers.storage.models import ModelRecord
from handlers.storage.releases import ReleaseError
from handlers.training import Learner, Trained

USUAL_UNITS = 4
"""So many units from before an alarm show what the champion was always wrong about: that is no news."""
EVENTS = {"promoted": "model.promoted", "rolled_back": "model.rolled_back"}


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What is known of a block. ``files``: the names of those that brought its rows; ``misread``: after an alarm, where
    the champion was wrong."""

    block: OpenBlock
    champion: Release | None
    state: State
    gate: Gate
    scored: Scored | None
    diagnosis: Diagnosis | None
    files: tuple[str, ...]
    told: tuple[Fact, ...] = ()
    misread: tuple[Misread, ...] = ()

    @property
    def before(self) -> int | None:
        """The version that is current."""
        return None if self.champion is None else self.champion.version

    @property
    def taken(self) -> tuple[int, int]:
        """All labelled rows, and leavers, that decisions have taken and learn from, those of this block included."""
        held = [member for member in self.block.members if member.file in self.gate.held_files]
        rows, positives = sum(member.rows for member in held), sum(member.positives for member in held)
        return self.block.rows - rows, self.block.positives - positives

    @property
    def place(self) -> Place:
        """Where the ruling is made."""
        gate = self.gate
        return Place(
            block=self.block.id,
            rows=self.taken[0],
            period=self.block.latest_period,
            held=gate.in_a_row,
            held_for=gate.held_for,
            normal=gate.normal,
            pairs=() if self.champion is None else pairs_of(self.champion.scorer),
        )


def state_of(block: OpenBlock, champion: Release | None) -> State:
    """The state that this decision starts from, about the champion that there really is."""
    state = replace(block.state, latest_period=block.latest_period)
    known = None if state.champion is None else state.champion.version
    if champion is None or known == champion.version:
        return state
    return transitions.by_hand(state, champion.incumbent, champion.reference, block.id - 1)


def hear(house: House, block: OpenBlock, champion: Release | None, gate: Gate, learner: Learner) -> Heard:
    """Let every model say what it says of the block's rows, before anything is learned from them."""
    learner.leave_out(gate.held_rows)
    state, scored, diagnosis = state_of(block, champion), None, None
    told: tuple[Fact, ...] = ()
    if champion is not None and state.champion is not None:
        cards = {state.champion.scorer: champion.scorer}
        for shadow in state.shadows:
            cards[shadow.name], refitted = shadows.read(house, learner, shadow)
            told += refitted
        previous = None if state.previous is None else _previous(house, state.previous)
        if previous is not None:
            cards[previous.incumbent.scorer] = previous.scorer
        scored = evaluation.score(house, gate.window, block.id, champion, cards)
        diagnosis = None if scored is None else drift.diagnose(champion, gate.window, scored.unit)
    return Heard(block, champion, state, gate, scored, diagnosis, _names(house, block), (*gate.told, *told))


def decide(house: House, heard: Heard, learner: Learner) -> Ruling:
    """What the rule says. It asks ``learner`` for fits."""
    unit = None if heard.scored is None else heard.scored.unit
    return judged(heard, unit, learner, lambda units: evaluation.earlier(house, units))


def judged(
    heard: Heard, unit: Unit | None, learner: Learner, earlier: Callable[[Sequence[Sequence[int]]], list[Unit]]
) -> Ruling:
    """What the rule says of a block whose rows are ``unit``, None where there are no rows or no model yet.

    ``earlier``: reads the units of these blocks. The daemon and a replay decide by this.
    """
    block, champion = heard.block, heard.champion
    rows, positives = heard.taken
    last = None if champion is None else champion.test or champion.metrics
    case = Case(
        block=block.id,
        state=heard.state,
        scored=unit,
        earlier=earlier,
        rows=rows,
        positives=positives,
        challenge=block.kind == "challenge",
        learnable=_learnable(heard, learner),
        late=block.late,
        threshold=0.5 if champion is None else champion.scorer.threshold,
        last_f1=0.0 if last is None else float(last["f1"] or 0.0),
    )
    return run(rule_of(case, learner.settings), learner)


def explained(house: House, heard: Heard, ruling: Ruling, learner: Learner) -> Heard:
    """After an alarm: in which rows another number left than the champion expected, and which columns tell them."""
    if ruling.trigger != "harm" or heard.champion is None or heard.scored is None:
        return heard
    usual = None
    before = ruling.state.units[-1 - USUAL_UNITS : -1]
    units = evaluation.earlier(house, before)
    if units:
        unit = pooled(units)
        rows = learner.window(unit.blocks[0], unit.blocks[-1])
        usual = (rows.where(np.isin(rows.rows, unit.rows)), unit)
    found = drift.misread(heard.champion, heard.gate.window, heard.scored.unit, usual)
    return dataclasses.replace(heard, misread=found)


def fact(heard: Heard, ruling: Ruling) -> Fact:
    """What the log says of a ruling, before anything is trained for it."""
    fields = {
        "decision": heard.block.id,
        "trigger": ruling.trigger,
        "train": ruling.deploy is not None or bool(ruling.refresh),
        "rows": heard.block.size,
        "phase": ruling.phase,
    }
    return Fact("retrain.decided", {**fields, "detail": reason(ruling)})


def plan(house: House, heard: Heard, ruling: Ruling, trained: Trained) -> Plan:
    """What is to be released, under the next version number."""
    with house.ledger.read() as connection:
        version = models.next_version(connection)
    seed = house.learning.training.seed
    new = succession.successor(ruling, trained.held_out, heard.place, version=version, seed=seed)
    return Plan(
        incumbent=new.incumbent,
        trained=trained,
        parent=heard.before,
        dataset_version=heard.block.version,
        labelled_rows=heard.block.rows,
        reference=new.reference,
        record=document(_decided(house, heard, ruling, version)),
    )


def ending(house: House, heard: Heard, ruling: Ruling, release: Release | None, learner: Learner) -> Ending:
    """What is committed: verdict, record, the next state, scores, drift and the release."""
    deployed = None if release is None else Successor(release.incumbent, release.reference)
    state = succession.state_after(ruling, deployed, heard.place, house.learning.training)
    after = succession.current_after(ruling, deployed, heard.before)
    if ruling.refresh:
        shadows.train(house, learner, state.shadows)
    decided = _decided(house, heard, ruling, after)
    record = document(decided)
    facts: dict[str, Any] = {}
    if heard.scored is not None:
        facts |= heard.scored.facts
    if heard.diagnosis is not None:
        facts[LABELLED_DRIFT] = heard.diagnosis.document(decision=heard.block.id)
    fields = {"decision": heard.block.id, "model_version": after, "detail": record["sentence"]}
    return Ending(
        verdict=decided.verdict,
        record=record,
        state=state,
        facts=facts,
        scores=None if heard.scored is None else heard.scored.part,
        model=None if release is None else _model(release, house.now()),
        back_to=after if ruling.roll_back else None,
        held=heard.gate.held,
        freed=heard.gate.freed,
        told=(*heard.told, Fact(EVENTS.get(decided.verdict, "model.kept"), fields)),
    )


def _decided(house: House, heard: Heard, ruling: Ruling, after: int | None) -> Decided:
    diagnosis = heard.diagnosis
    return Decided(
        settings=house.learning.judging,
        ruling=ruling,
        before=heard.before,
        after=after,
        rows=len(heard.gate.window.labels),
        dataset_version=heard.block.version,
        files=heard.files,
        metrics=None if heard.scored is None else heard.scored.metrics.as_dict(),
        shifted=() if diagnosis is None else diagnosis.shifted,
        misread=heard.misread,
        held=heard.gate.broken,
        freed=len(heard.gate.freed),
        leaks=tuple(one.sentence for one in heard.gate.leaks),
    )


def _learnable(heard: Heard, learner: Learner) -> bool:
    """There is a model already, or else rows of both classes and a column to learn from."""
    if heard.champion is not None and not heard.champion.provisional:
        return True
    return learner.window(heard.state.oldest or heard.block.id, heard.block.id).learnable


def _previous(house: House, previous: Incumbent) -> Release | None:
    """The previous release; None where its folder was removed or cannot be used: then it is no way back."""
    try:
        return proved(house.workspace.releases, previous.version, house.workspace.keys, house.pipelines)
    except ReleaseError:
        return None


def _names(house: House, block: OpenBlock) -> tuple[str, ...]:
    with house.ledger.read() as connection:
        return files.names(connection, sorted({member.file for member in block.members})[:20])


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
