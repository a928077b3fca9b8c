"""The demonstration's truth: what the documentation says of it."""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from handlers.domain.demonstration import (
    CHANGE,
    CLIENTS,
    Circumstances,
    ClientMonth,
    client_month,
    client_months,
    leaving_log_odds,
    month_name,
)
from handlers.domain.fictional_names import INDUSTRIES, company_name

Floats = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def months() -> list[ClientMonth]:
    return list(islice(client_months(), CHANGE))


def _features(months: list[ClientMonth]) -> Floats:
    """Numbers with gaps as zeros, counts on a logarithmic scale; industry as indicators."""
    blocks = []
    for month in months:
        numbers = [
            np.log1p(np.nan_to_num(values.astype(np.float64)))
            for values in month.columns.values()
            if values.dtype != object
        ]
        industries = [(month.columns["industry"] == industry).astype(np.float64) for industry in INDUSTRIES]
        blocks.append(np.column_stack(numbers + industries))
    return np.vstack(blocks)


def _probabilities(train: list[ClientMonth], month: ClientMonth) -> Floats:
    labels = np.concatenate([past.exited for past in train])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(_features(train), labels)
    answer: Floats = model.predict_proba(_features([month]))[:, 1]
    return answer


def _losses(probabilities: Floats, exited: npt.NDArray[np.int8]) -> Floats:
    answer: Floats = -np.log(np.where(exited == 1, probabilities, 1 - probabilities))
    return answer


def test_three_months_predict_the_fourth_well_but_not_perfectly(months: list[ClientMonth]) -> None:
    probabilities = _probabilities(months[:3], months[3])
    assert 0.75 < roc_auc_score(months[3].exited, probabilities) < 0.9


def test_the_seventh_month_surprises_a_model_that_knows_the_first_six(months: list[ClientMonth]) -> None:
    usual = _losses(_probabilities(months[:5], months[5]), months[5].exited)
    surprised = _losses(_probabilities(months[:6], months[6]), months[6].exited)
    error = np.sqrt(usual.var() / usual.size + surprised.var() / surprised.size)
    assert (surprised.mean() - usual.mean()) / error > 5


def test_the_months_before_the_change_do_not_surprise(months: list[ClientMonth]) -> None:
    losses = [_losses(_probabilities(months[:3], months[k]), months[k].exited) for k in (3, 4, 5)]
    error = np.sqrt(losses[0].var() / losses[0].size * 2)
    assert abs(losses[2].mean() - losses[0].mean()) < 3 * error


def test_four_to_eight_in_a_hundred_leave_each_month(months: list[ClientMonth]) -> None:
    assert all(0.04 < month.exited.mean() < 0.08 for month in months)


def test_leavers_are_gone_the_next_month_and_everybody_else_is_still_there(months: list[ClientMonth]) -> None:
    for month, following in pairwise(months):
        later = set(following.columns["corporation"])
        stayed = {name for name, left in zip(month.columns["corporation"], month.exited, strict=True) if not left}
        assert set(month.columns["corporation"]) & later == stayed
        assert len(later) == CLIENTS


def test_a_month_is_the_same_alone_and_in_sequence(months: list[ClientMonth]) -> None:
    alone = client_month(5)
    for name, values in months[4].columns.items():
        assert np.array_equal(alone.columns[name], values, equal_nan=values.dtype != object)
    assert np.array_equal(alone.exited, months[4].exited)


def test_another_seed_is_another_world() -> None:
    mine, other = client_month(1, seed=1, clients=200), client_month(1, seed=2, clients=200)
    assert not np.array_equal(mine.columns["lastmonth_activity"], other.columns["lastmonth_activity"])


def test_gaps_are_where_the_documentation_says(months: list[ClientMonth]) -> None:
    gaps = {name: np.isnan(v).mean() for name, v in months[0].columns.items() if v.dtype != object}
    assert gaps.pop("payment_delay_days") == pytest.approx(0.12, abs=0.02)
    assert gaps.pop("satisfaction") == pytest.approx(0.55, abs=0.02)
    assert set(gaps.values()) == {0.0}


def _client(**differences: float) -> Circumstances:
    one = {"decline": 0.0, "employees": 30.0, "contract": 10.0, "tickets": 0.0, "dissatisfaction": 0.0, "stress": 0.0}
    values = {name: np.array([value]) for name, value in (one | differences).items()}
    return Circumstances(technology=np.array([True]), **values)


def test_tickets_drive_away_only_those_who_may_leave() -> None:
    bound, free = ({"contract": months} for months in (10.0, 2.0))
    with_tickets = {"tickets": 5.0}
    calm = leaving_log_odds(_client(**bound), changed=False)
    assert leaving_log_odds(_client(**bound, **with_tickets), changed=False) == calm
    free_calm = leaving_log_odds(_client(**free), changed=False)
    assert leaving_log_odds(_client(**free, **with_tickets), changed=False) > free_calm + 2


def test_the_offer_reaches_small_technology_clients_only() -> None:
    for client, courted in ((_client(), True), (_client(employees=61.0), False), (_client(contract=13.0), False)):
        risen = leaving_log_odds(client, changed=True) > leaving_log_odds(client, changed=False)
        assert bool(risen[0]) is courted


def test_names_are_different_in_any_industry() -> None:
    names = [company_name(number, INDUSTRIES[number % len(INDUSTRIES)]) for number in range(60_000)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("number", "name"), [(1, "2026-01"), (12, "2026-12"), (13, "2027-01"), (24, "2027-12")])
def test_months_have_the_names_of_a_calendar(number: int, name: str) -> None:
    assert month_name(number) == name
