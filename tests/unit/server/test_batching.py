"""Small bodies of one turn of the loop are answered together, each as it would be alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from handlers.domain.release import Release
from server import batching, wire
from server.batching import ALONE, Answer, Batcher
from server.negotiation import CSV, JSON
from server.problems import Kind, Problem
from server.ready_answer import ReadyAnswer
from server.settings import ServerSettings
from tests.unit.server.small_house import CLIENT, release


def body(*clients: Mapping[str, object]) -> bytes:
    return json.dumps({"clients": clients or (CLIENT,)}).encode()


async def waited(found: Answer | asyncio.Future[Answer]) -> Answer:
    return await found if isinstance(found, asyncio.Future) else found


def read(said: object) -> dict[str, Any]:
    assert isinstance(said, ReadyAnswer)
    content = said.ordinary().body
    assert isinstance(content, bytes)
    found: dict[str, Any] = json.loads(content)
    return found


class Seen:
    """A batcher, and the batches that it has told of."""

    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []
        self.batcher = Batcher(lambda requests, rows: self.batches.append((requests, rows)), ServerSettings())

    async def all(self, which: Release, *bodies: bytes) -> list[Any]:
        """What is answered or raised to requests of one turn."""
        asked = [self.batcher.answer(which, one, JSON) for one in bodies]
        return await asyncio.gather(*(waited(one) for one in asked), return_exceptions=True)


async def test_requests_of_one_turn_of_the_loop_are_one_batch_and_answered_as_each_would_be_alone() -> None:
    seen, current = Seen(), release()
    bodies = [body({**CLIENT, "tenure": number}) for number in range(20)]
    together = [read(one) for one in await seen.all(current, *bodies)]
    assert seen.batches == [(20, 20)]
    assert together == [read(one) for each in bodies for one in await Seen().all(current, each)]
    assert len({one["probabilities"][0] for one in together}) == 20
    await seen.all(current, body())
    assert seen.batches == [(20, 20), (1, 1)]


async def test_a_batch_has_no_more_rows_than_keep_the_loop_waiting_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "MAX_ROWS", 5)
    seen = Seen()
    said = await seen.all(release(), *(body(*[CLIENT] * rows) for rows in (3, 2, 1, 7)))
    assert [len(read(one)["ids"]) for one in said] == [3, 2, 1, 7]
    assert seen.batches == [(2, 5), (1, 1), (1, 7)]


async def test_no_more_is_read_at_once_than_keeps_the_loop_waiting_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "MAX_BYTES", 2 * len(body()))
    seen = Seen()
    await seen.all(release(), *[body()] * 5)
    assert seen.batches == [(2, 2), (2, 2), (1, 1)]


async def test_each_request_is_answered_by_the_release_that_it_came_with() -> None:
    seen, old = Seen(), release()
    new = replace(release(3), scorer=replace(old.scorer, base=2.0))
    asked = [seen.batcher.answer(which, body(), JSON) for which in (old, old, new, old)]
    said = [read(await waited(one)) for one in asked]
    assert [one["model_version"] for one in said] == [2, 2, 3, 2]
    assert said[0]["probabilities"] == said[1]["probabilities"] == said[3]["probabilities"] != said[2]["probabilities"]
    assert said[2] == read((await Seen().all(new, body()))[0])


async def test_each_answer_has_the_form_that_was_asked_for() -> None:
    seen = Seen()
    asked = [seen.batcher.answer(release(), body(), form) for form in (JSON, CSV)]
    as_json, as_csv = [await waited(one) for one in asked]
    assert read(as_json)["ids"] == ["abcd"]
    assert isinstance(as_csv, web.Response)
    assert isinstance(as_csv.body, bytes)
    assert as_csv.body.startswith(b"id,probability,prediction\nabcd,")


async def test_one_that_is_refused_spoils_no_other() -> None:
    seen = Seen()
    bodies = (
        body(),
        body({**CLIENT, "tenure": "x"}),
        body({}),
        b"no JSON",
        b'{"dataset_path": "testdata/a.csv"}',
        body(),
    )
    said = await seen.all(release(), *bodies)
    assert [type(one) for one in said] == [ReadyAnswer, Problem, Problem, Problem, type(None), ReadyAnswer]
    assert [one.kind for one in said if isinstance(one, Problem)] == [Kind.WRONG_CLIENTS] * 2 + [Kind.MALFORMED]
    assert said[1].errors[0].location == "row 0, column tenure"
    assert seen.batches == [(4, 2)], "who was refused was not scored"


async def test_what_is_more_than_a_request_may_have_is_refused() -> None:
    batcher = Batcher(lambda *_: None, ServerSettings(max_rows=1, max_columns=4))
    found = [batcher.answer(release(), one, JSON) for one in (body(CLIENT, CLIENT), body({**CLIENT, "a": 1, "b": 2}))]
    said = await asyncio.gather(*(waited(one) for one in found), return_exceptions=True)
    assert [one.kind for one in said if isinstance(one, Problem)] == [Kind.TOO_LARGE, Kind.WRONG_BODY]


async def test_who_has_gone_is_not_waited_for() -> None:
    seen = Seen()
    gone, there = (seen.batcher.answer(release(), body(), JSON) for _ in range(2))
    assert isinstance(gone, asyncio.Future)
    gone.cancel()
    assert read(await waited(there))["ids"] == ["abcd"]
    assert gone.cancelled()
    assert seen.batches == [(1, 1)]


async def test_who_asks_alone_is_answered_at_once_until_it_is_looked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "SOLO", 3)
    seen, current = Seen(), release()
    at_once, said = [], []
    for _ in range(ALONE + 3 + 1 + 3 + 1):
        found = seen.batcher.answer(current, body(), JSON)
        at_once.append(not isinstance(found, asyncio.Future))
        said.append(read(await waited(found)))
    assert at_once == [False] * ALONE + [True] * 3 + [False] + [True] * 3 + [False]
    assert all(one == said[0] for one in said)
    assert seen.batches == [(1, 1)] * len(said)


async def test_who_asks_alone_may_be_refused_at_once_or_name_a_file() -> None:
    seen, current = Seen(), release()
    for _ in range(ALONE):
        await seen.all(current, body())
    with pytest.raises(Problem):
        seen.batcher.answer(current, body({**CLIENT, "tenure": "x"}), JSON)
    assert seen.batcher.answer(current, b'{"dataset_path": "testdata/a.csv"}', JSON) is None
    assert seen.batches == [(1, 1)] * ALONE + [(1, 0)]


async def test_a_crowd_is_a_batch_again_although_one_had_been_alone() -> None:
    seen, current = Seen(), release()
    for _ in range(ALONE):
        await seen.all(current, body())
    await seen.all(current, *[body()] * (batching.SOLO + 20))
    assert seen.batches == [(1, 1)] * (ALONE + batching.SOLO) + [(20, 20)]


async def test_a_bug_is_told_to_all_who_wait_for_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(batching, "predict_together", broken)
    assert [type(one) for one in await Seen().all(release(), *[body()] * 3)] == [ZeroDivisionError] * 3


async def test_a_bug_in_one_answer_is_told_to_who_asked_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = wire.answer

    def broken(said: Any, form: str) -> web.StreamResponse:
        if said.ids != ["abcd"]:
            raise ZeroDivisionError
        return answer(said, form)

    monkeypatch.setattr(wire, "answer", broken)
    said = await Seen().all(release(), body(), body({**CLIENT, "corporation": "other"}), body())
    assert [type(one) for one in said] == [ReadyAnswer, ZeroDivisionError, ReadyAnswer]
