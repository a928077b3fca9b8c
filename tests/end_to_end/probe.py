"""Somebody who asks /livez every 20 ms, and how long the answers took."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

EVERY_SECONDS = 0.02


class Probe:
    """``seconds``: of each answer. ``failures``: what came instead of 200."""

    def __init__(self, url: str) -> None:
        address = urlsplit(url)
        self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30.0)
        self._stop = threading.Event()
        self.seconds: list[float] = []
        self.failures: list[object] = []

    def run(self) -> None:
        """Ask until told to stop."""
        while not self._stop.is_set():
            began = time.perf_counter()
            try:
                self._connection.request("GET", "/livez")
                answer = self._connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(error)
                return
            self.seconds.append(time.perf_counter() - began)
            if answer.status != http.client.OK:
                self.failures.append(answer.status)
            self._stop.wait(max(0.0, EVERY_SECONDS - self.seconds[-1]))
        self._connection.close()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()


@contextlib.contextmanager
def probing(url: str) -> Iterator[Probe]:
    """Ask all the while; every answer must be 200."""
    probe = Probe(url)
    thread = threading.Thread(target=probe.run, daemon=True)
    thread.start()
    try:
        yield probe
    finally:
        probe.stop()
        thread.join(30.0)
    assert not probe.failures, f"/livez: {probe.failures}"
