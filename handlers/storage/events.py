"""The ledger's own record of what happened, written in the transaction that made it happen."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, func, select

from handlers.domain.facts import Fact
from handlers.storage.tables import events


def add(connection: Connection, facts: Sequence[Fact], *, at: str) -> None:
    """Keep these facts, in their order. ``at``: the time of the commit."""
    if facts:
        connection.execute(events.insert(), [{"at": at, "event": one.event, "facts": one.fields} for one in facts])


def counts(connection: Connection, *, after: int) -> tuple[dict[str, int], int]:
    """How often each event was recorded after number ``after``, and the number of the newest record."""
    wanted = select(events.c.event, func.count(), func.max(events.c.seq)).where(events.c.seq > after)
    rows = connection.execute(wanted.group_by(events.c.event)).all()
    return {row[0]: row[1] for row in rows}, max((row[2] for row in rows), default=after)
