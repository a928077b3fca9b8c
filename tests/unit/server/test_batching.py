from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from handlers.clients import ClientsRefused
from handlers.object_reading import ObjectReader
from handlers.prediction import Prediction, predict
from server import batching
from server.batching import ALONE, Batcher
from tests.unit.server.small_house import CLIENT, release


async def waited(found: Prediction | asyncio.Future[Prediction]) -> Prediction:
    return found if isinstance(found, Prediction) else await found


class Seen:
    """A batcher, and the batches that it has told of."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []
        self.batcher = Batcher(lambda requests, rows: self.batches.append((requests, rows)))


async def test_requests_of_one_turn_of_the_loop_are_one_batch() -> None:
    seen, current = Seen(), release()
    clients = [[{**CLIENT, "tenure": number}] for number in range(20)]
    said = await asyncio.gather(*(waited(seen.batcher.predict(current, one)) for one in clients))
    assert seen.batches == [(20, 20)]
    for one, found in zip(clients, said, strict=True):
        assert [*found.probabilities] == [*predict(current, ObjectReader(current).read(one)).probabilities]
    await waited(seen.batcher.predict(current, [CLIENT]))
    assert seen.batches == [(20, 20), (1, 1)]


async def test_a_batch_has_no_more_rows_than_keep_the_loop_waiting_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "MAX_ROWS", 5)
    seen, current = Seen(), release()
    said = await asyncio.gather(*(waited(seen.batcher.predict(current, [CLIENT] * rows)) for rows in (3, 2, 1, 7)))
    assert [len(one.ids) for one in said] == [3, 2, 1, 7]
    assert seen.batches == [(2, 5), (1, 1), (1, 7)]


async def test_each_request_is_answered_by_the_release_that_it_came_with() -> None:
    seen, old = Seen(), release()
    new = replace(release(3), scorer=replace(old.scorer, base=2.0))
    said = await asyncio.gather(*(waited(seen.batcher.predict(which, [CLIENT])) for which in (old, old, new, old)))
    assert [one.model_version for one in said] == [2, 2, 3, 2]
    assert [*said[2].probabilities] == [*predict(new, ObjectReader(new).read([CLIENT])).probabilities]
    assert [*said[3].probabilities] == [*said[0].probabilities] != [*said[2].probabilities]


async def test_one_that_is_refused_spoils_no_other() -> None:
    seen, current = Seen(), release()
    asked = ([CLIENT], [{**CLIENT, "tenure": "x"}], [{}], [CLIENT])
    said = await asyncio.gather(*(waited(seen.batcher.predict(current, one)) for one in asked), return_exceptions=True)
    assert [type(one) for one in said] == [Prediction, ClientsRefused, ClientsRefused, Prediction]
    assert isinstance(said[1], ClientsRefused)
    assert said[1].faults[0].location == "row 0, column tenure"
    assert seen.batches == [(4, 2)], "who was refused was not scored"


async def test_who_has_gone_is_not_waited_for() -> None:
    seen, current = Seen(), release()
    gone, there = (seen.batcher.predict(current, [CLIENT]) for _ in range(2))
    gone.cancel()
    assert (await there).ids == ["abcd"]
    assert gone.cancelled()


async def test_who_asks_alone_is_answered_at_once_until_it_is_looked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "SOLO", 3)
    seen, current = Seen(), release()

    async def asked() -> Prediction:
        found = seen.batcher.predict(current, [CLIENT])
        at_once.append(isinstance(found, Prediction))
        return found if isinstance(found, Prediction) else await found

    at_once: list[bool] = []
    said = [await asked() for _ in range(ALONE + 3 + 1 + 3 + 1)]
    assert at_once == [False] * ALONE + [True] * 3 + [False] + [True] * 3 + [False]
    assert {(*one.probabilities,) for one in said} == {(*said[0].probabilities,)}
    assert seen.batches == [(1, 1)] * len(said)


async def test_who_asks_alone_may_be_refused_at_once() -> None:
    seen, current = Seen(), release()
    for _ in range(ALONE):
        await waited(seen.batcher.predict(current, [CLIENT]))
    with pytest.raises(ClientsRefused):
        seen.batcher.predict(current, [{**CLIENT, "tenure": "x"}])
    assert seen.batches == [(1, 1)] * ALONE + [(1, 0)]


async def test_a_crowd_is_a_batch_again_although_one_had_been_alone() -> None:
    seen, current = Seen(), release()
    for _ in range(ALONE):
        await waited(seen.batcher.predict(current, [CLIENT]))
    found = [seen.batcher.predict(current, [CLIENT]) for _ in range(batching.SOLO + 20)]
    await asyncio.gather(*(waited(one) for one in found))
    assert seen.batches == [(1, 1)] * (ALONE + batching.SOLO) + [(20, 20)]


async def test_a_bug_is_told_to_all_who_wait_for_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[Prediction]:
        raise ZeroDivisionError

    monkeypatch.setattr(batching, "predict_together", broken)
    seen = Seen()
    said = await asyncio.gather(
        *(waited(seen.batcher.predict(release(), [CLIENT])) for _ in range(3)), return_exceptions=True
    )
    assert [type(one) for one in said] == [ZeroDivisionError] * 3
