"""Reading the next files while one is placed: threads, because what costs in reading a file releases the GIL."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from typing import TypeVar

from handlers.house import Ahead, Closes

Item = TypeVar("Item")
Result = TypeVar("Result", bound=Closes | None)

THREADS = 2
"""A third one gains nothing on two cores and costs the memory of another file."""
WAITING = 1
"""Results that may lie ready, beside the one that is placed: each holds a file's rows in memory."""


WORTH_BYTES = 1 << 19
"""Reading smaller files is mostly Python, and two threads of that take longer than one."""


def reading_for(largest: int) -> Ahead:
    """How files are read of which the largest has so many bytes: in threads, or each in its turn."""
    return ahead if largest >= WORTH_BYTES else map


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """``map`` in threads, at most ``THREADS + WAITING`` items ahead of whoever takes the results. The order stays.

    An exception of ``work`` is raised where its result would have come. A result that nobody takes is closed. One
    item alone is not worth a thread.
    """
    rest = iter(items)
    first, second = next(rest, _NONE), next(rest, _NONE)
    if isinstance(first, _None):
        return
    if isinstance(second, _None):
        yield work(first)
        return
    with ThreadPoolExecutor(THREADS, thread_name_prefix="reading") as pool:
        begun: deque[Future[Result]] = deque()
        try:
            for item in chain((first, second), rest):
                begun.append(pool.submit(work, item))
                if len(begun) >= THREADS + WAITING:
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                if not future.cancel() and future.exception() is None:
                    _close(future.result())


def _close(result: Closes | None) -> None:
    if result is not None:
        result.close()


class _None:
    """Says that there is no item; None may be one."""


_NONE = _None()
