"""An estimator with its calibration, as a release keeps it."""

from __future__ import annotations

import io

import joblib
import numpy as np
import pandas as pd
import pytest

from handlers import estimators
from handlers.domain import calibration
from handlers.domain.calibration import IDENTITY, Calibration
from handlers.estimators.calibrated import calibrated
from handlers.estimators.frames import columns_of

RNG = np.random.default_rng(3)
FRAME = pd.DataFrame(
    {
        "calls": RNG.normal(size=300),
        "region": pd.Series(RNG.choice(["north", "south"], size=300).tolist(), dtype=object),
    }
)
LABELS = (RNG.random(300) < 1 / (1 + np.exp(-FRAME["calls"]))).astype(np.int8).to_numpy()


@pytest.mark.parametrize("name", ["logistic", "blend"])
def test_what_is_kept_says_what_is_served(name: str) -> None:
    recipe = estimators.load(name)
    fitted = recipe.fit(FRAME, LABELS, 1, ())
    scale = Calibration(0.3, 0.8)
    served = calibration.calibrated(recipe.scorecard(fitted, FRAME), scale)
    stored = io.BytesIO()
    joblib.dump(calibrated(fitted, scale, FRAME), stored)
    kept = joblib.load(stored)
    assert kept.predict_proba(FRAME)[:, 1] == pytest.approx(served.probabilities(columns_of(FRAME)), abs=1e-9)


def test_without_a_calibration_the_estimator_stays_what_it_is() -> None:
    fitted = estimators.load("logistic").fit(FRAME, LABELS, 1)
    assert calibrated(fitted, IDENTITY, FRAME) is fitted
