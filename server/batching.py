"""Small bodies of one turn of the event loop are answered together, one step after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aiohttp import web

from handlers.clients import ClientsRefused, Object
from handlers.domain.release import Release
from handlers.object_reading import ObjectReader
from handlers.prediction import Prediction, predict_together
from server import wire
from server.json_requests import decode_request
from server.repeated_keys import check_keys
from server.request_limits import Bounds, check_objects

MAX_ROWS = 1_000
"""So many rows are scored at once: the loop stands still for about a millisecond meanwhile."""
MAX_BYTES = 256 * 1024
"""So much is read at once."""

ALONE, SOLO = 4, 64
"""After so many batches of one request, so many are answered at once: nobody else is asking, and to wait for the turn
of the loop would take as long as to score a client. Then it is looked again."""

Answer = web.StreamResponse | None
"""None: the body names a file, and no clients."""


@dataclass(slots=True)
class _Asked:
    release: Release
    content: bytes
    form: str
    answer: asyncio.Future[Answer]
    objects: Sequence[Object] = ()


class Batcher:
    """Answers small JSON bodies on the loop. Each request is answered wholly by the release that it names.

    All bodies of a turn are read, then all clients are scored, then all answers are written: what one step needs stays
    in the processor's cache, where the whole way of one request after the other does not fit.
    """

    def __init__(self, observe: Callable[[int, int], None], bounds: Bounds) -> None:
        """``observe`` is told of each batch: its requests, and the clients of them that were scored. ``bounds``: how
        many clients and columns a request may have."""
        self._observe = observe
        self._bounds = bounds
        self._reader: tuple[Release, ObjectReader] | None = None
        self._waiting: list[_Asked] = []
        self._bytes = 0
        self._alone = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    def answer(self, release: Release, content: bytes, form: str) -> Answer | asyncio.Future[Answer]:
        """What is said of the clients in a body, in the form that is asked for. Raises Problem, as the future may."""
        if ALONE <= self._alone < ALONE + SOLO and not self._waiting:
            self._alone += 1
            return self._at_once(release, content, form)
        loop = self._loop
        if loop is None:  # to ask for it is a call of the system, each time
            loop = self._loop = asyncio.get_running_loop()
        if self._bytes + len(content) > MAX_BYTES:
            self._flush()
        if not self._waiting:
            loop.call_soon(self._flush)
        asked = _Asked(release, content, form, loop.create_future())
        self._waiting.append(asked)
        self._bytes += len(content)
        return asked.answer

    def _flush(self) -> None:
        """Answer what waits. Nobody waits where as much as is read at once was answered before its turn."""
        waiting, self._waiting, self._bytes = self._waiting, [], 0
        if not waiting:
            return
        self._alone = min(self._alone + 1, ALONE) if len(waiting) == 1 else 0
        batch: list[_Asked] = []
        rows = 0
        for asked in waiting:
            if asked.answer.done():  # whoever asked has gone
                continue
            try:
                objects = read_clients(asked.content, self._bounds)
            except Exception as error:
                asked.answer.set_exception(error)
                continue
            if objects is None:
                asked.answer.set_result(None)
                continue
            if batch and (asked.release is not batch[0].release or rows + len(objects) > MAX_ROWS):
                self._score(batch)
                batch, rows = [], 0
            asked.objects = objects
            batch.append(asked)
            rows += len(objects)
        if batch:
            self._score(batch)

    def _score(self, batch: Sequence[_Asked]) -> None:
        """Answer requests to one release."""
        release = batch[0].release
        try:
            found = predict_together(release, self._reader_of(release), [asked.objects for asked in batch])
        except Exception as error:
            for asked in batch:
                asked.answer.set_exception(error)
            self._observe(len(batch), 0)
            return
        scored = 0
        for asked, said in zip(batch, found, strict=True):
            try:
                asked.answer.set_result(_answer(said, asked.form))
                scored += len(asked.objects)
            except Exception as error:
                asked.answer.set_exception(error)
        self._observe(len(batch), scored)

    def _at_once(self, release: Release, content: bytes, form: str) -> Answer:
        objects = read_clients(content, self._bounds)
        if objects is None:
            return None
        (said,) = predict_together(release, self._reader_of(release), [objects])
        self._observe(1, 0 if isinstance(said, Exception) else len(objects))
        return _answer(said, form)

    def _reader_of(self, release: Release) -> ObjectReader:
        if self._reader is None or self._reader[0] is not release:
            self._reader = release, ObjectReader(release)
        return self._reader[1]


def read_clients(content: bytes, bounds: Bounds) -> Sequence[Object] | None:
    """The clients in a small body, None where it names a file. Raises Problem."""
    clients = decode_request(content).clients
    if not isinstance(clients, list):
        return None
    check_objects(bounds, clients)
    check_keys(content, clients)
    return clients


def _answer(said: Prediction | ClientsRefused, form: str) -> web.StreamResponse:
    if isinstance(said, ClientsRefused):
        raise wire.refused(said) from said
    return wire.answer(said, form)
