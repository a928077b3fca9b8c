from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.axes import Categories, Cuts
from handlers.domain.effects import Line, Sum, Table, curve, effect_range

LINE = Line("age", centre=40.0, scale=10.0, slope=0.5, offset=0.25, missing=-1.0, low=20.0, high=70.0)


def numbers(*values: float) -> dict[str, np.ndarray]:
    return {"age": np.array(values)}


def words(*values: str | None) -> dict[str, np.ndarray]:
    return {"plan": np.array(values, dtype=object)}


def test_a_line_is_straight_up_to_four_deviations_and_missing_has_its_own_effect() -> None:
    effects = LINE.effect(np.array([40.0, 50.0, 80.0, 1e9, -1e9, np.nan]))
    assert effects.tolist() == [0.25, 0.75, 2.25, 2.25, -1.75, -1.0]
    assert LINE.shifted(1.0).effect(np.array([40.0, np.nan])).tolist() == [1.25, 0.0]


@pytest.mark.parametrize(("scale", "slope", "low"), [(0.0, 1.0, 0.0), (1.0, float("nan"), 0.0), (1.0, 1.0, 3.0)])
def test_a_line_of_impossible_numbers_is_refused_by_name(scale: float, slope: float, low: float) -> None:
    with pytest.raises(ValueError, match="age: a line"):
        Line("age", centre=0.0, scale=scale, slope=slope, offset=0.0, missing=0.0, low=low, high=2.0)


def test_a_pair_is_looked_up_row_by_row() -> None:
    axes = (Cuts("age", (30.0,)), Categories("plan", ("gold",)))
    pair = Table(axes, np.arange(9.0).reshape(3, 3))
    columns = numbers(20, 30, np.nan, 20) | words("gold", "new", None, None)
    assert pair.effect([axis.index(columns) for axis in axes]).tolist() == [0.0, 5.0, 7.0, 1.0]


@pytest.mark.parametrize(
    ("effects", "message"),
    [
        (np.zeros(2), "age: there must be one effect for each bin"),
        (np.zeros((3, 1)), "age: there must be one effect for each bin"),
        (np.array([0.0, np.inf, 0.0]), "age: the effects must be finite"),
    ],
)
def test_a_table_that_does_not_fit_its_axis_is_refused_by_name(effects: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Table((Cuts("age", (30.0,)),), effects)


def test_a_table_keeps_its_own_copy_that_nobody_can_change() -> None:
    given_effects = np.zeros(3)
    table = Table((Cuts("age", (30.0,)),), given_effects)
    given_effects[0] = 9.0
    assert table.effects.tolist() == [0.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="read-only"):
        table.effects[0] = 1.0


def test_the_range_of_a_line_is_that_of_the_values_it_was_learned_from() -> None:
    assert effect_range(LINE) == pytest.approx(0.5 * (70 - 40) / 10 + 0.25 + 1.0)
    assert effect_range(Table((Categories("plan", ("gold",)),), np.array([-1.0, 0.5, 0.0]))) == 1.5


def test_curves_say_the_shape_in_plain_values() -> None:
    line = curve(LINE)
    assert (line.columns, line.kinds, line.positions) == (("age",), ("line",), ((20.0, 70.0),))
    assert line.effects == [-0.75, 1.75, -1.0]
    axes = (Cuts("age", (30.0, 40.0)), Categories("plan", ("gold",)))
    steps = curve(Table(axes[:1], np.array([1.0, 2.0, 3.0, 4.0])))
    assert steps.labels == (("below 30", "30 to 40", "40 and above", "missing"),)
    assert steps.effects == [1.0, 2.0, 3.0, 4.0]
    pair = curve(Table(axes, np.arange(12.0).reshape(4, 3)))
    assert pair.kinds == ("steps", "categories")
    assert pair.positions == ((30.0, 40.0), ())
    assert pair.effects == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0], [6.0, 7.0, 8.0], [9.0, 10.0, 11.0]]


AGE = Cuts("age", (30.0, 60.0))
SUM = Sum((LINE,), Table((AGE,), np.array([1.0, 0.0, 2.0, 0.5])))


