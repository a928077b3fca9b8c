"""``retry`` as a user runs it, beside a daemon of cardboard and without one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - before the commands, which keep it out of a process that does not have it yet
import pytest
from click.testing import CliRunner, Result

from daemon import control
from daemon.cli import main
from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts
from handlers.storage import files, published
from handlers.storage.inbox import Content
from tests.unit.daemon.commands.written_house import house_on_disk, write_config
from tests.unit.server.small_house import AT, House

CONTENT = b"corporation,tenure,contract,arr,exited\n" + b"".join(b"r%d,1,monthly,2.5,1\n" % n for n in range(9))
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("daemon.commands.outcomes.POLL_SECONDS", 0.0)
    house = house_on_disk(tmp_path)
    reason = Reason("quotes", "Never closed.", "Correct it.", (3,))
    published.write_quarantined(house.workspace, SHA256, name="again.csv", source=Content.of(CONTENT), reason=reason)
    _record(house, FileState.QUARANTINED, FileStamp(1, 2, 3, 4, 5), reason)
    return house


def _record(house: House, state: FileState, stamp: FileStamp, reason: Reason | None = None) -> None:
    with house.ledger.write() as connection:
        seq = files.next_seq(connection)
        counts = RowCounts(9, 9) if reason is None else RowCounts()
        record = FileRecord(seq, "again.csv", SHA256, state, reason, (), counts, 0, len(CONTENT), AT, AT, 0.1, 1)
        files.add_all(connection, [(record, stamp, True)])


def _run(folder: Path, *arguments: object) -> Result:
    line = [str(each) for each in arguments]
    return CliRunner().invoke(main, [*line, "--config", str(folder / "config.json")])


def _daemon(house: House, state: FileState, monkeypatch: pytest.MonkeyPatch) -> None:
    """A daemon that takes what it finds, and always comes to the same."""

    def answer(_workspace: object, route: str, _body: object, **_: object) -> dict[str, Any]:
        if route == "/scan":
            path = house.workspace.source / "again.csv"
            reason = Reason("quotes", "Never closed.", "Correct it.", (3,)) if state is FileState.QUARANTINED else None
            _record(house, state, FileStamp.of(path.lstat()), reason)
        return {"problems": {}}

    monkeypatch.setattr(control, "ask", answer)


def test_a_file_that_is_taken_this_time(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _daemon(house, FileState.INGESTED, monkeypatch)
    done = _run(tmp_path, "retry", SHA256[:6], SHA256)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "again.csv: ingested, 9 rows: 9 ingested, 0 duplicate, 0 rejected\n"


def test_a_file_that_is_refused_again(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _daemon(house, FileState.QUARANTINED, monkeypatch)
    done = _run(tmp_path, "retry", SHA256)
    assert done.exit_code == 1
    first, *below = done.stdout.splitlines()
    assert first == "again.csv: quarantined. Never closed. Correct it."
    assert below == [
        "  Lines: 3",
        f"  Its copy is in {house.workspace.quarantine}; after a correction: attritiond retry {SHA256[:12]}",
    ]
    assert json.loads(_run(tmp_path, "retry", SHA256, "--json").stdout)["items"][0]["reason"]["code"] == "quotes"


def test_a_file_that_is_not_refused_is_not_put_anywhere(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _daemon(house, FileState.INGESTED, monkeypatch)
    for prefix in ("0f0f0f", "no hash"):
        done = _run(tmp_path, "retry", SHA256, prefix)
        assert (done.exit_code, done.stdout) == (1, "")
    assert list(house.workspace.source.iterdir()) == []


def test_without_a_daemon_it_is_taken_here(house: House, tmp_path: Path) -> None:
    done = _run(tmp_path, "retry", SHA256[:8], "--json")
    assert done.exit_code == 0, done.output
    item = json.loads(done.stdout)["items"][0]
    assert (item["state"], item["rows"]["ingested"]) == ("ingested", 9)
    with house.ledger.read() as connection:
        assert files.refused_as(connection, SHA256) == []
    assert list(house.workspace.quarantine.iterdir()) == []


def test_without_a_ledger_there_is_nothing_to_retry(tmp_path: Path) -> None:
    write_config(tmp_path)
    done = _run(tmp_path, "retry", SHA256)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "There is no ledger" in done.stderr
