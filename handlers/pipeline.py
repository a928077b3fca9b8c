"""The story on one page: what happens to dropped files, and what happens to what they taught."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
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
    opening,
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
from handlers.house import House
from handlers.monitoring import Monitor
from handlers.opening import Reading
from handlers.receiving import Arrival, NothingToRecord
from handlers.storage.inbox import Changed


def ingest(house: House, arrivals: Iterable[Arrival], champion: Release | None, tell: Tell) -> None:
    """Settled files: from bytes to rows that are committed exactly once, and scored. Many files make few commits."""
    group = _begin(house)
    readings = house.ahead(opening.opener(house, lambda: group), arrivals)
    while _fill(house, group, readings, champion):
        _commit(house, group, tell)
        group = _begin(house)
    _commit(house, group, tell)
    for trouble in publication.publish(house, champion):
        tell(trouble)


def _fill(house: House, group: Group, readings: Iterator[Reading | None], champion: Release | None) -> bool:
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


def _take(house: House, group: Group, reading: Reading, champion: Release | None, connection: Connection) -> Outcome:
    """A file that is new: its rows are placed and scored, or it is refused whole and leaves no trace."""
    drop, rows = reading.received.drop, opening.rows_of(house, group, reading)
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
        monitor = Monitor(champion, quality.gate_of(champion, house.learning.drift))
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
