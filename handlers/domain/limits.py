"""How much one file may cost before it is refused whole."""

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
