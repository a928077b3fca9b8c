from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from handlers.domain.metrics import log_losses
from handlers.estimators import load
from tests.benchmarks.stream_kinds import PERIOD
from tests.benchmarks.stream_truth import EFFECTS, OWN_SEGMENT, Population, chance, columns_of, design
from tests.benchmarks.streams import FILES, KINDS, Stream, StreamFile, plan, stream
from tests.benchmarks.time_ordered import MOST_FILES, time_ordered

SEED = 7


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    # The matrices are small: several threads of BLAS wait for each other longer than they compute.
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def streams(one_thread: None) -> dict[str, Stream]:
    return {kind: stream(kind, SEED) for kind in KINDS}


def _same(one: StreamFile, other: StreamFile) -> bool:
    left, right = pd.DataFrame(one.columns), pd.DataFrame(other.columns)
    return (
        left.equals(right) and np.array_equal(one.labels, other.labels) and np.array_equal(one.clients, other.clients)
    )


def _table(files: Sequence[StreamFile]) -> tuple[pd.DataFrame, NDArray[np.int8]]:
    frame = pd.concat([pd.DataFrame(file.columns) for file in files], ignore_index=True)
    return frame, np.concatenate([file.labels for file in files])


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_and_a_seed_always_give_the_same_stream(kind: str, streams: dict[str, Stream]) -> None:
    again = stream(kind, SEED)
    assert again.changes == streams[kind].changes
    assert all(_same(one, other) for one, other in zip(streams[kind].files, again.files, strict=True))


def test_streams_of_other_seeds_and_kinds_differ(streams: dict[str, Stream]) -> None:
    firsts = [stream("sudden", SEED + 1).files[0], *(one.files[0] for one in streams.values())]
    assert len({file.labels.tobytes() for file in firsts}) == len(firsts)
    assert len({file.columns["balance"].tobytes() for file in firsts}) == len(firsts)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="sudden, gradual"):
        stream("suden", 1)


@pytest.mark.parametrize("kind", KINDS)
def test_files_have_the_promised_shape(kind: str, streams: dict[str, Stream]) -> None:
    made = streams[kind]
    assert made.name == f"{kind}-{SEED}"
    assert len(made.files) == FILES
    for file in made.files:
        rows = len(file.labels)
        assert 60 <= rows <= 120 if kind == "small" else 300 <= rows <= 1000
        assert file.labels.dtype == np.int8
        assert file.clients.dtype == np.int64
        assert list(file.columns) == list(made.files[0].columns)
        assert 9 <= len(file.columns) <= 10
        for name, values in file.columns.items():
            assert values.shape == (rows,)
            assert values.dtype == (object if name in {"segment", "region"} else np.float64)
        if rows >= 100:
            assert set(file.labels.tolist()) == {0, 1}
    if kind != "small":
        assert len({len(file.labels) for file in made.files}) == 1


def test_columns_have_gaps_and_categories_of_5_and_12_levels(streams: dict[str, Stream]) -> None:
    frame, labels = _table(streams["no_drift"].files)
    assert frame["segment"].nunique() == 5
    assert frame["region"].nunique() == 12
    assert set(frame.columns[frame.isna().any()]) == {"region", "satisfaction", "delay_days"}
    assert 0.08 <= labels.mean() <= 0.37


def test_the_concept_is_constant_where_only_inputs_or_nothing_changes() -> None:
    for kind in ("no_drift", "covariate_shift", "outage"):
        planned = plan(kind, SEED)
        assert (planned.concepts == planned.concepts[0]).all()
        assert all(change.loss_rise is None for change in planned.changes)
    assert not plan("no_drift", SEED).changes
    assert not plan("no_drift", SEED).faults


def test_without_drift_the_first_and_the_last_half_look_alike(streams: dict[str, Stream]) -> None:
    (before, left_before), (after, left_after) = (
        _table(streams["no_drift"].files[part]) for part in (slice(0, 30), slice(30, 60))
    )
    assert abs(left_before.mean() - left_after.mean()) < 0.025
    for name in ("activity", "balance", "tenure_months"):
        spread = before[name].std()
        assert abs(before[name].mean() - after[name].mean()) < 0.1 * spread


