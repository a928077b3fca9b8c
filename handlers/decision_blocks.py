"""A decision block in the ledger: its members are committed when the decision starts, its verdict when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection

from handlers.decision_state import read_state, write_state
from handlers.domain.blocks import Waiting, next_block
from handlers.domain.decisions.state import State
from handlers.domain.facts import Fact
from handlers.domain.files import FileState, Reason
from handlers.domain.periods import period_key
from handlers.house import House
from handlers.storage import decisions, events, files, models, parts, schemas, versions
from handlers.storage.decisions import DecisionRecord, Member
from handlers.storage.ledger import get_fact, set_fact
from handlers.storage.models import ModelRecord
from handlers.storage.parts import Prepared

Kind = Literal["block", "challenge"]


@dataclass(frozen=True, slots=True)
class OpenBlock:
    """A decision that has started. ``members``: its rows, none for a challenge; ``rows`` and ``positives``: all
    labelled rows that decisions have taken, this one's included; ``version``: of the data set."""

    id: int
    kind: Kind
    periods: tuple[str, ...]
    members: tuple[Member, ...]
    rows: int
    positives: int
    version: int
    attempts: int
    state: State

    @property
    def size(self) -> int:
        """How many labelled rows it has."""
        return sum(member.rows for member in self.members)

    @property
    def latest_period(self) -> str | None:
        """The latest period that was ever decided on, with this block."""
        known = [*self.periods, *([] if self.state.latest_period is None else [self.state.latest_period])]
        return max(known, key=period_key, default=None)

    @property
    def late(self) -> bool:
        """Are all its rows older than the end of the champion's training data?"""
        end = None if self.state.champion is None else self.state.champion.period
        return end is not None and bool(self.periods) and all(period_key(one) < period_key(end) for one in self.periods)


def wanted(connection: Connection) -> Kind | None:
    """What there is to decide: new labelled rows, or else a challenge of the first model. None: nothing."""
    labels = get_fact(connection, "labels", {"rows": 0, "positives": 0})
    if decisions.unfinished(connection) is not None:
        return "block"
    both_classes = 0 < labels["positives"] < labels["rows"]
    if both_classes and decisions.any_waiting(connection):
        return "block"
    return "challenge" if decisions.state(connection).get("challenge_due") else None


