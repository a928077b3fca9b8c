"""A pipeline's scorer beside its model, and a scorecard as ever."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.axes import Columns, Floats
from handlers.domain.calibration import Calibration
from handlers.domain.scorecard import Feature, Scorecard
from handlers.domain.scorer import NotAnswering, Opener, PipelineScorer, Say, nobody
from handlers.storage import scorer_files
from tests.unit.server.small_house import SCORECARD


def ones(columns: Columns) -> Floats:
    return np.ones(len(columns["seats"]))


SCORER = PipelineScorer(
    features=(Feature("seats", True), Feature("plan", False)),
    threshold=0.3,
    say=ones,
    calibration=Calibration(0.5, 2.0),
    categories={"plan": frozenset({"gold", None})},
    importance={"seats": 1.5, "plan": 0.0},
    pairs=(("seats", "plan"),),
)


def test_what_is_known_of_a_pipeline_is_read_back_and_its_model_is_given_to_whoever_opens_it() -> None:
    given = []

    def opener(version: int, model: bytes) -> Say:
        given.append((version, model))
        return ones

    files = {**scorer_files.encode(SCORER), scorer_files.MODEL: b"pickle"}
    read = scorer_files.decode(files, 7, Opener(opener, reads_model=True))
    assert given == [(7, b"pickle")]
    assert isinstance(read, PipelineScorer)
    for name in ("form", "features", "threshold", "calibration", "categories", "importance", "pairs"):
        assert getattr(read, name) == getattr(SCORER, name)
    assert (
        read.probabilities({"seats": np.zeros(2), "plan": np.array(["a", None])}).tolist() == [0.7310585786300049] * 2
    )


def test_a_scorecard_is_read_back_and_nothing_is_opened() -> None:
    files = {**scorer_files.encode(SCORECARD), scorer_files.MODEL: b"pickle"}
    read = scorer_files.decode(files, 1, Opener(lambda *_: pytest.fail("it was opened")))
    assert isinstance(read, Scorecard)
    assert read.form == "scorecard"


@pytest.mark.parametrize(("old", "new"), [(b'"format": 1', b'"format": 2'), (b'"threshold"', b'"thresholt"')])
def test_another_form_is_refused(old: bytes, new: bytes) -> None:
    files = {**scorer_files.encode(SCORER), scorer_files.MODEL: b"pickle"}
    files["pipeline.json"] = files["pipeline.json"].replace(old, new)
    with pytest.raises(ValueError, match=r"pipeline\.json"):
        scorer_files.decode(files, 1, nobody)


def test_where_no_process_holds_pipelines_it_says_so_and_nothing_is_unpickled() -> None:
    files = {**scorer_files.encode(SCORER), scorer_files.MODEL: b"no pickle"}
    with pytest.raises(NotAnswering, match="Model 3 has no scorecard"):
        scorer_files.decode(files, 3, nobody).log_odds({"seats": np.zeros(1), "plan": np.array([None])})


def test_the_model_is_held_in_memory_only_for_who_opens_it() -> None:
    given: list[bytes] = []

    def opener(version: int, model: bytes) -> Say:
        given.append(model)
        return ones

    scorer_files.decode(scorer_files.encode(SCORER), 7, Opener(opener))
    assert given == [b""]
    with pytest.raises(KeyError, match=r"model\.joblib"):
        scorer_files.decode(scorer_files.encode(SCORER), 7, Opener(opener, reads_model=True))
