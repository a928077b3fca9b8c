"""The ledger's own record of what happened, written in the transaction that made it happen."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from handlers.domain.facts import Fact
from handlers.storage.tables import events


def add(connection: Connection, facts: Sequence[Fact], *, at: str) -> None:
    """Keep these facts, in their order. ``at``: the time of the commit."""
    if facts:
        connection.execute(events.insert(), [{"at": at, "event": one.event, "facts": one.fields} for one in facts])
