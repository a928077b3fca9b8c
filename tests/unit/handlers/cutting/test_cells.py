"""A reader of cells holds nothing longer than it is needed."""

from __future__ import annotations

import weakref

import pytest

from handlers.cutting.blocks import Block
from handlers.cutting.cells import TOLD_ONE_BY_ONE, CellReader

TEXTS = {
    "rows alone": b"a,b\nc,d\n",
    "one of another length": b"a,b\n" + b"x" * 1_000 + b"\n",
    "many of another length": b"a,b\n" + b"x\n" * (TOLD_ONE_BY_ONE + 100),
}


@pytest.mark.parametrize("what", TEXTS)
def test_a_reader_is_gone_when_nobody_needs_it(what: str) -> None:
    """What pyarrow holds of it in C++ no collector sees: one that led back to it would stay for ever."""
    text = TEXTS[what]
    reader = CellReader(2, ",")
    columns, ragged = reader.read(Block(text, 0, len(text), quoted=False, last=True))
    assert len(columns[0]) + len(ragged) == text.count(b"\n")
    gone = weakref.ref(reader)
    del reader
    assert gone() is None
