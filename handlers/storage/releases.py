"""Release folders: prepared beside their place, synced, renamed; read back through one directory descriptor."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

import msgspec

from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.state import Incumbent
from handlers.domain.files import FileStamp
from handlers.domain.leakage import Leak
from handlers.domain.release import Release
from handlers.domain.schema import Schema
from handlers.domain.scorer import Opener, nobody
from handlers.domain.sketch_document import from_document
from handlers.storage import scorecard_files, scorer_files, signing
from handlers.storage.atomic import fsync_folder

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
OLD_NAMES = ("trainedmodel.pkl", "latestscore.txt", "ingestedfiles.txt")
"""The names of the original exercise: links at the top of the production folder, into the current release."""
SERVED = (scorecard_files.DOCUMENT, scorecard_files.TABLES, scorer_files.PIPELINE, "sketch.json")
"""What ``decode`` reads beside the manifest."""
LARGEST_MANIFEST = 64 * 1024 * 1024
"""Bytes of a manifest or a signature that are read at most: nothing is known of them before the signature holds."""


_TARGET = re.compile(r"releases/([1-9][0-9]{0,17})")


class ReleaseError(Exception):
    """A release cannot be used; the message names the release, the file and what is wrong with it."""


def write(releases: Path, version: int, files: Mapping[str, bytes], keys: Path) -> None:
    """Put a release in its place: all of it is there and synced, or nothing under its name.

    ``files`` holds ``manifest.json``; its signature is made here. What a killed process left under the same
    number is replaced: a release is real only when the ledger names it, and this one is not there yet.
    """
    place, temporary = releases / str(version), releases / f".{version}.tmp"
    for rubbish in (place, temporary):
        if rubbish.exists():
            shutil.rmtree(rubbish)
    temporary.mkdir(parents=True)
    contents = {**files, SIGNATURE: signing.sign(keys, files[MANIFEST])}
    for name, content in contents.items():
        with (temporary / name).open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
    fsync_folder(temporary)
    temporary.rename(place)
    fsync_folder(releases)


def read_files(releases: Path, version: int, keys: Path, *, wanted: Container[str] | None = None) -> dict[str, bytes]:
    """The manifest and the files that it names, after its signature and all hashes were checked.

    All of it is read through one descriptor of the folder, so that two releases can never be mixed. Those that are not
    ``wanted`` (None: all are) are hashed like the others, but not held in memory. Raises ReleaseError.
    """
    try:
        folder = os.open(releases / str(version), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise ReleaseError(f"Release {version} cannot be opened: {error}") from error
    try:
        manifest = _read(folder, MANIFEST, most=LARGEST_MANIFEST)
        signature = _read(folder, SIGNATURE, most=LARGEST_MANIFEST)
        signing.verify(keys, manifest, signature, what=f"release {version}")
        contents = {MANIFEST: manifest}
        for name, sha256 in msgspec.json.decode(manifest)["files"].items():
            if wanted is None or name in wanted:
                contents[name] = _read(folder, name)
                found = hashlib.sha256(contents[name]).hexdigest()
            else:
                found = _digest(folder, name)
            if found != sha256:
                raise ReleaseError(f"Release {version}: {name} is not the file that the manifest names.")
    except (OSError, KeyError, ValueError, signing.SignatureError) as error:
        raise ReleaseError(f"Release {version} cannot be used: {error}") from error
    finally:
        os.close(folder)
    return contents


def stamps(releases: Path, version: int) -> dict[str, FileStamp] | None:
    """What the file system says of the files of a release, by name; None where its folder cannot be read."""
    try:
        with os.scandir(releases / str(version)) as entries:
            return {entry.name: FileStamp.of(entry.stat(follow_symlinks=False)) for entry in entries}
    except OSError:
        return None


def wanted(opener: Opener) -> tuple[str, ...]:
    """The files that ``decode`` reads."""
    return (*SERVED, scorer_files.MODEL) if opener.reads_model else SERVED


def load(releases: Path, version: int, keys: Path, opener: Opener = nobody) -> Release:
    """A release ready to serve. Nothing is unpickled here; ``opener`` says how its pipeline is asked, where it has no
    scorecard. Raises ReleaseError."""
    return decode(version, read_files(releases, version, keys, wanted=wanted(opener)), opener)


def decode(version: int, files: Mapping[str, bytes], opener: Opener = nobody) -> Release:
    """The release that these files describe. Raises ReleaseError where they do not fit each other."""
    try:
        manifest = msgspec.json.decode(files[MANIFEST])
        if manifest["version"] != version:
            raise ReleaseError(f"The folder of release {version} holds release {manifest['version']}.")
        return Release(
            version=version,
            provisional=manifest["provisional"],
            estimator=manifest["estimator"],
            scorer=scorer_files.decode(files, version, opener),
            schema=msgspec.convert(manifest["schema"], Schema),
            metrics=manifest["metrics"],
            test=manifest["test"],
            reference=msgspec.convert(manifest["reference"], LossLevel),
            incumbent=msgspec.convert(manifest["training"]["incumbent"], Incumbent),
            sketch=from_document(msgspec.json.decode(files["sketch.json"])),
            score_sketch=from_document(manifest["score_sketch"]),
            manifest=manifest,
            leaks=msgspec.convert(manifest["training"].get("leaks", []), tuple[Leak, ...]),
        )
    except (KeyError, ValueError) as error:
        raise ReleaseError(f"Release {version} cannot be decoded: {error}") from error


def link(production: Path, *, current: int | None, previous: int | None) -> None:
    """Remake the links from what the ledger says; each is replaced in one step. Raises ReleaseError."""
    _link(production / "current", None if current is None else f"releases/{current}")
    _link(production / "previous", None if previous is None else f"releases/{previous}")
    for name in OLD_NAMES:
        _link(production / name, None if current is None else f"current/{name}")
    fsync_folder(production)


@dataclass(frozen=True, slots=True)
class Linked:
    """What the link ``current`` points to. ``stamp``: of the signature there: another one is another release, though
    it may have the same number."""

    version: int
    stamp: FileStamp


def linked(production: Path, name: str = "current") -> Linked | None:
    """The release that is linked as the current one, or under another name; None where there is no link.

    Raises ReleaseError.
    """
    link = production / name
    try:
        try:
            target = os.fspath(link.readlink())
        except FileNotFoundError:
            production.stat()  # no link is another thing than no folder
            return None
        found = _TARGET.fullmatch(target)
        if found is None:
            raise ReleaseError(f"{link} points to {target!r}, and not to a release.")
        return Linked(int(found[1]), FileStamp.of((production / target / SIGNATURE).lstat()))
    except OSError as error:
        raise ReleaseError(f"{error.filename} cannot be read: {error.strerror}.") from error


def versions(releases: Path) -> list[int]:
    """The releases that lie there, whole or not, the newest first. Raises OSError."""
    found = [int(entry.name) for entry in releases.iterdir() if entry.name.isdigit() and entry.is_dir()]
    return sorted(found, reverse=True)


def sweep(releases: Path, known: set[int]) -> list[str]:
    """Remove the folders of releases that the ledger does not name. Returns their names."""
    if not releases.exists():
        return []
    rubbish = [entry for entry in releases.iterdir() if not (entry.name.isdigit() and int(entry.name) in known)]
    for entry in rubbish:
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    return sorted(entry.name for entry in rubbish)


def _read(folder: int, name: str, *, most: int = -1) -> bytes:
    with _opened(folder, name) as stream:
        return stream.read(most)


def _digest(folder: int, name: str) -> str:
    with _opened(folder, name) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextlib.contextmanager
def _opened(folder: int, name: str) -> Iterator[BufferedReader]:
    if "/" in name:
        raise ReleaseError(f"The manifest names a file outside its folder: {name}")
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK  # a pipe in a file's place must not be waited for
    with os.fdopen(os.open(name, flags, dir_fd=folder), "rb") as stream:
        if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            raise ReleaseError(f"{name} is not a file.")
        yield stream


def _link(path: Path, target: str | None) -> None:
    if target is None:
        path.unlink(missing_ok=True)
        return
    if path.is_symlink() and path.readlink() == Path(target):
        return
    if path.is_dir() and not path.is_symlink():
        raise ReleaseError(
            f"{path} is a folder where a link belongs, as after a copy that followed links: move it away."
        )
    temporary = path.with_name(f".{path.name}.link")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(path)


def remove(releases: Path, version: int) -> bool:
    """Remove a release's folder; False where it is gone already."""
    place = releases / str(version)
    if not place.exists():
        return False
    rubbish = releases / f".{version}.gone"
    place.rename(rubbish)  # in one step: a folder under a release's number is whole
    shutil.rmtree(rubbish)
    return True
