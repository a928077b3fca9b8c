"""What is said of the files of the release that is served, after each of the ways in which they can be changed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from daemon.release_check import ReleaseCheck
from handlers.domain.release import Release
from handlers.storage import releases, signing
from tests.unit.handlers.storage.test_releases import load, write


class Deployed:
    """Two releases, the first of which is served."""

    def __init__(self, folder: Path) -> None:
        signing.make_keys(folder / "keys")
        (folder / "releases").mkdir()
        for version in (1, 2):
            write(folder, version)
        self.folder = folder / "releases"
        self.served: Release | None = load(folder, 1)
        self.second = load(folder, 2)
        self.check = ReleaseCheck(self.folder, folder / "keys", lambda: self.served)


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    return Deployed(tmp_path)


def test_without_a_release_and_with_a_good_one_there_is_nothing_to_say(deployed: Deployed) -> None:
    assert deployed.check.look() is None
    deployed.served = None
    assert deployed.check.look() is None


@pytest.mark.parametrize("name", ["manifest.json", "manifest.sig", "trainedmodel.pkl", "scorecard.json"])
def test_a_changed_file_is_told_until_it_is_as_it_was(deployed: Deployed, name: str) -> None:
    path = deployed.folder / "1" / name
    kept, status = path.read_bytes(), path.stat()
    assert deployed.check.look() is None
    path.write_bytes(bytes([kept[0] ^ 1]) + kept[1:])
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # as one does who is not to be noticed
    for _ in range(2):
        told = deployed.check.look() or ""
        assert "elease 1" in told
        assert "Model 1 is answered from memory; after a restart it could not be." in told
    path.write_bytes(kept)
    assert deployed.check.look() is None


def test_a_folder_that_is_gone_is_told_until_it_is_back(deployed: Deployed) -> None:
    away = deployed.folder / "away"
    (deployed.folder / "1").rename(away)
    assert "cannot be opened" in (deployed.check.look() or "")
    away.rename(deployed.folder / "1")
    assert deployed.check.look() is None


def test_the_release_that_is_served_is_the_one_that_is_looked_at(deployed: Deployed) -> None:
    shutil.rmtree(deployed.folder / "1")
    assert "elease 1" in (deployed.check.look() or "")
    deployed.served = deployed.second
    assert deployed.check.look() is None


def test_files_that_nobody_has_touched_are_not_read_again(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deployed.check.look() is None
    monkeypatch.setattr(releases, "read_files", lambda *_, **__: pytest.fail("it is read"))
    assert deployed.check.look() is None


def test_damaged_files_that_nobody_touches_are_read_again_only_now_and_then(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (deployed.folder / "1" / "manifest.sig").write_bytes(b"0" * 64)
    told = deployed.check.look()
    assert told is not None
    reads: list[int] = []
    monkeypatch.setattr(releases, "read_files", lambda *_, **__: reads.append(1))
    assert deployed.check.look() == told
    assert reads == []
    monkeypatch.setattr("daemon.release_check.AGAIN_SECONDS", -1.0)
    assert deployed.check.look() is None, "the disk was at fault"
    assert reads == [1]
