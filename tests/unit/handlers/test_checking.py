"""What would happen to a file: what is said of it, and that nothing comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers import checking, validation
from handlers.checking import FIXES, SHOWN_ROWS, Unsettled, check
from handlers.domain.files import FileState
from handlers.records import FileCheck
from handlers.storage import inbox, spill
from handlers.storage.inbox import Changed
from tests.workshop import Workshop, clients, csv_text


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def _check(shop: Workshop, path: Path, name: str | None = None) -> FileCheck:
    folder = shop.workspace.root / "spilled"
    with shop.house.ledger.read() as connection:
        found = check(shop.house, path, name=name or path.name, connection=connection, spill=folder)
    assert not folder.exists() or list(folder.iterdir()) == []
    return found


def _write(shop: Workshop, text: str, name: str = "new.csv") -> Path:
    path = shop.workspace.root / name
    path.write_text(text)
    return path


def test_each_code_of_a_faulty_row_has_its_remedy() -> None:
    assert set(FIXES) == {*validation.FAULT_WORDS, "unknown_client"}


def test_it_is_said_what_becomes_of_the_file_and_nothing_does(shop: Workshop) -> None:
    path = _write(shop, csv_text(clients(20)))
    before = _check(shop, path)
    record = shop.take("new.csv", clients(20))
    assert (before["state"], before["sha256"], before["bytes"]) == (record.state, record.sha256, record.size)
    assert (before["rows"]["read"], before["notes"]) == (record.rows.read, list(record.notes))
    with shop.house.ledger.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM files").scalar_one() == 1
    after = _check(shop, path)
    assert (after["state"], after["taken"], after["columns"]) == (FileState.DUPLICATE, True, [])


def test_rows_without_labels_wait_for_the_first_model(shop: Workshop) -> None:
    found = _check(shop, _write(shop, csv_text(clients(5, labelled=False))))
    assert (found["state"], found["taken"], found["rows"]["unlabelled"]) == (FileState.WAITING, True, 5)
    assert found["reason"] is not None
    assert found["reason"]["code"] == "no_model_yet"


def test_the_first_faulty_rows_are_shown_and_all_are_counted(shop: Workshop) -> None:
    lines = csv_text(clients(300)).splitlines()
    for line in range(50, 90):
        lines[line] += ",one too many"
    found = _check(shop, _write(shop, "\n".join(lines) + "\n"))
    assert (found["state"], found["rows"]["rejected"]) == (FileState.INGESTED, 40)
    assert [row["line"] for row in found["rejected"]] == list(range(51, 51 + SHOWN_ROWS))
    assert {row["what_to_do"] for row in found["rejected"]} == {FIXES["ragged"]}


def test_it_counts_as_the_name_that_it_would_have(shop: Workshop) -> None:
    path = _write(shop, csv_text(clients(5)), "spooled")
    assert _check(shop, path, "new.csv")["state"] is FileState.INGESTED
    ignored = _check(shop, path, "notes.txt")
    assert (ignored["name"], ignored["state"], ignored["sha256"]) == ("notes.txt", FileState.IGNORED, None)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ingestion={"max_file_bytes": 10})
    found = _check(shop, _write(shop, csv_text(clients(5))))
    assert (found["state"], found["sha256"], found["taken"]) == (FileState.QUARANTINED, None, False)
    assert found["reason"] is not None
    assert found["reason"]["code"] == "too_large"


def test_what_a_large_file_is_spilled_to_is_removed(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[int] = []
    kept = spill.Spill.put

    def counted(self: spill.Spill, table: object) -> spill.Spilled:
        put.append(1)
        return kept(self, table)

    monkeypatch.setattr(spill.Spill, "put", counted)
    monkeypatch.setattr("handlers.chunking.CHUNK_ROWS", 10_000)
    header, row = csv_text(clients(1)).splitlines()
    cells = row.partition(",")[2]
    path = _write(shop, "\n".join([header, *(f"n{n},{cells}" for n in range(25_000))]) + "\n")
    assert _check(shop, path)["rows"]["read"] == 25_000
    assert put


def test_a_file_that_is_gone_or_changes_is_neither_taken_nor_refused(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(shop, csv_text(clients(5)))
    with pytest.raises(Unsettled, match="is gone, or changes"):
        _check(shop, path.with_name("none.csv"))

    def changed(*_: object, **__: object) -> None:
        raise Changed

    monkeypatch.setattr(checking, "validate", changed)
    with pytest.raises(Unsettled, match="changes while it is read"):
        _check(shop, path)
    monkeypatch.setattr(inbox, "take", lambda *_, **__: inbox.NotTaken(None, None))
    with pytest.raises(Unsettled):
        _check(shop, path)
