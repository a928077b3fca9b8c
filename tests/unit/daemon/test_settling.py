"""When a dropped file counts as complete."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from daemon.settling import Settling, Sign
from handlers.domain.files import FileStamp

QUIET, SETTLE = 0.05, 2.0


def stamp(version: int) -> FileStamp:
    return FileStamp(device=1, inode=1, size=version, mtime_ns=version, ctime_ns=version)


@pytest.fixture
def settling() -> Settling:
    return Settling(quiet_seconds=QUIET, settle_seconds=SETTLE)


def taken(settling: Settling, now: float) -> list[str]:
    return [file.name for file in settling.take(now)]


def test_a_file_that_was_moved_in_is_complete_at_once(settling: Settling) -> None:
    settling.sighting("a", Sign.MOVED_IN, now=5.0, stamp=stamp(1))
    assert taken(settling, 5.0) == ["a"]


@pytest.mark.parametrize(("sign", "wait"), [(Sign.CLOSED, QUIET), (Sign.BEGUN, SETTLE), (Sign.SCANNED, SETTLE)])
def test_any_other_is_complete_when_it_was_seen_unchanged_after_its_wait(
    settling: Settling, sign: Sign, wait: float
) -> None:
    settling.sighting("a", sign, now=5.0, stamp=stamp(1))
    settling.sighting("a", Sign.SCANNED, now=5.0 + wait * 0.9, stamp=stamp(1))
    assert taken(settling, 5.0 + wait * 0.9) == []
    assert settling.next_due() == 5.0 + wait
    assert settling.to_confirm(5.0 + wait) == ["a"]
    assert taken(settling, 5.0 + wait) == [], "nobody has looked again"
    settling.sighting("a", Sign.SCANNED, now=5.0 + wait, stamp=stamp(1))
    assert taken(settling, 5.0 + wait) == ["a"]
    assert settling.next_due() is None


def test_a_changed_stamp_begins_the_long_wait_anew(settling: Settling) -> None:
    settling.sighting("a", Sign.CLOSED, now=0.0, stamp=stamp(1))
    settling.sighting("a", Sign.SCANNED, now=QUIET, stamp=stamp(2))
    assert settling.next_due() == QUIET + SETTLE


def test_a_move_makes_complete_what_was_waited_for(settling: Settling) -> None:
    settling.sighting("a", Sign.SCANNED, now=0.0, stamp=stamp(1))
    settling.sighting("a", Sign.MOVED_IN, now=0.5, stamp=stamp(1))
    (file,) = settling.take(0.5)
    assert (file.name, file.first_seen) == ("a", 0.0)


@pytest.mark.parametrize(("age", "complete"), [(SETTLE, True), (1.9, False), (-3600.0, False), (None, False)])
def test_age_proves_a_scanned_file_complete_unless_its_time_is_to_come(
    settling: Settling, age: float | None, *, complete: bool
) -> None:
    settling.sighting("a", Sign.SCANNED, now=0.0, stamp=stamp(1), age=age)
    assert bool(settling.take(0.0)) is complete


def test_a_file_that_is_gone_is_forgotten(settling: Settling) -> None:
    settling.sighting("a", Sign.BEGUN, now=0.0, stamp=stamp(1))
    settling.sighting("a", Sign.SCANNED, now=1.0, stamp=None)
    assert settling.pending() == []
    assert settling.next_due() is None
    settling.sighting("a", Sign.BEGUN, now=1.5, stamp=stamp(1))
    assert settling.next_due() == 1.5 + SETTLE


def test_what_was_handed_out_comes_again_only_with_another_stamp_or_when_it_was_forgotten(settling: Settling) -> None:
    for version, expected in [(1, ["a"]), (1, []), (2, ["a"])]:
        settling.sighting("a", Sign.MOVED_IN, now=0.0, stamp=stamp(version))
        assert taken(settling, 0.0) == expected
    settling.forget("a")
    settling.sighting("a", Sign.MOVED_IN, now=0.0, stamp=stamp(2))
    assert taken(settling, 0.0) == ["a"]


def test_a_scan_forgets_what_was_handed_out_before_it_began_and_is_not_there(settling: Settling) -> None:
    for now, name in enumerate(["old", "there", "new"]):
        settling.sighting(name, Sign.MOVED_IN, now=float(now), stamp=stamp(1))
        settling.take(float(now))
    settling.forget_absent({"there"}, before=1.5)
    assert [name for name in ("old", "there", "new") if settling.has_taken(name, stamp(1))] == ["there", "new"]


class Dropping(RuleBasedStateMachine):
    """Somebody writes, moves and removes files; the caller looks when told to, and sometimes in between."""

    names = st.sampled_from(["a", "b", "c"])

    def __init__(self) -> None:
        super().__init__()
        self.settling = Settling(quiet_seconds=QUIET, settle_seconds=SETTLE)
        self.now = 0.0
        self.version = 0
        self.files: dict[str, FileStamp] = {}
        self.since: dict[str, float] = {}  # seen with its present stamp since
        self.promised: dict[str, float] = {}  # a time before which it cannot be complete
        self.handed_out: set[tuple[str, FileStamp]] = set()

    def see(self, name: str, sign: Sign) -> None:
        seen = self.files.get(name)
        if seen is not None and self.since.get(name) is None:
            self.since[name] = self.now
            self.promised[name] = float("inf")
        if seen is not None:
            wait = {Sign.MOVED_IN: 0.0, Sign.CLOSED: QUIET}.get(sign, SETTLE)
            self.promised[name] = min(self.promised[name], self.now + wait)
        self.settling.sighting(name, sign, now=self.now, stamp=seen)

    @rule(name=names)
    def change(self, name: str) -> None:
        self.version += 1
        self.files[name] = stamp(self.version)
        self.since.pop(name, None)

    @rule(name=names)
    def remove(self, name: str) -> None:
        self.files.pop(name, None)
        self.since.pop(name, None)
        self.see(name, Sign.SCANNED)

    @rule(name=names, sign=st.sampled_from(list(Sign)))
    def sight(self, name: str, sign: Sign) -> None:
        self.see(name, sign)

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.04, 0.05, 0.5, 1.0, 2.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def look_again(self) -> None:
        for name in self.settling.to_confirm(self.now):
            self.see(name, Sign.SCANNED)
        due = self.settling.next_due()
        assert due is None or due > self.now, "whoever looks when told to has nothing left to look at"

    @rule()
    def take(self) -> None:
        for file in self.settling.take(self.now):
            assert (file.name, file.stamp) not in self.handed_out
            self.handed_out.add((file.name, file.stamp))
            if self.files.get(file.name) == file.stamp and file.name in self.since:
                assert self.promised[file.name] <= self.now, "never before its time"

    @rule()
    def come_to_rest(self) -> None:
        """Nobody writes any more: everything is handed out by the time that was promised."""
        for name in self.files:
            self.see(name, Sign.SCANNED)
        for _ in range(10):
            self.look_again()
            self.take()
            due = self.settling.next_due()
            if due is None:
                break
            self.now = due
        assert all((name, seen) in self.handed_out for name, seen in self.files.items())
        assert self.settling.pending() == []

    @invariant()
    def waits_for_nothing_that_it_does_not_name(self) -> None:
        due = self.settling.next_due()
        assert due is None or self.settling.pending()


Dropping.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDropping = Dropping.TestCase
