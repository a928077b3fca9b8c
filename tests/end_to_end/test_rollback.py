"""Going back to an older model waits for nobody."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.end_to_end import books
from tests.end_to_end.daemon_process import running
from tests.end_to_end.drops import Clients, csv_text, drop, workspace
from tests.end_to_end.test_operation import whole


def test_a_rollback_is_answered_and_served_while_both_workers_stand_still_and_the_list_follows(
    folder: Path, clients: Clients
) -> None:
    config = workspace(folder, drift={"policy": "always"}, training={"estimators": ["logistic"]})
    body = whole(clients.unlabelled(2))
    with running(config) as daemon:
        for number in (1, 2):
            seen = len(daemon.lines)
            drop(folder / "sourcedata", f"{number}.csv", csv_text(clients.rows(400)))
            daemon.wait_for("model.promoted", after=seen)
            daemon.wait_settled()
        drop(folder / "sourcedata", "list.csv", csv_text(clients.unlabelled(50)))
        daemon.wait_file("list.csv", "scored")
        newest = books.fact(folder, "current_model")
        workers = [pid for pid in (daemon.worker("ingest"), daemon.worker("model")) if pid is not None]
        daemon.until(lambda: _stand_still(workers, folder / "ingesteddata" / "ledger.sqlite3"), "they stand still")
        older = daemon.post("/v1/rollback", {})["model_version"]
        assert older < newest
        assert daemon.post("/v1/prediction", body)["model_version"] == older
        assert daemon.get("/v1/calls")["model_version"] == older
        assert daemon.get("/v1/models")["items"][0]["state"] == "previous"
        assert daemon.post(f"/v1/models/{newest}/deploy", {})["model_version"] == newest
        assert daemon.post("/v1/rollback", {})["model_version"] == older
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
        daemon.wait_idle()
        answered = (folder / "predictions" / "list.csv").read_text().splitlines()
        assert {line.rsplit(",", 1)[1] for line in answered[1:]} == {str(older)}
        daemon.stop()


def _stand_still(workers: list[int], ledger: Path) -> bool:
    """Stop the processes, but not in the middle of a commit: what waits for that waits for an instant, as a rule."""
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    with closing(sqlite3.connect(ledger, timeout=0.5, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        except sqlite3.OperationalError:
            for pid in workers:
                os.kill(pid, signal.SIGCONT)
            return False
    return True
