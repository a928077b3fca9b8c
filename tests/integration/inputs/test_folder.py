"""What may lie in the source folder beside plain files: all of it at once, before one running daemon."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import Clients, chance, csv_text, drop, drop_slowly, workspace
from tests.integration.inputs.case import PROMISES, Promise

ROWS = 5
Put = Callable[[Path, str, str], object]
"""Puts something into the folder: its path, the name, and the text of a good CSV file."""

_PR_CAPBSET_DROP = 24
#: What lets the superuser open every file: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH.
_FREE_PASSES = (1, 2)


def _link_to_passwd(source: Path, name: str, _text: str) -> None:
    (source / name).symlink_to("/etc/passwd")


def _link_beside(source: Path, name: str, text: str) -> None:
    (source.parent / "beside.csv").write_text(text)
    (source / name).symlink_to("../beside.csv")


def _dangling(source: Path, name: str, _text: str) -> None:
    (source / name).symlink_to("nowhere.csv")


def _hard_link(source: Path, name: str, text: str) -> None:
    (source.parent / "linked.csv").write_text(text)
    (source / name).hardlink_to(source.parent / "linked.csv")


def _fifo(source: Path, name: str, _text: str) -> None:
    os.mkfifo(source / name)


def _socket(source: Path, name: str, _text: str) -> None:
    folder = os.open(source, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{folder}/{name}")  # the address of a socket must be short
    os.close(folder)


def _folder(source: Path, name: str, text: str) -> None:
    (source / name).mkdir()
    (source / name / "deep.csv").write_text(text)


def _locked(source: Path, name: str, text: str) -> None:
    beside = source.parent / name
    beside.write_text(text)
    beside.chmod(0)
    beside.rename(source / name)


@dataclass(frozen=True, slots=True)
class Example:
    """Something in the folder, and what the API says of it. ``shown``: the name there, where it is another one."""

    row: str
    name: str
    state: str
    code: str = ""
    put: Put = drop
    shown: str = ""


EXAMPLES = (
    Example("link", "passwd.csv", "ignored", "not_a_file", _link_to_passwd),
    Example("link", "beside.csv", "ignored", "not_a_file", _link_beside),
    Example("link", "dangling.csv", "ignored", "not_a_file", _dangling),
    Example("hard-link", "hard.csv", "ingested", "", _hard_link),
    Example("fifo", "fifo.csv", "ignored", "not_a_file", _fifo),
    Example("socket", "socket.csv", "ignored", "not_a_file", _socket),
    Example("folder", "x.csv", "ignored", "not_a_file", _folder),
    Example("no-permission", "locked.csv", "failed", "unreadable", _locked),
    Example("odd-names", "with spaces in it.csv", "ingested"),
    Example("odd-names", "two\nlines\r.csv", "ingested"),
    Example("odd-names", "\"quoted\" 'name' \\ <b>&.csv", "ingested"),
    Example("odd-names", "日本 ü.csv", "ingested"),
    Example("name-not-utf-8", "m\udcfcnchen.csv", "ingested", shown="m\\xfcnchen.csv"),
    Example("capital-suffix", "LOUD.CSV", "ingested"),
    Example("hidden-name", ".hidden.csv", "ignored", "hidden"),
    *(
        Example("temporary-name", f"being-written{suffix}", "ignored", "temporary")
        for suffix in (".csv~", ".tmp", ".csv.part", ".partial", ".crdownload", ".filepart", ".csv.SWP")
    ),
    Example("other-suffix", "notes.txt", "ignored", "not_csv"),
    Example("other-suffix", "x.csv.bak", "ignored", "not_csv"),
    Example("other-suffix", "x.csv.zip", "ignored", "not_csv"),
)
#: Rows of the document that the tests below show one after the other.
LATER = (
    Promise("touched", "nothing"),
    Promise("renamed-when-complete", "accepted"),
    Promise("appended-after-it-was-taken", "accepted"),
    Promise("same-content-other-name", "duplicate", frozenset({"known_content"})),
)
_OUTCOMES = {"ingested": "accepted"}
PROMISES += LATER
PROMISES += [
    Promise(one.row, _OUTCOMES.get(one.state, one.state), frozenset({one.code} if one.code else ())) for one in EXAMPLES
]


def _without_free_passes(start: Callable[[], DaemonProcess]) -> tuple[DaemonProcess, bool]:
    """Start a process that has to mind the rights of files, even the superuser's, where the system allows that.

    A thread gives the rights up for itself and what it starts; nobody else loses any.
    """

    def give_up_and_start() -> tuple[DaemonProcess, bool]:
        libc = ctypes.CDLL(None)
        given_up = [libc.prctl(_PR_CAPBSET_DROP, right, 0, 0, 0) == 0 for right in _FREE_PASSES]
        return start(), os.geteuid() != 0 or all(given_up)

    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(give_up_and_start).result()


@dataclass(frozen=True, slots=True)
class Scene:
    """The daemon, what it said of each name, and whether it has to mind the rights of files."""

    daemon: DaemonProcess
    clients: Clients
    minds_rights: bool

    @property
    def source(self) -> Path:
        return self.daemon.root / "sourcedata"

    def text(self, rows: int = ROWS) -> str:
        return csv_text(self.clients.rows(rows))


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Everything is there when the daemon starts, but for every second one of the examples, which comes then."""
    config = workspace(
        tmp_path_factory.mktemp("inputs") / "work",
        ingestion={"rescan_seconds": 0.5, "settle_seconds": 0.2},
        drift={"policy": "never"},
    )
    clients = Clients(chance(3))
    texts = [csv_text(clients.rows(ROWS)) for _ in EXAMPLES]
    source = config.parent / "sourcedata"
    for example, text in list(zip(EXAMPLES, texts, strict=True))[::2]:
        example.put(source, example.name, text)
    with contextlib.ExitStack() as stack:
        daemon, minds_rights = _without_free_passes(lambda: stack.enter_context(running(config)))
        for example, text in list(zip(EXAMPLES, texts, strict=True))[1::2]:
            example.put(source, example.name, text)
        yield Scene(daemon, clients, minds_rights)
        daemon.stop()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: ascii(example.name))
