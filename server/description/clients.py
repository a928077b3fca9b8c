"""Clients as the current release wants them: the schema of one, and an example that it would score."""

from __future__ import annotations

import csv
import io
from typing import Any

from handlers.domain.axes import Categories
from handlers.domain.reference_sketch import ColumnSketch
from handlers.domain.release import Release
from handlers.domain.schema import Role

Schema = dict[str, Any]
Client = dict[str, Any]

_NUMBER: Schema = {"type": ["number", "null"]}
_CATEGORY: Schema = {"type": ["string", "integer", "null"]}
_BEFORE: Schema = {
    "title": "Client",
    "type": "object",
    "description": "Values by column. There is no model yet; once there is one, its columns are named here.",
}
_EXAMPLE: Client = {"corporation": "abcd", "tenure": 3, "contract": "monthly", "seats": 4}
"""Before there is a model."""


def client_schema(release: Release | None) -> Schema:
    """The JSON Schema of one client: the columns that ``ObjectReader`` reads for this release, and their types."""
    if release is None:
        return _BEFORE
    columns = release.sketch.columns
    return {
        "title": "Client",
        "type": "object",
        "description": f"A client as model {release.version} wants it, with at least one of its columns. null and what"
        " is not there are missing. The target and columns that are not known may be there, and are not used, but for"
        " one that looks like the misspelling of a column that no client has, which is refused.",
        "properties": _ids(release, _CATEGORY) | {one.name: _CATEGORY if _is_text(one) else _NUMBER for one in columns},
        "anyOf": [{"required": [one.name]} for one in columns],
    }


def example_client(release: Release | None) -> Client:
    """A client that the release scores: of each column the commonest category, or the mean."""
    if release is None:
        return _EXAMPLE
    return _ids(release, "abcd") | {one.name: _usual(one) for one in release.sketch.columns}


def example_csv(release: Release | None) -> str:
    """The same client as CSV."""
    client = example_client(release)
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([client.keys(), client.values()])
    return text.getvalue()


def _ids(release: Release, value: Any) -> dict[str, Any]:
    identity = release.schema.with_role(Role.ID)
    return {} if identity is None else {identity.name: value}


def _is_text(column: ColumnSketch) -> bool:
    return isinstance(column.axis, Categories)


def _usual(column: ColumnSketch) -> str | float | None:
    if isinstance(column.axis, Categories):
        return column.axis.categories[0] if column.axis.categories else None
    if column.spread is None:
        return None
    rounded = float(f"{column.spread.mean:.3g}")
    return int(rounded) if rounded.is_integer() else rounded
