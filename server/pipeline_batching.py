"""Requests to a model that another process holds: what comes while one batch is answered is the next batch."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from handlers.clients import Object
from handlers.domain.release import Release
from handlers.object_reading import ObjectReader
from handlers.prediction import Prediction, predict_together

MAX_ROWS = 1_000
Asked = tuple[Sequence[Object], "asyncio.Future[Prediction]"]


class PipelineBatcher:
    """Scores clients in a thread, a batch at a time. Each request is answered wholly by the release that it names."""

    def __init__(self, observe: Callable[[int, int], None]) -> None:
        """``observe`` is told of each batch: its requests and the rows that were scored."""
        self._observe = observe
        self._reader: tuple[Release, ObjectReader] | None = None
        self._waiting: deque[tuple[Release, Asked]] = deque()
        self._working: asyncio.Task[None] | None = None

    def predict(self, release: Release, objects: Sequence[Object]) -> asyncio.Future[Prediction]:
        """What is said of clients given as objects. The future may raise ClientsRefused, NotAnswering and
        EstimatorFailed."""
        answer: asyncio.Future[Prediction] = asyncio.get_running_loop().create_future()
        self._waiting.append((release, (objects, answer)))
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        return answer

    async def _work(self) -> None:
        await asyncio.sleep(0)  # the others of this turn of the loop
        try:
            while self._waiting:
                release, batch = self._next()
                try:
                    found = await asyncio.to_thread(
                        predict_together, release, self._reader_of(release), [objects for objects, _ in batch]
                    )
                except Exception as error:
                    _deliver(batch, [error] * len(batch))
                else:
                    self._observe(len(batch), _deliver(batch, found))
        finally:
            self._working = None

    def _next(self) -> tuple[Release, list[Asked]]:
        """The longest waiting requests to one release, so many that they are answered at once."""
        release, first = self._waiting.popleft()
        batch, rows = [first], len(first[0])
        while self._waiting and self._waiting[0][0] is release and rows + len(self._waiting[0][1][0]) <= MAX_ROWS:
            batch.append(self._waiting.popleft()[1])
            rows += len(batch[-1][0])
        return release, batch

    def _reader_of(self, release: Release) -> ObjectReader:
        if self._reader is None or self._reader[0] is not release:
            self._reader = release, ObjectReader(release)
        return self._reader[1]


def _deliver(waiting: Sequence[Asked], found: Sequence[Prediction | Exception]) -> int:
    """Give each request its answer, or what was raised instead. Returns how many clients were scored."""
    scored = 0
    for (_, answer), said in zip(waiting, found, strict=True):
        scored += 0 if isinstance(said, Exception) else len(said.ids)
        if answer.done():  # whoever asked has gone
            continue
        if isinstance(said, Exception):
            answer.set_exception(said)
        else:
            answer.set_result(said)
    return scored
