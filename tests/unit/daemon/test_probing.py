"""A probe tells what it has found, and that it has found nothing in time."""

from __future__ import annotations

import threading

from daemon.probing import SILENT_SECONDS, Probe

PATIENCE = 30.0


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_probe_says_what_its_last_look_has_found() -> None:
    found: list[str | None] = ["It is full.", None]
    probe = Probe("The disk", lambda: found.pop(0))
    assert probe.problem() is None
    probe.look()
    assert probe.problem() == "It is full."
    probe.look()
    assert probe.problem() is None


def test_a_look_that_hangs_is_told_at_once_to_whoever_asks_and_heals_when_it_comes_back() -> None:
    clock, begun, back = Clock(), threading.Event(), threading.Event()

    def hang() -> str | None:
        begun.set()
        back.wait(PATIENCE)
        return None

    probe = Probe("The disk", hang, clock=clock)
    looking = threading.Thread(target=probe.look)
    looking.start()
    assert begun.wait(PATIENCE)
    assert probe.problem() is None
    clock.now += SILENT_SECONDS + 2
    assert probe.problem() == "The disk has not answered for 12 s: its disk hangs, or is gone."
    back.set()
    looking.join(PATIENCE)
    assert probe.problem() is None


def test_a_look_that_fails_in_an_unforeseen_way_is_a_problem_and_not_the_end_of_looking() -> None:
    def fail() -> str | None:
        raise KeyError("a client's name")

    probe = Probe("The disk", fail)
    probe.look()
    assert probe.problem() == "The disk could not be looked at: KeyError."


def test_a_started_probe_looks_by_itself_until_it_is_stopped() -> None:
    looked = threading.Event()
    probe = Probe("The disk", looked.set)
    probe.start()
    assert looked.wait(PATIENCE)
    probe.stop()
