"""The books, audited from outside: the ledger by plain SQL, the parts by pyarrow, not by the program's readers."""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


@dataclass(frozen=True, slots=True)
class Audit:
    """What the books say; they add up, or there is none."""

    rows: int
    labelled: int
    decisions: int
    failed_decisions: int
    models: int
    scored_before_learned: int
    files: dict[str, int]


def query(root: Path, statement: str) -> list[tuple[Any, ...]]:
    """Read the ledger."""
    with closing(sqlite3.connect(root / "ingesteddata" / "ledger.sqlite3", timeout=30.0)) as connection:
        return connection.execute(statement).fetchall()


def are_there(root: Path) -> bool:
    """Has a daemon come so far as to make the ledger and its tables?"""
    made = (root / "ingesteddata" / "ledger.sqlite3").exists()
    return made and bool(query(root, "SELECT 1 FROM sqlite_master WHERE name = 'facts'"))


def fact(root: Path, name: str) -> Any:
    """A single value of the ledger."""
    found = query(root, f"SELECT value FROM facts WHERE name = '{name}'")  # noqa: S608 - a literal of a test
    return json.loads(str(found[0][0])) if found else None


def finaldata_is_current(root: Path) -> bool:
    """Has finaldata.csv been brought up to the data set?"""
    return bool(fact(root, "finaldata_version") == fact(root, "dataset_version"))


def plain(row: Iterable[str]) -> tuple[str, ...]:
    """A row as its values: 7, 7.0 and 07 are one number."""
    return tuple(_plain(value) for value in row)


def finaldata(root: Path) -> list[tuple[str, ...]]:
    """The rows of finaldata.csv."""
    with (root / "ingesteddata" / "finaldata.csv").open(newline="") as file:
        return [plain(row) for row in csv.reader(file)][1:]


def labels_of(root: Path, clients: Container[str]) -> dict[str, str]:
    """The label of each of these clients in finaldata.csv."""
    return {row[0]: row[-1] for row in finaldata(root) if row[0] in clients}


def audit(root: Path, expected: Iterable[Sequence[str]], *, time_column: str | None = None) -> Audit:
    """Check the rows against what was dropped, and every labelled row's decision. ``expected``: the distinct rows."""
    dropped = {plain(row) for row in expected}
    there = Counter(finaldata(root))
    twice = [row for row, count in there.items() if count > 1]
    assert not twice, f"rows that are there twice: {twice[:5]}"
    assert there.keys() == dropped, (
        f"{len(there)} rows are there, {len(dropped)} were dropped; "
        f"missing {sorted(dropped - there.keys())[:3]}, too many {sorted(there.keys() - dropped)[:3]}"
    )
    labelled = sum(row[-1] != "" for row in dropped)
    _check_decisions(root, labelled, time_column)
    verdicts = Counter(verdict for (verdict,) in query(root, "SELECT verdict FROM decisions"))
    scored = query(root, "SELECT owner, rows FROM parts WHERE kind = 'scores'")
    assert len({owner for owner, _ in scored}) == len(scored), "a decision's rows were scored twice"
    pooled = fact(root, "prequential") or {"rows": 0}
    assert pooled["rows"] == sum(rows for _, rows in scored), "the pooled score has other rows than the scores"
    return Audit(
        rows=len(there),
        labelled=labelled,
        decisions=sum(verdicts.values()),
        failed_decisions=verdicts["failed"],
        models=query(root, "SELECT count(*) FROM models")[0][0],
        scored_before_learned=int(pooled["rows"]),
        files=dict(Counter(state for (state,) in query(root, "SELECT state FROM files"))),
    )


def _check_decisions(root: Path, labelled: int, time_column: str | None) -> None:
    """Every labelled row is a member of exactly one decision, and that has ended."""
    members = query(
        root,
        "SELECT u.part, u.file, u.period, u.rows, u.decision, d.verdict "
        "FROM undecided u LEFT JOIN decisions d ON d.id = u.decision",
    )
    names = [(part, file, period) for part, file, period, *_ in members]
    assert len(set(names)) == len(names), "the same rows are members twice"
    unended = [member for member in members if member[5] is None]
    assert not unended, f"members without an ended decision: {unended[:5]}"
    counted = {name: rows for name, (_, _, _, rows, *_) in zip(names, members, strict=True)}
    assert counted == _labelled_in_parts(root, time_column), "the members are not the labelled rows of the parts"
    assert sum(counted.values()) == labelled, f"{sum(counted.values())} rows were decided on, {labelled} are labelled"
    by_decision: Counter[int] = Counter()
    for _, _, _, rows, decision, _ in members:
        by_decision[decision] += rows
    recorded = {number: rows for number, rows in query(root, "SELECT id, rows FROM decisions") if rows}
    assert recorded == dict(by_decision), "a decision's number of rows is not that of its members"


def _labelled_in_parts(root: Path, time_column: str | None) -> dict[tuple[int, int, str | None], int]:
    """How many rows got their first label, by part, file and period, counted in the parts themselves."""
    counts: Counter[tuple[int, int, str | None]] = Counter()
    parts = query(
        root,
        "SELECT p.id, p.path, p.kind, s.data FROM parts p LEFT JOIN staged s ON s.part = p.id "
        "WHERE p.kind IN ('rows', 'labels')",
    )
    for number, path, kind, staged in parts:
        stored = root / "ingesteddata" / "parts" / path
        table = pq.read_table(stored) if staged is None else pa.ipc.open_stream(staged).read_all()
        for row in table.to_pylist():
            if kind == "labels" and row["first"]:
                counts[number, row["file"], row["period"]] += 1
            elif kind == "rows" and row["exited"] is not None:
                counts[number, row["__file__"], row[time_column] if time_column else None] += 1
    return dict(counts)


def _plain(value: str) -> str:
    try:
        return f"{float(value):g}" if value else ""
    except ValueError:
        return value