def of(term: Sum, *values: float) -> np.ndarray:
    return term.effect(np.array(values), term.axes[0].index(numbers(*values)))


def test_a_sum_adds_lines_and_steps() -> None:
    # The line alone: -0.75 at 20, -0.25 at 30, 1.25 at 60, 2.25 from 80 on.
    expected = [0.25, -0.25, 3.25, 4.25, 4.25, -0.5]
    assert of(SUM, 20.0, 30.0, 60.0, 80.0, 1e9, np.nan).tolist() == expected
    assert of(SUM.shifted(1.0), 20.0, np.nan).tolist() == [1.25, 0.5]
    assert of(SUM.scaled(2.0), 20.0, np.nan).tolist() == [0.5, -1.0]
    assert (SUM.columns, SUM.axes, SUM.missing()) == (("age",), (AGE,), -0.5)


def test_the_curve_of_a_sum_bends_and_jumps_where_the_effect_does() -> None:
    shape = curve(SUM)
    assert (shape.columns, shape.kinds) == (("age",), ("line",))
    assert shape.positions == ((20.0, 30.0, 30.0, 60.0, 60.0, 70.0),)
    assert shape.effects == [0.25, 0.75, -0.25, 1.25, 3.25, 3.75, -0.5]
    assert shape.labels == (("20", "30", "30", "60", "60", "70", "missing"),)


drawn_line = st.builds(
    lambda centre, scale, slope, reach: Line("age", centre, scale, slope, 0.1, -0.2, centre - reach, centre + reach),
    st.floats(-50, 50),
    st.floats(0.5, 20),
    st.floats(-3, 3),
    st.floats(0, 100),
)


@st.composite
def sums(draw: st.DrawFn) -> Sum:
    cuts = tuple(sorted(draw(st.sets(st.integers(-60, 60).map(float), max_size=4))))
    size = len(cuts) + 2
    steps = np.array(draw(st.lists(st.floats(-3, 3), min_size=size, max_size=size)))
    return Sum(tuple(draw(st.lists(drawn_line, min_size=1, max_size=2))), Table((Cuts("age", cuts),), steps))


@given(sums())
def test_no_value_that_was_seen_lies_outside_of_the_range_of_a_sum_and_its_ends_are_reached(term: Sum) -> None:
    places, known = term.corners()
    assert (np.diff(places) >= 0).all()
    seen = np.concatenate((np.linspace(places[0], places[-1], 500), places))
    reached = np.append(of(term, *seen), term.missing())
    low, high = min(known.min(), term.missing()), max(known.max(), term.missing())
    assert effect_range(term) == high - low
    assert low - 1e-9 <= reached.min()
    assert reached.max() <= high + 1e-9
    # Just below a cut is reached as nearly as one likes.
    nearly = np.concatenate((places, np.nextafter(places, -np.inf)))
    near = np.append(of(term, *nearly), term.missing())
    assert near.min() == pytest.approx(low, abs=1e-9)
    assert near.max() == pytest.approx(high, abs=1e-9)


@given(sums())
def test_between_its_corners_the_effect_of_a_sum_is_straight(term: Sum) -> None:
    places, known = term.corners()
    middle = (places[:-1] + places[1:]) / 2
    wide = np.diff(places) > 1e-6
    np.testing.assert_allclose(of(term, *middle)[wide], ((known[:-1] + known[1:]) / 2)[wide], rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("lines", "axes"),
    [
        ((), (AGE,)),
        ((LINE,), (Cuts("spend", ()),)),
        ((LINE,), (Categories("age", ()),)),
        ((LINE,), (AGE, Cuts("spend", ()))),
    ],
)
def test_a_sum_over_anything_but_one_numeric_column_is_refused(
    lines: tuple[Line, ...], axes: tuple[Cuts | Categories, ...]
) -> None:
    with pytest.raises(ValueError, match=r"lines are added|needs lines"):
        Sum(lines, Table(axes, np.zeros(tuple(axis.size for axis in axes))))
