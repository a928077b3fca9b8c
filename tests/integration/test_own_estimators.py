"""Estimators of one's own: decided by the same rules, released, scored with, and never opened unless it is signed."""

from __future__ import annotations

import io
import os
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import msgspec
import numpy as np
import pytest

from handlers import activation, recovery, reproducing
from handlers.decision_state import read_state
from handlers.domain.scorer import NotAnswering, Opener, PipelineScorer, nobody
from handlers.estimators.pipelines import frame_of, opened
from handlers.proving import proved
from handlers.storage import releases
from handlers.storage.releases import ReleaseError
from tests.workshop import Workshop, clients

ROOT = Path(__file__).parents[2]
FOREST = "sklearn.ensemble.RandomForestClassifier(n_estimators=10, max_depth=3)"
BAYES = "sklearn.naive_bayes.GaussianNB"
COLUMNS = {
    "activity": np.array([1.0, np.nan, 55.0, 1e200]),
    "employees": np.array([3.0, 4.0, np.nan, -5.0]),
}
Make = Callable[..., Workshop]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(*estimators: str, **settings: Any) -> Workshop:
        training = {"minimum_rows": 60, "minimum_rare": 8, "estimators": estimators, **settings.pop("training", {})}
        return Workshop(tmp_path, training=training, **settings)

    return made


def fed(shop: Workshop, files: int = 1) -> Workshop:
    for number in range(files):
        shop.take(f"{number}.csv", clients(120, seed=number, prefix=f"m{number}-"))
        shop.settle()
    return shop


def stored(shop: Workshop, version: int) -> dict[str, bytes]:
    return releases.read_files(shop.workspace.releases, version, shop.workspace.keys)


def test_a_forest_goes_from_a_drop_to_predictions_that_are_its_own(make: Make) -> None:
    shop = fed(make(FOREST))
    release = shop.champion()
    assert release is not None
    assert (release.version, release.estimator, release.form, release.scorecard) == (1, FOREST, "pipeline", None)
    files = stored(shop, 1)
    assert "scorecard.json" not in files
    model = joblib.load(io.BytesIO(files["model.joblib"]))
    own = model.predict_proba(frame_of(COLUMNS))[:, 1]
    np.testing.assert_allclose(release.scorer.probabilities(COLUMNS), own, rtol=0, atol=1e-12)
    shop.take("new.csv", clients(30, seed=9, prefix="n", labelled=False))
    answers = (shop.workspace.predictions / "new.csv").read_text().splitlines()
    assert len(answers) == 31
    assert answers[0] == "corporation,probability,prediction,model_version"


def test_its_calibration_threshold_and_importance_are_recorded(make: Make) -> None:
    release = fed(make(FOREST)).champion()
    assert release is not None
    scorer = release.scorer
    assert isinstance(scorer, PipelineScorer)
    assert msgspec.to_builtins(scorer.calibration) == release.manifest["calibration"]
    assert scorer.threshold == release.manifest["threshold"] > 0
    assert scorer.importance["activity"] > scorer.importance["employees"] > 0


def hump(count: int, seed: int) -> list[tuple[object, ...]]:
    """Clients of whom those of middling activity leave: a straight line sees nothing in it, a forest does."""
    chance = random.Random(seed)  # noqa: S311 - data for tests
    rows: list[tuple[object, ...]] = []
    for number in range(count):
        activity = chance.randrange(100)
        leaves = chance.random() < (0.8 if 35 <= activity < 65 else 0.1)
        rows.append((f"h{seed}-{number}", activity, chance.randrange(1, 500), int(leaves)))
    return rows


@pytest.mark.parametrize(("lead", "what"), [(0.9, "blend of both"), (0.03, "RandomForestClassifier(")])
def test_a_mixture_is_decided_by_the_same_rules_and_what_is_blended_with_a_pipeline_is_one(
    make: Make, lead: float, what: str
) -> None:
    shop = make("logistic", FOREST, training={"single_lead": lead})
    shop.take("first.csv", hump(300, 1))
    assert shop.settle() == ["promoted", "promoted"]
    sentences = [str(one.record["sentence"]) for one in shop.decisions() if one.record]
    assert "Deployed model 1 (logistic regression)" in sentences[0]
    assert f"Deployed model 2 ({what}" in sentences[1]
    assert "The other estimators are compared with the first model." in sentences[1]
    assert [activation.proved(shop.house, version).form for version in (1, 2)] == ["scorecard", "pipeline"]
    shop.take("second.csv", hump(300, 2))
    assert shop.settle() == ["kept"]
    with shop.house.ledger.read() as connection:
        assert read_state(connection).previous is not None  # a scorecard scores beside the pipeline


def test_a_challenger_in_waiting_is_opened_only_with_our_signature_and_else_trained_again(make: Make) -> None:
    shop = fed(make(FOREST, training={"refresh_blocks": 1}), files=4)
    with shop.house.ledger.read() as connection:
        shadow = read_state(connection).shadows[0]
    place = shop.workspace.models / f"challenger-{shadow.name}" / "model.joblib"
    opened = shop.workspace.root / "opened"
    place.write_bytes(pickle_that_touches(opened))
    shop.take("later.csv", clients(120, seed=50, prefix="later"))
    shop.settle()
    assert not opened.exists()
    told = [fact for fact in shop.told if fact.event == "challenger.refitted"]
    assert [fact.fields["challenger"] for fact in told] == [shadow.name]
    assert "signature" in told[0].fields["detail"]


