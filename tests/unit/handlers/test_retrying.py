"""A refused file goes back into the source folder, and harms nothing that lies there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from handlers import retrying
from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts, shown_name
from handlers.retrying import NotRetryable
from handlers.storage import files, published
from handlers.storage.inbox import Content
from tests.unit.server.small_house import AT, House, empty_house

REFUSED = Reason("quotes", "A quotation mark in line 3 is never closed.", "Correct it.", (3,))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return empty_house(tmp_path)


def _refuse(house: House, name: str, content: bytes = b"a,b\n1,2\n") -> FileRecord:
    """Have a file refused; it no longer lies in the source folder."""
    sha256 = hashlib.sha256(content).hexdigest()
    published.write_quarantined(house.workspace, sha256, name=name, source=Content.of(content), reason=REFUSED)
    with house.ledger.write() as connection:
        seq = files.next_seq(connection)
        state = FileState.QUARANTINED
        record = FileRecord(seq, shown_name(name), sha256, state, REFUSED, (), RowCounts(), 0, 8, AT, AT, 0.1, 1)
        files.add_all(connection, [(record, FileStamp(1, 2, 8, 4, 5), True)])
    return record


def _find(house: House, prefix: str) -> FileRecord:
    with house.ledger.read() as connection:
        return retrying.find(connection, prefix)


def test_a_file_is_found_by_the_beginning_of_its_hash_in_either_case(house: House) -> None:
    record = _refuse(house, "a.csv")
    assert record.sha256 is not None
    for prefix in (record.sha256, record.sha256[:4], record.sha256[:8].upper()):
        assert _find(house, prefix) == record


@pytest.mark.parametrize("prefix", ["", "abc", "xyz0", "a" * 65, "%%%%", "0000"])
def test_what_names_no_refused_file_is_unknown(house: House, prefix: str) -> None:
    _refuse(house, "a.csv")
    with pytest.raises(NotRetryable) as refused:
        _find(house, prefix)
    assert refused.value.unknown


def test_where_several_begin_alike_more_digits_are_asked_for(house: House) -> None:
    seen: dict[str, str] = {}
    for number in range(2_000):
        digest = hashlib.sha256(f"a\n{number}\n".encode()).hexdigest()
        if digest[:4] in seen:
            break
        seen[digest[:4]] = f"a\n{number}\n"
    _refuse(house, "one.csv", seen[digest[:4]].encode())
    _refuse(house, "two.csv", f"a\n{number}\n".encode())
    with pytest.raises(NotRetryable, match="Give more digits") as refused:
        _find(house, digest[:4])
    assert not refused.value.unknown
    assert _find(house, digest[:12]).name == "two.csv"


@pytest.mark.parametrize("name", ["a b.csv", os.fsdecode(b"k\xffse.csv"), "back\\slash.csv", "é" * 120 + ".csv"])
def test_it_goes_back_under_its_own_name(house: House, name: str) -> None:
    placed, stamp = retrying.put_back(house.workspace, _refuse(house, name))
    assert placed == name
    path = house.workspace.source / name
    assert path.read_bytes() == b"a,b\n1,2\n"
    assert FileStamp.of(path.lstat()) == stamp


def test_where_it_still_lies_a_new_file_takes_its_place(house: House) -> None:
    """The one that lies there has been read, and would not be read again."""
    record = _refuse(house, "a.csv")
    path = house.workspace.source / "a.csv"
    path.write_bytes(b"a,b\n1,2\n")
    before = FileStamp.of(path.lstat())
    assert retrying.put_back(house.workspace, record) == ("a.csv", FileStamp.of(path.lstat()))
    assert FileStamp.of(path.lstat()) != before
    assert [one.name for one in house.workspace.source.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_another_file_of_its_name_stays(house: House, kind: str) -> None:
    record = _refuse(house, "a.csv")
    place = house.workspace.source / "a.csv"
    if kind == "file":
        place.write_bytes(b"another")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(house.workspace.root / "nowhere")
    before = place.lstat()
    name, _ = retrying.put_back(house.workspace, record)
    assert name == f"{record.sha256}-a.csv"
    assert place.lstat().st_ino == before.st_ino
    assert (house.workspace.source / name).read_bytes() == b"a,b\n1,2\n"


def test_a_name_that_cannot_be_given_back_becomes_its_hash(house: House) -> None:
    """A long name of bytes that are not UTF-8 is cut in the quarantine, and its record has escapes."""
    record = _refuse(house, os.fsdecode(b"k\xff" + b"x" * 200 + b".csv.gz"))
    name, _ = retrying.put_back(house.workspace, record)
    assert name == f"{record.sha256}.csv.gz"


def test_a_copy_that_is_gone_or_was_changed_is_not_put_back(house: House) -> None:
    record = _refuse(house, "a.csv")
    copy = house.workspace.quarantine / f"{record.sha256}-a.csv"
    copy.write_text("corrected by hand")
    with pytest.raises(NotRetryable, match="has been changed: it is another file now"):
        retrying.put_back(house.workspace, record)
    copy.unlink()
    with pytest.raises(NotRetryable, match="Drop the file again"):
        retrying.put_back(house.workspace, record)
    with pytest.raises(NotRetryable):
        retrying.put_back(house.workspace, replace(record, sha256="0" * 64))
    assert list(house.workspace.source.iterdir()) == []