def begin(house: House) -> OpenBlock | None:
    """Take up the decision that was interrupted, or start the next one. None where there is nothing to decide."""
    with house.ledger.write() as connection:
        kind = wanted(connection)
        if kind is None:
            return None
        record = decisions.unfinished(connection)
        number = record.id if record is not None else _start(house, connection, kind)
        attempts = decisions.count_attempt(connection, number)
    with house.ledger.read() as connection:
        started = decisions.find(connection, number)
        rows, positives = decisions.taken(connection)
        return OpenBlock(
            id=number,
            kind="challenge" if started is not None and started.kind == "challenge" else "block",
            periods=() if started is None else started.periods,
            members=tuple(decisions.members(connection, number)),
            rows=rows,
            positives=positives,
            version=versions.newest(connection),
            attempts=attempts,
            state=read_state(connection),
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """What is committed when a decision ends: all of it, in one transaction.

    ``facts``: single values of the ledger to be replaced. ``model``: a release that becomes the current one;
    ``back_to``: an older one that does. ``held``: files that are kept from learning, each with the reason; ``freed``:
    files that were, and are learned from after all.
    """

    verdict: str
    record: dict[str, Any]
    state: State
    facts: dict[str, Any] = field(default_factory=dict)
    scores: Prepared | None = None
    model: ModelRecord | None = None
    back_to: int | None = None
    held: tuple[tuple[int, Reason], ...] = ()
    freed: tuple[int, ...] = ()
    told: tuple[Fact, ...] = ()


def end(house: House, block: OpenBlock, ending: Ending, spent: dict[str, tuple[int, float]]) -> Ending:
    """Commit the verdict, the state that the next decision starts from, and the release if there is one.

    ``spent``: what is added to the ledger's timings, by name: (number of things, seconds). Returns what was
    committed: where somebody has deployed another model meanwhile, that one stays.
    """
    at = house.now()
    with house.ledger.write() as connection:
        under_way = decisions.unfinished(connection)
        if under_way is None or under_way.id != block.id:  # the schema was reset meanwhile: nothing of this counts
            return replace(ending, verdict="failed", model=None, back_to=None, told=())
        if models.current(connection) != ending.record["champion_before"]:
            ending = _overtaken(connection, block, ending)
        if ending.scores is not None:
            parts.record(connection, ending.scores)
        if ending.model is not None:
            models.add(connection, ending.model)
            models.set_current(connection, ending.model.version)
            if not ending.model.provisional:
                schemas.settle(connection)
        if ending.back_to is not None:
            models.set_current(connection, ending.back_to)
        _hold_and_free(connection, block, ending)
        decisions.end(connection, block.id, verdict=ending.verdict, record=ending.record, ended_at=at)
        write_state(connection, ending.state)
        for name, value in ending.facts.items():
            set_fact(connection, name, value)
        add_timing(connection, spent, at=at)
        events.add(connection, ending.told, at=at)
    return ending


def _hold_and_free(connection: Connection, block: OpenBlock, ending: Ending) -> None:
    decisions.hold(connection, [seq for seq, _ in ending.held], block.id)
    for seq, reason in ending.held:
        files.set_state(connection, seq, FileState.HELD, reason)
    decisions.release(connection, ending.freed)
    for seq in ending.freed:
        files.set_state(connection, seq, FileState.INGESTED, None)


def _overtaken(connection: Connection, block: OpenBlock, ending: Ending) -> Ending:
    now = models.current(connection)
    sentence = f"Model {now} was deployed by hand while this was decided; it stays. {ending.record['reason']}"
    record = {**ending.record, "sentence": sentence, "model_version": now}
    told = Fact("model.kept", {"decision": block.id, "model_version": now, "detail": sentence})
    state = msgspec.structs.replace(read_state(connection), latest_period=block.latest_period)
    return replace(ending, verdict="kept", record=record, state=state, model=None, back_to=None, told=(told,))


def give_up(house: House, why: str) -> None:
    """End the decision that is under way, if there is one: the champion stays, and nothing loops."""
    with house.ledger.write() as connection:
        record = decisions.unfinished(connection)
        if record is None:
            return
        sentence = f"{why} The model was kept. The rows are decided on together with those that come next."
        document: dict[str, Any] = {"sentence": sentence, "model_version": models.current(connection), "candidates": []}
        decisions.end(connection, record.id, verdict="failed", record=document, ended_at=house.now())
        decisions.defer(connection, record.id)
        write_state(connection, msgspec.structs.replace(read_state(connection), challenge_due=False))


def add_timing(connection: Connection, spent: dict[str, tuple[int, float]], *, at: str) -> None:
    """Add to the ledger's timings: how often a step has run, and the seconds it took."""
    timing = get_fact(connection, "timing", {})
    for name, (count, seconds) in spent.items():
        before = timing.get(name, {"count": 0, "seconds": 0.0})
        timing[name] = {
            "count": before["count"] + count,
            "seconds": round(before["seconds"] + seconds, 4),
            "last_seconds": round(seconds, 4),
            "last_at": at,
        }
    set_fact(connection, "timing", timing)


def _start(house: House, connection: Connection, kind: Kind) -> int:
    training = house.learning.training
    members = decisions.waiting(connection) if kind == "block" else []
    waiting = [Waiting(one.id, one.period, one.rows, one.positives) for one in members]
    champion = read_state(connection).champion
    end = None if champion is None or champion.provisional else champion.period
    limits = {"minimum_rows": training.minimum_rows, "minimum_rare": training.minimum_rare}
    block = next_block(waiting, **limits, end=end)
    chosen = set(block.ids) if block is not None else set()
    record = DecisionRecord(
        id=0,
        kind=kind,
        periods=block.periods if block is not None else (),
        rows=block.rows if block is not None else 0,
        dataset_version=versions.newest(connection),
        started_at=house.now(),
        ended_at=None,
        attempts=0,
        verdict=None,
        record=None,
    )
    return decisions.start(connection, record, [member for member in members if member.id in chosen])
