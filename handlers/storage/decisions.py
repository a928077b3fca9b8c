"""The ledger's decision blocks: members when a decision starts, verdict and the next state when it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select, update

from handlers.storage.ledger import get_fact, set_fact
from handlers.storage.tables import decisions, undecided

STATE = "decision_state"
HELD, RELEASED = 1, 2
"""Of a member: a broken file that waits to be released, and one that is learned from whatever it looks like."""
DEFERRED = 4
"""Added to that: a decision on it was given up. It is taken along by the next one, but brings none about."""


@dataclass(frozen=True, slots=True)
class Member:
    """Labelled rows of one file in one part, in one period, that are decided on together. ``decision``: the block
    that has taken them, None while they wait; ``held``: 0, ``HELD`` or ``RELEASED``."""

    id: int
    part: int
    file: int
    period: str | None
    rows: int
    positives: int
    decision: int | None = None
    held: int = 0


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A decision. ``verdict`` and ``record`` are None until it has ended."""

    id: int
    kind: str
    periods: tuple[str, ...]
    rows: int
    dataset_version: int
    started_at: str
    ended_at: str | None
    attempts: int
    verdict: str | None
    record: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Arrived:
    """Labelled rows of a file, in one period, that have just come in."""

    file: int
    period: str | None
    rows: int
    positives: int


def add_undecided(connection: Connection, part: int, arrived: list[Arrived]) -> None:
    """Labelled rows have come in with a part; they wait for a decision."""
    if arrived:
        connection.execute(undecided.insert(), [{"part": part, **asdict(one), "decision": None} for one in arrived])


def move_members(connection: Connection, parts: Sequence[int], to: int) -> None:
    """The rows of these parts are in another one now: so are the members of blocks, whenever they were decided."""
    connection.execute(update(undecided).where(undecided.c.part.in_(parts)).values(part=to))


def waiting(connection: Connection) -> list[Member]:
    """What no decision has taken yet, in the order in which it came."""
    return _members(connection, _WAITS)


def taken(connection: Connection) -> tuple[int, int]:
    """How many labelled rows, and leavers among them, decisions have ever taken."""
    sums = (func.coalesce(func.sum(column), 0) for column in (undecided.c.rows, undecided.c.positives))
    rows, positives = connection.execute(select(*sums).where(undecided.c.decision.is_not(None))).one()
    return int(rows), int(positives)


def any_waiting(connection: Connection) -> bool:
    """Is there anything that no decision has taken yet, and on which none was given up?"""
    statement = select(undecided.c.id).where(_STIRS).limit(1)
    return connection.execute(statement).first() is not None


def undecided_files(connection: Connection) -> int:
    """How many files have labelled rows on which no decision has ended."""
    begun = select(decisions.c.id).where(decisions.c.verdict.is_(None))
    statement = select(func.count(func.distinct(undecided.c.file))).where(_STIRS | undecided.c.decision.in_(begun))
    return int(connection.execute(statement).scalar_one())


def members(connection: Connection, decision: int) -> list[Member]:
    """The members of a block, in the order in which they came."""
    return _members(connection, undecided.c.decision == decision)


def members_between(connection: Connection, first: int, last: int) -> list[Member]:
    """The members of the blocks from ``first`` to ``last``, both included, in the order in which they came."""
    return _members(connection, undecided.c.decision.between(first, last))


def held(connection: Connection, files: Sequence[int] | None = None) -> list[Member]:
    """What is kept from learning, of all files or of these, in the order in which it came."""
    chosen = undecided.c.decision.is_(None) & (undecided.c.held == HELD)
    return _members(connection, chosen if files is None else chosen & undecided.c.file.in_(files))


def hold(connection: Connection, files: Sequence[int], decision: int) -> None:
    """Take the rows of these files out of a block: they wait, and nothing is learned from them."""
    chosen = (undecided.c.decision == decision) & undecided.c.file.in_(files)
    connection.execute(update(undecided).where(chosen).values(decision=None, held=HELD))


def release(connection: Connection, files: Sequence[int]) -> int:
    """Let the next block take the held rows of these files. How many rows that are."""
    found = held(connection, files)
    ids = [member.id for member in found]
    connection.execute(update(undecided).where(undecided.c.id.in_(ids)).values(held=RELEASED))
    return sum(member.rows for member in found)


