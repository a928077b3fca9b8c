"""What the columns of the data set are: learned from the first files, then kept by version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

#: Columns that a stored row carries beside its own; a file that uses one of these names is refused.
FILE_COLUMN = "__file__"
LINE_COLUMN = "__line__"
RESERVED_COLUMNS = (FILE_COLUMN, LINE_COLUMN, "__row__")

TypeOverride = Literal["number", "category", "text"]


class DatasetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``dataset``: what the columns of a drop mean."""

    id_column: str | None = "corporation"
    """The client's identity, always text. Null: rows have no identity."""
    target_column: str = "exited"
    """The label: did the client leave? Blank means not known yet."""
    positive_label: str | int | float | bool = 1
    """The value of the target that means *left*. The one other value means *stayed*."""
    time_column: str | None = None
    """The period a row speaks of. Null: rows are ordered by arrival."""
    value_column: str | None = None
    """What a client is worth in a year, in any currency; shown beside the risk."""
    ignore_columns: tuple[str, ...] = ()
    """Kept and exported, never learned from."""
    columns: dict[str, TypeOverride] = {}
    """Types that override what is learned: number, category or text (kept, not learned from)."""
    duplicates: Literal["row", "key", "none"] = "row"
    """row: a row equal in all columns counts once; key: of rows with the same id and time the last wins; none."""


class ColumnType(StrEnum):
    """How the values of a column are stored, compared and learned from."""

    INTEGER = "integer"
    NUMBER = "number"
    CATEGORY = "category"
    TEXT = "text"

    @property
    def is_numeric(self) -> bool:
        return self in (ColumnType.INTEGER, ColumnType.NUMBER)


class Role(StrEnum):
    """What a column is for. Only features are learned from."""

    ID = "id"
    TARGET = "target"
    TIME = "time"
    FEATURE = "feature"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the data set."""

    name: str
    type: ColumnType
    role: Role
    optional: bool = False
    """First seen after the first file: a file without it is taken, its cells being missing."""
    blank: bool = False
    """No value of it has been seen yet: while the schema is provisional its type is open."""
    wide: bool = False
    """Integers from 2**53 on are stored: it cannot become a column of numbers, which would change some of them."""

    @property
    def is_feature(self) -> bool:
        """Text is kept and exported, but nothing is learned from it."""
        return self.role is Role.FEATURE and self.type is not ColumnType.TEXT


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns in the order in which they were first seen, and the two labels.

    ``version`` is 0 for the empty schema and rises by one at each change. It is ``provisional``, that is, free
    to be learned anew, until the first model that is not provisional has been promoted.
    """

    version: int = 0
    columns: tuple[Column, ...] = ()
    provisional: bool = True
    negative_label: str | None = None

    @property
    def by_name(self) -> Mapping[str, Column]:
        return {column.name: column for column in self.columns}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def features(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.is_feature)

    def with_role(self, role: Role) -> Column | None:
        return next((column for column in self.columns if column.role is role), None)


Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
