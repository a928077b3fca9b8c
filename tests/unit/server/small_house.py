"""A small workspace with two files, two releases and a decision, and the services over it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from handlers import records
from handlers.decision_state import write_state
from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.recipes import Part as RecipePart
from handlers.domain.decisions.recipes import Shadow, over
from handlers.domain.decisions.state import Incumbent, Reading, State
from handlers.domain.estimated_performance import estimate
from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts
from handlers.domain.reference_sketch import sketch, tally
from handlers.domain.release import Release
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, Schema
from handlers.domain.scorecard import Categories, Cuts, Feature, Line, Scorecard, Table
from handlers.drift import of_tally
from handlers.records import FileCheck, FileItem
from handlers.storage import dataset, decisions, files, models, parts, schemas
from handlers.storage.decisions import DecisionRecord
from handlers.storage.ledger import LABELLED_DRIFT, UNLABELLED_DRIFT, Ledger, set_fact
from handlers.storage.models import ModelRecord
from handlers.storage.parts import Part, PartKind
from handlers.storage.workspace import Workspace
from server.auth import Keyring
from server.disturbances import Disturbance
from server.services import Champion, DeploymentRefused, NotDone, Readiness, ServedRequest, Services, Vitals
from server.settings import ServerSettings

AT = "2025-11-20T11:52:00.123Z"
METRICS = {"rows": 40, "positives": 12, "f1": 0.61, "precision": 0.6, "recall": 0.62, "roc_auc": 0.8, "log_loss": 0.4}
SETTINGS = DatasetSettings(value_column="arr")
SCHEMA = Schema(
    version=1,
    columns=(
        Column("corporation", ColumnType.TEXT, Role.ID),
        Column("tenure", ColumnType.NUMBER, Role.FEATURE),
        Column("contract", ColumnType.CATEGORY, Role.FEATURE),
        Column("seats", ColumnType.INTEGER, Role.FEATURE, optional=True),
        Column("arr", ColumnType.NUMBER, Role.IGNORED),
        Column("exited", ColumnType.INTEGER, Role.TARGET),
    ),
    provisional=False,
    negative_label="0",
)
SCORECARD = Scorecard(
    base=-0.5,
    threshold=0.5,
    terms=(
        Line("tenure", centre=24.0, scale=12.0, slope=-1.0, offset=0.0, missing=0.1, low=0.0, high=72.0),
        Table((Categories("contract", ("monthly", "yearly")),), np.array([0.8, -0.9, 0.05, 0.0])),
        Table((Cuts("seats", (10.0,)),), np.array([0.3, -0.2, 0.0])),
    ),
    features=(Feature("tenure", True), Feature("contract", False), Feature("seats", True)),
)
SKETCH = sketch(
    {
        "tenure": np.array([1.0, 2.0, np.nan]),
        "contract": np.array(["monthly", "yearly", None], dtype=object),
        "seats": np.array([1.0, 20.0, 30.0]),
    }
)
CLIENT = {"corporation": "abcd", "tenure": 3, "contract": "monthly", "seats": 4}


def release(version: int = 2, *, test: Mapping[str, float | int | None] | None = None) -> Release:
    """A release that was made by hand."""
    return Release(
        version=version,
        provisional=version == 1,
        estimator="logistic",
        scorer=SCORECARD,
        schema=SCHEMA,
        metrics=METRICS,
        test=test,
        reference=LossLevel(0.4, 0.2, 900.0),
        incumbent=Incumbent(version, over(("logistic",), 1), 1),
        sketch=SKETCH,
        score_sketch=sketch({"score": np.array([-1.0, 0.0, 1.0])}),
        manifest={"libraries": {}},
    )


@dataclass(slots=True)
class House:
    """What a test looks at."""

    workspace: Workspace
    ledger: Ledger
    champion: Champion
    served: list[ServedRequest] = field(default_factory=list)
    disturbed: list[Disturbance] = field(default_factory=list)
    deployed: list[int | None] = field(default_factory=list)
    checked: list[tuple[str, bytes]] = field(default_factory=list)
    retried: list[str] = field(default_factory=list)
    not_done: NotDone | None = None
    taken_again: bool = True
    refuses: bool = False
    has_previous: bool = False
    readiness: Readiness = field(default_factory=Readiness)
    vitals: Vitals = field(default_factory=Vitals)
    settings: ServerSettings = field(default_factory=ServerSettings)
    calls_shown: int = 50
    keyring: Keyring | None = None

    def services(self) -> Services:
        """The services over this house."""

        async def deploy(version: int | None) -> int:
            self.deployed.append(version)
            if version is not None and version > 2:
                raise DeploymentRefused(f"There is no release {version}.", unknown=True)
            if self.refuses:
                raise DeploymentRefused("Its signature does not hold.")
            if version is None and self.has_previous:
                return 1
            if version is None:
                raise DeploymentRefused("There is no previous release to go back to.")
            return version

        async def check(name: str, content: bytes) -> FileCheck:
            self.checked.append((name, content))
            if self.not_done is not None:
                raise self.not_done
            return checked_file(name, len(content))

        async def retry(prefix: str) -> tuple[FileItem, bool]:
            self.retried.append(prefix)
            if self.not_done is not None:
                raise self.not_done
            return records.files_page(self.ledger, 1)["items"][0], self.taken_again

        return Services(
            settings=self.settings,
            dataset=SETTINGS,
            workspace=self.workspace,
            ledger=self.ledger,
            champion=self.champion,
            readiness=lambda: self.readiness,
            deploy=deploy,
            check=check,
            retry=retry,
            calls_shown=lambda: self.calls_shown,
            dependencies=dict[str, Any],
            served=self.served.append,
            disturbed=self.disturbed.append,
            keyring=self.keyring,
            vitals=lambda: self.vitals,
        )


def checked_file(name: str, size: int) -> FileCheck:
    """What is said of a file that would be taken."""
    return {
        "name": name,
        "sha256": f"{7:064d}",
        "bytes": size,
        "taken": True,
        "state": FileState.INGESTED,
        "reason": None,
        "kind": "rows",
        "encoding": "UTF-8",
        "compression": None,
        "delimiter": ",",
        "columns": [{"name": "tenure", "type": ColumnType.NUMBER, "role": Role.FEATURE, "new": False}],
        "notes": [],
        "rows": {"read": 1, "rejected": 0, "unlabelled": 0},
        "rejected": [],
    }


def empty_house(folder: Path) -> House:
    """A workspace before its first file."""
    workspace = Workspace(
        root=folder,
        source=folder / "sourcedata",
        dataset=folder / "ingesteddata",
        test=folder / "testdata",
        models=folder / "models",
        production=folder / "production_deployment",
    )
    workspace.make_folders()
    return House(workspace, Ledger(workspace.ledger), Champion())


def full_house(folder: Path) -> House:
    """Two releases, of which 2 is current; six labelled rows; five clients ranked by release 2, one of whom left."""
    house = empty_house(folder)
    house.champion.release = release()
    add_rows(
        house, 1, "june.csv", [("a", 1, 0), ("b", 2, 0), ("gone", 3, 1), ("back", 4, 1), ("back", 5, 0), ("c", 6, 0)]
    )
    add_drop(house, 2, "july.csv", ["a", "gone", "<b>&'\"", "back", "e"], tenures=[60, 1, 2, 12, None])
    with house.ledger.write() as connection:
        started = DecisionRecord(0, "drift", (), 6, 1, AT, None, 0, None, None)
        decision = decisions.start(connection, started, [])
        evidence = {
            "sentence": "Model 2 was promoted: its log loss is lower.",
            "policy": "evidence",
            "model_version": 2,
        }
        decisions.end(connection, decision, verdict="promoted", record=evidence, ended_at=AT)
        for version in (1, 2):
            made_by = decision if version == 2 else None
            models.add(connection, ModelRecord(version, "", version == 1, "logistic", 6, 1, METRICS, made_by, AT))
            models.set_current(connection, version)
        set_fact(connection, "prequential", {**METRICS, "rows": 6})
        write_state(connection, judged_state())
        columns = tally(SKETCH, {name: np.array(values) for name, values in _NEWEST.items()})
        diagnosis = of_tally(release(), columns, np.array([-1.0, 0.5]), (2, 1)).document(decision=1)
        set_fact(connection, LABELLED_DRIFT, diagnosis)
        expected = msgspec.to_builtins(estimate(np.array([0.2, 0.7]), 0.5))
        unlabelled = of_tally(release(), columns, np.array([-1.0, 0.5]), None).document(file="july<i>.csv")
        set_fact(connection, UNLABELLED_DRIFT, {**unlabelled, "estimate": expected, "broken": None})
        refused = Reason("quotes", "A quotation mark in line 3 is never closed.", "Correct it.", (3,))
        record = _file(3, "broken.csv", FileState.QUARANTINED, RowCounts(), refused)
        files.add_all(connection, [(record, _STAMP, True)])
    return house


_NEWEST = {"tenure": [1.0, 2.0], "contract": np.array(["monthly", "<u>new"], dtype=object), "seats": [1.0, np.nan]}


def judged_state() -> State:
    """Release 2 in its third block: the first was read of release 1, and the last raised an alarm."""
    levels = [(1, 0.41, 0.2, 0.0, "stable"), (2, 0.47, 2.4, 1.4, "watch"), (2, 0.61, 6.2, 6.6, "adapting")]
    path = tuple(
        Reading(
            block=block,
            version=version,
            rows=500.0,
            loss=loss,
            reference=0.4,
            z=z,
            watch_z=z + 0.3,
            cusum=total,
            watch_cusum=total + 0.5,
            limit=3.5,
            cusum_limit=5.0,
            alarm=z > 3.5,
            phase=phase,  # type: ignore[arg-type]  # a literal, of the list above
        )
        for block, (version, loss, z, total, phase) in enumerate(levels, start=1)
    )
    return State(
        champion=release().incumbent,
        previous=release(1).incumbent,
        reference=LossLevel(0.4, 0.2, 900.0),
        adapting=2,
        since=3,
        path=path,
        units=((1,), (2,), (3,)),
        shadows=(Shadow("s1", RecipePart("logistic", 1), 2),),
    )


def add_rows(house: House, seq: int, name: str, rows: Sequence[tuple[str, float, int | None]]) -> None:
    """A labelled file: id, tenure, label of each row."""
    ids, tenures, labels = zip(*rows, strict=True)
    table = pa.table(
        {
            "corporation": pa.array(ids, pa.string()),
            "tenure": pa.array(tenures, pa.float64()),
            "contract": pa.array(["monthly"] * len(rows)),
            "seats": pa.array([5] * len(rows), pa.int64()),
            "arr": pa.array([1000.5] * len(rows)),
            "exited": pa.array(labels, pa.int64()),
        }
    )
    _add(house, _file(seq, name, FileState.INGESTED, RowCounts(len(rows), len(rows))), table)


def add_drop(house: House, seq: int, name: str, ids: Sequence[str], *, tenures: Sequence[float | None]) -> None:
    """An unlabelled file, ranked by release 2."""
    rows = len(ids)
    table = pa.table(
        {
            "corporation": pa.array(ids, pa.string()),
            "tenure": pa.array(tenures, pa.float64()),
            "contract": pa.array(["monthly", "yearly", None, "monthly", "other"][:rows]),
            "seats": pa.array([1, 20, None, 4, 5][:rows], pa.int64()),
            "arr": pa.array([10.0, 20.0, None, 40.0, 50.0][:rows]),
            "exited": pa.nulls(rows, pa.int64()),
        }
    )
    first = _add(house, _file(seq, name, FileState.SCORED, RowCounts(rows, rows)), table)
    columns = {
        "tenure": np.array([np.nan if tenure is None else tenure for tenure in tenures]),
        "contract": np.array(table["contract"].to_pylist(), dtype=object),
        "seats": np.array([np.nan if seats is None else seats for seats in table["seats"].to_pylist()]),
    }
    ranked = pa.table(
        {
            "row": pa.array(range(first, first + rows), pa.int64()),
            "id": table["corporation"],
            "probability": SCORECARD.probabilities(columns),
        }
    )
    part = Part(f"ranked-{seq}-2", PartKind.RANKED, rows, 0, seq, owner=seq, model=2)
    with house.ledger.write() as connection:
        parts.record(connection, parts.prepare_file(house.workspace.parts, part, ranked))


_STAMP = FileStamp(1, 2, 300, 4, 5)


def _file(seq: int, name: str, state: FileState, rows: RowCounts, reason: Reason | None = None) -> FileRecord:
    return FileRecord(seq, name, f"{seq:064d}", state, reason, (), rows, 0, 300, AT, AT, 0.01, seq)


def _add(house: House, record: FileRecord, table: pa.Table) -> int:
    with house.ledger.write() as connection:
        first = dataset.total_rows(connection)
        schemas.write(connection, SCHEMA)
        table = table.append_column("__file__", pa.array([record.seq] * table.num_rows, pa.int64()))
        table = table.append_column("__line__", pa.array(range(2, table.num_rows + 2), pa.int64()))
        part = Part(f"rows-{record.seq}", PartKind.ROWS, table.num_rows, 0, record.seq, first_row=first)
        parts.record(connection, parts.prepare_file(house.workspace.parts, part, table))
        files.add_all(connection, [(record, _STAMP, True)])
        set_fact(connection, "dataset_version", record.seq)
    return first
