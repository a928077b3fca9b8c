"""Many clients, read some at a time, are what they are all at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handlers.clients import Clients, ClientsRefused
from handlers.clients_in_pieces import piece_of, read_pieces
from handlers.object_reading import ObjectReader
from tests.unit.handlers.drawn_clients import drawn
from tests.unit.server.small_house import release

RELEASE = release()


@given(st.lists(drawn, min_size=1, max_size=30), st.integers(1, 7))
def test_what_is_read_or_refused_in_pieces_is_what_it_is_at_once(clients: list[dict[str, object]], size: int) -> None:
    parts = [clients[start : start + size] for start in range(0, len(clients), size)]
    expected, found = _read(clients), _read(clients, parts)
    if isinstance(expected, ClientsRefused) or isinstance(found, ClientsRefused):
        assert isinstance(expected, ClientsRefused)
        assert isinstance(found, ClientsRefused)
        assert found.faults == expected.faults
        return
    assert (found.ids, found.warnings) == (expected.ids, expected.warnings)
    for name, values in expected.columns.items():
        np.testing.assert_array_equal(np.asarray(found.columns[name]), np.asarray(values))
        assert type(found.columns[name]) is type(values)


def _read(
    clients: list[dict[str, object]], parts: list[list[dict[str, object]]] | None = None
) -> Clients | ClientsRefused:
    reader = ObjectReader(RELEASE)
    try:
        return reader.read(clients) if parts is None else read_pieces(reader, [piece_of(reader, one) for one in parts])
    except ClientsRefused as refused:
        return refused
