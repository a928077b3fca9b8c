"""Which rows are there already: the 128-bit hashes of all rows in sorted runs, with bitmap filters in front.

The ledger names the runs, so that a commit makes rows and hashes visible together. A small run lies in the ledger
itself, a large one in a file; ``merge`` makes one file of many. A file that the ledger does not name is rubbish.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, delete, insert, select

from handlers.domain.sorted_hashes import SortedHashes
from handlers.storage import index_runs as runs
from handlers.storage.atomic import fsync_folder
from handlers.storage.index_filter import GrowingFilter, Places
from handlers.storage.index_merge import Merged, merged, neighbours, tidied, write_merged
from handlers.storage.index_runs import IndexDamaged, Run
from handlers.storage.ledger import Ledger, get_fact
from handlers.storage.old_row_hashes import read_old_hashes
from handlers.storage.tables import index_runs, row_hashes

FILE_ROWS = 1 << 16
"""A run of so many hashes becomes a file; in the ledger it would be written twice."""
_IN_MEMORY = 1 << 20
_MERGED_BLOBS = 256
_MERGED_BLOB_ROWS = 1 << 18
_MERGED_FILES = 8
_OVERDUE = 4


class RowIndex:
    """The hashes that the ledger has, and over them those that the next commit will add. For one thread.

    ``_old``: merged runs by the ids of their ledger rows, each with a filter of its own, oldest first. ``_young``:
    those that were committed since, ``_blobs`` of them in the ledger itself. ``_pending``: those that the next commit
    adds. ``_inherited``: what an older ledger has, which the next commit writes as the first run. ``_recent``: the
    filter in front of the last three.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pending: list[Run] = []
        self._recorded: dict[str, Run] = {}
        self._start_over()

    def _start_over(self) -> None:
        self._key = 0
        self._old: dict[int, Run] = {}
        self._young: list[Run] = []
        self._blobs = 0
        self._inherited: Run | None = None
        self._last: tuple[int, str] | None = None
        self._recent = GrowingFilter()

    # ------------------------------------------------------------------------------------------ following the ledger

    def follow(self, connection: Connection) -> None:
        """Be what the ledger says: what was put and not committed is forgotten, what was committed is there.

        Cheap where nothing has changed. Raises IndexDamaged where a run that the ledger names cannot be used.
        """
        known = 0 if self._last is None else self._last[0]
        columns = index_runs.c.id, index_runs.c.name, index_runs.c.rows
        query = select(*columns).where(columns[0] >= known).order_by(columns[0])
        news = [(number, name, rows) for number, name, rows in connection.execute(query)]
        if self._last is not None:
            if not news or news[0][:2] != self._last:  # forgotten, by whatever process
                self._start_over()
                self.follow(connection)
                return
            del news[0]
        self._forget_pending({name for _, name, _ in news})
        if self._last is None:
            self._key = int(get_fact(connection, "row_hash_key", 0))
            self._inherit(connection)
        if news:
            self._adopt(connection, news)

    def _forget_pending(self, committed: set[str]) -> None:
        """Forget what was put; a file that was prepared for a commit that failed is removed."""
        for run in self._pending:
            if run.name is not None and run.name not in committed:
                (self._folder / run.name).unlink(missing_ok=True)
        self._pending = []

    def _inherit(self, connection: Connection) -> None:
        """Take over what an older ledger has, until a commit has written it as a run."""
        there = connection.execute(select(row_hashes.c.row).limit(1)).first() is not None
        if not there:
            self._inherited = None
        elif self._inherited is None:
            self._inherited = Run.of(*read_old_hashes(connection))
            self._recent.add([self._inherited.a], [])

    def _adopt(self, connection: Connection, news: list[tuple[int, str, int]]) -> None:
        """Take up the runs that the ledger has since the last time."""
        recorded, self._recorded = self._recorded, {}
        strange = [number for number, name, _ in news if name not in recorded]
        loaded = self._load(connection, min(strange)) if strange else {}
        fresh = [run.a for name, run in loaded.items() if name not in recorded and run.filter is None]
        self._recent.add(fresh, [run.a for run in (*self._young, *recorded.values())])
        for number, name, rows in news:
            run = recorded.get(name) or loaded[name]
            if run.rows != rows:
                raise IndexDamaged(name, f"has {run.rows} hashes where the ledger says {rows}")
            if run.filter is None:
                self._young = tidied([*self._young, run], _IN_MEMORY)
                self._blobs += run.name is None
            else:
                self._old[number] = run
        self._inherited = None
        self._last = news[-1][:2]

    def _load(self, connection: Connection, first: int) -> dict[str, Run]:
        """The runs by their names, from the id ``first`` on."""
        query = select(index_runs.c.name, index_runs.c.data).where(index_runs.c.id >= first)
        return {
            name: runs.mapped(self._folder, name, self._key)
            if data is None
            else runs.decoded(data, f"run {name} in the ledger", self._key)
            for name, data in connection.execute(query)
        }

    # ------------------------------------------------------------------------------------------ asking and adding

    def find(self, hashes: SortedHashes) -> NDArray[np.int64]:
        """The number of the row with each hash, or -1, in the order of the rows; the newest entry of a hash wins."""
        found = np.full(hashes.rows, -1, np.int64)
        recent = self._all_recent()
        if recent:
            places = self._recent.candidates(hashes.a)
            for run in reversed(recent):
                places = _search(run, hashes, places, found)
        for run in reversed(self._old.values()):
            if run.filter is not None:
                places = run.filter.candidates(hashes.a)
                _search(run, hashes, places[found[places] < 0], found)
        result = np.empty_like(found)
        result[hashes.order] = found
        return result

    def put(self, hashes: SortedHashes, kept: NDArray[np.bool_], numbers: NDArray[np.int64]) -> None:
        """Say which row has the hash of each that is kept; where it was known, the new row takes its place.

        ``kept``, ``numbers``: in the order of the rows, as a Placement has them. Of equal kept ones the last counts.
        """
        a, b, order = hashes.a, hashes.b, hashes.order
        if not kept.all():
            chosen = np.flatnonzero(kept[order])
            a, b, order = a[chosen], b[chosen], order[chosen]
        if not hashes.distinct:
            last = np.ones(len(a), np.bool_)
            last[:-1] = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
            a, b, order = a[last], b[last], order[last]
        if len(a):
            run = Run.of(a, b, numbers[order])
            self._recent.add([run.a], [one.a for one in self._all_recent()])
            self._pending = tidied([*self._pending, run], FILE_ROWS)

    def _all_recent(self) -> list[Run]:
        return [*([self._inherited] if self._inherited else []), *self._young, *self._pending]

    # ------------------------------------------------------------------------------------------ committing

    def prepare(self) -> None:
        """Before the transaction: write and sync what is too large for the ledger. Raises OSError."""
        if self._inherited is not None:
            self._inherited = self._in_place(self._inherited)
        self._pending = [self._in_place(merged(group)) for group in neighbours(self._pending, FILE_ROWS)]
        if any(run is not None and run.name is not None for run in (self._inherited, *self._pending)):
            fsync_folder(self._folder)

    def _in_place(self, run: Run) -> Run:
        """A run as it will be recorded: as a file where it is large."""
        if run.name is not None or run.rows < FILE_ROWS:
            return run
        self._make_folder()
        return runs.write(self._folder, _new_name(), run, self._key)

    def _make_folder(self) -> None:
        if not self._folder.exists():
            self._folder.mkdir(parents=True)
            fsync_folder(self._folder.parent)

    def record(self, connection: Connection) -> None:
        """Inside the transaction that makes the rows visible: name what is pending. The next ``follow`` adopts it."""
        first = [] if self._inherited is None else [self._inherited]
        self._recorded = {run.name or _new_name(): run for run in (*first, *self._pending)}
        for name, run in self._recorded.items():
            data = run.blob(self._key) if run.name is None else None
            connection.execute(insert(index_runs).values(name=name, rows=run.rows, data=data))
        if first:
            connection.execute(delete(row_hashes))

    def rebuild(self, ledger: Ledger, entries: Iterable[tuple[SortedHashes, NDArray[np.int64]]]) -> None:
        """Make the index anew: ``entries`` are the hashes of stored rows with the rows' numbers, the oldest first.

        All of it is there after one transaction, or the index is as it was. Raises OSError.
        """
        self._start_over()
        self._forget_pending(set())
        with ledger.read() as connection:
            self._key = int(get_fact(connection, "row_hash_key", 0))
        for hashes, numbers in entries:
            self.put(hashes, np.ones(hashes.rows, np.bool_), numbers)
            if sum(run.rows for run in self._pending if run.name is None) >= _MERGED_BLOB_ROWS:
                self.prepare()
        self.prepare()
        with ledger.write() as connection:
            connection.execute(delete(index_runs))
            connection.execute(delete(row_hashes))
            self.record(connection)
        with ledger.read() as connection:
            self.follow(connection)
            self.sweep(connection)

    # ------------------------------------------------------------------------------------------ idle time

    def merge(self, ledger: Ledger, stop: Callable[[], bool] = lambda: False) -> Merged | None:
        """Make one file of the runs since the last merge, and of older ones that are not much larger.

        None where there is too little to do, or where ``stop``, which is asked every few milliseconds, said so; it is
        not asked where a merge is long overdue. What was put and not committed is forgotten. Raises OSError,
        IndexDamaged.
        """
        with ledger.read() as connection:
            self.follow(connection)
        if self._inherited is not None:
            self.prepare()
            with ledger.write() as connection:
                self.record(connection)
            with ledger.read() as connection:
                self.follow(connection)
        need = self._need()
        if need < 1:
            return None
        chosen = list(self._old)
        together = sum(run.rows for run in self._young)
        while chosen and need < _OVERDUE and self._old[chosen[-1]].rows <= 2 * together:
            together += self._old[chosen.pop()].rows
        name = _new_name()
        replaced = {number: run for number, run in self._old.items() if number not in chosen}
        sources = [*replaced.values(), *self._young]
        self._make_folder()
        asked = stop if need < _OVERDUE else _never
        if not write_merged(self._folder, name, sources, self._key, asked):
            return None
        fsync_folder(self._folder)
        return self._replace(ledger, name, (chosen[-1] if chosen else 0, sources))

    def _need(self) -> float:
        """How much there is to be merged: 1 is enough."""
        blob_rows = sum(run.rows for run in self._young if run.name is None)
        files = sum(run.name is not None for run in self._young)
        return max(self._blobs / _MERGED_BLOBS, blob_rows / _MERGED_BLOB_ROWS, files / _MERGED_FILES)

    def _replace(self, ledger: Ledger, name: str, merged_away: tuple[int, list[Run]]) -> Merged:
        """Let a merged run take the place of all that came after the id ``kept``; then remove their files."""
        kept, sources = merged_away
        run = runs.mapped(self._folder, name, self._key)
        with ledger.write() as connection:
            number = connection.execute(insert(index_runs).values(name=name, rows=run.rows)).lastrowid
            gone = delete(index_runs).where(index_runs.c.id > kept, index_runs.c.id < number)
            count = connection.execute(gone).rowcount
        for source in sources:
            if source.name is not None:
                (self._folder / source.name).unlink(missing_ok=True)
        self._old = {key: old for key, old in self._old.items() if key <= kept} | {number: run}
        self._young, self._blobs, self._recent = [], 0, GrowingFilter()
        self._last = number, name
        return Merged(count, run.rows, (self._folder / name).stat().st_size)

    def sweep(self, connection: Connection) -> list[str]:
        """Remove what a killed process left: files that the ledger does not name. Returns their names."""
        if not self._folder.exists():
            return []
        known = {*connection.scalars(select(index_runs.c.name)), *(run.name for run in self._all_recent())}
        rubbish = sorted(entry.name for entry in self._folder.iterdir() if entry.name not in known)
        for name in rubbish:
            (self._folder / name).unlink(missing_ok=True)
        return rubbish


def _search(run: Run, hashes: SortedHashes, places: Places, found: NDArray[np.int64]) -> Places:
    """Look these places of ``hashes`` up in a run; returns those that were not found."""
    if not len(places):
        return places
    hits = run.search(hashes.a[places], hashes.b[places])
    found[places] = hits
    return places[hits < 0]


def _new_name() -> str:
    return f"{secrets.token_hex(8)}.run"


def _never() -> bool:
    return False
