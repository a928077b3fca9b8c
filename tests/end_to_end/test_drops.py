"""What is dropped, and what becomes of it: each outcome that a file can have, through the running daemon."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end import books
from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import HEADER, Clients, chance, csv_text, drop, drop_slowly, workspace


def _learn(daemon: DaemonProcess, clients: Clients) -> None:
    """Drop enough for a model, and wait for it and for what follows."""
    drop(daemon.root / "sourcedata", "first.csv", csv_text(clients.rows(400)))
    daemon.wait_for("model.promoted")
    daemon.wait_file("first.csv", "ingested")


@pytest.fixture(scope="module")
def many() -> Clients:
    """Clients for all tests that share the daemon, so that no row comes twice by chance."""
    return Clients(chance(11))


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, many: Clients) -> Iterator[DaemonProcess]:
    """One daemon for most of these tests; it has learned from 400 rows."""
    config = workspace(tmp_path_factory.mktemp("drops") / "work", ingestion={"rescan_seconds": 1.0})
    with running(config) as process:
        _learn(process, many)
        yield process
        process.stop()


def test_an_unlabelled_drop_waits_for_the_first_model_and_is_answered_then(folder: Path, clients: Clients) -> None:
    rows = clients.unlabelled(30)
    with running(workspace(folder)) as daemon:
        drop(folder / "sourcedata", "early.csv", csv_text(rows))
        assert daemon.wait_file("early.csv", "waiting")["rows"]["ingested"] == 30
        daemon.until(lambda: json.loads(daemon.request("GET", "/readyz")[1])["waiting"] == 1, "it is counted")
        assert "model" in daemon.get("/readyz", status=503)["problems"]
        assert daemon.post("/prediction", {"clients": []}, status=503)["status"] == 503
        _learn(daemon, clients)
        daemon.wait_file("early.csv", "scored")
        path = folder / "predictions" / "early.csv"
        daemon.until(path.exists, "the answer to early.csv")
        answer = path.read_text().splitlines()
        assert answer[0] == "corporation,probability,prediction,model_version"
        assert [line.split(",")[0] for line in answer[1:]] == [row[0] for row in rows]
        daemon.stop()


def test_an_unlabelled_drop_is_answered_and_ranked_when_it_comes(daemon: DaemonProcess, many: Clients) -> None:
    source = daemon.root / "sourcedata"
    late = many.unlabelled(20)
    drop(source, "late.csv", csv_text(late))
    daemon.wait_file("late.csv", "scored")
    daemon.until((daemon.root / "predictions" / "late.csv").exists, "the answer to late.csv")
    ranked = daemon.get("/v1/calls?limit=500")["items"]
    assert {call["id"] for call in ranked} == {row[0] for row in late}, "the list is that of the newest drop"


def test_labels_that_come_later_are_learned_from_once(daemon: DaemonProcess, many: Clients) -> None:
    source = daemon.root / "sourcedata"
    daemon.wait_idle()
    before = sum(one["rows"] for one in daemon.get("/v1/decisions?limit=500")["items"])
    rows = many.unlabelled(40)
    drop(source, "june.csv", csv_text(rows))
    daemon.wait_file("june.csv", "scored")
    labels = [(row[0], str(position % 2)) for position, row in enumerate(rows)]
    drop(source, "labels.csv", csv_text(labels, ("corporation", "exited")))
    assert daemon.wait_file("labels.csv", "ingested")["rows"]["ingested"] == 40
    drop(source, "again.csv", csv_text(labels[::-1], ("corporation", "exited")))
    assert daemon.wait_file("again.csv")["rows"]["duplicate"] == 40
    daemon.wait_idle()
    decisions = daemon.get("/v1/decisions?limit=500")["items"]
    assert sum(one["rows"] for one in decisions) == before + 40
    daemon.until(lambda: books.labels_of(daemon.root, dict(labels)) == dict(labels), "finaldata.csv has the labels")


def test_a_refused_file_is_quarantined_with_its_reason_and_harms_nobody(daemon: DaemonProcess, many: Clients) -> None:
    source = daemon.root / "sourcedata"
    bad = csv_text([("a", "many", "few", "?", "1")] * 3)
    drop(source, "bad.csv", bad)
    drop(source, "good.csv", csv_text(many.rows(50)))
    refused = daemon.wait_file("bad.csv", "quarantined")
    assert daemon.wait_file("good.csv", "ingested")["rows"]["ingested"] == 50
    sha256 = hashlib.sha256(bad.encode()).hexdigest()
    assert refused["sha256"] == sha256
    copy = daemon.root / "quarantine" / f"{sha256}-bad.csv"
    assert copy.read_text() == bad
    reason = json.loads(copy.with_name(f"{copy.name}.reason.json").read_text())
    assert reason["code"] == refused["reason"]["code"]
    assert reason["sentence"]
    assert reason["what_to_do"]
    assert daemon.wait_for("file.quarantined")["file"] == "bad.csv"


def test_faulty_rows_are_set_aside_and_the_rest_is_taken(daemon: DaemonProcess, many: Clients) -> None:
    rows = many.rows(20)
    rows[7] = (rows[7][0], "nonsense", *rows[7][2:])
    text = csv_text(rows)
    drop(daemon.root / "sourcedata", "most.csv", text)
    counts = daemon.wait_file("most.csv", "ingested")["rows"]
    assert counts == {"read": 20, "ingested": 19, "duplicate": 0, "rejected": 1}
    kept = daemon.root / "rejected" / f"{hashlib.sha256(text.encode()).hexdigest()}-most.csv"
    assert kept.read_text().splitlines()[1].split(",")[:2] == ["9", "lastmonth_activity"]


def test_known_content_counts_once_and_a_known_name_with_new_content_is_a_new_file(
    daemon: DaemonProcess, many: Clients
) -> None:
    source = daemon.root / "sourcedata"
    rows = many.rows(60)
    drop(source, "a.csv", csv_text(rows))
    daemon.wait_file("a.csv", "ingested")
    drop(source, "b.csv", csv_text(rows))
    assert daemon.wait_file("b.csv", "duplicate")["reason"]["code"] == "known_content"
    drop_slowly(source, "a.csv", csv_text([*rows, *many.rows(5)]))
    daemon.until(lambda: daemon.files()["a.csv"]["rows"]["read"] == 65, "the new a.csv is taken")
    assert daemon.files()["a.csv"]["rows"] == {"read": 65, "ingested": 5, "duplicate": 60, "rejected": 0}
    (source / "a.csv").touch()
    drop(source, "after.csv", csv_text(many.rows(5)))
    daemon.wait_file("after.csv", "ingested")
    daemon.wait_idle()
    assert len([item for item in daemon.file_records() if item["name"] == "a.csv"]) == 2, "a touch is no drop"


def test_what_is_no_input_is_counted_and_left_alone(daemon: DaemonProcess, many: Clients) -> None:
    source = daemon.root / "sourcedata"
    (source / "sub").mkdir()
    (source / "sub" / "deep.csv").write_text(csv_text(many.rows(3)))
    for name in (".hidden.csv", "x.csv~", "y.csv.part", "notes.txt"):
        (source / name).write_text("not read")
    (source / "link.csv").symlink_to(source / "notes.txt")
    names = (".hidden.csv", "x.csv~", "y.csv.part", "notes.txt", "link.csv", "sub")
    for name in names:
        assert daemon.wait_file(name, "ignored")["reason"]["detail"]
    assert "deep.csv" not in daemon.files()
    daemon.until(lambda: {line["file"] for line in daemon.events("file.ignored")} >= set(names), "all are in the log")
    assert (source / "notes.txt").read_text() == "not read"


def test_a_name_that_is_not_utf_8_is_taken_and_shown_with_escapes(daemon: DaemonProcess, many: Clients) -> None:
    drop(daemon.root / "sourcedata", "m\udcfcnchen.csv", csv_text(many.rows(10)))
    assert daemon.wait_file("m\\xfcnchen.csv", "ingested")["rows"]["ingested"] == 10


@pytest.mark.parametrize("after", ["archive", "delete"])
def test_a_file_leaves_the_folder_after_its_commit(folder: Path, clients: Clients, after: str) -> None:
    config = workspace(folder, ingestion={"after": after})
    with running(config) as daemon:
        text = csv_text(clients.rows(30), HEADER)
        path = drop(folder / "sourcedata", "a.csv", text)
        daemon.wait_file("a.csv", "ingested")
        daemon.until(lambda: not path.exists(), "a.csv has left the folder")
        archived = folder / "archive" / "a.csv"
        assert (archived.read_text() == text) if after == "archive" else not archived.exists()
        daemon.stop()