def start(connection: Connection, record: DecisionRecord, block: list[Member]) -> int:
    """Commit a block's id and members; the id is given by the ledger and returned."""
    result = connection.execute(
        decisions.insert().values(
            kind=record.kind,
            periods=list(record.periods),
            rows=record.rows,
            dataset_version=record.dataset_version,
            started_at=record.started_at,
            attempts=0,
        )
    )
    number = int(result.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row always has one
    ids = [member.id for member in block]
    for begin in range(0, len(ids), 10_000):
        chunk = ids[begin : begin + 10_000]
        values = {"decision": number, "held": _GATE}
        connection.execute(update(undecided).where(undecided.c.id.in_(chunk)).values(**values))
    return number


def defer(connection: Connection, decision: int) -> None:
    """Give up a decision: its rows wait for the next one that something else brings about."""
    values = {"decision": None, "held": undecided.c.held.bitwise_or(DEFERRED)}
    connection.execute(update(undecided).where(undecided.c.decision == decision).values(**values))


def count_attempt(connection: Connection, decision: int) -> int:
    """One more try at a decision; how many that makes."""
    connection.execute(update(decisions).where(decisions.c.id == decision).values(attempts=decisions.c.attempts + 1))
    return int(connection.execute(select(decisions.c.attempts).where(decisions.c.id == decision)).scalar_one())


def unfinished(connection: Connection) -> DecisionRecord | None:
    """The oldest decision that was started and has no verdict."""
    row = connection.execute(
        select(decisions).where(decisions.c.verdict.is_(None)).order_by(decisions.c.id).limit(1)
    ).one_or_none()
    return None if row is None else _record(row)


def end(connection: Connection, decision: int, *, verdict: str, record: dict[str, Any], ended_at: str) -> None:
    """Commit the verdict. The state that the next decision starts from is written in the same transaction."""
    values = {"verdict": verdict, "record": record, "ended_at": ended_at}
    connection.execute(update(decisions).where(decisions.c.id == decision).values(**values))


def state(connection: Connection) -> dict[str, Any]:
    """What the next decision starts from; empty before the first."""
    value: dict[str, Any] = get_fact(connection, STATE, {})
    return value


def set_state(connection: Connection, value: dict[str, Any]) -> None:
    """Write what the next decision starts from."""
    set_fact(connection, STATE, value)


def page(connection: Connection, *, limit: int, before: int | None = None) -> list[DecisionRecord]:
    """Newest first, at most ``limit``, older than ``before``."""
    statement = select(decisions).order_by(decisions.c.id.desc()).limit(limit)
    if before is not None:
        statement = statement.where(decisions.c.id < before)
    return [_record(row) for row in connection.execute(statement)]


def verdicts(connection: Connection) -> dict[str, int]:
    """How many decisions have ended with each verdict."""
    ended = select(decisions.c.verdict, func.count()).where(decisions.c.verdict.is_not(None))
    return {row[0]: row[1] for row in connection.execute(ended.group_by(decisions.c.verdict))}


def newest(connection: Connection) -> int:
    """The number of the newest decision, 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.max(decisions.c.id), 0))).scalar_one())


def find(connection: Connection, decision: int) -> DecisionRecord | None:
    """One decision, or None."""
    row = connection.execute(select(decisions).where(decisions.c.id == decision)).one_or_none()
    return None if row is None else _record(row)


_GATE = undecided.c.held.bitwise_and(HELD | RELEASED)
_WAITS = undecided.c.decision.is_(None) & (_GATE != HELD)
_STIRS = _WAITS & (undecided.c.held < DEFERRED)


def _members(connection: Connection, chosen: ColumnElement[bool]) -> list[Member]:
    return [
        Member(row.id, row.part, row.file, row.period, row.rows, row.positives, row.decision, row.held % DEFERRED)
        for row in connection.execute(select(undecided).where(chosen).order_by(undecided.c.id))
    ]


def _record(row: Row[Any]) -> DecisionRecord:
    return DecisionRecord(
        id=row.id,
        kind=row.kind,
        periods=tuple(row.periods),
        rows=row.rows,
        dataset_version=row.dataset_version,
        started_at=row.started_at,
        ended_at=row.ended_at,
        attempts=row.attempts,
        verdict=row.verdict,
        record=row.record,
    )
