"""The chart of the harm test: shapes, before a page makes lines of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.decisions.state import Reading
from server.charts import HEIGHT, WIDTH, harm_chart

FINITE = st.floats(-1000, 1000)


def reading(z: float, cusum: float, version: int = 1) -> Reading:
    return Reading(
        block=1,
        version=version,
        rows=500.0,
        loss=0.4,
        reference=0.38,
        z=z,
        watch_z=z,
        cusum=cusum,
        watch_cusum=cusum,
        limit=3.5,
        cusum_limit=5.0,
        alarm=z > 3.5 or cusum > 5,
        phase="stable",
    )


def test_without_readings_there_is_no_chart() -> None:
    assert harm_chart([]) is None


@given(st.lists(st.tuples(FINITE, st.floats(0, 1000), st.integers(1, 3)), min_size=1, max_size=60))
def test_everything_lies_inside_the_drawing(values: list[tuple[float, float, int]]) -> None:
    chart = harm_chart([reading(*value) for value in values])
    assert chart is not None
    assert len(chart.bars) == len(chart.sums.split()) == len(values)
    for bar in chart.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH + 0.2
        assert -0.1 <= bar.y <= bar.y + bar.height <= HEIGHT + 1
    for point in chart.sums.split():
        x, y = map(float, point.split(","))
        assert 0 <= x <= WIDTH
        assert -0.1 <= y <= HEIGHT + 0.1


def test_what_is_at_its_limit_reaches_the_dashed_line() -> None:
    chart = harm_chart([reading(3.5, 5.0), reading(-3.5, 0.0)])
    assert chart is not None
    assert chart.bars[0].y == chart.limit
    assert float(chart.sums.split()[0].split(",")[1]) == chart.limit
    assert float(chart.sums.split()[1].split(",")[1]) == chart.zero
    assert chart.bars[1].y == chart.zero  # below its promise: the bar hangs from the axis


def test_a_new_model_is_marked_where_its_first_block_begins() -> None:
    chart = harm_chart([reading(0, 0), reading(0, 0, version=2), reading(0, 0, version=2)])
    assert chart is not None
    assert chart.changes == ((WIDTH / 3, 2),)
