"""Requests to a model that another process holds."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import numpy as np
import pytest

from handlers.clients import ClientsRefused
from handlers.domain.axes import Columns, Floats
from handlers.domain.release import Release
from handlers.domain.scorer import NotAnswering, PipelineScorer
from handlers.prediction import Prediction
from server import pipeline_batching
from server.pipeline_batching import PipelineBatcher
from tests.unit.server.small_house import CLIENT, SCORECARD, release


class Held:
    """A release whose pipeline answers when it is let, and the batches that were scored."""

    def __init__(self, version: int = 2) -> None:
        self.may, self.asked = threading.Event(), threading.Event()
        self.may.set()
        self.batches: list[tuple[int, int]] = []
        self.batcher = PipelineBatcher(lambda requests, rows: self.batches.append((requests, rows)))
        self.release: Release = replace(release(version), scorer=PipelineScorer(SCORECARD.features, 0.5, self.say))

    def say(self, columns: Columns) -> Floats:
        self.asked.set()
        assert self.may.wait(30)
        return np.nan_to_num(columns["tenure"])


def client(tenure: float) -> list[dict[str, object]]:
    return [{**CLIENT, "tenure": tenure}]


async def test_requests_of_one_turn_of_the_loop_are_one_batch() -> None:
    held = Held()
    said = await asyncio.gather(*(held.batcher.predict(held.release, client(float(n))) for n in range(20)))
    assert held.batches == [(20, 20)]
    expected = [1 / (1 + np.exp(-n)) for n in range(20)]
    assert [one.probabilities[0] for one in said] == pytest.approx(expected)
    assert {one.served_by for one in said} == {"pipeline"}


async def test_what_comes_while_a_batch_is_scored_is_the_next_batch() -> None:
    held = Held()
    held.may.clear()
    first = asyncio.ensure_future(held.batcher.predict(held.release, client(1.0)))
    await asyncio.to_thread(held.asked.wait, 30)
    others = [asyncio.ensure_future(held.batcher.predict(held.release, client(2.0))) for _ in range(5)]
    await asyncio.sleep(0)
    held.may.set()
    await asyncio.gather(first, *others)
    assert held.batches == [(1, 1), (5, 5)]


async def test_each_request_is_answered_by_the_release_that_it_came_with_and_a_batch_is_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pipeline_batching, "MAX_ROWS", 2)
    held = Held()
    new = replace(held.release, version=3)
    asked = [held.release, held.release, held.release, new, held.release]
    said = await asyncio.gather(*(held.batcher.predict(one, client(1.0)) for one in asked))
    assert [one.model_version for one in said] == [2, 2, 2, 3, 2]
    assert held.batches == [(2, 2), (1, 1), (1, 1), (1, 1)]


async def test_a_process_that_is_gone_is_told_to_those_who_asked_and_the_next_are_answered() -> None:
    held = Held()
    gone = replace(
        held.release, scorer=replace(held.release.scorer, say=lambda _: (_ for _ in ()).throw(NotAnswering("gone")))
    )
    said = await asyncio.gather(*(held.batcher.predict(gone, client(1.0)) for _ in range(3)), return_exceptions=True)
    assert [type(one) for one in said] == [NotAnswering] * 3
    assert (await held.batcher.predict(held.release, client(1.0))).ids == ["abcd"]


async def test_one_that_is_refused_spoils_no_other() -> None:
    held = Held()
    asked = (client(1.0), [{**CLIENT, "tenure": "x"}], client(2.0))
    said = await asyncio.gather(*(held.batcher.predict(held.release, one) for one in asked), return_exceptions=True)
    assert [type(one) for one in said] == [Prediction, ClientsRefused, Prediction]
