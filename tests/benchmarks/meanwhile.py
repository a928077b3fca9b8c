"""Something that is done again and again beside what is measured."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def meanwhile(act: Callable[[int], None], *, every: float) -> Iterator[None]:
    """Do it in a thread, the first time after ``every`` seconds, until the end of the block. What it raises, the block
    raises."""
    ended = threading.Event()

    def work() -> None:
        number = 0
        while not ended.wait(every):
            act(number)
            number += 1

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            yield
        finally:
            ended.set()
        working.result()
