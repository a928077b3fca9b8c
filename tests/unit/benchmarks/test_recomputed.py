from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handlers.object_reading import ObjectReader
from handlers.prediction import predict
from handlers.storage import releases
from tests.benchmarks.recomputed import Said, Unchecked, compare, said_offline, versions_of
from tests.benchmarks.steady_load import Reply
from tests.integration.small_releases import deployment_folder, write_release

SAID = {1: Said("scorecard", 0.5, [0.25, 0.75]), 2: Said("scorecard", 0.8, [0.1, 0.7])}
CLIENTS = ["a", "b"]


def body(version: int, place: int, **changed: Any) -> bytes:
    probability = SAID[version].probabilities[place]
    document = {
        "model_version": version,
        "served_by": "scorecard",
        "threshold": SAID[version].threshold,
        "ids": [CLIENTS[place]],
        "probabilities": [probability],
        "predictions": [int(probability >= SAID[version].threshold)],
        "warnings": [],
    }
    return msgspec.json.encode({**document, **changed})


def reply(number: int, version: int, content: bytes | None = None, *, header: int | None = None) -> Reply:
    return Reply(number, 0.0, 0.1, 200, header or version, body(version, number % 2) if content is None else content)


def test_answers_are_right_that_say_what_the_release_says_which_they_name() -> None:
    found = compare([reply(0, 1), reply(1, 1), reply(2, 2), reply(3, 2)], SAID, CLIENTS, requests=4)
    assert found.checked == {1: 2, 2: 2}
    assert found.different == []


@pytest.mark.parametrize(
    "changed",
    [
        {"probabilities": [math.nextafter(0.75, 1.0)]},
        {"probabilities": [0.75, 0.75]},
        {"predictions": [0]},
        {"threshold": math.nextafter(0.5, 1.0)},
        {"ids": ["a"]},
        {"ids": [None]},
        {"served_by": "pipeline"},
        {"model_version": 2},
    ],
)
def test_one_bit_one_id_or_another_release_is_a_difference(changed: Mapping[str, Any]) -> None:
    found = compare([reply(0, 1), reply(1, 1, body(1, 1, **changed))], SAID, CLIENTS, requests=2)
    (different,) = found.different
    assert different.startswith("request 1: ")
    assert sum(found.checked.values()) == 2


def test_a_header_that_names_another_release_than_the_body_is_a_difference() -> None:
    found = compare([reply(0, 1, header=2)], SAID, CLIENTS, requests=1)
    assert found.different == ["request 0: the header names release 2, the body 1"]


@pytest.mark.parametrize("content", [b"", b"{}", body(1, 0)[:-9]])
def test_an_answer_that_cannot_be_read_is_a_difference(content: bytes) -> None:
    assert len(compare([reply(0, 1, content)], SAID, CLIENTS, requests=1).different) == 1


def test_what_is_no_answer_is_an_error_and_nothing_to_be_compared() -> None:
    failed = [Reply(0, 0.0, 30.0, 0, None, b"", "TimeoutError()"), Reply(1, 0.0, 0.1, 503, None, b"{}")]
    found = compare(failed, SAID, CLIENTS, requests=2)
    assert (found.checked, found.different) == ({}, [])


def test_an_answer_by_a_release_that_cannot_be_asked_again_does_not_pass() -> None:
    with pytest.raises(Unchecked, match="release 9"):
        compare([reply(0, 1, body(1, 0, model_version=9))], SAID, CLIENTS, requests=1)


@pytest.mark.parametrize("numbers", [(0, 2), (0, 1, 1), (0, 0), (0, 1, 2), ()])
def test_a_request_without_a_reply_or_with_two_does_not_pass(numbers: tuple[int, ...]) -> None:
    with pytest.raises(Unchecked, match="of 2 requests"):
        compare([reply(number, 1) for number in numbers], SAID, CLIENTS, requests=2)


def test_changes_of_the_release_are_counted_from_answer_to_answer() -> None:
    failed = Reply(9, 0.0, 0.1, 503, None, b"")
    assert versions_of([reply(0, 1), reply(1, 1), failed, reply(3, 2), reply(2, 1), reply(4, 1)]) == [1, 2, 1]


def test_a_release_is_asked_again_offline_if_it_is_as_it_was_signed(tmp_path: Path) -> None:
    production = deployment_folder(tmp_path)
    clients = [
        {"tenure": 3, "contract": "monthly", "seats": 4},
        {"tenure": None, "contract": "other", "seats": None},
        {"tenure": 40.5, "contract": None, "seats": 12},
    ]
    place = write_release(production, 30)
    found = said_offline(production / "releases", 30, tmp_path / "keys", clients)
    release = releases.load(production / "releases", 30, tmp_path / "keys")
    expected = predict(release, ObjectReader(release).read(clients))
    assert found == Said(expected.served_by, expected.threshold, expected.probabilities.tolist())
    (place / "scorecard.json").write_bytes((place / "scorecard.json").read_bytes() + b" ")
    for version in (30, 31):
        with pytest.raises(releases.ReleaseError):
            said_offline(production / "releases", version, tmp_path / "keys", clients)