def test_what_lies_in_the_folder(scene: Scene, example: Example) -> None:
    if example.state == "failed" and not scene.minds_rights:
        pytest.skip("the superuser may read everything, and this system does not let that be given up")
    record = scene.daemon.wait_file(example.shown or example.name, example.state)
    assert (record["reason"] or {}).get("code", "") == example.code
    read = ROWS if example.state == "ingested" else 0
    assert record["rows"] == {"read": read, "ingested": read, "duplicate": 0, "rejected": 0}
    assert (record["sha256"] is not None) == bool(read)


def test_a_file_is_taken_as_soon_as_it_may_be_read(scene: Scene) -> None:
    if not scene.minds_rights:
        pytest.skip("the superuser may read everything, and this system does not let that be given up")
    scene.daemon.wait_file("locked.csv", "failed")
    (scene.source / "locked.csv").chmod(0o600)
    assert scene.daemon.wait_file("locked.csv", "ingested")["rows"]["ingested"] == ROWS


def test_a_file_is_renamed_when_it_is_complete(scene: Scene) -> None:
    drop_slowly(scene.source, "monthly.csv.part", scene.text(), pause=0.01)
    scene.daemon.wait_file("monthly.csv.part", "ignored")
    (scene.source / "monthly.csv.part").rename(scene.source / "monthly.csv")
    assert scene.daemon.wait_file("monthly.csv", "ingested")["rows"]["ingested"] == ROWS


def test_a_file_is_appended_to_copied_and_touched_after_it_was_taken(scene: Scene) -> None:
    daemon, source = scene.daemon, scene.source
    drop(source, "growing.csv", scene.text())
    daemon.wait_file("growing.csv", "ingested")
    with (source / "growing.csv").open("a") as stream:
        stream.write("".join(",".join(row) + "\n" for row in scene.clients.rows(2)))
    daemon.until(lambda: daemon.files()["growing.csv"]["rows"]["read"] == ROWS + 2, "the longer file is taken")
    assert daemon.files()["growing.csv"]["rows"] == {"read": 7, "ingested": 2, "duplicate": ROWS, "rejected": 0}
    drop(source, "copy.csv", (source / "growing.csv").read_text())
    assert daemon.wait_file("copy.csv", "duplicate")["reason"]["code"] == "known_content"
    (source / "growing.csv").touch()
    drop(source, "last.csv", scene.text())
    daemon.wait_file("last.csv", "ingested")
    daemon.wait_idle()
    names: list[Any] = [record["name"] for record in daemon.file_records()]
    assert names.count("growing.csv") == 2, "a touch is no drop"
    assert "deep.csv" not in names
