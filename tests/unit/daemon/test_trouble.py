"""When what fails is tried again."""

from __future__ import annotations

from daemon.trouble import Trouble, pause


def test_pauses_double_up_to_a_minute_for_a_machine_and_a_quarter_of_an_hour_for_a_fault() -> None:
    assert [pause(tries) for tries in (1, 2, 3, 4, 5, 10_000)] == [5, 10, 20, 40, 60, 60]
    assert [pause(tries, broken=False) for tries in (1, 8, 9, 10_000)] == [5, 640, 900, 900]


def test_a_first_death_is_chance_and_a_broken_machine_is_no_fault() -> None:
    trouble = Trouble()
    trouble.failed(100.0, broken=True, died=True)
    assert (trouble.faults, trouble.not_before) == (0, 105.0)
    trouble.failed(200.0, broken=False, died=True)
    assert (trouble.faults, trouble.not_before) == (1, 200.0)
    trouble.failed(200.0, broken=False, died=True)
    assert (trouble.faults, trouble.not_before) == (2, 220.0)


def test_a_success_ends_the_trouble_and_giving_up_keeps_its_pauses() -> None:
    trouble = Trouble()
    for _ in range(3):
        trouble.failed(0.0, broken=False, died=False)
    trouble.over(100.0, given_up=True)
    assert (trouble.faults, trouble.not_before) == (0, 120.0)
    trouble.over(200.0)
    assert trouble == Trouble()
