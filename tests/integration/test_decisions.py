"""Decisions on a real folder with a real ledger: what is decided on together, what is deployed, and what stays."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handlers import activation, deployment, pipeline, recovery, training, training_window
from handlers.activation import NotDeployable
from handlers.decision_blocks import give_up
from handlers.decision_state import read_state
from handlers.domain.decisions.recipes import Part
from handlers.domain.decisions.requests import HeldOut, OutOfFold
from handlers.domain.files import FileState
from handlers.domain.release import Release
from handlers.house import House
from handlers.recovery import NotResettable, reset_schema
from handlers.storage import decisions as storage_decisions
from handlers.storage import parts
from handlers.storage.parts import PartKind
from handlers.storage.releases import ReleaseError
from tests.workshop import Workshop, clients, csv_text, probabilities

LABELS = ("corporation", "exited")
MONTHLY = ("month", "corporation", "activity", "employees", "exited")
ENOUGH = {"minimum_rows": 40, "minimum_rare": 8}
Make = Callable[..., Workshop]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(**settings: Any) -> Workshop:
        settings["training"] = {**ENOUGH, **settings.get("training", {})}
        return Workshop(tmp_path, **settings)

    return made


@pytest.fixture
def shop(make: Make) -> Workshop:
    return make()


def flipped(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """The same clients with the opposite behaviour: the model of before is wrong about all of them."""
    return [(*row[:-1], 1 - int(str(row[-1]))) for row in rows]


def record(shop: Workshop) -> dict[str, Any]:
    """The newest decision's record."""
    found = shop.decisions()[-1].record
    assert found is not None
    return found


# -- the first models ---------------------------------------------------------------------------------------------


def test_one_class_alone_waits_for_the_other(shop: Workshop) -> None:
    shop.take("1.csv", [row for row in clients(30) if row[-1] == 0])
    assert shop.settle() == []
    assert shop.champion() is None
    shop.take("2.csv", clients(5, prefix="d"))
    assert shop.settle() == ["promoted"]
    assert set(shop.decided_rows().values()) == {1}
    assert len(shop.decided_rows()) == len(shop.rows())


def test_models_are_provisional_until_there_is_enough_and_each_labelled_file_refits(shop: Workshop) -> None:
    provisional = []
    for number in range(3):
        shop.take(f"{number}.csv", clients(15, prefix=f"p{number}-"))
        assert shop.settle() == ["promoted"]
        release = shop.champion()
        assert release is not None
        provisional.append((release.provisional, release.manifest["training"]["rows"]))
    assert provisional == [(True, 15), (True, 30), (False, 45)]
    assert shop.schema().provisional is False


def test_a_correction_that_leaves_one_class_is_decided_without_a_model_and_nothing_is_stuck(shop: Workshop) -> None:
    shop.take("1.csv", [("a", 3, 1, 1), ("b", 4, 2, 0)])
    shop.take("2.csv", [("a", 0)], LABELS)
    assert shop.settle() in ([], ["collected"])
    shop.take("3.csv", clients(20))
    assert shop.settle() == ["promoted"]
    assert set(shop.decided_rows().values()) == {1}


def test_columns_of_text_alone_are_decided_without_a_model(shop: Workshop) -> None:
    rows = [(f"c{number}", f"text {number}", f"more {number}", number % 2) for number in range(60)]
    shop.take("1.csv", rows)
    assert shop.settle() == ["collected"]
    assert shop.champion() is None


def test_the_first_model_is_the_logistic_one_and_the_others_challenge_it_at_once(make: Make) -> None:
    shop = make(training={"estimators": ("logistic", "explainable_boosting"), "single_lead": 0.5})
    shop.take("1.csv", clients(60))
    first = shop.decide()
    assert first is not None
    assert first.estimator == "logistic"
    assert record(shop)["trigger"] == "first"
    verdicts = shop.settle()
    assert [one.kind for one in shop.decisions()] == ["block", "challenge"]
    [blend] = record(shop)["candidates"]
    assert verdicts == (["promoted"] if blend["gain"] > 0 else ["kept"])  # nothing that is worse out of fold
    assert [part["estimator"] for part in blend["parts"]] == ["logistic", "explainable_boosting"]
    assert blend["rows"] == 60
    champion = shop.champion()
    assert champion is not None
    assert champion.estimator == ("blend" if blend["gain"] > 0 else "logistic")
    assert shop.settle() == []


