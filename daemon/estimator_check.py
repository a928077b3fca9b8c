"""Can the estimators that are named by their import paths be imported and used? Asked in a process of its own.

Run as ``python -m daemon.estimator_check NAME...`` it answers a sentence for each name, or null, as JSON: the process
that serves must not import what they import.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from daemon.configuration import ConfigurationError
from daemon.settings import Settings
from daemon.workers import SINGLE_THREADED, import_path
from handlers.domain.estimator_names import NoEstimator, is_own

PATIENCE_SECONDS = 120.0


def require_usable(settings: Settings, config: Path) -> None:
    """Raise ConfigurationError, which says of each estimator of the user's own what keeps it from being used."""
    own = [(place, name) for place, name in enumerate(settings.training.estimators) if is_own(name)]
    if not own:
        return
    found = zip(own, _asked([name for _, name in own]), strict=True)
    wrong = [f"{config}: training.estimators.{place}: {sentence}." for (place, _), sentence in found if sentence]
    if wrong:
        raise ConfigurationError(tuple(wrong))


def problem(name: str) -> str | None:
    """Import it, and fit it to a few invented rows with gaps; what is wrong with it, in a sentence."""
    import numpy as np

    from handlers import estimators
    from handlers.estimators.pipelines import frame_of

    numbers = np.arange(60, dtype=np.float64)
    columns = {"number": np.where(numbers % 7 == 0, np.nan, numbers)}
    columns["category"] = np.array(["a", "b", None] * 20, dtype=object)
    labels = (numbers % 3 == 0).astype(np.int64)
    try:
        fitted = estimators.load(name).fit(frame_of(columns), labels, 1)
        said = np.asarray(fitted.decision_function(frame_of(columns)), dtype=np.float64)
    except NoEstimator as error:
        return str(error)
    except Exception as error:
        return f"{name} cannot be fitted: {type(error).__name__}: {error}"
    if said.shape != labels.shape or not np.isfinite(said).all():
        return f"{name} gives probabilities that are none"
    return None


def _asked(names: list[str]) -> list[str | None]:
    line = [sys.executable, "-P", "-m", "daemon.estimator_check", *names]
    environment = {**os.environ, **SINGLE_THREADED, **import_path()}
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter; the names are arguments
            line, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        found: list[str | None] = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        return [f"{name} could not be tried out within {PATIENCE_SECONDS:g} s" for name in names]
    except (ValueError, IndexError):
        ending = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return [f"{name} could not be tried out: {ending[0]}" for name in names]
    return found


if __name__ == "__main__":
    sys.stdout.write("\n" + json.dumps([problem(name) for name in sys.argv[1:]]) + "\n")
