"""Frames to learn from: drawn ones for properties, and made ones with a known effect."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from hypothesis import strategies as st

# Interpret reads numbers by C and drops NUL at the end of a text: neither can come out of a CSV that was accepted.
NUMBER = st.one_of(st.just(math.nan), st.integers(-2, 2).map(float), st.floats(-1e12, 1e12, allow_subnormal=False))
WORD = st.one_of(st.none(), st.sampled_from(["a", "b", "1", "1.0", "nan", "None"]), st.text("xyäÖ ", max_size=3))
COLUMN = st.sampled_from(["number", "word", "constant", "missing", "missing_word", "one_word"])


@st.composite
def learnable(draw: st.DrawFn) -> tuple[pd.DataFrame, np.ndarray, pd.DataFrame]:
    """Draw a training frame of 17 to 60 rows, labels of both classes, and a frame that holds what was never seen."""
    names = draw(st.lists(COLUMN, min_size=1, max_size=6).map(lambda drawn: list(enumerate(drawn))))
    rows = draw(st.integers(17, 60))
    kinds = {
        "number": NUMBER,
        "word": WORD,
        "constant": st.just(7.5),
        "missing": st.just(math.nan),
        "missing_word": st.none(),
        "one_word": st.just("only"),
    }

    def frame(count: int, *, unseen: bool) -> pd.DataFrame:
        columns = {}
        for index, kind in names:
            is_word = kind.endswith("word")
            values = kinds[kind] if not unseen else WORD if is_word else NUMBER
            drawn = draw(st.lists(values, min_size=count, max_size=count))
            columns[f"{kind}{index}"] = pd.Series(drawn, dtype=object if is_word else "float64")
        return pd.DataFrame(columns)

    labels = np.array([0, 1, *draw(st.lists(st.integers(0, 1), min_size=rows - 2, max_size=rows - 2))], dtype=np.int8)
    return frame(rows, unseen=False), labels, frame(10, unseen=True)


def clients(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Make clients whose risk falls with activity, is highest for one plan, and rises where activity is missing."""
    rng = np.random.default_rng(seed)
    activity = rng.normal(100, 20, rows)
    plan = rng.choice(["basic", "gold", "trial"], rows).astype(object)
    logit = -1 - (activity - 100) / 10 + 2 * (plan == "trial")
    gap = rng.random(rows) < 0.1
    logit = np.where(gap, 2, logit)
    activity[gap] = np.nan
    plan[rng.random(rows) < 0.05] = None
    frame = pd.DataFrame({"activity": activity, "plan": plan, "noise": rng.normal(size=rows)})
    frame["plan"] = frame["plan"].astype(object).where(frame["plan"].notna(), None)
    return frame, (rng.random(rows) < 1 / (1 + np.exp(-logit))).astype(np.int8)
