"""Small requests of one turn of the event loop are scored together: many rows cost hardly more than one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from handlers.clients import ClientsRefused, Object
from handlers.domain.release import Release
from handlers.object_reading import ObjectReader
from handlers.prediction import Prediction, predict_together

MAX_ROWS = 1_000
"""So many rows are scored at once: the loop stands still for about a millisecond meanwhile."""

ALONE, SOLO = 4, 64
"""After so many batches of one request, so many are answered at once: nobody else is asking, and to wait for the turn
of the loop would take as long as to score a client. Then it is looked again."""

Asked = tuple[Sequence[Object], "asyncio.Future[Prediction]"]


class Batcher:
    """Scores clients on the loop. Each request is answered wholly by the release that it names."""

    def __init__(self, observe: Callable[[int, int], None]) -> None:
        """``observe`` is told of each batch: its requests, and the clients of them that were scored."""
        self._observe = observe
        self._reader: tuple[Release, ObjectReader] | None = None
        self._release: Release | None = None
        self._waiting: list[Asked] = []
        self._rows = 0
        self._alone = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def predict(self, release: Release, objects: Sequence[Object]) -> Prediction | asyncio.Future[Prediction]:
        """What is said of clients given as objects. Raises ClientsRefused, as the future may."""
        if ALONE <= self._alone < ALONE + SOLO and not self._waiting:
            self._alone += 1
            return self._at_once(release, objects)
        if self._waiting and (release is not self._release or self._rows + len(objects) > MAX_ROWS):
            self._flush()
        loop = self._loop
        if loop is None:  # to ask for it is a call of the system, each time
            loop = self._loop = asyncio.get_running_loop()
        if not self._waiting:
            self._release = release
            loop.call_soon(self._flush)
        answer: asyncio.Future[Prediction] = loop.create_future()
        self._waiting.append((objects, answer))
        self._rows += len(objects)
        return answer

    def _flush(self) -> None:
        """Score what waits. Nobody waits where a full batch, or one of another release, was scored before its turn."""
        waiting, release = self._waiting, self._release
        if not waiting or release is None:
            return
        self._waiting, self._rows = [], 0
        try:
            found = predict_together(release, self._reader_of(release), [objects for objects, _ in waiting])
        except Exception as error:
            deliver(waiting, [error] * len(waiting))
            return
        self._alone = min(self._alone + 1, ALONE) if len(waiting) == 1 else 0
        self._observe(len(waiting), deliver(waiting, found))

    def _at_once(self, release: Release, objects: Sequence[Object]) -> Prediction:
        (said,) = predict_together(release, self._reader_of(release), [objects])
        if isinstance(said, ClientsRefused):
            self._observe(1, 0)
            raise said
        self._observe(1, len(said.ids))
        return said

    def _reader_of(self, release: Release) -> ObjectReader:
        if self._reader is None or self._reader[0] is not release:
            self._reader = release, ObjectReader(release)
        return self._reader[1]


def deliver(waiting: Sequence[Asked], found: Sequence[Prediction | Exception]) -> int:
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
