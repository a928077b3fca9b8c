"""Values in, values out: what is read of clients, what is refused, and what is said of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from handlers.client_tables import NotATable, from_arrow, from_csv
from handlers.clients import SHOWN_FAULTS, ClientsRefused, Fault, from_objects
from handlers.domain.limits import Limits
from handlers.prediction import MAX_CONTRIBUTIONS, TooManyReasons, predict
from tests.unit.server.small_house import CLIENT, SCORECARD, release

RELEASE = release()
LIMITS = Limits()


def _faults(*clients: dict[str, object]) -> tuple[Fault, ...]:
    with pytest.raises(ClientsRefused) as refused:
        from_objects(RELEASE, clients)
    return refused.value.faults


def test_the_probability_is_that_of_the_scorecard() -> None:
    said = predict(RELEASE, from_objects(RELEASE, [CLIENT]))
    log_odds = -0.5 + (24 - 3) / 12 + 0.8 + 0.3
    assert said.probabilities[0] == pytest.approx(1 / (1 + np.exp(-log_odds)))
    assert (said.ids, said.predictions.tolist(), said.model_version, said.reasons) == (["abcd"], [1], 2, None)


def test_reasons_are_the_strongest_effects_and_sum_to_the_log_odds() -> None:
    said = predict(RELEASE, from_objects(RELEASE, [CLIENT, {**CLIENT, "tenure": None}]), reasons=20)
    assert said.reasons is not None
    assert [reason.columns for reason in said.reasons[0]] == [("tenure",), ("contract",), ("seats",)]
    assert [reason.values for reason in said.reasons[0]] == [(3,), ("monthly",), (4,)]
    assert [reason.values for reason in said.reasons[1]] == [("monthly",), (4,), (None,)]
    log_odds = SCORECARD.base + sum(reason.effect for reason in said.reasons[0])
    assert np.log(said.probabilities[0] / (1 - said.probabilities[0])) == pytest.approx(log_odds)


def test_reasons_are_limited_in_number() -> None:
    many = [CLIENT] * (MAX_CONTRIBUTIONS // 20 + 1)
    with pytest.raises(TooManyReasons, match="at most 19"):
        predict(RELEASE, from_objects(RELEASE, many), reasons=20)


def test_no_clients_are_no_probabilities() -> None:
    said = predict(RELEASE, from_objects(RELEASE, []), reasons=3)
    assert (len(said.probabilities), said.ids, said.reasons) == (0, [], [])


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


def test_a_feature_that_only_one_client_lacks_is_named_at_its_row() -> None:
    (fault,) = _faults(CLIENT, CLIENT, {"tenure": 1, "seats": 3})
    assert (fault.row, fault.column) == (2, "contract")


def test_an_optional_feature_may_be_absent_and_is_then_missing() -> None:
    clients = from_objects(RELEASE, [{"tenure": 1, "contract": "monthly"}])
    assert np.isnan(clients.columns["seats"]).all()
    assert clients.warnings == ("The column seats is not there; it was taken as missing.",)


def test_null_is_missing_and_integers_are_categories_and_ids_by_their_text() -> None:
    clients = from_objects(RELEASE, [{"corporation": 7, "tenure": None, "contract": 12, "seats": 3}])
    assert np.isnan(clients.columns["tenure"]).tolist() == [True]
    assert clients.columns["contract"].tolist() == ["12"]
    assert clients.ids == ["7"]


def test_blank_text_is_missing_as_it_is_in_a_file() -> None:
    clients = from_objects(RELEASE, [{**CLIENT, "contract": " ", "corporation": ""}])
    assert clients.columns["contract"].tolist() == [None]
    assert clients.ids == [None]


def test_the_target_and_unknown_columns_are_named_in_warnings() -> None:
    clients = from_objects(RELEASE, [{**CLIENT, "exited": 1, "shoe_size": [44], "arr": 3}])
    assert clients.warnings == (
        "The target exited was not used.",
        "The column shoe_size is not known and was not used.",
    )


def test_not_more_faults_are_named_than_help() -> None:
    assert len(_faults(*[{**CLIENT, "tenure": "x", "contract": True}] * 500)) == SHOWN_FAULTS


def test_long_names_are_not_repeated_whole() -> None:
    clients = from_objects(RELEASE, [{**CLIENT, "x" * 100_000: 1}])
    assert len(clients.warnings[0]) < 200


CSV = b"corporation,tenure,contract,seats,exited\nabcd,3,monthly,4,\nef,,yearly,20,1\n"


def test_a_csv_says_what_the_same_objects_say() -> None:
    objects: list[dict[str, object]] = [
        CLIENT,
        {"corporation": "ef", "tenure": None, "contract": "yearly", "seats": 20, "exited": 1},
    ]
    from_text, from_json = from_csv(RELEASE, CSV, LIMITS), from_objects(RELEASE, objects)
    assert predict(RELEASE, from_text).probabilities.tolist() == predict(RELEASE, from_json).probabilities.tolist()
    assert from_text.ids == from_json.ids == ["abcd", "ef"]
    assert "The target exited was not used." in from_text.warnings


@pytest.mark.parametrize(
    ("content", "row", "column", "said"),
    [
        (b"tenure,contract\n1,a\nten,b\n", 1, "tenure", "Line 3: 'ten' is not a number"),
        (b"tenure,tenure,contract\n1,2,a\n", None, "tenure", "More than one"),
        (b"tenur,contract\n1,a\n", 0, "tenure", "nearest there is tenur."),
        (b'tenure,contract\n"1,234",a\n', None, "tenure", "commas"),
        (b"tenure,contract\n1,a,b\n2,c\n", None, None, "Line 2 has another number of cells"),
    ],
)
def test_a_wrong_csv_is_refused_where_it_is_wrong(content: bytes, row: int, column: str, said: str) -> None:
    with pytest.raises(ClientsRefused) as refused:
        from_csv(RELEASE, content, LIMITS)
    fault = refused.value.faults[0]
    assert (fault.row, fault.column) == (row, column)
    assert said in fault.message


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"PK\x03\x04", b'a,b\n"x', b"tenure,contract\n"])
def test_what_is_no_table_is_said_to_be_none(content: bytes) -> None:
    with pytest.raises(NotATable):
        from_csv(RELEASE, content, LIMITS)


def test_an_arrow_table_says_what_the_same_objects_say() -> None:
    table = pa.table(
        {
            "corporation": pa.array([1, 2]),
            "tenure": pa.array([3, None], pa.int8()),
            "contract": pa.array(["monthly", "yearly"]).dictionary_encode(),
            "seats": pa.array([4.0, float("nan")], pa.float32()),
        }
    )
    objects: list[dict[str, object]] = [
        {"corporation": 1, "tenure": 3, "contract": "monthly", "seats": 4},
        {"corporation": 2, "tenure": None, "contract": "yearly", "seats": None},
    ]
    from_table, from_json = from_arrow(RELEASE, table), from_objects(RELEASE, objects)
    assert predict(RELEASE, from_table).probabilities.tolist() == predict(RELEASE, from_json).probabilities.tolist()
    assert from_table.ids == from_json.ids


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("tenure", pa.array(["1"])),
        ("tenure", pa.array([True])),
        ("tenure", pa.array([float("inf")])),
        ("contract", pa.array([1.5])),
        ("corporation", pa.array([[1]])),
    ],
)
def test_an_arrow_column_of_another_type_is_named(column: str, values: pa.Array) -> None:
    columns = {"corporation": pa.array(["a"]), "tenure": pa.array([1]), "contract": pa.array(["a"])}
    with pytest.raises(ClientsRefused) as refused:
        from_arrow(RELEASE, pa.table({**columns, column: values}))
    assert (refused.value.faults[0].row, refused.value.faults[0].column) == (0, column)


def test_one_long_text_that_many_rows_point_to_is_refused() -> None:
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 1000, pa.int8()), pa.array(["x" * 5000]))
    with pytest.raises(ClientsRefused, match="1000 characters"):
        from_arrow(RELEASE, pa.table({"tenure": pa.array([1.0] * 1000), "contract": shared}))
