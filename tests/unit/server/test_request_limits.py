"""Bodies with too many rows or columns are refused, and the answer says how many are possible."""

from __future__ import annotations

import pytest

from handlers.domain.limits import Limits, RequestLimits
from server.problems import Kind, Problem
from server.request_limits import check_objects, check_table, limits_of
from server.settings import ServerSettings

LIMITS = RequestLimits(max_rows=3, max_columns=2)


def _refused(problem: pytest.ExceptionInfo[Problem]) -> tuple[Kind, str]:
    return problem.value.kind, problem.value.detail


def test_what_is_just_allowed_is_taken() -> None:
    check_table(LIMITS, rows=3, columns=2)
    check_objects(LIMITS, [{"a": 1, "b": 2}] * 3)
    check_objects(LIMITS, [])


def test_a_long_table_is_too_large() -> None:
    with pytest.raises(Problem) as problem:
        check_table(LIMITS, rows=4, columns=1)
    detail = "There are more than 3 clients: send them in parts. (server.max_rows)"
    assert _refused(problem) == (Kind.TOO_LARGE, detail)


def test_a_wide_table_has_another_form_than_it_should() -> None:
    with pytest.raises(Problem) as problem:
        check_table(LIMITS, rows=1, columns=3)
    detail = "There are 3 columns, and 2 may be sent. (server.max_columns)"
    assert _refused(problem) == (Kind.WRONG_BODY, detail)
    assert problem.value.errors[0].location == "body"


def test_too_many_objects_are_too_large() -> None:
    with pytest.raises(Problem) as problem:
        check_objects(LIMITS, [{}] * 4)
    assert problem.value.kind is Kind.TOO_LARGE


def test_the_first_object_with_too_many_keys_is_named() -> None:
    with pytest.raises(Problem) as problem:
        check_objects(LIMITS, [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3, "d": 4}])
    detail = "Row 1: There are 3 columns, and 2 may be sent. (server.max_columns)"
    assert _refused(problem) == (Kind.WRONG_BODY, detail)
    assert problem.value.errors[0].location == "row 1"


def test_the_limits_are_those_that_are_configured_and_as_wide_as_a_dropped_file() -> None:
    assert limits_of(ServerSettings(max_rows=7, max_columns=8)) == RequestLimits(max_rows=7, max_columns=8)
    assert limits_of(ServerSettings()) == RequestLimits()
    assert RequestLimits().max_columns == Limits().max_columns
