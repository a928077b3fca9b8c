"""Classifiers as a user may write them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


class Share(ClassifierMixin, BaseEstimator):
    """Says the share of leavers in training, of everybody."""

    def fit(self, frame: Any, labels: Any) -> Share:
        self.classes_ = np.unique(labels)
        self.share_ = float(np.mean(labels))
        return self

    def predict_proba(self, frame: Any) -> Any:
        return np.tile([1 - self.share_, self.share_], (len(frame), 1))


class Broken(Share):
    """Raises where it is asked, with what a client's row holds in its message."""

    def predict_proba(self, frame: Any) -> Any:
        raise RuntimeError("client 4711")


class Wild(Share):
    """Gives what is no probability."""

    def predict_proba(self, frame: Any) -> Any:
        return np.full((len(frame), 2), np.nan)


class Silent(ClassifierMixin, BaseEstimator):
    """Says who leaves, and not how likely that is."""

    def fit(self, frame: Any, labels: Any) -> Silent:
        return self
