"""Somebody who asks /livez every 20 ms, and how long the answers took: a process of its own, so that it is not us.

``python -m tests.end_to_end.probe HOST PORT`` asks until its standard input ends, then prints what it found.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import sys
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from tests.end_to_end.beside import beside

EVERY_SECONDS = 0.02


class Probe:
    """``seconds``: of each answer, known once the asking has ended."""

    def __init__(self) -> None:
        self.seconds: list[float] = []


@contextlib.contextmanager
def probing(url: str) -> Iterator[Probe]:
    """Ask all the while; every answer must be 200."""
    address, probe = urlsplit(url), Probe()
    with beside("tests.end_to_end.probe", address.hostname, address.port) as found:
        yield probe
    assert not found["failures"], f"/livez: {found['failures']}"
    probe.seconds = found["seconds"]


def main(host: str, port: str) -> None:
    """Ask on one connection, until nobody listens any more."""
    stop = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stop.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    connection = http.client.HTTPConnection(host, int(port), timeout=30.0)
    seconds: list[float] = []
    failures: list[str] = []
    while not stop.is_set() and not failures:
        began = time.perf_counter()
        try:
            connection.request("GET", "/livez")
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.client.OK:
                failures.append(str(answer.status))
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
        seconds.append(time.perf_counter() - began)
        if len(seconds) == 1:
            print("asking", flush=True)
        stop.wait(max(0.0, EVERY_SECONDS - seconds[-1]))
    connection.close()
    print(json.dumps({"seconds": seconds, "failures": failures}))


if __name__ == "__main__":
    main(*sys.argv[1:])
