"""Many files at once: all are taken, as one or two commits and decisions, and the front answers all the while."""

from __future__ import annotations

from pathlib import Path

from tests.end_to_end import books
from tests.end_to_end.daemon_process import running
from tests.end_to_end.drops import Clients, csv_text, drop_all, workspace
from tests.end_to_end.probe import probing

FILES, ROWS = 300, 50


def test_a_burst_is_taken_whole_with_few_decisions(folder: Path, clients: Clients) -> None:
    rows = clients.rows(FILES * ROWS)
    texts = {f"burst-{part}.csv": csv_text(rows[part * ROWS : (part + 1) * ROWS]) for part in range(FILES)}
    with running(workspace(folder)) as daemon:
        daemon.wait_for("folder.watched")
        with probing(daemon.url) as probe:
            drop_all(folder / "sourcedata", texts)
            daemon.until(lambda: len(daemon.events("file.ingested")) == FILES, "all are ingested")
            daemon.wait_settled()
        assert probe.seconds, "the front was asked"
        assert len(daemon.get("/v1/decisions")["items"]) <= 3
        assert [line["file"] for line in daemon.events("file.ingested")] == list(texts), "in their natural order"
        assert daemon.get("/v1/summarystats")["rows"] == FILES * ROWS
        daemon.stop()
    books.audit(folder, rows)


def test_files_are_taken_while_a_model_trains(folder: Path, clients: Clients) -> None:
    with running(workspace(folder, drift={"policy": "always"})) as daemon:
        drop_all(folder / "sourcedata", {"many.csv": csv_text(clients.rows(20_000))})
        daemon.wait_for("model.promoted")
        seen = len(daemon.lines)
        drop_all(folder / "sourcedata", {"begin.csv": csv_text(clients.rows(300))})
        daemon.wait_for("retrain.decided", after=seen, where=lambda line: line["train"])
        drop_all(folder / "sourcedata", {"meanwhile.csv": csv_text(clients.rows(100))})
        daemon.wait_for("file.ingested", where=lambda line: line["file"] == "meanwhile.csv")
        events = [line["event"] for line in daemon.lines[seen:]]
        assert "model.trained" not in events, "it was in before the training had ended"
        daemon.stop()
