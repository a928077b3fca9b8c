"""The story on one page: what happens to dropped files, and what happens to what they taught."""

from __future__ import annotations

from collections.abc import Sequence

from handlers import (
    activation,
    challengers_kept,
    commit_group,
    decision_blocks,
    deliberation,
    deployment,
    drift,
    evaluation,
    ingestion,
    publication,
    refusal,
    scoring,
    testdata,
    training,
    training_window,
)
from handlers.commit_group import Outcome
from handlers.deliberation import Deliberation
from handlers.domain.facts import Fact, Tell
from handlers.domain.files import Reason
from handlers.domain.release import Release
from handlers.house import House
from handlers.receiving import Arrival, receive
from handlers.validation import validate


def ingest(house: House, arrivals: Sequence[Arrival], champion: Release | None) -> list[Fact]:
    """A group of settled files: from bytes to rows that are committed exactly once, and scored."""
    with house.ledger.read() as connection:
        group = commit_group.begin(connection, house.dataset)
        for arrival in arrivals:
            started = house.timer()
            received = receive(house, group, arrival, connection)
            if received is None:
                continue
            drop, outcome = received
            if not isinstance(outcome, Outcome):
                batch = outcome or validate(
                    drop.content, name=drop.name, schema=group.schema, settings=house.dataset, limits=house.limits
                )
                placed = batch if isinstance(batch, Reason) else ingestion.take(house, group, batch, connection)
                if isinstance(placed, Reason):
                    outcome = refusal.keep_file(house.workspace, drop, placed)
                else:
                    refusal.keep_rows(house.workspace, drop, placed.rejected)
                    scoring.rank(group, placed, champion)
                    outcome = ingestion.outcome(placed, has_model=champion is not None)
            commit_group.record(group, drop, outcome, seen_at=arrival.seen_at, seconds=house.timer() - started)
    facts = commit_group.commit(house.ledger, house.workspace.parts, group, at=house.now())
    return facts + publication.publish(house, champion)


def decide(house: House, champion: Release | None, tell: Tell) -> Release | None:
    """A decision block: from committed rows to a new release, or None where the champion stays."""
    started, settings = house.timer(), house.learning
    block = decision_blocks.begin(house)
    if block is None:
        return None
    window = training_window.read(house)
    seen = evaluation.score_block(house, champion, window, block)  # before it is learned from
    shifts = drift.score(champion, window, block)
    case = Deliberation(block, champion, window, seen, shifts)
    reason = case.reason(house)
    if champion is not None and shifts:
        tell(drift.fact(block, champion, shifts))
    tell(reason.fact(block.id, len(block.rows)))
    judged = evaluation.held_out(house, window, champion, reason, block)
    challengers = training.challengers(house, window, judged, reason)
    beaten = evaluation.champion_losses(window, judged, champion, reason, challengers)
    verdict = evaluation.judge(window, judged, beaten, challengers, settings.promotion)
    trained = release = None
    if verdict is not None and verdict.winner is not None:
        trained = training.refit(house, window, verdict.winner)
        tell(training.fact(block.id, trained))
        plan = deliberation.plan(house, case, reason, verdict, trained)
        release = deployment.prepare(house, window, plan, testdata.read(house, window.schema, tell))
    spent = {"decision": (1, house.timer() - started), **training.timing(challengers, trained)}
    ending = decision_blocks.end(house, block, deliberation.ending(house, case, reason, verdict, release), spent)
    activation.link(house)
    for fact in ending.told:
        tell(fact)
    challengers_kept.keep(house, window, block, verdict)
    return release if ending.model is not None else None
