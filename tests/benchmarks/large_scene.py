"""Large bodies: how long another caller waits while they are decoded, scored and answered."""

from __future__ import annotations

import http.client
import multiprocessing
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

from tests.benchmarks.measures import Measure
from tests.benchmarks.serving_scenes import daemon_with, in_each_form, times

SIZES = (20_000, 200_000)


def serving_large() -> list[Measure]:
    """``/livez`` is asked all the time over one connection, from another process, while such bodies are answered."""
    measures = []
    with daemon_with("explainable_boosting") as daemon:
        forms = in_each_form(1_000)
        first = _waits(daemon.url, partial(times, daemon.url, *forms["Arrow"], count=0))
        alone = _waits(daemon.url, lambda: time.sleep(2.0))
        measures.append(_measure("a small answer, nothing beside it", alone, alone))
        measures.append(_measure("a small answer beside the first table, for which pyarrow is loaded", first, alone))
        times(daemon.url, *forms["CSV"], count=0)
        for rows in SIZES:
            for name, form in in_each_form(rows).items():
                waits = _waits(daemon.url, partial(times, daemon.url, *form, count=8))
                measures.append(_measure(f"a small answer beside {rows:,} rows as {name}", waits, alone))
    return measures


def _measure(what: str, waits: list[float], alone: list[float]) -> Measure:
    """The worst of them counts: it is the time that the loop stood still."""
    return Measure(
        f"{what}: worst", "ms", max(waits) * 1000, len(waits), max(waits) * 1000, max(alone) * 1000, "nothing beside it"
    )


def _waits(url: str, meanwhile: Callable[[], object]) -> list[float]:
    context = multiprocessing.get_context("spawn")
    ended, begun = context.Event(), context.Event()
    receiving, sending = context.Pipe(duplex=False)
    process = context.Process(target=_ask, args=(url, begun, ended, sending))
    process.start()
    begun.wait(30.0)
    thread = threading.Thread(target=meanwhile)
    thread.start()
    thread.join()
    ended.set()
    waits: list[float] = receiving.recv()
    process.join(30.0)
    return waits


def _ask(url: str, begun: Event, ended: Event, sending: Connection) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60.0)
    waits: list[float] = []
    while not ended.is_set():
        began = time.perf_counter()
        connection.request("GET", "/livez")
        connection.getresponse().read()
        waits.append(time.perf_counter() - began)
        begun.set()
        time.sleep(0.001)
    connection.close()
    sending.send(waits)
