"""Reading ahead keeps the order, works beside whoever takes the results, and never runs away."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.reading_ahead import THREADS, WAITING, WORTH_BYTES, ahead, reading_for

PATIENCE = 10.0


class Opened:
    def __init__(self, number: int) -> None:
        self.number = number
        self.thread = threading.current_thread()
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


def opened(number: int | None) -> Opened | None:
    return None if number is None else Opened(number)


@given(st.lists(st.one_of(st.none(), st.integers())))
def test_it_gives_what_map_gives(items: list[int | None]) -> None:
    assert [one and one.number for one in ahead(opened, items)] == items


def test_the_next_item_is_worked_on_while_the_first_one_is_used() -> None:
    begun = [threading.Event() for _ in range(3)]

    def work(number: int) -> Opened:
        begun[number].set()
        return Opened(number)

    results = ahead(work, range(3))
    assert next(results).number == 0
    assert begun[1].wait(PATIENCE)
    assert [one.number for one in results] == [1, 2]


def test_it_takes_no_more_items_than_it_may_hold() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    results = ahead(Opened, items())
    next(results)
    results.close()
    assert len(taken) <= THREADS + WAITING


def test_an_item_alone_is_worked_on_by_the_caller() -> None:
    assert [one.thread for one in ahead(Opened, [1])] == [threading.current_thread()]


def test_an_exception_comes_in_its_turn_and_what_was_opened_after_it_is_closed() -> None:
    made = []

    def work(number: int) -> Opened:
        if number == 2:
            raise KeyError(number)
        made.append(Opened(number))
        return made[-1]

    results = ahead(work, range(10))
    assert [next(results).number, next(results).number] == [0, 1]
    with pytest.raises(KeyError):
        next(results)
    assert all(one.closed.is_set() for one in made if one.number > 2)


def test_small_files_are_read_in_their_turn() -> None:
    assert reading_for(WORTH_BYTES - 1) is map
    assert reading_for(WORTH_BYTES) is ahead
