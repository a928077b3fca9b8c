"""The picture of a replay."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.replay_outcome import Judged, Outcome
from handlers.figures import replay, style


def _outcome(policy: str, losses: list[float | None]) -> Outcome:
    steps = tuple(
        Judged(number, 0 if loss is None else 100, loss, "kept", "none", "stable", None, None, number == 5, number == 6)
        for number, loss in enumerate(losses, start=1)
    )
    return Outcome(policy, 1, 100, 0.5, 0.7, 0.6, 1, 1, 1, steps)


def test_each_policy_has_a_line_and_its_marks_stand_at_their_blocks() -> None:
    figure = style.new_figure(9.0, 5.0)
    replay.draw(figure, [_outcome("always:$5", [None, *[0.4] * 7]), _outcome("never", [None, *[0.6] * 7])])
    losses, deeds = figure.axes
    assert [text.get_text() for text in losses.get_legend().get_texts()] == ["always:$5 0.5000", "never 0.5000"]
    assert [line.get_ydata()[0] for line in losses.lines] == pytest.approx([0.4, 0.6])
    marks = {line.get_marker(): line.get_xdata().tolist() for line in deeds.lines if line.get_marker() in ("|", "v")}
    assert marks == {"|": [5], "v": [4]}, "the block before the first model has no place"
    figure.canvas.draw()


def test_without_a_scored_row_it_says_so() -> None:
    figure = style.new_figure(9.0, 5.0)
    replay.draw(figure, [_outcome("never", [None, None])])
    assert [text.get_text() for text in figure.axes[0].texts] == ["No model has scored a row."]


def test_a_smoothed_line_is_the_weighted_mean_of_its_neighbours() -> None:
    values, weights = np.array([1.0, 2.0, 6.0, 2.0]), np.array([1.0, 1.0, 2.0, 1.0])
    assert replay.smoothed(values, weights, 3).tolist() == pytest.approx([1.5, 3.75, 4.0, 14 / 3])
    assert replay.smoothed(values, weights, 1).tolist() == values.tolist()
