"""The schema of a client allows what the server takes, and nothing else; the example is scored."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from handlers.clients import ClientsRefused
from handlers.domain.limits import RequestLimits
from handlers.object_reading import ObjectReader
from handlers.prediction import predict
from server.description.clients import client_schema, example_client, example_csv
from server.wire import clients_of_csv
from tests.unit.server.small_house import CLIENT, release

ABSENT = object()
VALUES: list[Any] = [ABSENT, None, 3, 2.5, -1, 10**30, "monthly", "", "3", True, [], {}]
COLUMNS = ["corporation", "tenure", "contract", "seats", "exited", "unknown"]


def _taken(client: dict[str, Any]) -> bool:
    try:
        ObjectReader(release()).read([client])
    except ClientsRefused:
        return False
    return True


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: "absent" if value is ABSENT else repr(value))
def test_a_client_is_taken_exactly_if_its_schema_allows_it(column: str, value: Any) -> None:
    client = {**CLIENT, column: value}
    if value is ABSENT:
        del client[column]
    assert Draft202012Validator(client_schema(release())).is_valid(client) == _taken(client)


@pytest.mark.parametrize("client", [{}, {"corporation": "abcd"}, {"exited": 1}, {"seats": None}])
def test_a_client_needs_one_of_the_columns(client: dict[str, Any]) -> None:
    assert Draft202012Validator(client_schema(release())).is_valid(client) == _taken(client)


def test_the_example_is_scored_without_a_warning() -> None:
    clients = ObjectReader(release()).read([example_client(release())])
    assert clients.warnings == ()
    assert predict(release(), clients).ids == ["abcd"]


def test_the_example_as_csv_says_the_same() -> None:
    clients = clients_of_csv(release(), example_csv(release()).encode(), RequestLimits(), max_bytes=1_000)
    expected = predict(release(), ObjectReader(release()).read([example_client(release())]))
    assert predict(release(), clients).probabilities.tolist() == expected.probabilities.tolist()


def test_before_the_first_model_any_object_is_a_client() -> None:
    assert Draft202012Validator(client_schema(None)).is_valid(example_client(None))
