"""A replay: what policies would have done with labelled history, by the rules of the daemon, deploying nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers import deliberation, evaluation, quality, testdata, training
from handlers.decision_blocks import OpenBlock
from handlers.deliberation import Heard
from handlers.domain.batch import LabelledTable
from handlers.domain.decision_record import Decided
from handlers.domain.decisions import succession
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.requests import Ruling
from handlers.domain.decisions.state import State
from handlers.domain.decisions.succession import Successor
from handlers.domain.decisions.units import Unit
from handlers.domain.learning_settings import FREE, Judging
from handlers.domain.metrics import log_losses, measure
from handlers.domain.reference_sketch import sketch
from handlers.domain.release import Release
from handlers.domain.replay_outcome import Judged, Outcome, Scores, outcome
from handlers.domain.schema import Schema
from handlers.domain.scorer import Scorer
from handlers.house import House
from handlers.quality import Gate
from handlers.replay_history import History, Step
from handlers.scoring_columns import columns_of
from handlers.storage.decisions import RELEASED, Member
from handlers.training import Learner, Memory, Trained
from handlers.training_window import Window

POLICIES = ("evidence", "raw_f1", "always", "always:5", "never")
"""What is compared where nothing is asked for: the default, the original exercise's rule, and the simplest ones."""
FIRST = ("first", "provisional", "challenge")
"""What triggers the first model, its comparison with the other estimators included."""


@dataclass(slots=True, eq=False)
class _Run:
    """A policy on its way through history. ``blocks``: the step that takes each row, -1 while its file is held."""

    policy: str
    settings: Judging
    blocks: NDArray[np.int64]
    moved: bool = False
    state: State = field(default_factory=State)
    champion: Release | None = None
    releases: dict[int, Release] = field(default_factory=dict)
    shadows: dict[str, Scorer] = field(default_factory=dict)
    units: dict[int, Unit] = field(default_factory=dict)
    held: dict[int, tuple[Member, ...]] = field(default_factory=dict)
    taken: tuple[int, int] = (0, 0)
    fits: int = 0
    judged: list[Judged] = field(default_factory=list)
    scored: list[Scores] = field(default_factory=list)


def settings_of(policy: str, configured: Judging) -> Judging:
    """The settings with which a policy decides: the configured ones under its name."""
    drift = msgspec.structs.replace(configured.drift, policy=policy.removesuffix(":free"))
    promotion = configured.promotion
    if policy == FREE:
        promotion = msgspec.structs.replace(promotion, deployments="free")
    return msgspec.structs.replace(configured, drift=drift, promotion=promotion)


def replay(house: House, history: History, policies: Sequence[str], advanced: Callable[[], None]) -> list[Outcome]:
    """Run these policies side by side: what one of them has fitted at a step, the others need not fit again.

    ``advanced`` is called after each step of each policy.
    """
    runs = [_Run(name, settings_of(name, house.learning.judging), history.window.blocks) for name in policies]
    challenges = [step.number for step in history.steps if step.kind == "challenge"]
    stage = _Stage(house, history, recorded_challenge=max(challenges, default=0))
    for step in history.steps:
        stage.memories.clear()
        for one in runs:
            stage.play(one, step)
            advanced()
    files = len(set(history.window.files.tolist()))
    return [outcome(one.policy, one.judged, one.scored, files=files, fits=one.fits) for one in runs]


