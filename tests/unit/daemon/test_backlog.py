"""The scan of the source folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.backlog import Found, Kind, Unavailable, look, not_an_input, scan
from handlers.domain.files import FileStamp


def names(found: tuple[Found, ...] | Unavailable) -> list[str]:
    assert not isinstance(found, Unavailable)
    return [each.name for each in found]


def test_names_come_in_natural_order_with_the_stamp_of_the_file(tmp_path: Path) -> None:
    for name in ("drop10.csv", "drop2.csv"):
        (tmp_path / name).write_text(name)
    found = scan(tmp_path)
    assert found == tuple(
        Found(name, FileStamp.of((tmp_path / name).stat()), Kind.FILE) for name in ("drop2.csv", "drop10.csv")
    )


def test_links_folders_and_pipes_are_told_apart_and_not_followed_or_entered(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inside.csv").write_text("")
    (tmp_path / "link.csv").symlink_to(tmp_path / "sub" / "inside.csv")
    (tmp_path / "dangling.csv").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.csv")
    found = scan(tmp_path)
    assert not isinstance(found, Unavailable)
    kinds = {each.name: each.kind for each in found}
    assert kinds == {"sub": Kind.FOLDER, "link.csv": Kind.LINK, "dangling.csv": Kind.LINK, "pipe.csv": Kind.OTHER}


def test_a_name_that_is_not_utf_8_is_found_and_can_be_opened(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/kunde-\xfc.csv"
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    (name,) = names(scan(tmp_path))
    assert os.fsencode(name) == b"kunde-\xfc.csv"
    assert look(tmp_path, [name])[name] is not None


def test_looking_at_names_answers_what_the_scan_does_and_none_for_what_is_gone(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").symlink_to("a.csv")
    found = scan(tmp_path)
    assert not isinstance(found, Unavailable)
    assert look(tmp_path, ["a.csv", "b.csv", "c.csv"]) == {**{each.name: each for each in found}, "c.csv": None}


def test_a_folder_that_is_missing_or_none_is_an_answer_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    missing, no_folder = scan(tmp_path / "missing"), scan(tmp_path / "file")
    assert isinstance(missing, Unavailable)
    assert "does not exist" in missing.detail
    assert isinstance(no_folder, Unavailable)
    assert "is not a folder" in no_folder.detail


def test_a_folder_that_may_not_be_read_is_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("daemon.backlog.os.scandir", refuse)  # root may read everything
    found = scan(tmp_path)
    assert isinstance(found, Unavailable)
    assert "read and search permission" in found.detail


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        ("a.csv", Kind.FILE, None),
        ("a.CSV.GZ", Kind.FILE, None),
        ("a.csv", Kind.LINK, "link"),
        ("a.csv", Kind.FOLDER, "folder"),
        ("a.csv", Kind.OTHER, "special"),
        ("a.csv.part", Kind.FILE, "temporary"),
        (".a.csv", Kind.FILE, "hidden"),
        ("a.txt", Kind.FILE, "not_csv"),
    ],
)
def test_only_regular_files_with_an_inputs_name_are_inputs(name: str, kind: Kind, code: str | None) -> None:
    reason = not_an_input(name, kind)
    assert (reason.code if reason else None) == code
