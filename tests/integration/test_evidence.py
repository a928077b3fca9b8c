"""Evidence over many files: what is held, judged and rolled back, and that a death in between changes nothing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from handlers import decision_blocks, deliberation, deployment, releasing, shadows, training
from handlers.decision_state import read_state
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.state import State
from handlers.domain.files import FileState
from handlers.domain.metrics import measure
from handlers.storage import decisions, parts
from handlers.storage.parts import PartKind
from tests.workshop import Workshop

LABELS = ("corporation", "exited")
MONTHLY = ("month", "corporation", "activity", "employees", "exited")
ROWS = 80
Rows = list[tuple[object, ...]]
Make = Callable[..., Workshop]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(folder: str = "shop", **settings: Any) -> Workshop:
        settings["training"] = {"minimum_rows": 60, "minimum_rare": 8, **settings.get("training", {})}
        (tmp_path / folder).mkdir(exist_ok=True)
        return Workshop(tmp_path / folder, **settings)

    return made


def month(number: int, rows: int = ROWS, *, turned: bool = False, broken: bool = False) -> Rows:
    """Clients of whom the less active leave more often, or the more active where the world has ``turned``."""
    chance = random.Random(number)  # noqa: S311 - data for tests
    made: Rows = []
    for place in range(rows):
        leaves = chance.random() < 0.3
        low = leaves != turned
        activity = chance.randrange(55) if low else chance.randrange(45, 100)
        made.append((f"m{number}-{place}", None if broken else activity, chance.randrange(1, 500), int(leaves)))
    return made


def state(shop: Workshop) -> State:
    with shop.house.ledger.read() as connection:
        return read_state(connection)


def record(shop: Workshop) -> dict[str, Any]:
    found = shop.decisions()[-1].record
    assert found is not None
    return found


def learned(shop: Workshop) -> set[str]:
    """The files that brought the rows which a model on everything would learn from."""
    with shop.house.ledger.read() as connection:
        taken = decisions.members_between(connection, 1, 10_000)
    by_number = {one.seq: one.name for one in shop.files()}
    return {by_number[member.file] for member in taken}


def every_row_is_in_at_most_one_block(shop: Workshop, without: int = 0) -> None:
    counted = shop.decided_rows()
    assert set(counted.values()) == {1}
    assert len(counted) == len([row for row in shop.rows() if row[-1] is not None]) - without


# -- files that are broken ------------------------------------------------------------------------------------------


def test_a_broken_file_is_held_and_neither_learned_from_nor_judged_by_and_others_go_on(make: Make) -> None:
    shop = make()
    shop.take("1.csv", month(1, 200))
    shop.settle()
    shop.take("2.csv", month(2))
    shop.settle()
    before = state(shop)
    shop.take("3.csv", month(3, broken=True))
    assert shop.settle() == ["held"]
    assert shop.file("3.csv").state == FileState.HELD
    after = state(shop)
    assert after.path == before.path
    assert (after.units, after.pool, after.reference) == (before.units, before.pool, before.reference)
    assert len(after.held) == 1
    assert "activity" in record(shop)["sentence"]
    assert "held" in record(shop)["sentence"]
    told = [fact for fact in shop.told if fact.event == "file.held"]
    assert [fact.fields["file"] for fact in told] == ["3.csv"]
    assert learned(shop) == {"1.csv", "2.csv"}
    every_row_is_in_at_most_one_block(shop, without=ROWS)
    shop.take("4.csv", month(4))
    assert shop.settle() == ["kept"]
    assert state(shop).path[-1].rows == ROWS
    assert state(shop).held == ()
    assert learned(shop) == {"1.csv", "2.csv", "4.csv"}
    assert len(shop.rows()) == 200 + 3 * ROWS


def test_a_new_normal_lasts_until_a_file_comes_without_it(make: Make) -> None:
    shop = make(promotion={"confidence_z": 1e3, "alarm_confidence_z": 1e3, "growth_confidence_z": 1e3})
    shop.take("1.csv", month(1, 200))
    shop.settle()
    states = []
    for number in range(2, 10):
        name = f"{number}.csv"
        shop.take(name, month(number, broken=number != 7))
        shop.settle()
        states.append(shop.file(name).state)
    held, taken = FileState.HELD, FileState.INGESTED
    assert states == [held, held, taken, taken, taken, taken, held, held]
    every_row_is_in_at_most_one_block(shop, without=2 * ROWS)


def test_what_was_released_by_hand_is_the_new_normal(make: Make) -> None:
    shop = make(promotion={"confidence_z": 1e3, "alarm_confidence_z": 1e3, "growth_confidence_z": 1e3})
    shop.take("1.csv", month(1, 200))
    shop.settle()
    shop.take("2.csv", month(2, broken=True))
    shop.settle()
    releasing.release(shop.house, [shop.file("2.csv").sha256 or ""])
    shop.settle()
    shop.take("3.csv", month(3, broken=True))
    assert shop.settle() == ["kept"]
    assert shop.file("3.csv").state == FileState.INGESTED


def test_several_files_are_released_in_one_step_and_decided_on_together(make: Make) -> None:
    shop = make()
    shop.take("1.csv", month(1, 200))
    shop.settle()
    for number in (2, 3):
        shop.take(f"{number}.csv", month(number, broken=True))
        shop.settle()
    sha256 = [str(shop.file(name).sha256) for name in ("2.csv", "3.csv")]
    with pytest.raises(releasing.NotHeld, match="no held file"):
        releasing.release(shop.house, [sha256[0], "0" * 64])
    assert shop.file("2.csv").state == FileState.HELD
    before = len(shop.decisions())
    records, _ = releasing.release(shop.house, sha256)
    assert [record.name for record in records] == ["2.csv", "3.csv"]
    shop.settle()
    assert len(shop.decisions()) == before + 1
    assert record(shop)["files"] == ["2.csv", "3.csv"]
    every_row_is_in_at_most_one_block(shop)


def test_of_a_block_with_a_broken_file_the_others_are_judged(make: Make) -> None:
    shop = make()
    shop.take("1.csv", month(1, 200))
    shop.settle()
    shop.ingest(shop.drop("2.csv", month(2)), shop.drop("3.csv", month(3, broken=True)))
    assert shop.settle() == ["kept"]
    assert (state(shop).path[-1].rows, record(shop)["rows"]) == (ROWS, ROWS)
    assert [one.state for one in shop.files()] == [FileState.INGESTED, FileState.INGESTED, FileState.HELD]
    assert len(shop.scores()[2]) == ROWS
    every_row_is_in_at_most_one_block(shop, without=ROWS)


def test_the_third_broken_file_in_a_row_is_the_new_normal(make: Make) -> None:
    shop = make()
    shop.take("1.csv", month(1, 200))
    shop.settle()
    verdicts = []
    for number in (2, 3, 4):
        shop.take(f"{number}.csv", month(number, broken=True))
        verdicts += shop.settle()
    assert verdicts[:2] == ["held", "held"]
    assert verdicts[2] in ("kept", "promoted")
    sentences = [str((one.record or {})["sentence"]) for one in shop.decisions()]
    assert any(
        "This is the new normal: the 2 files that were held are learned from after all." in one for one in sentences
    )
    shop.settle()
    assert {one.state for one in shop.files()} == {FileState.INGESTED}
    assert learned(shop) == {"1.csv", "2.csv", "3.csv", "4.csv"}
    assert state(shop).held == ()
    every_row_is_in_at_most_one_block(shop)


def test_a_held_file_that_is_released_is_learned_from_with_the_next_decision(make: Make) -> None:
    shop = make()
    shop.take("1.csv", month(1, 200))
    shop.settle()
    shop.take("2.csv", month(2, broken=True))
    assert shop.settle() == ["held"]
    sha256 = shop.file("2.csv").sha256
    assert sha256 is not None
    releasing.release(shop.house, [sha256[:12]])
    shop.settle()
    assert learned(shop) == {"1.csv", "2.csv"}
    assert shop.file("2.csv").state == FileState.INGESTED
    every_row_is_in_at_most_one_block(shop)


# -- labels that come later -----------------------------------------------------------------------------------------


def test_labels_that_come_later_are_judged_with_the_score_that_was_given_then(make: Make) -> None:
    shop = make(drift={"policy": "always"})
    shop.take("1.csv", month(1, 200))
    shop.settle()
    later = month(2)
    shop.take("2.csv", [(*row[:-1], None) for row in later])
    given = shop.ranked("2.csv")
    shop.take("newest.csv", [(*row[:-1], None) for row in month(9)])  # a deployment ranks the newest list alone
    shop.take("3.csv", month(3, turned=True, rows=300))
    assert shop.settle() == ["promoted"]
    shop.take("labels.csv", [(row[0], row[-1]) for row in later], LABELS)
    shop.settle()
    with shop.house.ledger.read() as connection:
        part = parts.listed(connection, PartKind.SCORES)[-1]
        stored: pa.Table = parts.read(connection, shop.workspace.parts, part)
    assert stored["label"].to_pylist() == [row[-1] for row in later]
    assert stored["probability"].to_pylist() == [given[str(row[0])] for row in later]
    assert stored["probability"].to_pylist() != pytest.approx(probabilities_of(stored["said:m2"].to_numpy()).tolist())
    assert set(stored["model"].to_pylist()) == {1}
    assert (shop.decisions()[-1].record or {})["metrics"]["rows"] == ROWS
    every_row_is_in_at_most_one_block(shop)


# -- a death in between ---------------------------------------------------------------------------------------------

FAST: dict[str, Any] = {"training": {"refresh_blocks": 1, "growth": 1.2}}


def run_of(shop: Workshop, die_at: str | None = None, monkeypatch: pytest.MonkeyPatch | None = None) -> list[Any]:
    """Six months, the last two turned; in the fifth the process dies once at a step of this name."""
    for number in range(1, 7):
        shop.take(f"{number}.csv", month(number, 120 if 1 < number < 5 else 400, turned=number > 4))
        if die_at is not None and monkeypatch is not None and number == 5:
            with monkeypatch.context() as patched:
                module, name = STEPS[die_at]
                patched.setattr(module, name, _dies)
                with pytest.raises(MemoryError):
                    shop.settle()
            shop.recover()
        shop.settle()
    return [_timeless(one.record) for one in shop.decisions()]


def _dies(*_: Any, **__: Any) -> None:
    raise MemoryError


def _timeless(document: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(document))


STEPS: dict[str, tuple[Any, str]] = {
    "before the rule": (deliberation, "decide"),
    "while it trains": (training.Learner, "train"),
    "before the release": (deployment, "prepare"),
    "before the commit": (decision_blocks, "end"),
}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], State]:
    root = tmp_path_factory.mktemp("undisturbed")
    shop = Workshop(root, training={"minimum_rows": 60, "minimum_rare": 8, **FAST["training"]})
    return run_of(shop), state(shop)


@pytest.mark.parametrize("die_at", list(STEPS))
def test_a_decision_that_was_interrupted_is_decided_in_the_same_way(
    make: Make, monkeypatch: pytest.MonkeyPatch, undisturbed: tuple[list[Any], State], die_at: str
) -> None:
    shop = make(**FAST)
    assert run_of(shop, die_at, monkeypatch) == undisturbed[0]
    assert state(shop) == undisturbed[1]
    assert max(one.attempts for one in shop.decisions()) == 2
    every_row_is_in_at_most_one_block(shop)


def test_the_run_that_is_interrupted_has_an_alarm_a_deployment_and_challengers(
    undisturbed: tuple[list[Any], State],
) -> None:
    records, last = undisturbed
    assert "harm" in [one["trigger"] for one in records]
    assert last.champion is not None
    assert last.champion.version >= 2
    assert last.shadows


def test_challengers_whose_folder_is_gone_are_fitted_again_and_decide_the_same(
    make: Make, undisturbed: tuple[list[Any], State], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = make(**FAST)
    read = shadows.read

    def after_a_loss(house: Any, learner: Any, shadow: Any) -> Any:
        shutil.rmtree(shop.workspace.models / f"challenger-{shadow.name}", ignore_errors=True)
        return read(house, learner, shadow)

    monkeypatch.setattr(shadows, "read", after_a_loss)
    records = run_of(shop)
    assert [one["sentence"] for one in records] == [one["sentence"] for one in undisturbed[0]]
    assert state(shop) == undisturbed[1]
    refitted = [fact.fields["challenger"] for fact in shop.told if fact.event == "challenger.refitted"]
    assert refitted
    assert set(refitted) >= {shadow.name for shadow in state(shop).shadows if shadow.last < shop.decisions()[-1].id}


def test_the_scores_of_all_rows_are_those_of_what_is_stored_also_where_the_counts_are_lost(make: Make) -> None:
    shop = make()
    for number in range(1, 5):
        shop.take(f"{number}.csv", month(number))
        shop.settle()
    with shop.house.ledger.write() as connection:
        connection.exec_driver_sql("DELETE FROM facts WHERE name = 'running_scores'")
    shop.take("5.csv", month(5))
    shop.settle()
    with shop.house.ledger.read() as connection:
        listed = parts.listed(connection, PartKind.SCORES)
        tables = [table for _, table in parts.read_all(connection, shop.workspace.parts, listed)]
    labels, said, predicted = (
        np.concatenate([table[name].to_numpy() for table in tables]) for name in ("label", "probability", "prediction")
    )
    found = shop.fact("prequential")
    assert found["rows"] == len(labels) == 4 * ROWS
    assert found["log_loss"] == pytest.approx(measure(labels, said, 0.5).log_loss)
    assert found["f1"] == pytest.approx(measure(labels, predicted.astype(float), 0.5).f1)
    assert found["roc_auc"] == pytest.approx(measure(labels, said, 0.5).roc_auc, abs=0.002)


# -- the way back ---------------------------------------------------------------------------------------------------


def test_a_champion_that_is_worse_than_its_predecessor_is_rolled_back_by_itself(make: Make) -> None:
    shop = make(training={"refresh_blocks": 50, "growth": 50.0})
    shop.take("1.csv", month(1, 300))
    shop.settle()
    shop.take("2.csv", month(2, 400, turned=True))
    assert shop.settle() == ["promoted"]
    served = shop.champion()
    assert served is not None
    assert served.version == 2
    shop.take("3.csv", month(3, 400))  # it was a whim: the world is as it was
    assert shop.settle() == ["rolled_back"]
    champion = shop.champion()
    assert champion is not None
    assert champion.version == 1
    assert shop.models() == {1: "current", 2: "previous"}
    assert (record(shop)["trigger"], record(shop)["model_version"], record(shop)["champion_before"]) == ("harm", 1, 2)
    assert record(shop)["sentence"].startswith("Went back to model 1: it was better by")
    assert [fact.fields["model_version"] for fact in shop.told if fact.event == "model.rolled_back"] == [1]
    assert (shop.workspace.production / "current").resolve().name == "1"
    after = state(shop)
    assert after.champion is not None
    assert (after.champion.version, after.previous, after.phase) == (1, None, "stable")
    shop.take("4.csv", month(4, 200))
    assert shop.settle() == ["kept"]
    every_row_is_in_at_most_one_block(shop)


# -- periods --------------------------------------------------------------------------------------------------------


def test_a_late_period_decides_nothing_and_is_learned_from(make: Make) -> None:
    shop = make(dataset={"time_column": "month"}, training={"growth": 1.01})
    for number in (3, 4):
        shop.take(f"{number}.csv", [(number, *row) for row in month(number, 150)], MONTHLY)
        shop.settle()
    before = state(shop)
    shop.take("late.csv", [(1, *row) for row in month(1, 150, turned=True)], MONTHLY)
    assert shop.settle() == ["kept"]
    after = state(shop)
    assert (after.path, after.units, after.reference) == (before.path, before.units, before.reference)
    assert after.latest_period == "4"
    assert "decide nothing" in record(shop)["sentence"]
    assert "late.csv" in learned(shop)
    shop.take("5.csv", [(5, *row) for row in month(5, 150)], MONTHLY)
    shop.settle()
    assert state(shop).trained_rows == 600
    every_row_is_in_at_most_one_block(shop)


def test_late_rows_are_never_put_together_with_new_ones(make: Make) -> None:
    shop = make(dataset={"time_column": "month"})
    shop.take("3.csv", [(3, *row) for row in month(3, 200)], MONTHLY)
    shop.settle()
    few = [(1, *row) for row in month(1, 50, turned=True)]  # too few alone: they would be pooled with what comes next
    shop.take("mixed.csv", [*few, *((4, *row) for row in month(4))], MONTHLY)
    assert shop.settle() == ["kept", "kept"]
    late, new = shop.decisions()[-2:]
    assert (late.periods, new.periods) == (("1",), ("4",))
    assert "decide nothing" in str(late.record)
    assert state(shop).path[-1].rows == ROWS
    assert not state(shop).path[-1].alarm
    every_row_is_in_at_most_one_block(shop)


def test_a_label_without_a_time_is_of_the_period_of_its_row(make: Make) -> None:
    shop = make(dataset={"time_column": "month"})
    shop.take("3.csv", [(3, *row) for row in month(3, 200)], MONTHLY)
    shop.settle()
    late = month(1, 100, turned=True)
    shop.take("1.csv", [(1, *row[:-1], None) for row in late], MONTHLY)
    shop.take("labels.csv", [(row[0], row[-1]) for row in late], LABELS)
    assert shop.settle() == ["kept"]
    assert shop.decisions()[-1].periods == ("1",)
    assert "decide nothing" in record(shop)["sentence"]
    assert state(shop).path == ()
    every_row_is_in_at_most_one_block(shop)


def test_three_different_breaks_are_no_new_normal(make: Make) -> None:
    shop = make()
    shop.take("1.csv", month(1, 200))
    shop.settle()
    shop.take("2.csv", month(2, broken=True))
    shop.take("3.csv", [(*row[:2], 100_000, row[-1]) for row in month(3)])
    shop.take("4.csv", month(4, broken=True))
    assert shop.settle() == ["held"]
    assert [shop.file(f"{number}.csv").state for number in (2, 3, 4)] == [FileState.HELD] * 3
    assert learned(shop) == {"1.csv"}
    every_row_is_in_at_most_one_block(shop, without=3 * ROWS)
