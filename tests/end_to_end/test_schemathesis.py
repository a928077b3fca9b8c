"""schemathesis asks a real daemon everything that /openapi.json allows, and what it does not: all checks hold."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.daemon_process import PATIENCE, PROJECT, DaemonProcess, run_command, running
from tests.end_to_end.described_bodies import REFUSED
from tests.end_to_end.drops import drop, workspace
from tests.integration.lived_in_shop import HEADER, month
from tests.workshop import csv_text

SETTINGS = Path(__file__).with_name("schemathesis.toml")
TRAINING = {"estimators": ["logistic"], "minimum_rows": 60, "minimum_rare": 8}
FEWEST_CASES = 500


def _fill(daemon: DaemonProcess) -> str:
    """Two releases, a ranked drop and a refused file, whose SHA-256 is returned."""
    source = daemon.root / "sourcedata"
    for number in (1, 2):
        drop(source, f"{number}.csv", csv_text(month(number), HEADER))
        daemon.wait_count("model.promoted", number)
    drop(source, "clients.csv", csv_text(month(11, 12, labelled=False), HEADER))
    drop(source, "broken.csv", 'corporation,tenure\n"a,1\n')
    daemon.wait_file("clients.csv", "scored")
    refused: str = daemon.wait_file("broken.csv", "quarantined")["sha256"]
    daemon.wait_idle()
    return refused


def _ask_everything(daemon: DaemonProcess, refused: str, *options: str) -> None:
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.end_to_end.described_bodies", REFUSED: refused[:12]}
    command = ("-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run", f"{daemon.url}openapi.json")
    done = subprocess.run(
        [sys.executable, *command, "--checks", "all", *options],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-8000:]}\n{done.stderr[-2000:]}"
    cases = re.search(r"(\d+) generated", done.stdout)
    assert cases is not None, done.stdout
    assert int(cases[1]) > FEWEST_CASES
    assert [line for line in daemon.events("request.served") if line["status"] >= 500] == []


@pytest.mark.timeout(600)
def test_the_daemon_answers_as_it_is_described_whatever_it_is_asked(folder: Path) -> None:
    config = workspace(folder, dataset={"time_column": "month"}, training=TRAINING, drift={"policy": "always"})
    (folder / "testdata").mkdir()
    (folder / "testdata" / "testdata.csv").write_text(csv_text(month(1, 26), HEADER))
    with running(config) as daemon:
        refused = _fill(daemon)
        _ask_everything(daemon, refused)
        # What was asked for was done, and nothing was lost by it.
        assert daemon.events("model.rolled_back")
        assert [one["state"] for one in daemon.file_records() if one["name"] == "broken.csv"][1:]
        daemon.wait_idle()
        assert daemon.request("GET", "/readyz")[0] == 200
        daemon.stop()
    config.write_text(json.dumps(json.loads(config.read_text()) | {"server": {"tokens_file": "tokens.json"}}))
    secret = run_command(config, "token", "add", "everything", "--role", "admin").stdout.strip()
    with running(config) as daemon:
        daemon.wait_for("daemon.ready")
        options = ("--phases", "examples,coverage", "--header", f"Authorization: Bearer {secret}")
        _ask_everything(daemon, refused, *options)
        assert [line for line in daemon.events("request.served") if line["status"] == 401], "strangers were tried, too"
        daemon.stop()
