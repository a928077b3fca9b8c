"""A request that says which trace it belongs to is answered, and logged, as a part of that trace."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.trace_context import Trace, trace_of
from tests.integration.raw_server import RawServer, running
from tests.unit.server.small_house import CLIENT, full_house

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SENT = f"00-{TRACE}-{PARENT}-01"
BODY = json.dumps({"clients": [CLIENT]})
PREDICTION = ("POST", "/v1/prediction", BODY)
ASKED = [
    PREDICTION,
    ("POST", "/v1/prediction?reasons=2", BODY),
    ("POST", "/v1/prediction", "{"),
    ("GET", "/v1/scoring", None),
    ("HEAD", "/v1/scoring", None),
    ("GET", "/livez", None),
    ("GET", "/", None),
    ("GET", "/nothing", None),
    ("DELETE", "/v1/files", None),
]
CHANGING = {"date", "x-request-id"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RawServer]:
    with running(full_house(tmp_path), "uvloop") as one:
        yield one


def ask(
    server: RawServer, asked: tuple[str, str, str | None], *traceparents: str
) -> tuple[dict[str, str], bytes, str | None]:
    """The answer's headers and body, and the trace that the log was told."""
    _, headers, body = server.ask(*asked, [("Traceparent", one) for one in traceparents])
    return headers, body, server.house.served[-1].trace_id


@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: f"{asked[0]} {asked[1]}")
def test_an_answer_belongs_to_the_trace_and_is_otherwise_what_it_is_without(
    server: RawServer, asked: tuple[str, str, str | None]
) -> None:
    bare, body, untold = ask(server, asked)
    assert ("traceparent" in bare, untold) == (False, None)
    headers, same, told = ask(server, asked, SENT)
    assert (told, same) == (TRACE, body)
    said = headers.pop("traceparent")
    assert trace_of([said]) == Trace(TRACE, 1)
    assert PARENT not in said
    assert {name: value for name, value in headers.items() if name not in CHANGING} == {
        name: value for name, value in bare.items() if name not in CHANGING
    }
    assert headers.keys() == bare.keys()


def test_each_answer_of_a_trace_has_an_id_of_its_own(server: RawServer) -> None:
    said = {ask(server, PREDICTION, SENT)[0]["traceparent"] for _ in range(5)}
    assert len(said) == 5


@pytest.mark.parametrize(
    "sent", [("nothing",), (f"00-{'0' * 32}-{PARENT}-01",), (f"ff-{TRACE}-{PARENT}-01",), (SENT, SENT)]
)
def test_what_is_no_trace_is_ignored(server: RawServer, sent: tuple[str, ...]) -> None:
    headers, _, told = ask(server, PREDICTION, *sent)
    assert ("traceparent" in headers, told) == (False, None)
