"""The story on one page: what happens to dropped files, and what happens to what they taught."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from handlers import (
    activation,
    commit_group,
    decision_blocks,
    deliberation,
    deployment,
    ingestion,
    labelling,
    publication,
    quality,
    receiving,
    refusal,
    scoring,
    shadows,
    testdata,
    training,
    training_window,
)
from handlers.commit_group import Group, Outcome
from handlers.domain.facts import Tell
from handlers.domain.files import Reason, shown_name
from handlers.domain.release import Release
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.ingestion import Rows
from handlers.monitoring import Monitor
from handlers.receiving import Arrival, NothingToRecord, Received
from handlers.storage.inbox import Changed, Drop
from handlers.validation import validate


@dataclass(frozen=True, slots=True)
class _Reading:
    """A file as it was opened, and what is in it by ``schema`` where that was asked. ``seconds``: the work so far."""

    received: Received
    rows: Rows | Reason | None
    schema: Schema
    seconds: float

    def close(self) -> None:
        """Let go of the file, and of what was read."""
        self.received.drop.content.close()
        if isinstance(self.rows, Rows):
            self.rows.batch.close()


def ingest(house: House, arrivals: Iterable[Arrival], champion: Release | None, tell: Tell) -> None:
    """Settled files: from bytes to rows that are committed exactly once, and scored. Many files make few commits."""
    group = _begin(house)

    def open_next(arrival: Arrival) -> _Reading | None:
        return _open(house, group, arrival)  # the group of the moment: what its files have taught is known

    readings = house.ahead(open_next, arrivals)
    while _fill(house, group, readings, champion):
        _commit(house, group, tell)
        group = _begin(house)
    _commit(house, group, tell)
    for trouble in publication.publish(house, champion):
        tell(trouble)


def _fill(house: House, group: Group, readings: Iterator[_Reading | None], champion: Release | None) -> bool:
    """Take files into the group until it is full. False: there are no more."""
    with house.ledger.read() as connection:
        for reading in filter(None, readings):
            started, received = house.timer(), reading.received
            try:
                with closing(reading):
                    known = receiving.known_outcome(house, group, received, connection)
                    outcome = known or _take(house, group, reading, champion, connection)
            except (NothingToRecord, Changed):  # a file that changes while it is read settles again, and comes again
                continue
            seconds = reading.seconds + house.timer() - started
            commit_group.record(group, received.drop, outcome, seen_at=received.arrival.seen_at, seconds=seconds)
            if group.is_full:
                return True
    return False


def _open(house: House, group: Group, arrival: Arrival) -> _Reading | None:
    """A file is opened, hashed and read, ahead of its turn. None where nothing is there, or where it still changes."""
    started, schema = house.timer(), group.schema
    received = receiving.open_drop(house, arrival)
    if received is None:
        return None
    rows = None
    try:
        if receiving.is_to_be_read(house, received):
            rows = _read(house, received.drop, schema, group.key)
    except BaseException as error:
        received.drop.content.close()
        if isinstance(error, Changed):
            return None
        raise
    return _Reading(received, rows, schema, house.timer() - started)


def _read(house: House, drop: Drop, schema: Schema, key: int) -> Rows | Reason:
    """From bytes to typed rows with their hashes, or the reason to refuse them."""
    settings, limits, spill = house.dataset, house.limits, house.workspace.spill
    batch = validate(drop.content, name=drop.name, schema=schema, settings=settings, limits=limits, spill=spill)
    return batch if isinstance(batch, Reason) else ingestion.hashed(batch, settings, key)


def _take(house: House, group: Group, reading: _Reading, champion: Release | None, connection: Connection) -> Outcome:
    """A file that is new: its rows are placed and scored, or it is refused whole and leaves no trace."""
    drop, rows = reading.received.drop, reading.rows
    if rows is None or reading.schema != group.schema:  # a file before it has taught something
        rows = _read(house, drop, group.schema, group.key)
    if isinstance(rows, Reason):
        return refusal.keep_file(house.workspace, drop, rows)
    with rows:
        if rows.batch.kind == "labels":
            found = labelling.find(group, rows.batch, connection, house.ingestion.max_rejected_fraction)
            if isinstance(found, Reason):
                return refusal.keep_file(house.workspace, drop, found)
            refusal.keep_rows(house.workspace, drop, found.rejected)
            return labelling.place(group, rows.batch, found, connection)
        refusal.keep_rows(house.workspace, drop, rows.batch.rejected)
        first = group.next_row
        placed = ingestion.place(group, rows, connection)
        monitor = Monitor(champion)
        unlabelled = sum(scoring.rank(group, one, champion, monitor) for one in placed)
        monitor.finish(group, shown_name(drop.name))
        return ingestion.outcome(rows.batch, group.next_row - first, unlabelled, has_model=champion is not None)


def _begin(house: House) -> Group:
    keeps_files = house.ingestion.after == "keep"
    return commit_group.begin(house.ledger, house.workspace.parts, house.dataset, house.index, keeps_files=keeps_files)


def _commit(house: House, group: Group, tell: Tell) -> None:
    for fact in commit_group.commit(house.ledger, group, at=house.now()):
        tell(fact)


def decide(house: House, champion: Release | None, tell: Tell) -> Release | None:
    """A decision block: from committed rows to the release that is current afterwards, or None where none changes."""
    started, settings = house.timer(), house.learning.judging
    block = decision_blocks.begin(house)
    if block is None:
        return None
    learner = training.learner(partial(training_window.read, house), settings, house.timer, block.id, champion)
    gate = quality.check(house, champion, block, learner.window(block.id, block.id))
    heard = deliberation.hear(house, block, champion, gate, learner)  # before anything is learned from its rows
    if heard.diagnosis is not None:
        tell(heard.diagnosis.fact(decision=block.id))
    ruling = deliberation.decide(house, heard, learner)
    tell(deliberation.fact(heard, ruling))
    heard = deliberation.explained(house, heard, ruling, learner)
    release = None
    if ruling.deploy is not None:
        trained = learner.train(ruling.deploy)
        tell(training.fact(block.id, trained))
        plan = deliberation.plan(house, heard, ruling, trained)
        release = deployment.prepare(house, plan, testdata.read(house, trained.window.schema, tell))
    planned = deliberation.ending(house, heard, ruling, release, learner)
    spent = {"decision": (1, house.timer() - started), "training": (learner.fits, learner.seconds)}
    ending = decision_blocks.end(house, block, planned, spent)
    activation.link(house)
    for fact in ending.told:
        tell(fact)
    shadows.prune(house, ending.state.shadows)
    if ending.back_to is not None:
        return activation.current(house)
    return release if ending.model is not None else None
