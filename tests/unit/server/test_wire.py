"""Answers of many rows are encoded some at a time, and are what they would be at once."""

from __future__ import annotations

import csv
import io

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.object_reading import ObjectReader
from handlers.prediction import Prediction, predict
from server import wire
from server.negotiation import CSV, JSON
from tests.unit.server.small_house import CLIENT, release

RELEASE = release()


def said(rows: int, reasons: int) -> Prediction:
    ids = ('"', 'c"{}', "a,{}", "two\nlines {}", "\r{}", "plain {}", None)
    each = [None if (one := ids[row % len(ids)]) is None else one.format(row) for row in range(rows)]
    clients = [{**CLIENT, "corporation": one, "tenure": row % 70} for row, one in enumerate(each)]
    return predict(RELEASE, ObjectReader(RELEASE).read(clients), reasons=reasons)


@given(st.integers(1, 40), st.integers(1, 9), st.sampled_from([0, 2]))
def test_json_and_csv_in_pieces_are_what_they_are_at_once(rows: int, size: int, reasons: int) -> None:
    prediction = said(rows, reasons)
    at_once = {form: wire.encode(prediction, form) for form in (JSON, CSV)}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(wire, "ROWS_AT_ONCE", size)
        assert {form: wire.encode(prediction, form) for form in (JSON, CSV)} == at_once
    document = msgspec.json.decode(at_once[JSON])
    assert document["probabilities"] == prediction.probabilities.tolist()
    assert (len(document["ids"]), "reasons" in document) == (rows, reasons > 0)
    lines = list(csv.reader(io.StringIO(at_once[CSV].decode(), newline="")))
    assert [line[0] for line in lines] == ["id", *("" if one is None else one for one in prediction.ids[:])]
    assert [line[2] for line in lines[1:]] == list(map(str, prediction.predictions.tolist()))
    assert np.array([float(line[1]) for line in lines[1:]]).tobytes() == prediction.probabilities.tobytes()
