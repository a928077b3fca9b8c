"""What the lists say about models in waiting, broken files and columns that give the target away."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from handlers import drift_status, model_records, releasing
from handlers.calls import CallList
from handlers.decision_state import read_state
from tests.workshop import Workshop

TRAINING = {"minimum_rows": 60, "minimum_rare": 8}


def clients(number: int, rows: int, *, broken: bool = False, unlabelled: int = 0) -> list[tuple[object, ...]]:
    """Clients of whom the less active leave; ``closed_on`` is filled in afterwards. The last ones have no label."""
    chance = random.Random(number)  # noqa: S311 - data for tests
    made: list[tuple[object, ...]] = []
    for place in range(rows):
        leaves = chance.random() < 0.3
        activity = None if broken else chance.randrange(70) + (0 if leaves else 30)
        known = place < rows - unlabelled
        made.append((f"c{number}-{place}", activity, "done" if leaves else None, int(leaves) if known else None))
    return made


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, training=TRAINING)


def take(shop: Workshop, name: str, rows: list[tuple[object, ...]]) -> None:
    shop.take(name, rows, header=("corporation", "activity", "closed_on", "exited"))
    shop.settle()


def newest(shop: Workshop) -> dict[str, Any]:
    record = shop.decisions()[-1].record
    assert record is not None
    return record


def test_a_column_that_gives_the_target_away_is_told_as_long_as_the_model_has_learned_from_it(shop: Workshop) -> None:
    take(shop, "1.csv", clients(1, 300))
    leaks = newest(shop)["leaks"]
    assert leaks == ["Whether closed_on is empty nearly gives the target away: it is probably known only afterwards."]
    champion = shop.champion()
    assert champion is not None
    assert [leak.column for leak in champion.leaks] == ["closed_on"]
    take(shop, "2.csv", clients(2, 20))  # too few to tell anything by themselves
    assert newest(shop)["leaks"] == leaks
    assert leaks[0] in newest(shop)["sentence"]


def test_the_ranking_of_a_held_file_says_so_until_it_is_released(shop: Workshop) -> None:
    take(shop, "1.csv", clients(1, 300))
    take(shop, "2.csv", clients(2, 200, broken=True, unlabelled=60))
    release = shop.champion()
    assert release is not None
    calls = CallList(shop.house.ledger, shop.workspace, shop.house.dataset)
    page = calls.page(release, 10)
    (held,) = drift_status.drift(shop.house.ledger)["held"]
    assert page["file"] == held["name"] == "2.csv"
    assert page["broken"] == held["detail"]
    assert "activity" in held["detail"]
    assert f"`attritiond files release {(held['sha256'] or '')[:12]}`" in held["what_to_do"]
    releasing.release(shop.house, [held["sha256"] or ""])
    assert calls.page(release, 10)["broken"] is None


def test_the_ranking_of_a_broken_file_without_labels_says_so(shop: Workshop) -> None:
    take(shop, "1.csv", clients(1, 300))
    take(shop, "2.csv", clients(2, 60, unlabelled=60))
    release = shop.champion()
    assert release is not None
    calls = CallList(shop.house.ledger, shop.workspace, shop.house.dataset)
    assert (calls.page(release, 10)["file"], calls.page(release, 10)["broken"]) == ("2.csv", None)
    take(shop, "3.csv", clients(3, 60, broken=True, unlabelled=60))
    page = calls.page(release, 10)
    assert page["file"] == "3.csv"
    assert page["broken"] is not None
    assert page["broken"].startswith("activity")


def test_models_in_waiting_are_listed_beside_the_releases(shop: Workshop) -> None:
    for number in range(1, 9):
        take(shop, f"{number}.csv", clients(number, 100))
    with shop.house.ledger.read() as connection:
        waiting = read_state(connection).shadows
    assert waiting
    page = model_records.models_page(shop.house.ledger, 1)
    assert len(page["items"]) == 1
    assert [one["name"] for one in page["challengers"]] == [shadow.name for shadow in waiting]
    for one, shadow in zip(page["challengers"], waiting, strict=True):
        assert (one["state"], one["version"], one["deployed_at"]) == ("challenger", None, None)
        assert one["estimator"] == shadow.part.estimator
        blocks = range(shadow.part.first, shadow.last + 1)
        assert one["trained_rows"] == sum(found.rows for found in shop.decisions() if found.id in blocks)
    assert drift_status.drift(shop.house.ledger)["challengers"] == page["challengers"]
