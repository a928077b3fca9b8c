"""What follows a commit is done once it can be, whatever happened in between."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handlers import pipeline, publication
from handlers.domain.files import FileStamp, FileState
from handlers.receiving import Arrival
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
    assert second.scorer.threshold != first.scorer.threshold
    ranked = shop.ranked("u.csv")
    for line in (shop.workspace.predictions / "u.csv").read_text().splitlines()[1:]:
        name, _, prediction, version = line.split(",")
        probability = ranked[name]
        assert probability is not None
        assert (version, prediction) == ("1", str(int(probability >= first.scorer.threshold)))


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
    pipeline.ingest(shop.house, [Arrival(name, "2026-01-01T00:00:00.000Z")], None, shop.told.append)
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


def _refused(shop: Workshop, name: str, rows: list[tuple[object, ...]]) -> str:
    """Drop a file of which too many rows are faulty; the names in the quarantine begin with what is returned."""
    shop.take(name, rows)
    record = shop.file(name)
    assert record.state is FileState.QUARANTINED
    assert record.sha256 is not None
    return record.sha256


def test_a_refused_content_that_is_taken_later_waits_for_nobody(tmp_path: Path) -> None:
    strict = Workshop(tmp_path, ingestion={"max_rejected_fraction": 0.0})
    rows = [*clients(20), ("odd", "not a number", *clients(1)[0][2:])]
    strict.take("0.csv", clients(5, prefix="z"))
    _refused(strict, "1.csv", rows)
    sha256 = _refused(strict, "copy.csv", rows)
    assert len(list(strict.workspace.quarantine.iterdir())) == 4
    lenient = Workshop(tmp_path, ingestion={"max_rejected_fraction": 0.2})
    lenient.take("again.csv", rows)
    assert lenient.file("again.csv").state is FileState.INGESTED
    for name in ("1.csv", "copy.csv"):
        record = lenient.file(name)
        assert record.reason is not None
        assert (record.state, record.sha256, record.reason.code) == (FileState.DUPLICATE, sha256, "taken_later")
        assert "as again.csv" in record.reason.detail
    assert list(lenient.workspace.quarantine.iterdir()) == []


def test_a_refused_content_that_is_refused_again_waits_once(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, ingestion={"max_rejected_fraction": 0.0})
    rows = [*clients(20), ("odd", "not a number", *clients(1)[0][2:])]
    shop.take("0.csv", clients(5, prefix="z"))
    sha256 = _refused(shop, "1.csv", rows)
    first = shop.file("1.csv")
    (shop.workspace.source / "1.csv").unlink()
    _refused(shop, "1.csv", rows)
    with shop.house.ledger.read() as connection:
        waiting = files.refused_as(connection, sha256)
        before = files.find_seq(connection, first.seq)
    assert [record.seq for record in waiting] == [shop.file("1.csv").seq]
    assert before.reason is not None
    assert (before.state, before.reason.code) == (FileState.DUPLICATE, "refused_again")
    assert len(list(shop.workspace.quarantine.iterdir())) == 2
