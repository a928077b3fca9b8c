"""How long a connection may take, in virtual time."""

from __future__ import annotations

import pytest

from server.deadlines import Phase, Watch, deadlines
from server.settings import ServerSettings

SETTINGS = ServerSettings(
    header_seconds=1.0,
    idle_seconds=2.0,
    body_seconds=3.0,
    answer_seconds=4.0,
    linger_seconds=5.0,
    minimum_bytes_per_second=100,
)
DEADLINES = deadlines(SETTINGS)


def _overdue(watch: Watch, now: float, phase: Phase, request: int = 1, level: int = 0) -> bool:
    return watch.overdue(now, phase, request, lambda _phase: level, DEADLINES)


@pytest.mark.parametrize(
    ("phase", "seconds"),
    [
        (Phase.NEW, 1.0),
        (Phase.HEAD, 1.0),
        (Phase.BODY, 3.0),
        (Phase.ANSWER, 4.0),
        (Phase.IDLE, 2.0),
        (Phase.CLOSING, 5.0),
    ],
)
def test_each_phase_has_its_time_from_the_first_look(phase: Phase, seconds: float) -> None:
    watch = Watch(Phase.WORK, 1, since=0.0)
    assert not _overdue(watch, 100.0, phase)
    assert not _overdue(watch, 100.0 + seconds, phase)
    assert _overdue(watch, 100.01 + seconds, phase)


def test_our_own_work_has_no_end() -> None:
    watch = Watch()
    assert not _overdue(watch, 0.0, Phase.WORK)
    assert not _overdue(watch, 1e6, Phase.WORK)


def test_a_new_connection_is_watched_from_its_beginning() -> None:
    assert _overdue(Watch(since=10.0), 11.5, Phase.NEW, request=0)


def test_the_next_request_has_its_own_time() -> None:
    watch = Watch()
    assert not _overdue(watch, 10.0, Phase.HEAD, request=1)
    assert not _overdue(watch, 11.5, Phase.HEAD, request=2)
    assert _overdue(watch, 13.0, Phase.HEAD, request=2)


@pytest.mark.parametrize(("phase", "seconds"), [(Phase.BODY, 3.0), (Phase.ANSWER, 4.0)])
def test_what_has_moved_since_the_first_look_allows_more_time(phase: Phase, seconds: float) -> None:
    watch = Watch()
    assert not _overdue(watch, 0.0, phase, level=1000)
    assert not _overdue(watch, seconds + 1.0, phase, level=1100)
    assert _overdue(watch, seconds + 1.1, phase, level=1100)
    assert not _overdue(watch, seconds + 1.1, phase, level=1200)


def test_what_has_moved_is_asked_for_only_where_it_counts() -> None:
    watch, asked = Watch(), []

    def moved(phase: Phase) -> int:
        asked.append(phase)
        return 0

    for now in (0.0, 1.0, 2.0, 4.0):
        assert not watch.overdue(now, Phase.ANSWER, 1, moved, DEADLINES)
    assert asked == [Phase.ANSWER]
    assert watch.overdue(4.5, Phase.ANSWER, 1, moved, DEADLINES)


def test_answers_behind_each_other_are_one_window() -> None:
    watch = Watch()
    assert not _overdue(watch, 0.0, Phase.ANSWER, request=1)
    assert not _overdue(watch, 3.0, Phase.ANSWER, request=2)
    assert _overdue(watch, 4.5, Phase.ANSWER, request=3)


def test_looks_are_as_often_as_the_shortest_deadline_needs() -> None:
    assert DEADLINES.shortest == 1.0