def test_the_challenge_leaves_the_first_model_where_its_own_estimator_is_far_better(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make(training={"estimators": ("logistic", "explainable_boosting")})
    shop.take("1.csv", clients(60))
    shop.decide()
    said = training.Learner.out_of_fold

    def poor(learner: training.Learner, asked: OutOfFold) -> dict[Part, HeldOut]:
        found = dict(said(learner, asked))
        worse = [part for part in found if part.estimator == "explainable_boosting"]
        return found | {part: replace(found[part], log_odds=-found[part].log_odds) for part in worse}

    monkeypatch.setattr(training.Learner, "out_of_fold", poor)
    assert shop.settle() == ["kept"]
    champion = shop.champion()
    assert champion is not None
    assert (champion.version, champion.estimator) == (1, "logistic")
    assert shop.settle() == []


# -- before it is learned from ------------------------------------------------------------------------------------


def test_rows_are_scored_by_the_champion_before_they_are_learned_from(make: Make) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.settle()
    before = shop.champion()
    assert before is not None
    new = clients(40, seed=9, prefix="n")
    shop.take("2.csv", new)
    shop.settle()
    after = shop.champion()
    assert after is not None
    assert (after.version, after.manifest["training"]["rows"]) == (2, 90)
    with shop.house.ledger.read() as connection:
        [part] = parts.listed(connection, PartKind.SCORES)
        stored = parts.read(connection, shop.workspace.parts, part)
    assert (part.owner, part.model) == (2, before.version)
    assert stored["probability"].to_pylist() == pytest.approx(probabilities(before, new), rel=1e-12)
    assert stored["probability"].to_pylist() != probabilities(after, new)
    assert shop.fact("prequential")["rows"] == 40


def test_what_came_in_after_a_decision_began_is_left_to_the_next_one(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.take("1.csv", clients(50))
    read = pipeline.training_window.read
    learned: list[list[int]] = []

    def meanwhile(house: House, first: int, last: int) -> training_window.Window:
        if not learned:
            shop.take("2.csv", clients(50, seed=4, prefix="late"))
        window = read(house, first, last)
        learned.append(window.rows.tolist())
        return window

    monkeypatch.setattr(pipeline.training_window, "read", meanwhile)
    shop.settle()
    assert learned[0] == list(range(50))
    assert learned[1] == list(range(50, 100))
    assert [one.rows for one in shop.decisions()] == [50, 50]
    assert [len(rows) for rows in shop.scores().values()] == [50]


def test_periods_are_decided_in_their_order_each_as_a_block(make: Make) -> None:
    shop = make(dataset={"time_column": "month"})
    rows = [(month, *row) for month in (10, 9, 2) for row in clients(50, seed=month, prefix=f"m{month}-")]
    names = [shop.drop("b.csv", rows[:80], MONTHLY), shop.drop("a.csv", rows[80:], MONTHLY)]
    shop.ingest(*names)
    shop.settle()
    assert [(one.periods, one.rows) for one in shop.decisions()] == [(("2",), 50), (("9",), 50), (("10",), 50)]
    assert set(shop.decided_rows().values()) == {1}
    assert len(shop.decided_rows()) == 150
    scored = [{shop.rows()[row][0] for row, _ in rows} for _, rows in sorted(shop.scores().items())]
    assert scored == [{"9"}, {"10"}]


# -- policies -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "calm", "harmed"),
    [
        ("evidence", "none", "harm"),
        ("always", "policy", "policy"),
        ("never", "none", "none"),
    ],
)
def test_a_policy_decides_when_to_learn_again(make: Make, policy: str, calm: str, harmed: str) -> None:
    shop = make(drift={"policy": policy})
    shop.take("1.csv", clients(200))
    shop.settle()
    shop.take("2.csv", clients(40, seed=2, prefix="n"))
    shop.settle()
    assert record(shop)["trigger"] == calm
    shop.take("3.csv", flipped(clients(60, seed=3, prefix="f")))
    shop.settle()
    assert record(shop)["trigger"] == harmed
    assert set(shop.decided_rows().values()) == {1}


def test_raw_f1_compares_with_the_last_score(make: Make) -> None:
    shop = make(drift={"policy": "raw_f1"})
    shop.take("1.csv", clients(100))
    shop.settle()
    shop.take("2.csv", flipped(clients(60, seed=3, prefix="f")))
    assert shop.settle() == ["promoted"]
    assert record(shop)["trigger"] == "f1"


def test_a_real_change_of_behaviour_is_learned_and_deployed(shop: Workshop) -> None:
    shop.take("1.csv", clients(100))
    shop.settle()
    shop.take("2.csv", flipped(clients(300, seed=3, prefix="f")))
    assert shop.settle() == ["promoted"]
    assert record(shop)["trigger"] == "harm"
    assert record(shop)["candidates"][0]["bound"] > 0


def test_blocks_that_are_too_small_are_judged_together_and_then_answered(make: Make) -> None:
    shop = make(training={"minimum_rows": 40, "minimum_rare": 8})
    shop.take("1.csv", clients(100))
    shop.settle()
    odd = flipped(clients(60, seed=3, prefix="f"))
    for number, start in enumerate((0, 15, 30)):
        shop.take(f"{number + 2}.csv", odd[start : start + 15])
        assert shop.settle() == (["kept"] if number < 2 else ["promoted"])
        assert record(shop)["trigger"] == ("none" if number < 2 else "harm")
    assert record(shop)["statistics"]["rows"] == 45
    [candidate] = record(shop)["candidates"]
    assert (candidate["rows"], candidate["parts"]) == (22, [{"estimator": "logistic", "first_block": 2}])
    assert set(shop.decided_rows().values()) == {1}


# -- deploying by hand --------------------------------------------------------------------------------------------


def test_a_model_deployed_by_hand_during_a_decision_stays(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make(drift={"policy": "always"})
    for number in range(2):
        shop.take(f"{number}.csv", clients(50, seed=number, prefix=f"p{number}-"))
        shop.settle()
    prepare = deployment.prepare

    def meanwhile(*arguments: Any) -> Release:
        release = prepare(*arguments)
        shop.deploy(1)
        return release

    monkeypatch.setattr(pipeline.deployment, "prepare", meanwhile)
    shop.take("3.csv", clients(50, seed=3, prefix="p3-"))
    assert shop.decide() is None
    assert shop.models() == {2: "previous", 1: "current"}
    assert shop.decisions()[-1].verdict == "kept"
    assert "by hand" in record(shop)["sentence"]
    assert (shop.workspace.production / "current").readlink() == Path("releases/1")
    monkeypatch.undo()
    shop.take("4.csv", clients(50, seed=4, prefix="p4-"))
    assert shop.settle() == ["promoted"]
    assert shop.models() == {3: "current", 2: "retired", 1: "previous"}
    assert set(shop.decided_rows().values()) == {1}


def test_rollback_serves_ranks_and_links_the_older_release_and_can_be_undone(make: Make) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.take("u.csv", clients(10, prefix="u", labelled=False))
    shop.settle()
    by_first = shop.ranked("u.csv")
    shop.take("2.csv", flipped(clients(80, seed=2, prefix="n")))
    shop.settle()
    by_second = shop.ranked("u.csv")
    assert by_first != by_second
    for version, expected in ((1, by_first), (2, by_second), (1, by_first)):
        shop.deploy(activation.choose(shop.house, None))
        expected_event = "model.rolled_back" if version == 1 else "model.promoted"
        told = next(fact for fact in reversed(shop.told) if fact.event.startswith("model."))
        assert (told.event, told.fields["model_version"], told.fields["before"]) == (
            expected_event,
            version,
            3 - version,
        )
        assert shop.models()[version] == "current"
        assert shop.ranked("u.csv") == expected
        lines = (shop.workspace.predictions / "u.csv").read_text().splitlines()[1:]
        assert {line.rsplit(",", 1)[1] for line in lines} == {str(version)}
        assert (shop.workspace.production / "current").resolve().name == str(version)
    names = ("trainedmodel.pkl", "latestscore.txt", "ingestedfiles.txt")
    for name in names:
        assert (shop.workspace.production / name).resolve() == (shop.workspace.releases / "1" / name).resolve()


def test_what_cannot_be_deployed_leaves_the_champion(make: Make) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.settle()
    with pytest.raises(NotDeployable, match="no previous"):
        activation.choose(shop.house, None)
    with pytest.raises(NotDeployable, match="no model 7"):
        activation.choose(shop.house, 7)
    shop.take("2.csv", clients(50, prefix="n"))
    shop.settle()
    (shop.workspace.releases / "1" / "scorecard.json").write_bytes(b"{}")
    with pytest.raises(ReleaseError):
        shop.deploy(1)
    assert shop.models() == {1: "previous", 2: "current"}
    shutil.rmtree(shop.workspace.releases / "1")
    with pytest.raises(NotDeployable, match="was removed"):
        activation.choose(shop.house, 1)


def test_a_release_that_does_not_answer_its_golden_rows_is_not_deployed(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.settle()
    monkeypatch.setattr(
        deployment, "_golden", lambda *_: b'{"columns": {"activity": [1.0], "employees": [2.0]}, "log_odds": [9.0]}'
    )
    shop.take("2.csv", clients(50, prefix="n"))
    with pytest.raises(NotDeployable, match="does not give the predictions"):
        shop.decide()
    assert shop.models() == {1: "current"}
    monkeypatch.undo()
    shop.recover()
    shop.settle()
    assert [(one.verdict, one.attempts) for one in shop.decisions()] == [("promoted", 1), ("promoted", 2)]
    assert set(shop.decided_rows().values()) == {1}


def test_deploying_the_current_release_changes_nothing(make: Make) -> None:
    shop = make(drift={"policy": "always"})
    for number in range(2):
        shop.take(f"{number}.csv", clients(50, seed=number, prefix=f"p{number}-"))
        shop.settle()
    shop.deploy(1)
    with shop.house.ledger.read() as connection:
        before = read_state(connection)
    assert before.previous is not None
    shop.deploy(1)
    with shop.house.ledger.read() as connection:
        assert read_state(connection) == before
    assert shop.models() == {1: "current", 2: "previous"}
    told = next(fact for fact in reversed(shop.told) if fact.event.startswith("model."))
    assert (told.event, told.fields["model_version"]) == ("model.kept", 1)


def test_old_releases_are_removed_and_current_and_previous_never(make: Make) -> None:
    shop = make(drift={"policy": "always"}, retention={"releases": 2})
    for number in range(3):
        shop.take(f"{number}.csv", clients(50, seed=number, prefix=f"p{number}-"))
        shop.settle()
    folders = sorted(path.name for path in shop.workspace.releases.iterdir())
    assert folders == ["2", "3"]
    shop.deploy(2)
    shop.take("3.csv", clients(50, seed=3, prefix="p3-"))
    shop.settle()
    assert sorted(path.name for path in shop.workspace.releases.iterdir()) == ["2", "3", "4"]
    assert shop.models() == {1: "retired", 2: "previous", 3: "retired", 4: "current"}


def test_challengers_in_waiting_are_kept_and_of_those_before_them_no_more_than_the_limit(make: Make) -> None:
    shop = make(
        retention={"challengers": 2},
        promotion={"confidence_z": 1e3, "alarm_confidence_z": 1e3, "growth_confidence_z": 1e3},
    )
    shop.take("0.csv", clients(50))
    shop.settle()
    made = set()
    for number in range(1, 5):
        shop.take(f"{number}.csv", flipped(clients(60 * 2**number, seed=number, prefix=f"p{number}-")))
        assert shop.settle() == ["kept"]
        with shop.house.ledger.read() as connection:
            waiting = {shadow.name for shadow in read_state(connection).shadows}
        made |= waiting
        kept = {path.name.removeprefix("challenger-") for path in shop.workspace.models.iterdir()}
        assert waiting <= kept <= made
        assert len(kept - waiting) <= 2
    assert len(made) > len(kept)


# -- a decision that cannot be finished ---------------------------------------------------------------------------


def test_a_decision_that_is_given_up_keeps_the_model_and_its_rows_are_learned_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.settle()
    shop.take("2.csv", clients(50, prefix="n"))

    def broken(*_: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(training.Learner, "train", broken)
    with pytest.raises(MemoryError):
        shop.decide()
    give_up(shop.house, "The worker died.")
    monkeypatch.undo()
    assert shop.settle() == []
    assert [one.verdict for one in shop.decisions()] == ["promoted", "failed"]
    with shop.house.ledger.read() as connection:
        assert storage_decisions.undecided_files(connection) == 0
        assert [member.rows for member in storage_decisions.waiting(connection)] == [50]
    shop.take("3.csv", clients(50, prefix="m"))
    assert shop.settle() == ["promoted"]
    assert record(shop)["files"] == ["2.csv", "3.csv"]
    assert shop.manifest(2)["training"]["rows"] == 150
    assert set(shop.decided_rows().values()) == {1}


# -- rescoring ----------------------------------------------------------------------------------------------------


def test_a_row_that_was_replaced_is_ranked_by_its_own_values(make: Make) -> None:
    shop = make(dataset={"duplicates": "key"}, drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.settle()
    drop = [("gone", 1, 5, None), ("next", 99, 400, None), ("last", 50, 100, None)]
    shop.take("u.csv", drop)
    shop.take("2.csv", [("gone", 90, 300, 0), *clients(50, seed=2, prefix="n")])
    shop.settle()
    champion = shop.champion()
    assert champion is not None
    assert champion.version == 2
    assert list(shop.ranked("u.csv").values()) == pytest.approx(probabilities(champion, drop))


def test_a_deployment_ranks_the_newest_drop_anew_and_leaves_older_ones(make: Make) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", clients(50))
    shop.settle()
    for name in ("u", "v"):
        shop.take(f"{name}.csv", clients(5, prefix=name, labelled=False))
    before = shop.ranked("u.csv"), shop.ranked("v.csv")
    shop.take("2.csv", flipped(clients(80, seed=2, prefix="n")))
    shop.settle()
    assert shop.ranked("u.csv") == before[0]
    assert shop.ranked("v.csv") != before[1]
    for name, version in (("u", "1"), ("v", "2")):
        lines = (shop.workspace.predictions / f"{name}.csv").read_text().splitlines()[1:]
        assert {line.rsplit(",", 1)[1] for line in lines} == {version}


# -- test data ----------------------------------------------------------------------------------------------------


def test_testdata_is_reported_never_learned_from_and_never_evidence(make: Make, tmp_path: Path) -> None:
    shop = make()
    (tmp_path / "testdata").mkdir()
    (tmp_path / "testdata" / "t.csv").write_text(csv_text(clients(20, seed=7, prefix="t")))
    (tmp_path / "testdata" / "broken.csv").write_text("\0")
    (tmp_path / "testdata" / "note.txt").write_text("not data")
    shop.take("1.csv", clients(50))
    shop.settle()
    champion = shop.champion()
    assert champion is not None
    assert champion.test is not None
    assert (champion.test["rows"], champion.metrics["rows"]) == (20, 50)
    assert champion.manifest["training"]["rows"] == 50
    score = float((shop.workspace.production / "latestscore.txt").read_text())
    assert score == champion.test["f1"]
    assert not any(str(row[0]).startswith("t") for row in shop.rows())
    refused = [fact.fields for fact in shop.told if fact.event == "testdata.refused"]
    assert [fields["file"] for fields in refused] == ["broken.csv"]
    assert refused[0]["detail"]


# -- the schema ---------------------------------------------------------------------------------------------------


def test_a_reset_learns_the_schema_anew_from_the_same_files(make: Make) -> None:
    shop = make(training={"minimum_rows": 10_000})
    rows = [(f"c{number}", "5%" if number == 3 else number, 2, number % 2) for number in range(20)]
    shop.take("1.csv", rows)
    assert shop.schema().by_name["activity"].type != "integer"
    shop.settle()
    shop.take("2.csv", [("c1", 0)], LABELS)
    names = reset_schema(shop.house)
    assert names == ["1.csv", "2.csv"]
    assert (shop.rows(), shop.decided_rows()) == ([], {})
    assert {record.state for record in shop.files()} == {FileState.FAILED}
    corrected = Workshop(shop.workspace.root, dataset={"columns": {"activity": "number"}})
    corrected.recover()
    corrected.ingest("1.csv", "2.csv")
    assert corrected.schema().by_name["activity"].type == "number"
    assert len(corrected.rows()) == 19
    assert corrected.labels()["c1"] == 0
    assert corrected.settle() == ["promoted"]
    assert set(corrected.decided_rows().values()) == {1}


def test_a_reset_during_a_decision_ends_it_and_nothing_of_it_counts(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make(training={"minimum_rows": 10_000})
    shop.take("1.csv", clients(30))
    shop.settle()
    shop.take("2.csv", clients(30, prefix="n"))
    prepare = deployment.prepare

    def meanwhile(*arguments: Any) -> Release:
        release = prepare(*arguments)
        reset_schema(shop.house)
        return release

    monkeypatch.setattr(pipeline.deployment, "prepare", meanwhile)
    assert shop.decide() is None
    monkeypatch.undo()
    assert shop.models() == {1: "current"}
    shop.recover()
    shop.ingest("1.csv", "2.csv")
    assert shop.settle() == ["promoted"]
    assert len(shop.rows()) == 60
    assert set(shop.decided_rows().values()) == {1}


def test_a_settled_schema_or_a_file_that_is_gone_is_not_reset(make: Make) -> None:
    shop = make()
    shop.take("1.csv", clients(20))
    (shop.workspace.source / "1.csv").rename(shop.workspace.root / "elsewhere.csv")
    with pytest.raises(NotResettable, match=r"1\.csv"):
        reset_schema(shop.house)
    assert len(shop.rows()) == 20
    (shop.workspace.root / "elsewhere.csv").rename(shop.workspace.source / "1.csv")
    shop.take("2.csv", clients(40, prefix="n"))
    shop.settle()
    with pytest.raises(NotResettable, match="was promoted"):
        reset_schema(shop.house)


# -- determinism --------------------------------------------------------------------------------------------------


def test_the_same_files_and_settings_give_the_same_scorecards_and_verdicts(tmp_path: Path) -> None:
    runs = []
    for name in ("one", "two"):
        shop = Workshop(tmp_path / name, training={**ENOUGH, "estimators": ("logistic", "explainable_boosting")})
        shop.take("1.csv", clients(60))
        shop.take("u.csv", clients(10, prefix="u", labelled=False))
        verdicts = shop.settle()
        shop.take("2.csv", flipped(clients(100, seed=2, prefix="n")))
        verdicts += shop.settle()
        runs.append((shop.scorecards(), verdicts, [one.record for one in shop.decisions()], shop.ranked("u.csv")))
    assert runs[0] == runs[1]
    assert len(runs[0][0]) >= 2


def test_the_hash_of_the_training_data_follows_the_data_and_not_the_workspace(tmp_path: Path) -> None:
    def learned(name: str, rows: list[tuple[object, ...]]) -> str:
        shop = Workshop(tmp_path / name)
        shop.take("1.csv", rows)
        shop.settle()
        return str(shop.manifest(1)["training"]["dataset_sha256"])

    same = learned("a", clients(20)), learned("b", clients(20))
    assert same[0] == same[1]
    changed = clients(20)
    changed[3] = (*changed[3][:1], -1, *changed[3][2:])
    assert learned("c", changed) != same[0]
    assert np.unique(same).size == 1


def test_a_release_that_retention_removed_gets_no_report_and_none_is_claimed(make: Make) -> None:
    shop = make(retention={"releases": 2}, drift={"policy": "always"})
    for number in range(3):
        shop.take(f"{number}.csv", clients(60, seed=number, prefix=f"p{number}-"))
        shop.settle()
    kept = sorted(int(path.name) for path in shop.workspace.releases.iterdir())
    assert len(kept) == 2
    told = recovery.write_missing_reports(shop.house)
    assert [fact.fields["model_version"] for fact in told] == kept
    assert sorted(path.name for path in shop.workspace.reports.iterdir()) == [*map(str, kept), "latest"]
    assert recovery.write_missing_reports(shop.house) == []
