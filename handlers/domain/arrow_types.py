"""How the values of a column are held and stored, by its type."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from handlers.domain.schema import ColumnType

ARROW_TYPES: Final = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.TEXT: pa.string(),
}
