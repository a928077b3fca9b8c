"""A kill at any write: after the recovery and the same folder again, everything is as if nothing had happened."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from handlers import estimators, training
from handlers.decision_state import read_state
from handlers.storage.ledger import Ledger
from handlers.storage.tables import events
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


EVIDENCE: dict[str, Any] = {
    "training": {"minimum_rows": 40, "minimum_rare": 4, "growth": 1.2},
    "retention": {"challengers": 1},
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What happens in a workspace. ``turns``: each test takes one step in so many."""

    settings: dict[str, Any]
    fill: Callable[[Workshop], None]
    live: Callable[[Workshop], None]
    turns: int


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


def after_kills(
    tmp_path: Path, fragile: Callable[[Clockwork | None], None], scene: Scene, turn: int
) -> Iterator[tuple[int, Workshop, Workshop]]:
    """At each step of this turn: its number, the workspace where the process was killed there, and one undisturbed."""
    counting = Clockwork()
    clean = Workshop(tmp_path / "clean", ledger=lambda path: FragileLedger(path, counting), **scene.settings)
    scene.fill(clean)
    counting.steps = 0
    fragile(counting)
    scene.live(clean)
    fragile(None)
    assert counting.steps > 80
    for fatal in range(turn + 1, counting.steps + 1, scene.turns):
        clockwork = Clockwork()
        root = tmp_path / str(fatal)
        shop = Workshop(root, ledger=lambda path, clockwork=clockwork: FragileLedger(path, clockwork), **scene.settings)
        scene.fill(shop)
        clockwork.steps, clockwork.fatal = 0, fatal
        fragile(clockwork)
        with pytest.raises(Killed):
            scene.live(shop)
        fragile(None)
        shop.house.ledger.close()
        again = Workshop(root, **scene.settings)
        again.recover()
        scene.live(again)
        yield fatal, again, clean
        again.house.ledger.close()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("turn", range(TURNS))
def test_after_a_kill_at_any_write_all_is_as_without_it(
    tmp_path: Path, fragile: Callable[[Clockwork | None], None], turn: int
) -> None:
    for fatal, killed, clean in after_kills(tmp_path, fragile, Scene(SETTINGS, fill, live, TURNS), turn):
        expected, found = state(clean), state(killed)
        assert [one[2] for one in expected["decisions"]] == ["promoted", "promoted"]
        assert set(expected["decided"].values()) == {1}
        for name, value in expected.items():
            assert found[name] == value, f"killed at step {fatal}: {name}"


# -- evidence -----------------------------------------------------------------------------------------------------


def fill_months(shop: Workshop) -> None:
    """A first month, a quiet one, a broken one, and one in which those leave who stayed before."""
    shop.drop("1.csv", clients(200))
    shop.drop("2.csv", clients(60, seed=2, prefix="b"))
    shop.drop("3.csv", [(name, None, *rest) for name, _, *rest in clients(60, seed=3, prefix="c")])
    turned = clients(200, seed=4, prefix="d")
    shop.drop("4.csv", [(*row[:-1], 1 - int(str(row[-1]))) for row in turned])


def live_by_months(shop: Workshop) -> None:
    """A file at a time, and all decisions after each."""
    for name in sorted(path.name for path in shop.workspace.source.iterdir() if path.suffix == ".csv"):
        shop.ingest(name)
        shop.settle()


def evidence(shop: Workshop) -> dict[str, Any]:
    """What decisions on evidence leave behind, without times."""
    with shop.house.ledger.read() as connection:
        after = read_state(connection)
    challengers = {shadow.name: shadow for shadow in after.shadows}
    return {
        "state": after,
        "decisions": [(one.kind, one.rows, one.verdict, one.record) for one in shop.decisions()],
        "decided": shop.decided_rows(),
        "files": sorted((one.name, one.state, one.reason) for one in shop.files()),
        "models": shop.models(),
        "scorecards": shop.scorecards(),
        "scores": shop.scores(),
        "prequential": shop.fact("prequential"),
        "challengers": {
            name: (shop.workspace.models / f"challenger-{name}" / "scorecard.json").read_bytes() for name in challengers
        },
        "kept": sorted(path.name for path in shop.workspace.models.iterdir()),
        "events": committed(shop),
    }


def committed(shop: Workshop) -> list[tuple[str, Any]]:
    """What the ledger has kept of what decisions told."""
    with shop.house.ledger.read() as connection:
        told = connection.execute(select(events.c.event, events.c.facts).order_by(events.c.seq)).all()
    return [(event, fields) for event, fields in told if "decision" in fields]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("turn", [0, 9])
def test_after_a_kill_decisions_on_evidence_their_state_and_their_challengers_are_as_without_it(
    tmp_path: Path, fragile: Callable[[Clockwork | None], None], turn: int
) -> None:
    scene = Scene(EVIDENCE, fill_months, live_by_months, 18)
    for fatal, killed, clean in after_kills(tmp_path, fragile, scene, turn):
        expected, found = evidence(clean), evidence(killed)
        assert [one[2] for one in expected["decisions"]] == ["promoted", "kept", "held", "promoted"]
        assert expected["challengers"]
        assert set(expected["decided"].values()) == {1}
        for name, value in expected.items():
            assert found[name] == value, f"killed at step {fatal}: {name}"
