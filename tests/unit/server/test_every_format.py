"""A client is worth the same in whatever form it is sent: what the estimator itself says of it, to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from handlers.clients import Clients
from handlers.domain.calibration import Calibration, calibrated
from handlers.domain.limits import RequestLimits
from handlers.domain.release import Release
from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.domain.scorecard import Scorecard
from handlers.estimators import BLEND, NAMES, Fitted, load
from handlers.object_reading import ObjectReader
from handlers.prediction import Prediction, predict, predict_together
from server import wire
from server.json_requests import decode_request
from tests.unit.server import small_house
from tests.unit.server.drawn_clients import ID, KNOWN, NUMBERS, WORDS, Drawn, tables

ROWS = 240
LIMITS = RequestLimits()
CALIBRATION = Calibration(0.3, 0.8)
SCHEMA = Schema(
    version=1,
    columns=(
        Column(ID, ColumnType.TEXT, Role.ID),
        *(Column(name, ColumnType.NUMBER, Role.FEATURE) for name in NUMBERS),
        *(Column(name, ColumnType.CATEGORY, Role.FEATURE) for name in WORDS),
        Column("exited", ColumnType.INTEGER, Role.TARGET),
    ),
    provisional=False,
    negative_label="0",
)


@dataclass(frozen=True, slots=True)
class Model:
    """An estimator as it was fitted, and the release that serves it, calibrated."""

    fitted: Fitted
    release: Release
    scorecard: Scorecard


def training() -> tuple[pd.DataFrame, np.ndarray]:
    """Numbers and categories, each with gaps, one column with nothing but gaps; all but that one say something."""
    rng = np.random.default_rng(5)
    activity, seats = rng.normal(100, 20, ROWS), rng.integers(1, 200, ROWS).astype(float)
    words = {name: rng.choice(np.array(KNOWN[name], dtype=object), ROWS) for name in WORDS}
    logit = (100 - activity) / 10 + (seats > 120) + 2 * (words["plan"] == "trial") + 2 * (words["code"] == "12")
    activity[rng.random(ROWS) < 0.1] = np.nan
    logit = np.where(np.isnan(activity), 3, logit)
    seats[rng.random(ROWS) < 0.1] = np.nan
    for one in words.values():
        one[rng.random(ROWS) < 0.1] = None
    frame = pd.DataFrame({"activity": activity, "seats": seats, "never": np.full(ROWS, np.nan)})
    for name, one in words.items():
        frame[name] = pd.Series(one, dtype=object)
    return frame, (rng.random(ROWS) < 1 / (1 + np.exp(1.5 - logit))).astype(np.int8)


@pytest.fixture(scope="module")
def models() -> Mapping[str, Model]:
    frame, labels = training()
    found = {}
    for name in (*NAMES, BLEND):
        estimator = load(name)
        fitted = estimator.fit(frame, labels, 1)
        card = estimator.scorecard(fitted, frame)
        assert card is not None
        served = calibrated(card, CALIBRATION)
        found[name] = Model(fitted, replace(small_house.release(), scorer=served, schema=SCHEMA), card)
    return found


def of_objects(release: Release, content: bytes) -> Clients:
    objects = decode_request(content).clients
    assert isinstance(objects, list)
    return wire.clients_of_objects(release, objects, LIMITS)


def each_form(release: Release, drawn: Drawn) -> dict[str, Clients]:
    """The clients as the server reads them from each form that they may be sent in."""
    content = drawn.csv()
    return {
        "JSON": of_objects(release, drawn.json()),
        "loose JSON": of_objects(release, drawn.loose_json()),
        "CSV": wire.clients_of_csv(release, content, LIMITS, max_bytes=len(content)),
        "Arrow": wire.clients_of_arrow(release, drawn.arrow(), LIMITS),
    }


def one_by_one(release: Release, drawn: Drawn) -> np.ndarray:
    """What is said of clients that come each in a request of its own, and are scored without numpy."""
    objects = decode_request(drawn.loose_json()).clients
    assert isinstance(objects, list)
    said = [predict_together(release, ObjectReader(release), [[one]])[0] for one in objects]
    return np.concatenate([one.probabilities for one in said if isinstance(one, Prediction)])


@given(drawn=tables())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_clients_are_worth_what_the_estimator_says_in_every_form(models: Mapping[str, Model], drawn: Drawn) -> None:
    forms = each_form(models["logistic"].release, drawn)
    ids = [row[ID] for row in drawn.rows]
    assert {form: clients.ids[:] for form, clients in forms.items()} == dict.fromkeys(forms, ids)
    frame = drawn.frame()
    for name, model in models.items():
        assert model.release.scorer.features == models["logistic"].release.scorer.features
        said = {form: predict(model.release, clients).probabilities for form, clients in forms.items()}
        said["one by one"] = one_by_one(model.release, drawn)
        for form, probabilities in said.items():
            assert probabilities.tobytes() == said["JSON"].tobytes(), f"{name}, {form}"
        columns = forms["Arrow"].columns
        own = model.fitted.decision_function(frame)
        served = (model.release.scorer.log_odds(columns) - CALIBRATION.intercept) / CALIBRATION.slope
        np.testing.assert_allclose(served, own, rtol=0, atol=1e-9, err_msg=name)
        plain = model.scorecard.probabilities(columns)
        np.testing.assert_allclose(plain, model.fitted.predict_proba(frame)[:, 1], rtol=0, atol=1e-9, err_msg=name)
