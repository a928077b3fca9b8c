"""What ``init`` makes of somebody's own columns."""

from __future__ import annotations

import csv
from io import StringIO

import pytest

from handlers.guessing import Guess, guess

TELECOM = """customerID,gender,SeniorCitizen,tenure,Contract,MonthlyCharges,TotalCharges,Churn
7590-A,Female,0,1,Month-to-month,29.85,29.85,No
5575-B,Male,0,34,One year,56.95,1889.5,No
3668-C,Male,0,2,Month-to-month,53.85,,Yes
7795-D,Male,1,45,One year,42.3,1840.75,No
"""
ORIGINAL = """corporation,lastmonth_activity,lastyear_activity,number_of_employees,exited
abcd,78,1024,12,1
asdf,14,2145,20,0
xyzz,182,3891,35,0
"""
MARKET = """date,day,period,price,demand,class
0,2,0,0.056,0.439,UP
0,2,0.021,0.051,0.415,UP
0,2,0.042,0.051,0.385,DOWN
"""
WEATHER = """feat_1,feat_2,target
19.8,14.0,0
26.8,22.2,0
23.1,22.2,1
"""
MONTHLY = """Snapshot Month,Signup Date,Account Number,Notes,Annual Revenue,Attrition Flag
2026-01,2020-03-01,17,a,1200,Existing Customer
2026-01,2021-04-09,18,b,900,Existing Customer
2026-02,2020-03-01,17,c,1250,Attrited Customer
2026-02,2021-04-09,18,d,950,Existing Customer
"""
UNLABELLED = """corporation,month,contract_months_left,satisfaction
Oak Mill,2026-05,3,
Elm Forge,2026-05,4,7
Red Rock,2026-05,5,8
"""


def _guess(text: str) -> Guess:
    header, *rows = csv.reader(StringIO(text))
    return guess(header, rows)


@pytest.mark.parametrize(
    ("text", "identity", "target", "positive", "time", "value"),
    [
        (TELECOM, "customerID", "Churn", "Yes", None, None),
        (ORIGINAL, "corporation", "exited", 1, None, None),
        (MARKET, None, "class", "DOWN", None, None),
        (WEATHER, None, "target", 1, None, None),
        (MONTHLY, "Account Number", "Attrition Flag", "Attrited Customer", "Snapshot Month", "Annual Revenue"),
        (UNLABELLED, "corporation", "exited", 1, "month", None),
    ],
    ids=["telecom", "original", "market", "weather", "monthly", "unlabelled"],
)
def test_columns_are_guessed(  # noqa: PLR0917 - the columns of the table above
    text: str, identity: str | None, target: str, positive: str | int, time: str | None, value: str | None
) -> None:
    assert _guess(text).settings == {
        "id_column": identity,
        "target_column": target,
        "positive_label": positive,
        "time_column": time,
        "value_column": value,
    }


@pytest.mark.parametrize("text", [TELECOM, MARKET, MONTHLY, UNLABELLED])
def test_each_guess_is_said_with_its_setting_first(text: str) -> None:
    found = _guess(text)
    assert [sentence.split()[0] for sentence in found.sentences] == list(found.settings)
    assert all(sentence.endswith(".") for sentence in found.sentences)


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (("0", "1", "1"), 1),
        (("0.0", "1.0", "1.0"), 1),
        (("True", "False", "True"), "True"),
        (("stayed", "left", "left"), "left"),
        (("1", "2", "1"), 2),
        (("Good", "Good", "Bad"), "Bad"),
    ],
)
def test_the_positive_label_is_what_says_left_else_the_rarer(values: tuple[str, ...], positive: str | int) -> None:
    assert guess(["label"], [[value] for value in values]).settings["positive_label"] == positive


def test_a_number_about_a_client_is_no_identity_however_different_its_values() -> None:
    assert guess(["client_age", "exited"], [["31", "0"], ["42", "1"], ["53", "0"]]).settings["id_column"] is None


def test_short_rows_are_blank_at_their_end() -> None:
    found = guess(["client", "churn"], [["a", "yes"], ["b", "no"], ["c"]])
    assert found.settings["target_column"] == "churn"
    assert found.settings["id_column"] == "client"


@pytest.mark.parametrize(("header", "rows"), [([], []), (["client", "exited"], [])])
def test_a_sample_without_rows_is_refused_with_what_to_do(header: list[str], rows: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="Give a CSV file"):
        guess(header, rows)
