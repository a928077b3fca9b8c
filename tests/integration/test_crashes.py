"""A kill at any write: after the recovery and the same folder again, everything is as if nothing had happened."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from handlers import estimators, training
from handlers.storage.ledger import Ledger
from tests.workshop import Workshop, clients

LABELS = ("corporation", "exited")
TURNS = 6
"""The steps are taken in turns, so that each test stays short."""
SETTINGS: dict[str, Any] = {
    "training": {"minimum_rows": 40, "minimum_rare": 4},
    "drift": {"policy": "always"},
    "ingestion": {"after": "archive"},
    "retention": {"releases": 2},
}


class Killed(BaseException):
    """The process is gone: nothing that handles errors may stand in its way."""


class Clockwork:
    """Counts the steps that make something last, and kills at one of them; after that nothing is written any more."""

    def __init__(self, fatal: int = 0) -> None:
        self.fatal = fatal
        self.steps = 0
        self.dead = False

    def step(self) -> None:
        """One step more."""
        self.steps += 1
        if self.dead or self.steps == self.fatal:
            self.dead = True
            raise Killed


class FragileLedger(Ledger):
    """A ledger whose process may be killed just before a commit, or just after it."""

    def __init__(self, path: Path, clockwork: Clockwork) -> None:
        super().__init__(path)
        self._clockwork = clockwork

    @contextmanager
    def write(self) -> Iterator[Connection]:
        clockwork: Clockwork | None = getattr(self, "_clockwork", None)
        with super().write() as connection:
            yield connection
            if clockwork is not None:
                clockwork.step()
        if clockwork is not None:
            clockwork.step()


class Remembering:
    """A recipe that is asked the same things a hundred times: the same rows give the same model, so it fits once."""

    def __init__(self, recipe: Any) -> None:
        self._recipe = recipe
        self._fitted: dict[bytes, Any] = {}
        self.scorecard = recipe.scorecard

    def fit(self, frame: Any, labels: Any, seed: int, pairs: Any) -> Any:
        key = pickle.dumps((frame.to_csv(), labels.tolist(), seed, pairs))
        if key not in self._fitted:
            self._fitted[key] = self._recipe.fit(frame, labels, seed, pairs)
        return self._fitted[key]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learning is not what is tested here."""
    recipe = Remembering(estimators.load("logistic"))
    monkeypatch.setattr(training.estimators, "load", lambda _: recipe)


@pytest.fixture
def fragile() -> Iterator[Callable[[Clockwork | None], None]]:
    """Give what makes the process killable, and immortal again with None. Every file that is made to last passes
    here: parts, releases, predictions, links, copies."""
    fsync, replace, rename = os.fsync, Path.replace, Path.rename
    patch = pytest.MonkeyPatch()

    def install(clockwork: Clockwork | None) -> None:
        patch.undo()
        if clockwork is None:
            return

        def synced(descriptor: int) -> None:
            clockwork.step()
            fsync(descriptor)

        def replaced(path: Path, target: Path) -> Path:
            clockwork.step()
            return replace(path, target)

        def renamed(path: Path, target: Path) -> Path:
            clockwork.step()
            return rename(path, target)

        patch.setattr(os, "fsync", synced)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "rename", renamed)

    yield install
    patch.undo()


def fill(shop: Workshop) -> None:
    """The folder as people have filled it."""
    shop.drop("1.csv", clients(20))
    shop.drop("2.csv", [*clients(5), *clients(20, seed=2, prefix="d"), *clients(6, prefix="u", labelled=False)])
    shop.drop("3.csv", [("u0", 1), ("u1", 0), ("d3", 1), ("nobody", 1), *((f"u{n}", 0) for n in range(2, 6))], LABELS)
    shop.drop("4.csv", [("x", "many", 1, 0)])
    shop.drop("5.csv", clients(8, seed=3, prefix="v", labelled=False))
    shop.drop("6.csv", clients(45, seed=4, prefix="e"))


def live(shop: Workshop) -> None:
    """What the daemon does with it: two groups, and all decisions after each."""
    there = sorted(path.name for path in shop.workspace.source.iterdir() if path.suffix == ".csv")
    for group in ([name for name in there if name <= "3.csv"], [name for name in there if name > "3.csv"]):
        shop.ingest(*group)
        shop.settle()


def state(shop: Workshop) -> dict[str, Any]:
    """Everything that a user can see of the outcome, without times."""
    champion = shop.champion()
    assert champion is not None
    return {
        "rows": sorted(map(repr, shop.rows())),
        "labels": shop.fact("labels"),
        "decisions": [
            (one.kind, one.rows, one.verdict, (one.record or {}).get("sentence")) for one in shop.decisions()
        ],
        "decided": shop.decided_rows(),
        "models": shop.models(),
        "scorecards": shop.scorecards(),
        "prequential": shop.fact("prequential"),
        "files": sorted((one.name, one.state, one.rows) for one in shop.files()),
        "ranked": {name: shop.ranked(name) for name in ("2.csv", "5.csv")},
        "predictions": {path.name: path.read_text() for path in shop.workspace.predictions.iterdir()},
        "finaldata": (shop.workspace.dataset / "finaldata.csv").read_text(),
        "archive": sorted(path.name for path in shop.workspace.archive.iterdir()),
        "source": sorted(path.name for path in shop.workspace.source.iterdir() if not path.name.startswith(".")),
        "current": (shop.workspace.production / "current").readlink().name,
        "releases": sorted(path.name for path in shop.workspace.releases.iterdir()),
        "quarantine": sorted(
            path.name for path in shop.workspace.quarantine.iterdir() if not path.name.startswith(".")
        ),
        "rejected": [path.read_text() for path in shop.workspace.rejected.iterdir() if not path.name.startswith(".")],
        "parts": sorted(path.name for path in shop.workspace.parts.iterdir()),
    }


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("turn", range(TURNS))
def test_after_a_kill_at_any_write_all_is_as_without_it(
    tmp_path: Path, fragile: Callable[[Clockwork | None], None], turn: int
) -> None:
    counting = Clockwork()
    clean = Workshop(tmp_path / "clean", ledger=lambda path: FragileLedger(path, counting), **SETTINGS)
    fill(clean)
    counting.steps = 0
    fragile(counting)
    live(clean)
    fragile(None)
    expected = state(clean)
    assert [one[2] for one in expected["decisions"]] == ["promoted", "promoted"]
    assert set(expected["decided"].values()) == {1}
    assert counting.steps > 80
    for fatal in range(turn + 1, counting.steps + 1, TURNS):
        clockwork = Clockwork()
        root = tmp_path / str(fatal)
        shop = Workshop(root, ledger=lambda path, clockwork=clockwork: FragileLedger(path, clockwork), **SETTINGS)
        fill(shop)
        clockwork.steps, clockwork.fatal = 0, fatal
        fragile(clockwork)
        with pytest.raises(Killed):
            live(shop)
        fragile(None)
        shop.house.ledger.close()
        again = Workshop(root, **SETTINGS)
        again.recover()
        live(again)
        found = state(again)
        for name, value in expected.items():
            assert found[name] == value, f"killed at step {fatal}: {name}"
        again.house.ledger.close()
