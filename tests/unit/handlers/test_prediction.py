"""Values in, values out: what is read of clients, what is refused, and what is said of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.client_tables import from_csv
from handlers.clients import SHOWN_FAULTS, ClientsRefused, Fault
from handlers.domain.limits import Limits
from handlers.object_reading import ObjectReader
from handlers.prediction import MAX_CONTRIBUTIONS, Prediction, TooManyReasons, predict, predict_together
from tests.unit.handlers.drawn_clients import drawn
from tests.unit.server.small_house import CLIENT, SCORECARD, release

RELEASE = release()
LIMITS = Limits()


def _faults(*clients: dict[str, object]) -> tuple[Fault, ...]:
    with pytest.raises(ClientsRefused) as refused:
        ObjectReader(RELEASE).read(clients)
    return refused.value.faults


def test_the_probability_is_that_of_the_scorecard() -> None:
    said = predict(RELEASE, ObjectReader(RELEASE).read([CLIENT]))
    log_odds = -0.5 + (24 - 3) / 12 + 0.8 + 0.3
    assert said.probabilities[0] == pytest.approx(1 / (1 + np.exp(-log_odds)))
    assert (said.ids, said.predictions.tolist(), said.model_version, said.reasons) == (["abcd"], [1], 2, None)


def test_reasons_are_the_strongest_effects_and_sum_to_the_log_odds() -> None:
    said = predict(RELEASE, ObjectReader(RELEASE).read([CLIENT, {**CLIENT, "tenure": None}]), reasons=20)
    assert said.reasons is not None
    first, second = said.reasons[:]
    assert [reason.columns for reason in first] == [("tenure",), ("contract",), ("seats",)]
    assert [reason.values for reason in first] == [(3,), ("monthly",), (4,)]
    assert [reason.values for reason in second] == [("monthly",), (4,), (None,)]
    log_odds = SCORECARD.base + sum(reason.effect for reason in first)
    assert np.log(said.probabilities[0] / (1 - said.probabilities[0])) == pytest.approx(log_odds)


def test_reasons_are_limited_in_number() -> None:
    many = [CLIENT] * (MAX_CONTRIBUTIONS // 20 + 1)
    with pytest.raises(TooManyReasons, match="at most 19"):
        predict(RELEASE, ObjectReader(RELEASE).read(many), reasons=20)


def test_no_clients_are_no_probabilities() -> None:
    said = predict(RELEASE, ObjectReader(RELEASE).read([]), reasons=3)
    assert said.reasons is not None
    assert (len(said.probabilities), said.ids, said.reasons[:]) == (0, [], [])


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("tenure", "12", "the text '12'"),
        ("tenure", True, "true or false"),
        ("tenure", [1], "a list"),
        ("tenure", 10**400, "too large"),
        ("tenure", float("inf"), "too large"),
        ("contract", 1.5, "a number"),
        ("contract", False, "true or false"),
        ("contract", {"a": 1}, "an object"),
        ("corporation", 1.5, "a number"),
    ],
)
def test_a_wrong_value_is_named_by_row_and_column(column: str, value: object, said: str) -> None:
    (fault,) = _faults(CLIENT, {**CLIENT, column: value})
    assert (fault.row, fault.column) == (1, column)
    assert said in fault.message
    assert fault.location == f"row 1, column {column}"


def test_an_absent_feature_is_named_with_the_nearest_key_that_is_there() -> None:
    (fault,) = _faults({"tenur": 3, "contract": "monthly"})
    assert (fault.row, fault.column) == (0, "tenure")
    assert "nearest there is tenur." in fault.message


def test_an_absent_key_is_missing_as_null_is_and_named_where_no_client_has_it() -> None:
    absent, null = {"tenure": 1, "seats": 3}, {"tenure": 1, "contract": None, "seats": 3}
    reader = ObjectReader(RELEASE)
    alone = reader.read([absent])
    assert alone.columns["contract"].tolist() == [None]
    assert alone.warnings == ("The column contract is not there; it was taken as missing.",)
    among = reader.read([CLIENT, absent])
    assert among.warnings == ()
    said = predict(RELEASE, among).probabilities.tolist()
    assert said == predict(RELEASE, reader.read([CLIENT, null])).probabilities.tolist()


def test_a_client_with_none_of_the_columns_is_refused_at_its_row() -> None:
    for objects, row in (([{"shoe_size": 3}], 0), ([CLIENT, {}], 1)):
        (fault,) = _faults(*objects)
        assert (fault.row, fault.column) == (row, None)
        assert "None of the columns that the model reads is there: tenure, contract, seats" in fault.message


def test_a_key_in_other_capitals_is_a_misspelling() -> None:
    (fault,) = _faults({"TENURE": 3, "contract": "monthly"})
    assert (fault.column, "nearest there is TENURE." in fault.message) == ("tenure", True)


def test_the_same_keys_are_read_in_the_same_way_each_time() -> None:
    reader = ObjectReader(RELEASE)
    for _ in range(2):
        assert reader.read([{"tenure": 1, "shoe_size": 4}]).warnings == (
            "The column contract is not there; it was taken as missing.",
            "The column seats is not there; it was taken as missing.",
            "The column shoe_size is not known and was not used.",
        )
        assert reader.read([CLIENT]).warnings == ()


def test_categories_that_were_not_learned_from_are_counted_and_score_as_any_other() -> None:
    clients = ObjectReader(RELEASE).read([{**CLIENT, "contract": name} for name in ("daily", "hourly", "yearly", None)])
    assert clients.warnings == ("2 values of contract, which the model has not learned from, counted as any other.",)
    one = from_csv(RELEASE, b"tenure,contract,seats\n3,daily,4\n5,yearly,3\n", LIMITS)
    assert one.warnings == ("1 value of contract, which the model has not learned from, counted as any other.",)


def _alone(objects: list[dict[str, object]]) -> Prediction | ClientsRefused:
    try:
        return predict(RELEASE, ObjectReader(RELEASE).read(objects))
    except ClientsRefused as refused:
        return refused


clients_drawn = st.lists(drawn, min_size=1, max_size=4)


@given(st.one_of(st.lists(clients_drawn, max_size=6), st.lists(clients_drawn.map(lambda some: some[:1]), max_size=12)))
def test_requests_that_are_scored_together_are_answered_as_they_would_be_alone(
    requests: list[list[dict[str, object]]],
) -> None:
    together = predict_together(RELEASE, ObjectReader(RELEASE), requests)
    assert len(together) == len(requests)
    for objects, said in zip(requests, together, strict=True):
        alone = _alone(objects)
        if isinstance(alone, ClientsRefused):
            assert isinstance(said, ClientsRefused)
            assert said.faults == alone.faults
            continue
        assert isinstance(said, Prediction)
        assert np.array(said.probabilities).tobytes() == np.array(alone.probabilities).tobytes()
        assert [*said.predictions] == [*alone.predictions]
        assert (said.ids, said.warnings, said.threshold) == (alone.ids, alone.warnings, alone.threshold)


def test_an_optional_feature_may_be_absent_and_is_then_missing() -> None:
    clients = ObjectReader(RELEASE).read([{"tenure": 1, "contract": "monthly"}])
    assert np.isnan(clients.columns["seats"]).all()
    assert clients.warnings == ("The column seats is not there; it was taken as missing.",)


def test_null_is_missing_and_integers_are_categories_and_ids_by_their_text() -> None:
    clients = ObjectReader(RELEASE).read([{"corporation": 7, "tenure": None, "contract": 12, "seats": 3}])
    assert np.isnan(clients.columns["tenure"]).tolist() == [True]
    assert clients.columns["contract"].tolist() == ["12"]
    assert clients.ids == ["7"]


def test_blank_text_is_missing_as_it_is_in_a_file() -> None:
    clients = ObjectReader(RELEASE).read([{**CLIENT, "contract": " ", "corporation": ""}])
    assert clients.columns["contract"].tolist() == [None]
    assert clients.ids == [None]


def test_the_target_and_unknown_columns_are_named_in_warnings() -> None:
    clients = ObjectReader(RELEASE).read([{**CLIENT, "exited": 1, "shoe_size": [44], "arr": 3}])
    assert clients.warnings == (
        "The target exited was not used.",
        "The column shoe_size is not known and was not used.",
    )


def test_not_more_faults_are_named_than_help() -> None:
    assert len(_faults(*[{**CLIENT, "tenure": "x", "contract": True}] * 500)) == SHOWN_FAULTS


def test_long_names_are_not_repeated_whole() -> None:
    clients = ObjectReader(RELEASE).read([{**CLIENT, "x" * 100_000: 1}])
    assert len(clients.warnings[0]) < 200
