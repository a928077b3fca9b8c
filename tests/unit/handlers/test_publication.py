"""What follows a commit is done once it can be, whatever happened in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handlers import pipeline, publication
from handlers.domain.files import FileStamp, FileState
from handlers.storage import files
from tests.workshop import Workshop, clients


def opposite(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    return [(*row[:-1], 1 - int(str(row[-1]))) for row in rows]


def test_predictions_that_a_crash_delayed_are_decided_by_the_threshold_of_the_model_that_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Workshop(tmp_path, training={"minimum_rows": 40, "minimum_rare": 4}, drift={"policy": "always"})
    shop.take("1.csv", clients(60))
    shop.settle()
    first = shop.champion()
    assert first is not None

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.publication, "publish", killed)
    with pytest.raises(KeyboardInterrupt):
        shop.take("u.csv", clients(30, seed=8, prefix="u", labelled=False))
    monkeypatch.undo()
    shop.take("v.csv", clients(5, prefix="v", labelled=False))
    shop.take("2.csv", opposite(clients(300, seed=3, prefix="n")))
    with shop.house.ledger.write() as connection:
        files.set_unpublished(connection, shop.file("u.csv").seq)
    (shop.workspace.predictions / "u.csv").unlink()
    shop.settle()
    second = shop.champion()
    assert second is not None
    assert second.version == 2
    assert second.scorecard.threshold != first.scorecard.threshold
    ranked = shop.ranked("u.csv")
    for line in (shop.workspace.predictions / "u.csv").read_text().splitlines()[1:]:
        name, _, prediction, version = line.split(",")
        probability = ranked[name]
        assert probability is not None
        assert (version, prediction) == ("1", str(int(probability >= first.scorecard.threshold)))


def test_following_up_twice_changes_nothing(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.take("1.csv", [*clients(20), *clients(4, prefix="u", labelled=False)])
    shop.settle()

    def there() -> dict[str, bytes]:
        paths = [*shop.workspace.predictions.iterdir(), *shop.workspace.dataset.glob("*.csv")]
        return {path.name: path.read_bytes() for path in paths}

    before = there()
    assert set(before) == {"1.csv", "finaldata.csv"}
    shop.recover()
    publication.publish(shop.house, shop.champion())
    assert there() == before


@pytest.mark.parametrize("after", ["archive", "delete"])
def test_a_file_that_came_under_the_name_of_a_taken_one_is_not_taken_away(tmp_path: Path, after: str) -> None:
    shop = Workshop(tmp_path, ingestion={"after": after})
    shop.take("1.csv", clients(5))
    newer = shop.workspace.source / shop.drop("1.csv", clients(9))
    with shop.house.ledger.write() as connection:
        files.set_unpublished(connection, shop.file("1.csv").seq)
    stamp = FileStamp.of(newer.stat())
    publication.publish(shop.house, None)
    assert FileStamp.of(newer.stat()) == stamp
    assert shop.take("1.csv", clients(9)).rows.ingested == 4


def test_a_taken_file_whose_name_is_not_utf8_is_archived(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ingestion={"after": "archive"})
    name = "\udcff.csv"
    shop.drop("plain.csv", clients(5))
    (shop.workspace.source / "plain.csv").rename(shop.workspace.source / name)
    pipeline.ingest(shop.house, [pipeline.Arrival(name, "2026-01-01T00:00:00.000Z")], None)
    assert [path.name for path in shop.workspace.archive.iterdir()] == [name]
    assert [record.name for record in shop.files()] == ["\\xff.csv"]


def test_what_cannot_be_published_is_told_holds_up_nobody_and_is_done_later(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ingestion={"after": "archive"})
    shop.workspace.archive.write_text("a file where the folder should be")
    first = shop.take("1.csv", clients(4))
    assert first.state is FileState.INGESTED
    assert [(fact.event, fact.fields["file"]) for fact in shop.told if fact.event == "publication.failed"] == [
        ("publication.failed", "1.csv")
    ]
    shop.workspace.archive.unlink()
    shop.take("2.csv", clients(4, prefix="d"))
    assert sorted(path.name for path in shop.workspace.archive.iterdir()) == ["1.csv", "2.csv"]


def test_an_archived_file_never_replaces_another_of_its_name(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ingestion={"after": "archive"})
    first = shop.take("1.csv", clients(4))
    second = shop.take("1.csv", clients(6, prefix="d"))
    assert first.sha256 != second.sha256
    archived = sorted(path.name for path in shop.workspace.archive.iterdir())
    assert archived == sorted(["1.csv", f"{second.sha256}-1.csv"])