@dataclass(slots=True, eq=False)
class _Stage:
    """A step, for all policies in turn. ``memories``: what was fitted, by the rows that are held."""

    house: House
    history: History
    recorded_challenge: int
    memories: dict[tuple[int, bytes], Memory] = field(default_factory=dict)
    tests: dict[Schema, list[LabelledTable]] = field(default_factory=dict)

    def play(self, run: _Run, step: Step) -> None:
        """A step, what it frees, and the challenge of a first model, where the ledger has none to come."""
        if step.kind == "challenge" and not run.state.challenge_due:
            return
        freed = self._take(run, step)
        if freed:
            self._take(run, Step(step.number + 1, "block", _periods(freed), freed))
        if run.state.challenge_due and step.number > self.recorded_challenge:
            self._take(run, Step(step.number if step.recorded else step.number + 2, "challenge"))

    def _take(self, run: _Run, step: Step) -> tuple[Member, ...]:
        """One decision, as the pipeline makes it. Returns the members of files that are held no longer."""
        rows, positives = (sum(getattr(one, name) for one in step.members) for name in ("rows", "positives"))
        block = OpenBlock(
            id=step.number,
            kind=step.kind,
            periods=step.periods,
            members=step.members,
            rows=run.taken[0] + rows,
            positives=run.taken[1] + positives,
            version=0,
            attempts=1,
            state=run.state,
        )
        last = step.number if step.members else step.number - 1  # a challenge has no rows of its own
        window = self.history.read(step.number, last, run.blocks, at=step.number)
        before = run.champion
        loss = None if before is None else _score(run, before, window, step)
        gate = self._gate(run, step, block, window)
        freed = _hold_and_free(run, gate, block, self.history)
        learner = self._learner(run, step.number)
        heard = Heard(block, before, deliberation.state_of(block, before), gate, None, None, ())
        unit = _unit(run, heard)
        ruling = deliberation.judged(heard, unit, learner, partial(evaluation.among, run.units))
        if unit is not None:
            run.units[step.number] = unit
        self._end(run, heard, ruling, learner)
        run.judged.append(_judged(run, heard, ruling, loss))
        return freed

    def _gate(self, run: _Run, step: Step, block: OpenBlock, window: Window) -> Gate:
        """What the ledger has decided on was let through by it, or is not there."""
        release, drift = run.champion, run.settings.drift
        if release is None or step.recorded or not len(window.labels) or not quality.guards(release, drift):
            return Gate(window, normal=block.state.normal)
        return quality.pass_through(release, block, window, self.history.names, drift)

    def _learner(self, run: _Run, number: int) -> Learner:
        found = training.learner(
            lambda first, last: self.history.read(first, last, run.blocks, at=number),
            run.settings,
            self.house.timer,
            number,
            run.champion,
        )
        found.memory = self.memories.setdefault((number, run.blocks.tobytes() if run.moved else b""), Memory())
        return found

    def _end(self, run: _Run, heard: Heard, ruling: Ruling, learner: Learner) -> None:
        """What a decision leaves behind: a release and shadows in memory, and the state of the next one."""
        deployed = None
        if ruling.deploy is not None:
            trained = learner.train(ruling.deploy)
            seed, version = run.settings.training.seed, max(run.releases, default=0) + 1
            deployed = succession.successor(ruling, trained.held_out, heard.place, version=version, seed=seed)
            run.releases[version] = self._release(deployed, trained)
        run.state = succession.state_after(ruling, deployed, heard.place, run.settings.training)
        current = succession.current_after(ruling, deployed, heard.before)
        run.champion = None if current is None else run.releases[current]
        if ruling.refresh:
            run.shadows = {one.name: learner.fit(one.part, one.last, one.pairs).scorer for one in run.state.shadows}
        run.taken = heard.taken
        run.fits += learner.fits

    def _release(self, deployed: Successor, trained: Trained) -> Release:
        card, said = trained.scorer, trained.held_out
        measured = measure(said.labels, probabilities_of(said.log_odds), card.threshold).as_dict()
        return Release(
            version=deployed.incumbent.version,
            provisional=deployed.incumbent.provisional,
            estimator=trained.recipe.estimator,
            scorer=card,
            schema=trained.window.schema,
            metrics=measured,
            test=self._test(card, trained.window),
            reference=deployed.reference,
            incumbent=deployed.incumbent,
            sketch=sketch(columns_of(trained.window.table, card.features)),
            score_sketch=sketch({"score": said.log_odds}),
            manifest={},
        )

    def _test(self, card: Scorer, window: Window) -> Mapping[str, Any] | None:
        """On ``testdata/``, where the F1 decides: a policy may compare with it."""
        if window.schema not in self.tests:
            self.tests[window.schema] = testdata.read(self.house, window.schema, lambda _: None)
        tests = self.tests[window.schema]
        if not tests:
            return None
        said = np.concatenate([card.probabilities(columns_of(one.table, card.features)) for one in tests])
        return measure(np.concatenate([one.labels for one in tests]), said, card.threshold).as_dict()


def _unit(run: _Run, heard: Heard) -> Unit | None:
    """The block's rows, with what the champion, its predecessor and the shadows say of them."""
    state, window = heard.state, heard.gate.window
    if heard.champion is None or state.champion is None or not len(window.labels):
        return None
    deployed = [one for one in (state.champion, state.previous) if one is not None]
    cards = {one.scorer: run.releases[one.version].scorer for one in deployed}
    cards |= {one.name: run.shadows[one.name] for one in state.shadows}
    return evaluation.unit_of(window, heard.block.id, cards)


def _score(run: _Run, champion: Release, window: Window, step: Step) -> float | None:
    """Score the rows of a step before anything is learned from them; those that were held have been scored before."""
    if not len(window.labels) or any(one.held == RELEASED and not step.recorded for one in step.members):
        return None
    said = probabilities_of(window.log_odds(champion.scorer))
    run.scored.append(Scores(window.labels, said, said >= champion.scorer.threshold))
    return float(log_losses(window.labels, said).mean())


def _hold_and_free(run: _Run, gate: Gate, block: OpenBlock, history: History) -> tuple[Member, ...]:
    """Move rows: held ones out of the history, those of freed files to the step after this one."""
    if not gate.held and not gate.freed:
        return ()
    run.moved, run.blocks = True, run.blocks.copy()
    for one in block.members:
        if one.file in gate.held_files:
            run.held[one.file] = (*run.held.get(one.file, ()), one)
    run.blocks[np.isin(history.window.files, list(gate.held_files)) & (run.blocks == block.id)] = -1
    freed = tuple(replace(one, held=RELEASED) for seq in gate.freed for one in run.held.pop(seq))
    run.blocks[np.isin(history.window.files, gate.freed) & (run.blocks == -1)] = block.id + 1
    return freed


def _periods(members: Sequence[Member]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.period for one in members if one.period is not None))


def _judged(run: _Run, heard: Heard, ruling: Ruling, loss: float | None) -> Judged:
    current = None if run.champion is None else run.champion.version
    decided = Decided(
        settings=run.settings,
        ruling=ruling,
        before=heard.before,
        after=current,
        rows=len(heard.gate.window.labels),
        dataset_version=0,
        held=heard.gate.broken,
    )
    reading = ruling.state.path[-1] if ruling.judged and ruling.state.path else None
    return Judged(
        number=heard.block.id,
        rows=0 if loss is None else heard.block.size,
        loss=loss,
        verdict=decided.verdict,
        trigger=ruling.trigger,
        phase=ruling.phase,
        recipe=ruling.deploy,
        z=None if reading is None else reading.z,
        alarm=ruling.trigger == "f1" or (reading is not None and reading.alarm),
        deployed=current != heard.before and ruling.trigger not in FIRST,
    )
