"""At the start, whatever a killed process left is put right from what the ledger says."""

from __future__ import annotations

import io

import msgspec
import numpy as np

from handlers import activation, publication, reindexing
from handlers.decision_blocks import add_timing, give_up
from handlers.domain.facts import Fact
from handlers.domain.files import FileStamp
from handlers.domain.release import Release
from handlers.house import House
from handlers.reporting import ReportFacts, write_report
from handlers.rescoring import rescore
from handlers.storage import (
    dataset_reset,
    events,
    files,
    models,
    parts,
    releases,
    report_folder,
    schemas,
    spill,
)
from handlers.storage.ledger import LABELLED_DRIFT, get_fact


class NotResettable(Exception):
    """The schema cannot be learned anew; the message says why and what to do instead."""


def recover(house: House, release: Release | None) -> list[Fact]:
    """Sweep what no ledger row names, mend the index, remake the links, follow up commits. Idempotent."""
    workspace = house.workspace
    facts = reindexing.mend(house)
    with house.ledger.read() as connection:
        parts.sweep(connection, workspace.parts)
        house.index.sweep(connection)
        known = {model.version for model in models.page(connection, limit=1_000_000)}
    spill.empty(workspace.spill)
    releases.sweep(workspace.releases, known)
    report_folder.sweep(workspace.reports)
    activation.link(house)
    facts += rescore(house, release) if release is not None else []
    facts += publication.publish(house, release)
    publication.keep_finaldata(house)
    return facts


def write_missing_reports(house: House) -> list[Fact]:
    """Write the report of every release that has none yet, from what the release itself holds.

    One whose folder retention has removed gets none any more, and nobody is told that it did.
    """
    facts: list[Fact] = []
    with house.ledger.read() as connection:
        missing = models.unreported(connection)
        drift = get_fact(connection, LABELLED_DRIFT, {})
    for version in missing:
        if not (house.workspace.releases / str(version)).is_dir():
            with house.ledger.write() as connection:
                models.set_reported(connection, version)
            continue
        started = house.timer()
        write_report(house.workspace.reports, _report_facts(house, version, drift))
        told = Fact("report.written", {"model_version": version, "seconds": round(house.timer() - started, 3)})
        with house.ledger.write() as connection:
            models.set_reported(connection, version)
            add_timing(connection, {"reporting": (1, house.timer() - started)}, at=house.now())
            events.add(connection, [told], at=house.now())
        facts.append(told)
    return facts


def reset_schema(house: House) -> list[str]:
    """Forget the provisional schema and the rows that were read by it; the files are taken again.

    The parts themselves are swept at the next start: a decision that is under way may still read them.
    Returns the files' names. Raises NotResettable where the schema is settled or a file is no longer there.
    """
    with house.ledger.write() as connection:
        if not schemas.read(connection).provisional:
            raise NotResettable(
                "A model was promoted with this schema. Make another workspace with `attritiond init`, "
                "and drop the files there."
            )
        taken = files.accepted(connection)
        for record, stamp in taken:
            path = house.workspace.source / record.name
            if not path.is_file() or FileStamp.of(path.stat()).size != stamp.size:
                raise NotResettable(f"{record.name} is no longer in {house.workspace.source}: put it back there first.")
        dataset_reset.forget(connection)
    give_up(house, "The schema was reset.")
    return [record.name for record, _ in taken]


def _report_facts(house: House, version: int, drift: dict[str, object]) -> ReportFacts:
    wanted = (*releases.SERVED, "decision.json", "evaluation.npz")
    contents = releases.read_files(house.workspace.releases, version, house.workspace.keys, wanted=wanted)
    release = releases.decode(version, contents)
    record = msgspec.json.decode(contents["decision.json"])
    with np.load(io.BytesIO(contents["evaluation.npz"]), allow_pickle=False) as stored:
        labels, probabilities = stored["labels"], stored["probabilities"]
    decision = release.manifest["training"]["last_decision"]
    columns = drift.get("columns") if drift.get("decision") == decision else None
    return ReportFacts(
        version=version,
        provisional=release.provisional,
        estimator=release.estimator,
        created_at=release.manifest["created_at"],
        sentence=record["sentence"],
        labels=labels,
        probabilities=probabilities,
        threshold=release.scorer.threshold,
        what="held out",
        metrics=release.metrics,
        test=release.test,
        scorer=release.scorer,
        drift=columns if isinstance(columns, list) else None,
    )
