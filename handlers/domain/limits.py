"""How much one file, or one request, may cost before it is refused whole."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may hold. A file beyond one of these is refused, with the limit named."""

    max_columns: int = 10_000
    max_field_bytes: int = 1_000_000
    """The longest cell, in bytes of UTF-8."""
    max_decompressed_bytes: int = 2 * 1024**3
    """The size of the text after decompression; files that are not compressed are held to it as well."""
    max_rejected_fraction: float = 0.2
    """The part of the rows that may be set aside; above it the file is refused whole."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """What one request for predictions may hold."""

    max_rows: int = 500_000
    max_columns: int = 10_000
    """Columns of a table, or keys of one JSON object."""

    def too_many_rows(self, rows: int) -> str | None:
        """A sentence where there are more rows than allowed."""
        if rows <= self.max_rows:
            return None
        return f"There are more than {self.max_rows:,} clients: send them in parts."

    def too_many_columns(self, columns: int) -> str | None:
        """A sentence where there are more columns than allowed."""
        if columns <= self.max_columns:
            return None
        return f"There are {columns:,} columns, and {self.max_columns:,} may be sent."
