"""The original exercise: its five keys, files of a dozen rows one by one, and a client of its four endpoints."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.end_to_end import books
from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import FIVE_KEYS, drop, workspace

HEADER = "corporation,lastmonth_activity,lastyear_activity,number_of_employees,exited\n"
FIRST = """\
abel,112,1410,2,0
bram,61,301,12,0
cove,74,902,37,1
dune,640,3610,98,0
elba,41,690,9,0
fife,0,25,23,1
gate,201,944,17,1
hull,22,1018,31,0
iota,7,52,1,1
jura,0,71,13,1
"""
SECOND = """\
keel,81,1002,11,1
lido,17,2210,22,0
mast,175,3790,33,0
nave,104,9900,2,1
fife,0,25,23,1
gate,201,944,17,1
hull,22,1018,31,0
iota,7,52,1,1
"""
THIRD = """\
abel,51,0,97,1
bram,33,229,530,0
cove,27,561,21,0
dune,13,12,180,1
elba,99,2870,1001,1
"""
FOURTH = """\
keel,95,850,3,0
lido,1250,0,12,0
mast,0,27,10,1
nave,790,133,8,1
keel,95,850,3,0
"""
TEST = """\
oboe,230,4,11,1
pike,15,2160,97,0
quay,36,340,990,0
reef,99,12100,2,1
sail,0,660,24,1
"""
DROPS = {"dataset1.csv": FIRST, "dataset2.csv": SECOND, "dataset3.csv": THIRD, "dataset4.csv": FOURTH}
DISTINCT = 10 + 4 + 5 + 4


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    """All four files have come one by one, each after the one before was decided on."""
    folder = tmp_path_factory.mktemp("exercise") / "work"
    config = workspace(folder)
    assert config.read_text().count(":") == len(FIVE_KEYS), "five keys and nothing else"
    (folder / "testdata").mkdir()
    (folder / "testdata" / "testdata.csv").write_text(HEADER + TEST)
    with running(config) as process:
        for name, rows in DROPS.items():
            decided = len(process.events("model.promoted"))
            drop(folder / "sourcedata", name, HEADER + rows)
            process.wait_file(name, "ingested")
            process.wait_count("model.promoted", decided + 1)
            process.wait_settled()
        yield process


def test_the_distinct_rows_are_in_finaldata(daemon: DaemonProcess) -> None:
    dropped = {books.plain(line.split(",")) for text in DROPS.values() for line in text.split()}
    rows = books.finaldata(daemon.root)
    assert len(rows) == DISTINCT == len(dropped)
    assert set(rows) == dropped
    assert (daemon.root / "ingesteddata" / "finaldata.csv").read_text().startswith(HEADER)
    assert (daemon.root / "ingesteddata" / "ingestedfiles.txt").read_text().split() == list(DROPS)


def test_prediction_takes_the_path_of_a_file(daemon: DaemonProcess) -> None:
    for address in ("/prediction", "/v1/prediction"):
        answer = daemon.post(address, {"dataset_path": "testdata/testdata.csv"})
        assert answer["ids"] == ["oboe", "pike", "quay", "reef", "sail"]
        assert set(answer["predictions"]) <= {0, 1}
        assert all(0.0 <= value <= 1.0 for value in answer["probabilities"])
        assert answer["model_version"] == len(DROPS)


def test_prediction_reads_nothing_outside_the_folders(daemon: DaemonProcess) -> None:
    for path in ("../../etc/passwd", "/etc/passwd", "config.json", "ingesteddata/keys/release.key"):
        problem = daemon.request("POST", "/prediction", b'{"dataset_path": "%s"}' % path.encode())
        assert 400 <= problem[0] < 500


def test_the_other_three_answer(daemon: DaemonProcess) -> None:
    scoring = daemon.get("/scoring")
    assert scoring["evaluated_on"] == {"what": "testdata", "rows": 5}
    stats = daemon.get("/summarystats")
    assert stats["rows"] == DISTINCT
    column: dict[str, Any] = next(one for one in stats["columns"] if one["name"] == "number_of_employees")
    values = sorted({tuple(line.split(",")) for text in DROPS.values() for line in text.split()})
    employees = np.array([int(row[3]) for row in values])
    assert column["mean"] == pytest.approx(employees.mean())
    assert column["median"] == np.median(employees)
    assert column["missing"] == 0
    diagnostics = daemon.get("/diagnostics")
    assert diagnostics["timing"]["ingestion"]["files"] == len(DROPS)
    assert diagnostics["timing"]["training"]["count"] >= len(DROPS)
    assert set(diagnostics["missing"].values()) == {0.0}
    assert "scikit-learn" in {one["name"] for one in diagnostics["dependencies"]}


def test_production_has_the_model_its_own_score_and_the_files(daemon: DaemonProcess) -> None:
    production = daemon.root / "production_deployment"
    with (production / "trainedmodel.pkl").open("rb") as file:
        model = pickle.load(file)  # noqa: S301 - as a user of the original exercise does
    test = pd.read_csv(daemon.root / "testdata" / "testdata.csv")
    names = list(
        getattr(model, "feature_names_in_", ["lastmonth_activity", "lastyear_activity", "number_of_employees"])
    )
    chances = model.predict_proba(test[names].astype(float))[:, 1]
    answer = daemon.post("/prediction", {"dataset_path": "testdata/testdata.csv"})
    assert answer["probabilities"] == pytest.approx(chances.tolist(), abs=1e-6), "what is served is that model"
    said, truth = np.array(answer["predictions"]), test["exited"].to_numpy()
    hits = int((said & truth).sum())
    f1 = 2 * hits / (said.sum() + truth.sum()) if hits else 0.0
    assert float((production / "latestscore.txt").read_text()) == pytest.approx(f1)
    assert daemon.get("/scoring")["f1"] == pytest.approx(f1)
    assert (production / "ingestedfiles.txt").read_text().split() == list(DROPS)
    assert all((production / name).is_symlink() for name in ("trainedmodel.pkl", "latestscore.txt"))


def test_so_few_rows_give_a_model_that_is_marked_for_what_it_is(daemon: DaemonProcess) -> None:
    newest = daemon.get("/v1/models")["items"][0]
    assert newest["state"] == "current"
    assert newest["provisional"] is True
    assert newest["trained_rows"] == DISTINCT


def test_it_stops(daemon: DaemonProcess) -> None:
    daemon.stop()
