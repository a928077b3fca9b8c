"""Rows and columns of prediction bodies, held to what is configured before they cost anything more."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Protocol

from handlers.domain.limits import RequestLimits
from server.problems import Fault, Kind, Problem
from server.settings import ServerSettings


def limits_of(settings: ServerSettings) -> RequestLimits:
    """What is configured."""
    return RequestLimits(max_rows=settings.max_rows, max_columns=settings.max_columns)


def check_table(limits: RequestLimits, *, rows: int, columns: int) -> None:
    """Refuse a table that is too long (413) or too wide (422). Raises Problem."""
    long = limits.too_many_rows(rows)
    if long is not None:
        raise Problem(Kind.TOO_LARGE, f"{long} (server.max_rows)")
    wide = limits.too_many_columns(columns)
    if wide is not None:
        raise Problem(Kind.WRONG_BODY, f"{wide} (server.max_columns)", [Fault("body", wide)])


class Bounds(Protocol):
    """What is configured, or the limits that were made of it."""

    @property
    def max_rows(self) -> int: ...
    @property
    def max_columns(self) -> int: ...


def check_objects(bounds: Bounds, objects: Sequence[Sized]) -> None:
    """Refuse too many clients (413), or one with too many keys (422, naming its row from 0). Raises Problem."""
    widest = len(objects[0]) if len(objects) == 1 else max(map(len, objects), default=0)
    if widest <= bounds.max_columns and len(objects) <= bounds.max_rows:
        return
    limits = RequestLimits(max_rows=bounds.max_rows, max_columns=bounds.max_columns)
    check_table(limits, rows=len(objects), columns=0)
    row = next(row for row, one in enumerate(objects) if len(one) > limits.max_columns)
    check_keys_of(limits, row, len(objects[row]))


def check_keys_of(limits: RequestLimits, row: int, keys: int) -> None:
    """Refuse a client with too many keys (422), counted from row 0. Raises Problem."""
    wide = limits.too_many_columns(keys)
    if wide is not None:
        raise Problem(Kind.WRONG_BODY, f"Row {row}: {wide} (server.max_columns)", [Fault(f"row {row}", wide)])
