"""Objects that look alike are decoded to columns, without becoming dictionaries first.

What is decoded is the values of keys that are known before. Other keys are seen by counting: each key has its colon, so
that there are more colons than keys that were kept, and than stand in values, if one was dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

#: Layouts that are remembered, each of at most so many keys of so many characters together.
REMEMBERED, MAX_KEYS, MAX_CHARACTERS = 32, 64, 4_000
#: What msgspec does not take in the name of a field.
_UNSPEAKABLE = frozenset(("\\", '"', *map(chr, range(32))))
_NUMBER, _TEXT = float | None, str | int | None

_Decoder = msgspec.json.Decoder[list[Any]]


@dataclass(frozen=True, slots=True)
class Decoded:
    """Rows by column: numbers are float, categories and ids str or int, missing is None; other values are any.

    ``absent``: how many rows do not have a key, where there are any.
    """

    columns: Mapping[str, Sequence[Any]]
    rows: int
    absent: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Layout:
    """The keys that objects have: ``numbers`` and ``texts`` may be absent, the others must be there."""

    names: tuple[str, ...]
    numbers: frozenset[str]
    texts: frozenset[str]
    _whole: _Decoder
    _gappy: _Decoder

    def decode(self, content: bytes) -> Decoded | None:
        """Decode a list of objects. Raises msgspec.DecodeError, UnicodeDecodeError and RecursionError.

        None where a value has another type, or there may be a key that the layout does not have, or one stands twice.
        """
        try:
            objects, gaps = self._whole.decode(content), False
        except msgspec.ValidationError:
            try:
                objects, gaps = self._gappy.decode(content), True
            except msgspec.ValidationError:
                return None
        if not objects:
            return None
        columns: dict[str, Sequence[Any]] = dict(
            zip(self.names, zip(*map(msgspec.structs.astuple, objects), strict=True), strict=True)
        )
        absent = {name: columns[name].count(UNSET) for name in self._own()} if gaps else {}
        for name in absent:
            columns[name] = [None if value is UNSET else value for value in columns[name]]
        kept = len(objects) * len(self.names) - sum(absent.values())
        if not self._nothing_dropped(content, kept, columns):
            return None
        return Decoded(columns, len(objects), {name: rows for name, rows in absent.items() if rows})

    def _own(self) -> Collection[str]:
        return self.numbers | self.texts

    def _nothing_dropped(self, content: bytes, kept: int, columns: Mapping[str, Sequence[Any]]) -> bool:
        colons = content.count(b":")
        if colons == kept:
            return True
        if b"\\u003" in content:  # a colon in a text, in disguise
            return False
        for name in columns.keys() - self.numbers:
            kept += sum(map(_colons, columns[name]))
        return colons == kept


def _colons(value: object) -> int:
    """So many must have been written for this value."""
    if isinstance(value, str):
        return value.count(":")
    return msgspec.json.encode(value).count(b":") if isinstance(value, dict | list) else 0


@lru_cache(maxsize=REMEMBERED)
def layout(names: tuple[str, ...], numbers: frozenset[str], texts: frozenset[str]) -> Layout | None:
    """The layout of these keys, in the order in which most objects have them; None if it would be too large or odd."""
    if len(names) > MAX_KEYS or sum(map(len, names)) > MAX_CHARACTERS or any(map(_UNSPEAKABLE.intersection, names)):
        return None
    whole, gappy = [], []
    for place, name in enumerate(names):
        field, kind = f"f{place}", _NUMBER if name in numbers else _TEXT if name in texts else Any
        whole.append((field, kind))
        gappy.append((field, kind) if kind is Any else (field, kind | UnsetType, UNSET))
    rename = {f"f{place}": name for place, name in enumerate(names)}

    def decoder(fields: Sequence[Any]) -> _Decoder:
        # JSON has no cycles, so the collector need not look at them.
        kind = msgspec.defstruct("Alike", fields, rename=rename, kw_only=True, gc=False)
        return msgspec.json.Decoder(GenericAlias(list, kind))

    return Layout(names, numbers, texts, decoder(whole), decoder(gappy))
