"""Decision blocks in the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection

from handlers.domain.files import FileRecord, FileStamp, FileState, RowCounts
from handlers.storage import decisions, files, parts
from handlers.storage.decisions import Arrived, DecisionRecord
from handlers.storage.ledger import Ledger
from handlers.storage.parts import Part, PartKind, Prepared

AT = "2026-01-01T00:00:00.000Z"
STARTED = DecisionRecord(0, "block", ("1", "2"), 5, 3, AT, None, 9, None, None)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.sqlite3")
    with made.write() as connection:
        for seq in (1, 2, 3):
            record = FileRecord(
                seq, f"{seq}.csv", None, FileState.INGESTED, None, (), RowCounts(), 0, 0, AT, AT, 0.0, 1
            )
            files.add_all(connection, [(record, FileStamp(1, 2, 3, 4, 5), True)])
    return made


def arrive(connection: Connection, *arrived: Arrived) -> int:
    path = f"part-{len(parts.listed(connection, PartKind.ROWS))}"
    part = parts.record(connection, Prepared(Part(path, PartKind.ROWS, 1, 1, 1)))
    decisions.add_undecided(connection, part, list(arrived))
    return part


def test_what_waits_is_taken_by_a_decision_and_by_no_other(ledger: Ledger) -> None:
    with ledger.write() as connection:
        arrive(connection, Arrived(1, "1", 3, 1), Arrived(1, "2", 2, 0))
        arrive(connection)
        first = decisions.waiting(connection)
        assert [(one.file, one.period, one.rows, one.positives) for one in first] == [(1, "1", 3, 1), (1, "2", 2, 0)]
        one = decisions.start(connection, STARTED, first[:1])
        arrive(connection, Arrived(2, None, 1, 1))
        rest = decisions.waiting(connection)
        assert [member.id for member in rest] == [2, 3]
        two = decisions.start(connection, STARTED, rest)
        assert decisions.waiting(connection) == []
        assert [member.id for member in decisions.members(connection, one)] == [1]
        assert [member.id for member in decisions.members(connection, two)] == [2, 3]
        assert [member.id for member in decisions.members_between(connection, two, 99)] == [2, 3]
        assert [member.id for member in decisions.members_between(connection, one, two)] == [1, 2, 3]
        assert decisions.members_between(connection, two + 1, 99) == []


def test_held_files_wait_for_their_release_and_then_for_a_block(ledger: Ledger) -> None:
    with ledger.write() as connection:
        arrive(connection, Arrived(1, "1", 3, 1), Arrived(2, "1", 2, 0))
        one = decisions.start(connection, STARTED, decisions.waiting(connection))
        decisions.hold(connection, [2], one)
        assert decisions.waiting(connection) == []
        assert not decisions.any_waiting(connection)
        assert [member.file for member in decisions.members(connection, one)] == [1]
        assert [member.file for member in decisions.held(connection)] == [2]
        decisions.end(connection, one, verdict="kept", record={}, ended_at="now")
        assert decisions.undecided_files(connection) == 0
        assert decisions.release(connection, [1, 2]) == 2
        assert decisions.held(connection) == []
        assert [(member.file, member.held) for member in decisions.waiting(connection)] == [(2, decisions.RELEASED)]
        assert decisions.undecided_files(connection) == 1


def test_files_count_as_undecided_until_their_decision_has_ended(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert decisions.undecided_files(connection) == 0
        arrive(connection, Arrived(1, "1", 3, 1), Arrived(1, "2", 2, 0), Arrived(2, None, 1, 0))
        assert decisions.undecided_files(connection) == 2
        number = decisions.start(connection, STARTED, decisions.waiting(connection))
        arrive(connection, Arrived(3, None, 1, 0))
        assert decisions.undecided_files(connection) == 3
        decisions.end(connection, number, verdict="kept", record={}, ended_at=AT)
        assert decisions.undecided_files(connection) == 1


def test_the_oldest_unfinished_decision_is_taken_up_and_its_attempts_are_counted(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert decisions.unfinished(connection) is None
        one, two = (decisions.start(connection, STARTED, []) for _ in range(2))
        assert [decisions.count_attempt(connection, one) for _ in range(3)] == [1, 2, 3]
        found = decisions.unfinished(connection)
        assert found is not None
        assert (found.id, found.attempts, found.periods, found.verdict) == (one, 3, ("1", "2"), None)
        decisions.end(connection, one, verdict="kept", record={"sentence": "s"}, ended_at=AT)
        decisions.end(connection, two, verdict="promoted", record={"sentence": "t"}, ended_at=AT)
        assert decisions.unfinished(connection) is None
        assert [(one.verdict, one.record) for one in decisions.page(connection, limit=5)] == [
            ("promoted", {"sentence": "t"}),
            ("kept", {"sentence": "s"}),
        ]
        assert [one.id for one in decisions.page(connection, limit=5, before=two)] == [one]


def test_the_state_is_empty_before_the_first_decision(ledger: Ledger) -> None:
    with ledger.write() as connection:
        assert decisions.state(connection) == {}
        decisions.set_state(connection, {"challenge_due": True})
        assert decisions.state(connection) == {"challenge_due": True}
