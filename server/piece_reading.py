"""Pieces of a large JSON body become clients' columns."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from handlers.clients_in_pieces import Piece, piece_of
from handlers.domain.limits import RequestLimits
from handlers.object_reading import ObjectReader, coded, ids_of, numbers_of
from server.json_pieces import NotInPieces, Objects
from server.layouts import Decoded, Layout, layout
from server.repeated_keys import surely_all

_objects = msgspec.json.Decoder(Objects)


class PieceReader:
    """Reads the pieces of one body: the first object of one that was read as objects says how the next may look."""

    def __init__(self, reader: ObjectReader, limits: RequestLimits) -> None:
        self._reader = reader
        self._limits = limits
        self._layout: Layout | None = None

    def __call__(self, piece: bytes) -> Piece:
        """The clients of a piece. Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError where it is no list
        of objects, and NotInPieces where a key may stand twice, or there are too many."""
        listed = b"[%b]" % piece
        decoded = None if self._layout is None else self._layout.decode(listed)
        if decoded is not None and self._all_have_some(decoded):
            return self._columns(decoded)
        objects = _objects.decode(listed)
        if not surely_all(piece, objects) or max(map(len, objects), default=0) > self._limits.max_columns:
            raise NotInPieces
        self._layout = self._layout_like(objects[0]) if objects else None
        return piece_of(self._reader, objects)

    def _layout_like(self, keys: Iterable[str]) -> Layout | None:
        reader = self._reader
        names = tuple(dict.fromkeys((*keys, *reader.own)))
        texts = frozenset(reader.own).difference(reader.numeric)
        return layout(names, frozenset(reader.numeric), texts) if len(names) <= self._limits.max_columns else None

    def _all_have_some(self, decoded: Decoded) -> bool:
        """Whether surely every client has a column that the model reads."""
        return any(name not in decoded.absent for name in (*self._reader.numeric, *self._reader.texts))

    def _columns(self, decoded: Decoded) -> Piece:
        reader, values = self._reader, decoded.columns
        numbers = numbers_of([values[name] for name in reader.numeric], decoded.rows)
        columns = {
            **dict(zip(reader.numeric, numbers, strict=True)),
            **{name: coded(values[name]) for name in reader.texts},
        }
        ids = [None] * decoded.rows if reader.identity is None else ids_of(values[reader.identity])
        keys = [name for name in values if decoded.absent.get(name) != decoded.rows]
        return Piece(decoded.rows, keys, columns, ids)
