"""The workspaces for whose files the fuzz is: what is known of their columns, and how they are configured."""

from __future__ import annotations

from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, Schema

KNOWN = Schema(
    version=3,
    columns=(
        Column("id", ColumnType.TEXT, Role.ID),
        Column("visits", ColumnType.INTEGER, Role.FEATURE),
        Column("spend", ColumnType.NUMBER, Role.FEATURE),
        Column("plan", ColumnType.CATEGORY, Role.FEATURE),
        Column("note", ColumnType.TEXT, Role.FEATURE),
        Column("left", ColumnType.INTEGER, Role.TARGET),
        Column("seats", ColumnType.INTEGER, Role.FEATURE, optional=True),
    ),
    provisional=False,
    negative_label="0",
)
TIMED_SCHEMA = Schema(
    version=2,
    columns=(
        Column("id", ColumnType.TEXT, Role.ID),
        Column("month", ColumnType.TEXT, Role.TIME),
        Column("visits", ColumnType.INTEGER, Role.FEATURE),
        Column("spend", ColumnType.NUMBER, Role.FEATURE, blank=True),
        Column("left", ColumnType.INTEGER, Role.TARGET),
    ),
    negative_label="0",
)
PLAIN = DatasetSettings(id_column="id", target_column="left")
TIMED = DatasetSettings(id_column="id", target_column="left", time_column="month")
NO_ID = DatasetSettings(id_column=None, target_column="left", ignore_columns=("plan",))
FORCED = DatasetSettings(id_column="id", target_column="left", columns={"visits": "number", "plan": "text"})
NEW = Schema()
HOUSES = (
    (KNOWN, PLAIN),
    (NEW, PLAIN),
    (TIMED_SCHEMA, TIMED),
    (NEW, TIMED),
    (NEW, NO_ID),
    (NEW, FORCED),
    (KNOWN, PLAIN),
)