@pytest.mark.parametrize(
    "kind", ["sudden", "gradual", "small", "clients", "label_shift", "one_segment", "sudden_small"]
)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_change_raises_the_loss_of_a_model_that_was_fitted_before_by_what_it_claims(kind: str, seed: int) -> None:
    # Drawn anew from the plan, so that chance is small: 15,000 rows before and as many after the first change.
    planned, made = plan(kind, seed), stream(kind, seed)
    change = made.changes[0]
    assert change.loss_rise is not None
    frame, labels = _table(made.files[: change.first])
    model = load("logistic").fit(frame, labels, 1)
    rng = np.random.default_rng(seed)
    clients = planned.population.draw(rng, 15_000)
    columns = pd.DataFrame(columns_of(clients, rng))[frame.columns]
    probabilities = chance(model.decision_function(columns))
    losses = [
        log_losses((rng.random(15_000) < chance(design(clients) @ planned.concepts[number])).astype(int), probabilities)
        for number in (0, change.last)
    ]
    rise = losses[1].mean() / losses[0].mean() - 1
    assert 0.5 * change.loss_rise - 0.02 < rise < 1.3 * change.loss_rise + 0.05


def test_sizes_of_changes_are_those_of_their_kind() -> None:
    ranges = {
        "sudden": (0.1, 0.62),
        "sudden_small": (0.045, 0.105),
        "gradual": (0.15, 0.62),
        "one_segment": (0.04, 0.21),
    }
    for kind, (low, high) in ranges.items():
        for seed in (1, 2):
            rises = [change.loss_rise for change in plan(kind, seed).changes]
            assert all(rise is not None and low <= rise <= high for rise in rises)


def test_a_season_comes_back_after_its_period_and_a_turn_never_stops() -> None:
    swing, turn = plan("seasonal", SEED).concepts, plan("rotating", SEED).concepts
    assert np.allclose(swing[:-PERIOD], swing[PERIOD:], atol=1e-6)
    steps = np.abs(np.diff(turn, axis=0)).max(axis=1)
    assert (steps > 0).all()
    assert steps.max() < 3 * steps.min()


def test_where_one_segment_changes_the_log_odds_of_the_others_stay() -> None:
    planned = plan("one_segment", SEED)
    clients = Population(np.zeros(8)).draw(np.random.default_rng(1), 500)
    first, last = (design(clients) @ planned.concepts[number] for number in (0, FILES - 1))
    inside = clients.segment == OWN_SEGMENT
    assert np.array_equal(first[~inside], last[~inside])
    assert np.abs(first - last)[inside].mean() > 0.1
    assert planned.concepts.shape[1] == 2 * (EFFECTS + 1)


def test_an_outage_lasts_two_or_three_files_and_is_over(streams: dict[str, Stream]) -> None:
    planned = plan("outage", SEED)
    assert len(planned.faults) in {4, 5, 6}
    for number, file in enumerate(streams["outage"].files):
        dead = {name for name, values in file.columns.items() if len(set(map(str, values))) == 1}
        assert dead == ({planned.faults[number].column} if number in planned.faults else set())


def test_clients_come_again_in_many_files_and_twice_in_one(streams: dict[str, Stream]) -> None:
    files = streams["clients"].files
    assert all(len(np.unique(file.clients)) < len(file.clients) for file in files)
    appearances = np.unique(np.concatenate([np.unique(file.clients) for file in files]), return_counts=True)[1]
    assert np.median(appearances) > FILES / 3
    everybody = np.concatenate([file.clients for file in streams["sudden"].files])
    assert len(np.unique(everybody)) == len(everybody)


def test_a_real_table_is_cut_in_the_order_of_its_rows_without_ids_and_clocks(tmp_path: Path) -> None:
    rows = 31_000
    rng = np.random.default_rng(1)
    value = rng.normal(size=rows)
    kinds = rng.choice(np.array(["a", "b", None], dtype=object), rows)
    table = {"id": rng.permutation(rows), "clock": np.arange(rows) / rows, "value": value, "kind": kinds}
    label = np.where(rng.random(rows) < 0.3, "DOWN", "UP")
    (tmp_path / "deep").mkdir()
    pd.DataFrame(table | {"name": [f"n{n}" for n in range(rows)], "class": label}).to_csv(
        tmp_path / "deep" / "long.csv"
    )
    pd.DataFrame({"x": [1, 2], "class": ["a", "b"]}).to_csv(tmp_path / "short.csv", index=False)
    made = {one.name: one for one in time_ordered(tmp_path)}
    assert set(made) == {"long", "long-300", "long-1000"}
    files = made["long"].files
    assert set(files[0].columns) == {"value", "kind"}
    assert np.allclose(files[1].columns["value"], value[500:1000])
    assert np.array_equal(files[1].labels, (label[500:1000] == "UP").astype(np.int8))
    assert set(files[0].columns["kind"].tolist()) == {"a", "b", None}
    assert [len(made[name].files) for name in ("long", "long-300", "long-1000")] == [62, MOST_FILES, 31]
    assert made["long-300"].files[-1].clients[0] == 102 * 300
    assert all(len(file.labels) == 300 for file in made["long-300"].files)
