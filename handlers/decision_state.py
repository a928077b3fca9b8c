"""The state that one decision leaves to the next, as the ledger keeps it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from handlers.domain.decisions.state import State
from handlers.storage import decisions


def read_state(connection: Connection) -> State:
    """What the next decision starts from. One that an earlier version wrote says only which model was current: the
    decision begins anew from what that one promised."""
    stored = decisions.state(connection)
    return (
        State(challenge_due=bool(stored.get("challenge_due")))
        if "version" in stored
        else msgspec.convert(stored, State)
    )


def write_state(connection: Connection, state: State) -> None:
    """Commit what the next decision starts from, in the transaction of what has led to it."""
    decisions.set_state(connection, msgspec.to_builtins(state))
