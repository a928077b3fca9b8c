"""Rows come in exactly once, and labels find their rows."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from handlers import pipeline
from handlers.domain.files import FileRecord, FileState
from handlers.receiving import Arrival
from tests.workshop import Workshop, clients

LABELS = ("corporation", "exited")
Make = Callable[..., Workshop]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def made(**settings: Any) -> Workshop:
        return Workshop(tmp_path, **settings)

    return made


@pytest.fixture
def shop(make: Make) -> Workshop:
    return make()


def counts(record: FileRecord) -> tuple[int, int, int, int]:
    """Read, ingested, duplicate, rejected; they must add up."""
    rows = record.rows
    assert rows.read == rows.ingested + rows.duplicate + rows.rejected
    return rows.read, rows.ingested, rows.duplicate, rows.rejected


def row(name: str, activity: object = 5, label: object = 1) -> tuple[object, ...]:
    return (name, activity, 10, label)


# -- rows ---------------------------------------------------------------------------------------------------------


def test_a_row_counts_once_within_a_file_across_a_group_and_across_groups(shop: Workshop) -> None:
    first = shop.drop("1.csv", [row("a"), row("b", label=0), row("a")])
    second = shop.drop("2.csv", [row("b", label=0), row("c")])
    one, two = shop.ingest(first, second)
    three = shop.take("3.csv", [row("c"), row("a"), row("d"), row("d")])
    assert [counts(one), counts(two), counts(three)] == [(3, 2, 1, 0), (2, 1, 1, 0), (4, 1, 3, 0)]
    assert [one[0] for one in shop.rows()] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("changed", [row("a", activity=6), row("a", label=0), row("a", label=None), row("A")])
def test_rows_that_differ_in_one_value_are_two(shop: Workshop, changed: tuple[object, ...]) -> None:
    shop.take("1.csv", [row("a"), row("z", label=0)])
    assert counts(shop.take("2.csv", [changed])) == (1, 1, 0, 0)


def test_the_same_numbers_in_another_spelling_or_column_order_are_the_same_row(shop: Workshop) -> None:
    shop.take("1.csv", [row("a", 5), row("b", 6, 0)])
    again = shop.take("2.csv", [("1", "5.0", "a", "1e1")], ("exited", "activity", "corporation", "employees"))
    assert counts(again) == (1, 0, 1, 0)


def test_any_split_of_rows_into_files_and_groups_gives_the_same_data_set(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311 - data for tests
    pool = [row(f"c{number % 9}", number % 4, number % 2) for number in range(60)]
    for attempt in range(5):
        shop = Workshop(tmp_path / str(attempt))
        names = []
        for number in range(6):
            rows = [chance.choice(pool) for _ in range(10)]
            names.append((shop.drop(f"{number}.csv", rows), rows))
        cut = chance.randrange(7)
        for group in (names[:cut], names[cut:]):
            for record in shop.ingest(*(name for name, _ in group)):
                counts(record)
        expected = {tuple(one) for _, rows in names for one in rows}
        assert sorted(shop.rows()) == sorted(expected)
        assert shop.fact("labels") == {"rows": len(expected), "positives": sum(one[3] == 1 for one in expected)}


def test_with_none_every_row_counts_each_time(make: Make) -> None:
    shop = make(dataset={"duplicates": "none"})
    shop.take("1.csv", [row("a"), row("a")])
    assert counts(shop.take("2.csv", [row("a"), row("b", label=0)])) == (2, 2, 0, 0)
    assert [one[0] for one in shop.rows()] == ["a", "a", "a", "b"]


def test_with_key_the_last_row_of_a_client_wins_within_and_across_files_and_groups(make: Make) -> None:
    shop = make(dataset={"duplicates": "key"})
    one = shop.take("1.csv", [row("a", 1), row("b", 1, 0), row("a", 2)])
    assert counts(one) == (3, 2, 1, 0)
    assert sorted(shop.rows()) == [row("a", 2), row("b", 1, 0)]
    shop.ingest(shop.drop("2.csv", [row("a", 3)]), shop.drop("3.csv", [row("a", 4), row("c", 1)]))
    assert sorted(shop.rows()) == [row("a", 4), row("b", 1, 0), row("c", 1)]
    assert counts(shop.take("4.csv", [row("a", 4), row("b", 1, 0)])) == (2, 0, 2, 0)
    shop.take("5.csv", [row("a", 2)])
    assert sorted(shop.rows()) == [row("a", 2), row("b", 1, 0), row("c", 1)]


def test_with_key_and_time_each_period_of_a_client_is_a_row(make: Make) -> None:
    shop = make(dataset={"duplicates": "key", "time_column": "month"})
    header = ("month", "corporation", "activity", "exited")
    shop.take("1.csv", [(1, "a", 5, 0), (2, "a", 6, 0), (1, "b", 7, 1)], header)
    shop.take("2.csv", [(2, "a", 8, 1), (3, "a", 9, 0)], header)
    assert sorted(shop.rows()) == [("1", "a", 5, 0), ("1", "b", 7, 1), ("2", "a", 8, 1), ("3", "a", 9, 0)]


def test_rows_with_faults_are_set_aside_and_the_counts_say_so(shop: Workshop) -> None:
    shop.take("1.csv", clients(20))
    shop.settle()
    bad = [*clients(9, prefix="n"), ("bad", "many", 3, 1)]
    record = shop.take("2.csv", [*bad, bad[0]])
    assert counts(record) == (11, 9, 1, 1)
    assert len(shop.rows()) == 29
    [rejected] = shop.workspace.rejected.iterdir()
    assert "many" in rejected.read_text()


def test_a_refused_file_leaves_no_trace_in_the_data_set(shop: Workshop) -> None:
    shop.take("1.csv", clients(20))
    before = (shop.rows(), shop.schema(), shop.fact("labels"), shop.fact("dataset_version"))
    names = [
        shop.drop("empty.csv", [], ()),
        shop.drop("columns.csv", [("x", 1, 0)], ("corporation", "activity", "exited")),
        shop.drop("faults.csv", [row("x"), ("y", "many", 1, 0)]),
        shop.drop("third.csv", [row("x", label=7), row("y", label=8)]),
        shop.drop("unknown.csv", [("nobody", 1)], LABELS),
    ]
    assert {record.state for record in shop.ingest(*names)} == {FileState.QUARANTINED}
    assert (shop.rows(), shop.schema(), shop.fact("labels"), shop.fact("dataset_version")) == before
    assert counts(shop.take("good.csv", [row("x"), row("y", label=0)])) == (2, 2, 0, 0)


def test_a_refused_file_between_good_ones_of_a_group_changes_nothing_for_them(shop: Workshop) -> None:
    names = [
        shop.drop("1.csv", clients(10)),
        shop.drop("2.csv", [("bad", 1)], ("corporation", "exited_")),
        shop.drop("3.csv", clients(10, prefix="d")),
    ]
    states = [record.state for record in shop.ingest(*names)]
    assert states == [FileState.INGESTED, FileState.QUARANTINED, FileState.INGESTED]
    assert sorted(shop.rows()) == sorted([*clients(10), *clients(10, prefix="d")])


# -- later labels -------------------------------------------------------------------------------------------------


def test_a_label_goes_to_the_newest_row_of_its_client(shop: Workshop) -> None:
    shop.take("1.csv", [row("a", 1, None), row("b", 1, None)])
    shop.take("2.csv", [row("a", 2, None)])
    assert counts(shop.take("3.csv", [("a", 1), ("b", 0)], LABELS)) == (2, 2, 0, 0)
    assert shop.rows() == [row("a", 1, None), row("b", 1, 0), row("a", 2, 1)]


def test_labels_in_the_same_group_as_their_rows_find_them(shop: Workshop) -> None:
    shop.take("0.csv", [row("a", 0, None)])
    shop.ingest(
        shop.drop("1.csv", [row("a", 1, None), row("b", 1, None)]),
        shop.drop("2.csv", [("a", 1), ("b", 0)], LABELS),
        shop.drop("3.csv", [row("a", 2, None)]),
        shop.drop("4.csv", [("a", 0)], LABELS),
    )
    assert shop.rows() == [row("a", 0, None), row("a", 1, 1), row("b", 1, 0), row("a", 2, 0)]
    assert shop.fact("labels") == {"rows": 3, "positives": 1}
    assert shop.settle() == ["promoted"]
    assert shop.decided_rows() == {1: 1, 2: 1, 3: 1}


@pytest.mark.parametrize("header", [("corporation", "month", "exited"), ("month", "corporation", "exited")])
def test_with_time_a_label_goes_to_the_row_of_that_time_whatever_the_column_order(
    make: Make, header: tuple[str, ...]
) -> None:
    shop = make(dataset={"time_column": "month"})
    cells = {"1": {"month": 1, "corporation": "a"}, "2": {"month": 2, "corporation": "a"}}
    shop.take(
        "1.csv",
        [(*(one[name] for name in header[:2]), 5, None) for one in cells.values()],
        (*header[:2], "x", "exited"),
    )
    record = shop.take("2.csv", [(*(cells["1"][name] for name in header[:2]), 1)], header)
    assert counts(record) == (1, 1, 0, 0)
    labels = {(one[header.index("month")], one[3]) for one in shop.rows()}
    assert labels == {("1", 1), ("2", None)}


def test_a_label_without_its_time_goes_to_the_newest_row(make: Make) -> None:
    shop = make(dataset={"time_column": "month"})
    shop.take("1.csv", [(1, "a", 5, None), (2, "a", 6, None), (2, "b", 6, 0)], ("month", "corporation", "x", "exited"))
    assert counts(shop.take("2.csv", [("a", 1)], LABELS)) == (1, 1, 0, 0)
    assert [one[3] for one in shop.rows()] == [None, 1, 0]
    shop.settle()
    assert sorted(shop.decided_rows()) == [1, 2]


def test_a_few_unknown_clients_are_set_aside_and_many_refuse_the_file(shop: Workshop) -> None:
    shop.take("1.csv", [row(f"c{number}", number, None) for number in range(9)])
    few = shop.take("2.csv", [*((f"c{number}", number % 2) for number in range(9)), ("nobody", 1)], LABELS)
    assert counts(few) == (10, 9, 0, 1)
    many = shop.take("3.csv", [("c1", 0), ("nobody", 1)], LABELS)
    assert many.state is FileState.QUARANTINED
    assert many.reason is not None
    assert (many.reason.code, many.reason.lines) == ("unknown_clients", (3,))
    assert shop.labels()["c1"] == 1


@pytest.mark.parametrize("duplicates", ["row", "key"])
def test_a_row_that_was_labelled_later_counts_once_when_it_comes_whole(make: Make, duplicates: str) -> None:
    shop = make(dataset={"duplicates": duplicates})
    shop.take("1.csv", [row("a", 1, None), row("b", 1, 0), row("c", 1, None)])
    shop.take("2.csv", [("a", 1)], LABELS)
    shop.settle()
    whole = shop.take("3.csv", [row("a", 1, 1), row("b", 1, 0)])
    assert counts(whole) == (2, 0, 2, 0)
    assert shop.settle() == []
    assert counts(shop.take("4.csv", [row("c", 1, 0)])) == (1, 1, 0, 0)  # it had no label yet: a new row


def test_a_correction_replaces_the_label_and_is_not_decided_on_again(shop: Workshop) -> None:
    shop.take("1.csv", [row("a", 1, None), row("b", 1, 0), row("c", 1, 1)])
    shop.take("2.csv", [("a", 1), ("b", 0)], LABELS)
    assert counts(shop.file("2.csv")) == (2, 1, 1, 0)
    shop.settle()
    again = shop.take("3.csv", [("a", 0), ("b", 1), ("c", 1)], LABELS)
    assert counts(again) == (3, 2, 1, 0)
    assert shop.labels() == {"a": 0, "b": 1, "c": 1}
    assert shop.settle() == []
    assert shop.decided_rows() == {0: 1, 1: 1, 2: 1}


def test_a_correction_before_the_decision_is_what_is_decided_on(shop: Workshop) -> None:
    shop.take("1.csv", clients(20))
    shop.take("2.csv", [("c0", 0)], LABELS)
    shop.settle()
    shop.take("3.csv", clients(4, prefix="d"))
    shop.take("4.csv", [("d0", 0)], LABELS)
    shop.settle()
    assert dict(shop.scores()[2])[20] == 0
    assert shop.decided_rows() == dict.fromkeys(range(24), 1)


def test_a_correction_that_makes_the_second_class_opens_the_first_decision(shop: Workshop) -> None:
    shop.take("1.csv", [row("a", 1, 0), row("b", 2, 0), row("c", 3, 0)])
    shop.take("one.csv", [row("d", 9, 0)])
    assert shop.settle() == []
    shop.take("2.csv", [("a", 1)], LABELS)
    assert shop.settle() == ["promoted"]


def test_of_two_labels_for_a_client_in_a_file_the_last_counts_and_a_blank_one_takes_nothing_back(
    shop: Workshop,
) -> None:
    shop.take("1.csv", [row("a", 1, None), row("b", 1, None), row("c", 1, 0)])
    record = shop.take("2.csv", [("a", 0), ("b", 1), ("a", 1), ("b", None), ("c", None)], LABELS)
    assert counts(record) == (5, 2, 3, 0)
    assert shop.labels() == {"a": 1, "b": 1, "c": 0}


def test_labels_of_rows_far_apart_are_found_among_many_parts(shop: Workshop) -> None:
    for number in range(6):
        shop.take(f"{number}.csv", [row(f"c{number}-{place}", place, None) for place in range(3)])
    shop.take("labels.csv", [("c5-2", 1), ("c0-0", 0), ("c3-1", 1)], LABELS)
    shop.take("again.csv", [("c0-0", 1), ("c3-1", 1)], LABELS)
    assert counts(shop.file("again.csv")) == (2, 1, 1, 0)
    assert {name: label for name, label in shop.labels().items() if label is not None} == {
        "c5-2": 1,
        "c0-0": 1,
        "c3-1": 1,
    }


# -- unlabelled rows ----------------------------------------------------------------------------------------------


def test_unlabelled_files_wait_for_the_first_model_and_are_then_scored_and_answered(shop: Workshop) -> None:
    waiting = shop.take("u.csv", clients(10, prefix="u", labelled=False))
    assert waiting.state is FileState.WAITING
    assert waiting.reason is not None
    assert waiting.reason.code == "no_model_yet"
    assert not (shop.workspace.predictions / "u.csv").exists()
    shop.take("l.csv", clients(30))
    shop.settle()
    scored = shop.file("u.csv")
    assert (scored.state, scored.reason) == (FileState.SCORED, None)
    lines = (shop.workspace.predictions / "u.csv").read_text().splitlines()
    assert lines[0] == "corporation,probability,prediction,model_version"
    assert len(lines) == 11
    ranked = shop.ranked("u.csv")
    for line in lines[1:]:
        name, probability, _, version = line.split(",")
        assert float(probability) == pytest.approx(ranked[name], rel=1e-5)
        assert version == "1"


def test_a_mixed_file_is_learned_from_and_answered(shop: Workshop) -> None:
    record = shop.take("m.csv", [*clients(30), *clients(5, prefix="u", labelled=False)])
    assert (record.state, record.unlabelled) == (FileState.INGESTED, 5)
    shop.settle()
    assert sorted(shop.ranked("m.csv")) == [f"u{number}" for number in range(5)]
    assert (shop.workspace.predictions / "m.csv").exists()
    again = shop.take("n.csv", [*clients(2, prefix="x"), *clients(1, prefix="v", labelled=False)])
    assert (again.state, list(shop.ranked("n.csv"))) == (FileState.INGESTED, ["v0"])


def test_unlabelled_rows_that_are_there_already_are_answered_all_the_same(shop: Workshop) -> None:
    shop.take("l.csv", clients(30))
    shop.settle()
    shop.take("u.csv", clients(5, prefix="u", labelled=False))
    again = shop.take("again.csv", clients(6, prefix="u", labelled=False))
    assert (again.state, counts(again)) == (FileState.SCORED, (6, 1, 5, 0))
    assert list(shop.ranked("again.csv")) == [f"u{number}" for number in range(6)]


# -- files --------------------------------------------------------------------------------------------------------


def test_known_content_is_a_duplicate_under_another_name_also_within_a_group(shop: Workshop) -> None:
    one, two = shop.ingest(shop.drop("1.csv", clients(5)), shop.drop("2.csv", clients(5)))
    three = shop.take("3.csv", clients(5))
    assert [one.state, two.state, three.state] == [FileState.INGESTED, FileState.DUPLICATE, FileState.DUPLICATE]
    assert three.reason is not None
    assert "1.csv" in three.reason.detail
    assert len(shop.rows()) == 5


def test_a_file_that_was_only_touched_is_not_recorded_again(shop: Workshop) -> None:
    shop.take("1.csv", clients(5))
    timing = shop.fact("timing")
    (shop.workspace.source / "1.csv").touch()
    shop.ingest("1.csv")
    assert len(shop.files()) == 1
    assert shop.fact("timing") == timing


def test_new_content_under_an_old_name_is_a_new_file(shop: Workshop) -> None:
    shop.take("1.csv", clients(5))
    record = shop.take("1.csv", clients(8))
    assert (record.seq, counts(record)) == (2, (8, 3, 5, 0))


def test_a_refused_file_is_read_again_when_it_is_dropped_again(shop: Workshop) -> None:
    assert shop.take("1.csv", [("x", 1)], LABELS).state is FileState.QUARANTINED
    assert shop.take("2.csv", [("x", 1)], LABELS).state is FileState.QUARANTINED


def test_names_that_are_no_input_and_special_files_are_ignored(shop: Workshop) -> None:
    (shop.workspace.source / "real").write_text("x")
    (shop.workspace.source / "link.csv").symlink_to(shop.workspace.source / "real")
    (shop.workspace.source / "folder.csv").mkdir()
    records = shop.ingest(shop.drop("a.txt", clients(2)), "link.csv", "folder.csv")
    assert [record.state for record in records] == [FileState.IGNORED] * 3
    assert [record.reason.code for record in records if record.reason] == ["not_csv", "not_a_file", "not_a_file"]


def test_a_file_that_is_gone_is_no_record(shop: Workshop) -> None:
    pipeline.ingest(shop.house, [Arrival("gone.csv", "2026-01-01T00:00:00.000Z")], None, shop.told.append)
    assert shop.told == []
    assert shop.files() == []


def test_a_file_that_killed_its_reader_is_quarantined_unread(shop: Workshop) -> None:
    shop.drop("killer.csv", clients(5))
    pipeline.ingest(
        shop.house, [Arrival("killer.csv", "2026-01-01T00:00:00.000Z", unread=True)], None, shop.told.append
    )
    record = shop.file("killer.csv")
    assert record.state is FileState.QUARANTINED
    assert record.reason is not None
    assert record.reason.code == "worker_died"
    assert shop.rows() == []


def test_a_file_beyond_the_size_limit_is_quarantined(make: Make) -> None:
    shop = make(ingestion={"max_file_bytes": 20})
    record = shop.take("1.csv", clients(5))
    assert record.reason is not None
    assert (record.state, record.reason.code) == (FileState.QUARANTINED, "too_large")


@pytest.mark.parametrize("after", ["keep", "archive", "delete"])
def test_a_taken_file_is_left_as_configured(make: Make, after: str) -> None:
    shop = make(ingestion={"after": after})
    shop.take("1.csv", clients(5))
    shop.take("1.csv", clients(6))
    left = (shop.workspace.source / "1.csv").exists()
    archived = (shop.workspace.archive / "1.csv").exists()
    assert (left, archived) == {"keep": (True, False), "archive": (False, True), "delete": (False, False)}[after]
    assert len(shop.rows()) == 6


def test_the_old_names_of_the_data_set_are_kept_while_it_is_small(make: Make) -> None:
    shop = make(ingestion={"finaldata_max_rows": 6})
    final, names = shop.workspace.dataset / "finaldata.csv", shop.workspace.dataset / "ingestedfiles.txt"
    shop.take("1.csv", clients(4))
    shop.take("2.csv", [("c0", 0)], LABELS)
    assert final.read_text().splitlines()[1].endswith(",0")
    assert len(final.read_text().splitlines()) == 5
    assert names.read_text() == "1.csv\n2.csv\n"
    shop.take("3.csv", clients(10))
    assert not final.exists()
    assert not names.exists()


# -- types --------------------------------------------------------------------------------------------------------


def test_a_column_that_was_blank_takes_the_type_of_its_first_values(shop: Workshop) -> None:
    shop.take("1.csv", [row("a", None, 1), row("b", None, 0)])
    shop.ingest(shop.drop("2.csv", [row("c", "low", 1)]), shop.drop("3.csv", [row("d", "high", 0)]))
    assert [one[1] for one in shop.rows()] == [None, None, "low", "high"]
    assert counts(shop.take("4.csv", [row("a", None, 1), row("c", "low", 1)])) == (2, 0, 2, 0)
    shop.settle()
    assert shop.take("5.csv", [row("u", "low", None)]).state is FileState.SCORED


def test_integers_become_numbers_and_the_rows_are_known_again(shop: Workshop) -> None:
    shop.take("1.csv", [row("a", 1, 1), row("b", 2, 0)])
    shop.ingest(shop.drop("2.csv", [row("c", "2.5", 1)]), shop.drop("3.csv", [row("d", 7, 0)]))
    assert [one[1] for one in shop.rows()] == [1.0, 2.0, 2.5, 7.0]
    assert counts(shop.take("4.csv", [row("a", "1.0", 1), row("d", 7, 0), row("c", 2.5, 1)])) == (3, 0, 3, 0)
    assert shop.settle() == ["promoted"]


def test_text_of_many_values_becomes_a_category_and_back_without_touching_rows(shop: Workshop) -> None:
    shop.take("1.csv", [row(f"a{number}", f"t{number}", number % 2) for number in range(60)])
    assert shop.schema().by_name["activity"].type == "text"
    shop.take("2.csv", [row(f"b{number}", f"t{number % 3}", number % 2) for number in range(60)])
    assert shop.schema().by_name["activity"].type == "category"
    assert len(shop.rows()) == 120
    assert shop.settle() == ["promoted"]


def test_a_new_column_is_missing_in_older_rows_and_they_are_still_known(shop: Workshop) -> None:
    shop.take("1.csv", [row("a"), row("b", label=0)])
    header = ("corporation", "activity", "employees", "exited", "plan")
    shop.take("2.csv", [(*row("c"), "gold")], header)
    assert shop.rows() == [(*row("a"), None), (*row("b", label=0), None), (*row("c"), "gold")]
    assert counts(shop.take("3.csv", [(*row("a"), None), (*row("c"), "gold"), (*row("c"), None)], header)) == (
        3,
        1,
        2,
        0,
    )


def test_labels_may_come_for_drops_that_had_no_target_column_at_all(shop: Workshop) -> None:
    shop.take("1.csv", [("a", 1), ("b", 2), ("c", 3)], ("corporation", "activity"))
    shop.take("2.csv", [("a", 1), ("b", 0)], LABELS)
    assert [one[-1] for one in shop.rows()] == [1, 0, None]
    assert shop.settle() == ["promoted"]
    assert shop.decided_rows() == {0: 1, 1: 1}


def test_a_file_that_we_failed_on_is_recorded_once_and_taken_when_it_is_tried_again(shop: Workshop) -> None:
    name = shop.drop("1.csv", [row("a"), row("b", label=0)])
    for _ in range(2):
        arrival = Arrival(name, "2026-01-01T00:00:00.000Z", failed="KeyError in parsing.py:88")
        pipeline.ingest(shop.house, [arrival], None, shop.told.append)
    failed = shop.file(name)
    assert (failed.seq, failed.state) == (1, FileState.FAILED)
    assert failed.reason is not None
    assert failed.reason.detail == "KeyError in parsing.py:88"
    assert shop.ingest(name)[0].state is FileState.INGESTED
