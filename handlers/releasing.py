"""Files that the quality gate has held are let through by hand: the next decision learns from them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import Connection

from handlers.decision_state import read_state, write_state
from handlers.domain.facts import Fact
from handlers.domain.files import FileRecord, FileState, shown_name
from handlers.house import House
from handlers.storage import decisions, events, files
from handlers.storage.ledger import UNLABELLED_DRIFT, get_fact, set_fact

_PREFIX = re.compile("[0-9a-f]{4,64}")


class NotHeld(Exception):
    """There is no such file to be released; the message says why and what to do."""


def find(connection: Connection, prefix: str) -> FileRecord:
    """The held file whose SHA-256 begins like this, 4 digits at least. Raises NotHeld."""
    wanted = prefix.lower()
    if not _PREFIX.fullmatch(wanted):
        raise NotHeld("Name the file by the beginning of its SHA-256: 4 to 64 hexadecimal digits.")
    held = files.page(
        connection, limit=files.counts(connection).get(FileState.HELD, 0), before=None, state=FileState.HELD
    )
    found = [record for record in held if (record.sha256 or "").startswith(wanted)]
    if not found:
        raise NotHeld(
            f"There is no held file whose SHA-256 begins with {wanted}; "
            "`attritiond files --state held` lists those there are."
        )
    if len(found) > 1:
        names = ", ".join(f"{record.name} ({(record.sha256 or '')[:12]})" for record in found[:3])
        raise NotHeld(f"More than one held file begins with {wanted}: {names}. Give more digits.")
    return found[0]


def release(house: House, prefixes: Sequence[str]) -> tuple[list[FileRecord], list[Fact]]:
    """Let the next decision take the rows of held files, whatever they look like: of all of them, or of none.

    Returns their records as they are now, and what has happened. Raises NotHeld.
    """
    with house.ledger.write() as connection:
        held = {record.seq: record for record in (find(connection, prefix) for prefix in prefixes)}
        told = []
        for seq, record in held.items():
            rows = decisions.release(connection, [seq])
            files.set_state(connection, seq, FileState.INGESTED, None)
            told.append(Fact("file.released", {"file": record.name, "sha256": record.sha256, "rows": rows}))
        state = read_state(connection)
        write_state(connection, replace(state, held=tuple(seq for seq in state.held if seq not in held)))
        newest = get_fact(connection, UNLABELLED_DRIFT, {})
        if newest.get("file") in {shown_name(record.name) for record in held.values()}:
            set_fact(connection, UNLABELLED_DRIFT, newest | {"broken": None})
        events.add(connection, told, at=house.now())
        return [files.find_seq(connection, seq) for seq in held], told
