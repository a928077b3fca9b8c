"""What follows a commit, idempotently: predictions, the old names of the data set, the source folder.

A killed process leaves it undone; it is done at the next start, from what the ledger says.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from handlers.domain.facts import Fact
from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, shown_name
from handlers.domain.release import Release
from handlers.domain.schema import Role, Schema
from handlers.house import House
from handlers.storage import dataset, files, parts, published, releases, schemas, versions
from handlers.storage.atomic import fsync_folder
from handlers.storage.ledger import set_fact
from handlers.storage.parts import Part
from handlers.storage.releases import ReleaseError
from handlers.storage.workspace import Workspace


def publish(house: House, release: Release | None) -> list[Fact]:
    """Follow up every file whose commit has not been followed up yet.

    What cannot be done for one holds up none of the others: it is told, and tried again the next time.
    """
    with house.ledger.read() as connection:
        pending = files.unpublished(connection)
        told = {record.seq: _follow_up(house, connection, record, release) for record in pending}
        answered = files.refused_before(connection, pending)
    done = [seq for seq, trouble in told.items() if trouble is None]
    if done or answered:
        with house.ledger.write() as connection:
            for record, answer in answered:
                _answer(house.workspace, connection, record, answer)
            files.set_published(connection, done)
    return [trouble for trouble in told.values() if trouble is not None]


def _follow_up(house: House, connection: Connection, record: FileRecord, release: Release | None) -> Fact | None:
    try:
        if record.unlabelled and release is not None:
            _predictions(connection, house.workspace, record, release)
        _leave(house.workspace, record, connection, house.ingestion.after)
    except OSError as error:
        detail = f"{error.strerror}: {error.filename}"
        return Fact("publication.failed", {"file": record.name, "sha256": record.sha256, "detail": detail})
    return None


def _answer(workspace: Workspace, connection: Connection, refused: FileRecord, later: FileRecord) -> None:
    """A refused content came again: nothing is to be done about its first record any more.

    Where it was taken, its copy leaves the quarantine; refused again, the newer record has the reason.
    """
    if later.state is FileState.QUARANTINED:
        reason = Reason("refused_again", f"The same content was refused again at {later.committed_at}.")
    else:
        with contextlib.suppress(OSError):  # a copy that stays does no harm
            published.remove_quarantined(workspace, refused.sha256 or "", refused.name)
        reason = Reason("taken_later", f"Its content was taken at {later.committed_at} as {later.name}.")
    files.set_state(connection, refused.seq, FileState.DUPLICATE, reason)


def keep_finaldata(house: House) -> None:
    """Bring ``finaldata.csv`` and ``ingestedfiles.txt`` up to the data set, while it is small enough."""
    ledger, workspace = house.ledger, house.workspace
    with ledger.read() as connection:
        version = versions.newest(connection)
        if not versions.finaldata_is_behind(connection):
            return
        if dataset.count(connection) > house.ingestion.finaldata_max_rows:
            published.remove_finaldata(workspace)
        else:
            table = dataset.snapshot(connection, workspace.parts, schemas.read(connection))
            published.write_finaldata(workspace, table, files.accepted_names(connection))
    with ledger.write() as connection:
        set_fact(connection, versions.FINALDATA, version)


def _predictions(connection: Connection, workspace: Workspace, record: FileRecord, release: Release) -> None:
    part = parts.newest_ranked(connection, record.seq)
    if part is None:
        return
    schema, threshold = schemas.read(connection), _threshold(workspace, part, release)
    pieces = parts.batches(connection, workspace.parts, part)
    published.write_predictions(workspace, record.name, (_answers(piece, schema, part, threshold) for piece in pieces))


def _answers(ranked: pa.Table, schema: Schema, part: Part, threshold: float) -> pa.Table:
    """What the sender of unlabelled rows is told: id and time as they came, and what the model says."""
    columns: dict[str, object] = {}
    for name, role in (("id", Role.ID), ("time", Role.TIME)):
        column = schema.with_role(role)
        if column is not None:
            columns[column.name] = ranked[name]
    probability = ranked["probability"].to_numpy()
    columns["probability"] = probability
    columns["prediction"] = (probability >= threshold).astype(np.int8)
    columns["model_version"] = np.full(ranked.num_rows, part.model, dtype=np.int64)
    return pa.table(columns)


def _threshold(workspace: Workspace, part: Part, release: Release) -> float:
    """That of the release that ranked the part: after a crash the current one may be another."""
    if part.model is not None and part.model != release.version:
        with contextlib.suppress(ReleaseError):  # its folder may have been removed (retention.releases)
            return releases.load(workspace.releases, part.model, workspace.keys).scorer.threshold
    return release.scorer.threshold


def _leave(workspace: Workspace, record: FileRecord, connection: Connection, after: str) -> None:
    """Archive or delete the file that was taken, unless another one has come under its name meanwhile."""
    if after == "keep" or record.sha256 is None:
        return
    newest = files.newest_under(connection, record.name)
    path = _find(workspace.source, record.name)
    if path is None or newest is None or newest[0].seq != record.seq or FileStamp.of(path.lstat()) != newest[1]:
        return
    if after == "delete":
        path.unlink()
    else:
        workspace.archive.mkdir(exist_ok=True)
        path.replace(published.free_name(workspace.archive, path.name, record.sha256))
        fsync_folder(workspace.archive)
    fsync_folder(workspace.source)


def _find(folder: Path, shown: str) -> Path | None:
    """The file with this shown name; only a name with a backslash may be another one on disk."""
    with contextlib.suppress(OSError):
        if "\\" not in shown:
            return folder / shown if (folder / shown).exists() else None
        return next((folder / name for name in os.listdir(folder) if shown_name(name) == shown), None)  # noqa: PTH208 - raw names
    return None
