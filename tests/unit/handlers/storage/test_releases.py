"""Release folders: whole or not there, and used only as they were signed."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from handlers.domain import scorecard as scorecards
from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.state import Incumbent
from handlers.domain.sketch_document import to_document
from handlers.storage import releases, signing
from handlers.storage.releases import ReleaseError
from tests.unit.server.small_house import SCHEMA, SCORECARD, SKETCH


@pytest.fixture
def production(tmp_path: Path) -> Path:
    signing.make_keys(tmp_path / "keys")
    (tmp_path / "releases").mkdir()
    return tmp_path


def write(
    production: Path, version: int, *, threshold: float = 0.5, more: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """A release with everything that a reader looks at."""
    document, arrays = scorecards.to_document(SCORECARD.with_threshold(threshold))
    assert not arrays
    files = {
        "scorecard.json": msgspec.json.encode(document),
        "sketch.json": msgspec.json.encode(to_document(SKETCH)),
        "latestscore.txt": b"0.5\n",
        "trainedmodel.pkl": b"pickle",
        "ingestedfiles.txt": b"a.csv\n",
        **(more or {}),
    }
    manifest = {
        "version": version,
        "provisional": False,
        "estimator": "logistic",
        "schema": msgspec.to_builtins(SCHEMA),
        "metrics": {"f1": 0.5},
        "test": None,
        "reference": {"mean": 0.4, "variance": 0.1, "rows": 10.0},
        "training": {"incumbent": msgspec.to_builtins(Incumbent(version, over(("logistic",), 1), 4))},
        "score_sketch": to_document(SKETCH),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
    }
    files["manifest.json"] = msgspec.json.encode(manifest)
    releases.write(production / "releases", version, files, production / "keys")
    return files


def load(production: Path, version: int) -> releases.Release:
    return releases.load(production / "releases", version, production / "keys")


def test_a_release_is_read_back_as_it_was_written(production: Path) -> None:
    write(production, 3, threshold=0.25)
    release = load(production, 3)
    assert (release.version, release.scorer.threshold, release.schema) == (3, 0.25, SCHEMA)
    assert release.incumbent == Incumbent(3, over(("logistic",), 1), 4)
    assert release.reference == LossLevel(0.4, 0.1, 10.0)
    assert to_document(release.sketch) == to_document(release.score_sketch) == to_document(SKETCH)
    assert [path.name for path in (production / "releases").iterdir()] == ["3"]


@pytest.mark.parametrize(
    "name", ["scorecard.json", "sketch.json", "latestscore.txt", "trainedmodel.pkl", "manifest.json", "manifest.sig"]
)
@pytest.mark.parametrize("change", ["flip", "cut", "append", "remove", "link"])
def test_a_release_in_which_anything_was_changed_is_refused(production: Path, name: str, change: str) -> None:
    write(production, 1)
    path = production / "releases" / "1" / name
    content = path.read_bytes()
    if change == "flip":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif change == "cut":
        path.write_bytes(content[:-1])
    elif change == "append":
        path.write_bytes(content + b" ")
    else:
        path.unlink()
        if change == "link":
            (production / "elsewhere").write_bytes(content)
            path.symlink_to(production / "elsewhere")
    with pytest.raises(ReleaseError, match="1"):
        load(production, 1)


def test_what_is_not_wanted_is_hashed_and_not_held(production: Path) -> None:
    write(production, 1)
    found = releases.read_files(production / "releases", 1, production / "keys", wanted=releases.SERVED)
    assert set(found) == {"manifest.json", "scorecard.json", "sketch.json"}


def test_a_pipe_in_a_files_place_is_refused_and_not_waited_for(production: Path) -> None:
    for name in ("trainedmodel.pkl", "scorecard.json", "manifest.json"):
        write(production, 1)
        (production / "releases" / "1" / name).unlink()
        os.mkfifo(production / "releases" / "1" / name)
        with pytest.raises(ReleaseError, match=f"{name} is not a file"):
            load(production, 1)


def test_files_that_the_manifest_does_not_name_are_not_read(production: Path) -> None:
    files = write(production, 1)
    (production / "releases" / "1" / "scorecard.npz").write_bytes(b"evil")
    found = releases.read_files(production / "releases", 1, production / "keys")
    assert set(found) == set(files)


def test_a_release_under_the_number_of_another_is_refused_though_its_signature_fits(production: Path) -> None:
    write(production, 1)
    write(production, 2)
    folder = production / "releases"
    shutil.rmtree(folder / "2")
    shutil.copytree(folder / "1", folder / "2")
    with pytest.raises(ReleaseError, match="holds release 1"):
        load(production, 2)
    shutil.rmtree(folder / "2")
    (folder / "2").symlink_to(folder / "1")
    with pytest.raises(ReleaseError):
        load(production, 2)


def test_files_of_two_releases_are_never_mixed(production: Path) -> None:
    write(production, 1, threshold=0.1)
    write(production, 2, threshold=0.2)
    folder = production / "releases"
    (folder / "1" / "scorecard.json").write_bytes((folder / "2" / "scorecard.json").read_bytes())
    with pytest.raises(ReleaseError, match=r"scorecard\.json"):
        load(production, 1)


def test_a_folder_that_is_swapped_between_two_reads_gives_one_release_or_the_other(
    production: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(production, 1, threshold=0.1)
    folder, read, swapped = production / "releases", releases._read, []

    def swapping(descriptor: int, name: str, **limits: int) -> bytes:
        content = read(descriptor, name, **limits)
        if not swapped:
            swapped.append(True)
            (folder / "1").rename(folder / "old")
            write(production, 1, threshold=0.9)
        return content

    monkeypatch.setattr(releases, "_read", swapping)
    assert load(production, 1).scorer.threshold == 0.1
    assert load(production, 1).scorer.threshold == 0.9


def test_a_release_signed_by_somebody_else_is_refused(production: Path, tmp_path: Path) -> None:
    write(production, 1)
    signing.make_keys(tmp_path / "other")
    with pytest.raises(ReleaseError, match="signature"):
        releases.load(production / "releases", 1, tmp_path / "other")


def test_a_manifest_that_points_out_of_its_folder_is_refused(production: Path) -> None:
    (production / "secret").write_bytes(b"x")
    manifest = {"version": 1, "files": {"../../secret": hashlib.sha256(b"x").hexdigest()}}
    content = msgspec.json.encode(manifest)
    releases.write(production / "releases", 1, {"manifest.json": content}, production / "keys")
    with pytest.raises(ReleaseError, match="outside"):
        load(production, 1)


@pytest.mark.parametrize("there", [True, False])
def test_what_a_killed_process_left_under_the_number_is_replaced(production: Path, there: bool) -> None:
    rubbish = production / "releases" / ("1" if there else ".1.tmp")
    rubbish.mkdir()
    (rubbish / "half").write_bytes(b"x")
    write(production, 1)
    assert load(production, 1).version == 1
    assert not (production / "releases" / "1" / "half").exists()


def test_a_sweep_removes_what_the_ledger_does_not_name(production: Path) -> None:
    for version in (1, 2):
        write(production, version)
    (production / "releases" / ".3.tmp").mkdir()
    (production / "releases" / "stray").write_text("x")
    assert releases.sweep(production / "releases", {1}) == [".3.tmp", "2", "stray"]
    assert releases.sweep(production / "absent", {1}) == []
    assert load(production, 1).version == 1


def test_a_folder_in_the_place_of_a_link_is_named_and_stays(production: Path) -> None:
    write(production, 1)
    releases.link(production, current=1, previous=None)
    copy = production.parent / "copy"
    shutil.copytree(production, copy)  # follows links
    with pytest.raises(ReleaseError, match=r"copy/current is a folder where a link belongs.*move it away"):
        releases.link(copy, current=1, previous=None)
    assert (copy / "current" / "manifest.json").exists()
    (copy / "current").rename(copy / "kept")
    releases.link(copy, current=1, previous=None)
    assert (copy / "current").readlink() == Path("releases/1")


def test_links_say_what_the_ledger_says_and_are_remade_whatever_was_there(production: Path) -> None:
    for version in (1, 2):
        write(production, version)
    releases.link(production, current=1, previous=None)
    assert (production / "latestscore.txt").read_text() == "0.5\n"
    assert not (production / "previous").exists()
    (production / "trainedmodel.pkl").unlink()
    (production / "trainedmodel.pkl").write_text("a real file in the way")
    releases.link(production, current=2, previous=1)
    assert (production / "current").readlink() == Path("releases/2")
    assert (production / "previous").readlink() == Path("releases/1")
    assert (production / "trainedmodel.pkl").readlink() == Path("current/trainedmodel.pkl")
    before = os.lstat(production / "current").st_ino
    releases.link(production, current=2, previous=1)
    assert os.lstat(production / "current").st_ino == before
    releases.link(production, current=None, previous=None)
    assert not os.path.lexists(production / "current")
    assert not os.path.lexists(production / "latestscore.txt")


def test_a_removed_release_is_gone_and_removing_it_twice_does_no_harm(production: Path) -> None:
    write(production, 1)
    assert releases.remove(production / "releases", 1)
    assert not releases.remove(production / "releases", 1)
    assert list((production / "releases").iterdir()) == []
