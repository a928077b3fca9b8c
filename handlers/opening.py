"""Files are opened, hashed and read ahead of their turn, beside others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handlers import ingestion, receiving
from handlers.commit_group import Group
from handlers.domain.files import Reason
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.ingestion import Rows
from handlers.receiving import Arrival, Received
from handlers.storage.inbox import Changed, Drop
from handlers.validation import validate


@dataclass(frozen=True, slots=True)
class Reading:
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


def opener(house: House, group: Callable[[], Group]) -> Callable[[Arrival], Reading | None]:
    """How the next file is opened. ``group``: the one of the moment; what its files have taught is known."""

    def open_next(arrival: Arrival) -> Reading | None:
        """None where nothing is there, or where it still changes."""
        started, now = house.timer(), group()
        schema = now.schema
        received = receiving.open_drop(house, arrival)
        if received is None:
            return None
        rows = None
        try:
            if receiving.is_to_be_read(house, received):
                rows = read(house, received.drop, schema, now.key)
        except BaseException as error:
            received.drop.content.close()
            if isinstance(error, Changed):
                return None
            raise
        return Reading(received, rows, schema, house.timer() - started)

    return open_next


def rows_of(house: House, group: Group, reading: Reading) -> Rows | Reason:
    """What is in a file whose turn has come. It is read again where a file before it has taught something."""
    if reading.rows is None or reading.schema != group.schema:
        return read(house, reading.received.drop, group.schema, group.key)
    return reading.rows


def read(house: House, drop: Drop, schema: Schema, key: int) -> Rows | Reason:
    """From bytes to typed rows with their hashes, or the reason to refuse them."""
    settings, limits, spill = house.dataset, house.limits, house.workspace.spill
    batch = validate(drop.content, name=drop.name, schema=schema, settings=settings, limits=limits, spill=spill)
    return batch if isinstance(batch, Reason) else ingestion.hashed(batch, settings, key)
