from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from handlers.domain.schema import Role
from tests.benchmarks import replayed_streams
from tests.benchmarks.hindsight import Fits
from tests.benchmarks.replayed_streams import POLICIES, history_of
from tests.benchmarks.streams import Stream, stream

FILES = 4


@pytest.fixture(scope="module")
def small() -> Stream:
    found = stream("small", 7)
    return replace(found, files=found.files[:FILES])


def test_a_stream_is_history_file_by_file_with_nothing_but_features(small: Stream) -> None:
    history = history_of(small)
    assert [step.members[0].rows for step in history.steps] == [len(one.labels) for one in small.files]
    assert all(column.role is Role.FEATURE for column in history.window.schema.columns)
    for step, file in zip(history.steps, small.files, strict=True):
        window = history.read(step.number, step.number, history.window.blocks, at=step.number)
        frame = window.frame()
        assert np.array_equal(window.labels, file.labels)
        assert np.array_equal(window.clients, file.clients)
        assert sorted(frame.columns) == sorted(file.columns)
        for name, values in file.columns.items():
            if values.dtype == np.object_:
                assert frame[name].tolist() == values.tolist()
            else:
                assert np.array_equal(frame[name].to_numpy(), values, equal_nan=True)


def test_the_program_and_plain_rules_are_judged_on_the_same_files(small: Stream) -> None:
    with threadpool_limits(1):
        played = replayed_streams.play(small)
        first = Fits(small).log_odds(("logistic",), (0, 0), 1)
    assert tuple(played) == POLICIES
    for one in played.values():
        assert len(one.course.losses) == FILES - 1
        assert len(one.seconds) == FILES
        assert one.fits > 0
    assert len(first) == len(small.files[1].labels)
    assert played["evidence"].course.losses[0] == played["evidence:free"].course.losses[0]