def test_it_is_trained_again_as_it_was(make: Make) -> None:
    shop = fed(make(FOREST, drift={"policy": "always"}), files=2)
    for version in (1, 2):
        assert reproducing.reproduce(shop.house, version).differences == ()


def test_another_model_is_told_from_it(make: Make) -> None:
    shop = fed(make(FOREST))
    before = shop.champion()
    assert before is not None
    trained = reproducing._trained(shop.house, before)
    shifted = PipelineScorer(before.scorer.features, 0.9, lambda columns: trained.scorer.log_odds(columns) + 0.1)
    found = list(reproducing._compared(shifted, trained))
    assert len(found) == 3
    assert found[2] == "It says something else of 120 of the 120 rows that it learned from."


def test_its_report_shows_what_matters_to_it(make: Make) -> None:
    shop = fed(make(FOREST))
    told = recovery.write_missing_reports(shop.house)
    assert [fact.event for fact in told] == ["report.written"]
    assert (shop.workspace.reports / "1" / "effects.png").stat().st_size > 5_000


def test_back_to_a_pipeline_by_hand_it_is_proved_again(make: Make) -> None:
    shop = fed(make(FOREST, drift={"policy": "always"}), files=2)
    assert shop.deploy(1).version == 1
    shop.house = _with(shop, pipelines=nobody)
    with pytest.raises(NotAnswering, match="Model 2 has no scorecard"):
        activation.activate(shop.house, 2)
    shop.house = _with(shop, pipelines=opened)
    current = shop.champion()
    assert current is not None
    assert current.version == 1


def test_a_release_that_says_something_else_than_its_golden_rows_is_not_deployed(make: Make) -> None:
    shop = fed(make(FOREST, drift={"policy": "always"}), files=2)
    shop.house = _with(shop, pipelines=Opener(lambda *_: lambda columns: np.zeros(len(columns["activity"]))))
    with pytest.raises(activation.NotDeployable, match="does not give the predictions"):
        activation.activate(shop.house, 1)


def test_where_no_process_answers_rows_are_not_scored_by_anything_else(make: Make) -> None:
    shop = fed(make(FOREST))
    shop.house = _with(shop, pipelines=nobody)
    with pytest.raises(NotAnswering):
        shop.take("new.csv", clients(30, seed=9, prefix="n", labelled=False))


WATCHED = """
import sys
from pathlib import Path
from daemon.pipeline_tasks import Holder
from daemon.settings import Settings
from daemon.tasks import Greeting, Open, Refused
import msgspec
seen = []
sys.addaudithook(lambda event, arguments: seen.append(arguments) if event == "pickle.find_class" else None)
try:
    Holder(Greeting(msgspec.to_builtins(Settings()), sys.argv[1])).run(Open(1))
    print("opened", len(seen) > 0)
except Refused as error:
    print("refused", len(seen) > 0, error)
"""


def _open(root: Path) -> str:
    line = [sys.executable, "-c", WATCHED, str(root / "config.json")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(line, capture_output=True, text=True, env=environment, timeout=60, check=True)
    return done.stdout.strip()


def test_nothing_of_a_release_that_was_tampered_with_is_unpickled(make: Make) -> None:
    shop = fed(make(BAYES))
    root, place = shop.workspace.root, shop.workspace.releases / "1"
    assert _open(root) == "opened True"  # so that the hook is known to see it
    model = (place / "model.joblib").read_bytes()
    touched = root / "touched"
    changes: dict[str, bytes] = {
        "model.joblib": pickle_that_touches(touched),
        "pipeline.json": (place / "pipeline.json").read_bytes().replace(b"0.", b"1.", 1),
        "manifest.json": (place / "manifest.json").read_bytes().replace(b'"provisional"', b'"provisionaI"'),
        "manifest.sig": b"\0" * 64,
    }
    for name, content in changes.items():
        before = (place / name).read_bytes()
        (place / name).write_bytes(content)
        assert _open(root).startswith("refused False")
        with pytest.raises(ReleaseError):
            activation.proved(shop.house, 1)
        (place / name).write_bytes(before)
    flipped = bytearray(model)
    flipped[len(flipped) // 2] ^= 1
    (place / "model.joblib").write_bytes(flipped)
    assert _open(root).startswith("refused False")
    assert not touched.exists()


class _Touching:
    """What is run when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


def pickle_that_touches(path: Path) -> bytes:
    model = io.BytesIO()
    joblib.dump(_Touching(path), model)
    return model.getvalue()


def _with(shop: Workshop, **changes: Any) -> Any:
    return replace(shop.house, **changes)


def test_a_replica_that_holds_no_pipelines_refuses_such_a_release_and_says_why(make: Make) -> None:
    shop = fed(make(BAYES))
    with pytest.raises(NotAnswering, match="Model 1 has no scorecard, and there is no process here"):
        proved(shop.workspace.releases, 1, shop.workspace.keys)


def test_a_class_that_is_no_longer_there_is_a_release_that_cannot_be_used(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "packages"
    package.mkdir()
    (package / "fleeting.py").write_text("from sklearn.naive_bayes import GaussianNB\nclass Mine(GaussianNB): pass\n")
    monkeypatch.syspath_prepend(package)
    shop = fed(make("fleeting.Mine"))
    assert shop.champion() is not None
    (package / "fleeting.py").unlink()
    monkeypatch.delitem(sys.modules, "fleeting")
    with pytest.raises(ReleaseError, match=r"release 1 does not answer: it cannot be opened: ModuleNotFoundError"):
        shop.champion()
