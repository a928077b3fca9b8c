"""Clients that come as tables: what is read of them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest

from handlers.client_tables import NotATable, from_arrow, from_csv
from handlers.clients import SHOWN_NAMES, Clients, ClientsRefused
from handlers.domain.limits import Limits
from handlers.domain.schema import Column, ColumnType, Role
from handlers.object_reading import ObjectReader
from handlers.prediction import predict
from tests.unit.server.small_house import CLIENT, release

RELEASE = release()
LIMITS = Limits()
CSV = b"corporation,tenure,contract,seats,exited\nabcd,3,monthly,4,\nef,,yearly,20,1\n"


def test_a_csv_says_what_the_same_objects_say() -> None:
    objects: list[dict[str, object]] = [
        CLIENT,
        {"corporation": "ef", "tenure": None, "contract": "yearly", "seats": 20, "exited": 1},
    ]
    from_text, from_json = from_csv(RELEASE, CSV, LIMITS), ObjectReader(RELEASE).read(objects)
    assert predict(RELEASE, from_text).probabilities.tolist() == predict(RELEASE, from_json).probabilities.tolist()
    assert from_text.ids[:] == from_json.ids == ["abcd", "ef"]
    assert "The target exited was not used." in from_text.warnings


def _as_csv(table: dict[str, list[object]]) -> Clients:
    lines = [table.keys(), *zip(*table.values(), strict=True)]
    return from_csv(RELEASE, "".join(",".join(map(str, line)) + "\n" for line in lines).encode(), LIMITS)


def _as_arrow(table: dict[str, list[object]]) -> Clients:
    return from_arrow(RELEASE, pa.table(table))


each_table = pytest.mark.parametrize("read", [_as_csv, _as_arrow])


@each_table
def test_a_table_names_its_columns_as_a_dropped_file_may(read: Callable[[dict[str, list[object]]], Clients]) -> None:
    plain = read({"corporation": ["ab"], "tenure": [3], "contract": ["monthly"], "seats": [4], "exited": [1]})
    other = read({" Corporation": ["ab"], "TENURE ": [3], "cOnTract": ["monthly"], "seats": [4], "Exited\t": [1]})
    assert other.ids[:] == plain.ids[:] == ["ab"]
    assert predict(RELEASE, other).probabilities.tolist() == predict(RELEASE, plain).probabilities.tolist()
    notes = [warning for warning in other.warnings if "was taken for" in warning]
    assert notes == [
        "Column 'Corporation' was taken for 'corporation'.",
        "Column 'TENURE' was taken for 'tenure'.",
        "Column 'cOnTract' was taken for 'contract'.",
        "Column 'Exited' was taken for 'exited'.",
    ]
    assert set(plain.warnings) == {"The target exited was not used."} < set(other.warnings)


@each_table
def test_a_column_of_the_very_name_is_not_replaced_by_one_in_other_capitals(
    read: Callable[[dict[str, list[object]]], Clients],
) -> None:
    clients = read({"Tenure": [9], "tenure": [3], "contract": ["monthly"], "seats": [4]})
    assert clients.columns["tenure"].tolist() == [3]
    assert clients.warnings == ("The column Tenure is not known and was not used.",)


@each_table
@pytest.mark.parametrize("names", [("Tenure", "TENURE"), ("tenure", "tenure ")])
def test_two_columns_that_would_be_the_same_are_refused(
    read: Callable[[dict[str, list[object]]], Clients], names: tuple[str, str]
) -> None:
    with pytest.raises(ClientsRefused, match="Column tenure: More than one column has this name"):
        read({names[0]: [9], names[1]: [3], "contract": ["monthly"]})


def test_not_more_renamed_columns_are_told_than_help() -> None:
    columns = tuple(Column(f"n{place}", ColumnType.NUMBER, Role.IGNORED) for place in range(50))
    wide = replace(RELEASE, schema=replace(RELEASE.schema, columns=(*RELEASE.schema.columns, *columns)))
    table = pa.table({"tenure": [1], "contract": ["a"], **{column.name.upper(): [1] for column in columns}})
    assert sum("was taken for" in warning for warning in from_arrow(wide, table).warnings) == SHOWN_NAMES


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
    from_table, from_json = from_arrow(RELEASE, table), ObjectReader(RELEASE).read(objects)
    assert predict(RELEASE, from_table).probabilities.tolist() == predict(RELEASE, from_json).probabilities.tolist()
    assert from_table.ids[:] == from_json.ids


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
