"""The command line as its users run it: processes and exit codes, beside a real daemon and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.integration.site import HEADER, Site, daemon, idle, make_site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


def _exports(site: Site, *, lines: int) -> None:
    """Wait until the data set has so many lines, the header included."""
    until = time.monotonic() + 60
    while len((done := site.run("export")).stdout.splitlines()) != lines:
        assert time.monotonic() < until, done.stderr


def test_beside_a_running_daemon(site: Site) -> None:
    with daemon(site) as process:
        said = site.json("ingest", site.write("a.csv", 1, rows=400), site.write("b.csv", 2, labelled=False))
        assert [(item["name"], item["rows"]["ingested"]) for item in said["items"]] == [("a.csv", 400), ("b.csv", 150)]
        assert said["items"][0]["state"] == "ingested"
        assert said["items"][1]["state"] in ("waiting", "scored")
        idle(site)

        refused = site.write("bad.csv", 3)
        refused.write_text("who,what\n1,2\n")
        done = site.run("ingest", refused, site.write("c.csv", 4, rows=250))
        assert done.returncode == 1
        assert done.stdout.startswith("bad.csv: quarantined. ")
        assert done.stdout.endswith("\nc.csv: ingested, 250 rows: 250 ingested, 0 duplicate, 0 rejected\n")
        idle(site)
        status = site.json("status")
        assert status["daemon"] == {"running": True, "pid": process.pid, "url": site.url}
        assert status["files"] == {"ingested": 2, "scored": 1, "quarantined": 1}

        _lists_are_those_of_the_api(site)
        _predictions_are_those_of_the_api(site)
        _models_are_exchanged(site)
        assert (Path(site.run("report").stdout.strip()) / "report.pdf").is_file()
        again = site.run("run")
        assert (again.returncode, again.stdout) == (75, "")
        assert f"process {process.pid}" in again.stderr
    assert process.returncode == 0
    assert site.json("status")["daemon"] == {"running": False, "pid": None, "url": None}


def _lists_are_those_of_the_api(site: Site) -> None:
    for name in ("files", "models", "calls"):
        assert site.json(name, "--limit", 2) == site.get(f"v1/{name}?limit=2")


def _predictions_are_those_of_the_api(site: Site) -> None:
    path = site.folder / "sourcedata" / "b.csv"
    request = urllib.request.Request(  # noqa: S310 - our own server
        site.url + "v1/prediction?reasons=1", data=path.read_bytes(), headers={"Content-Type": "text/csv"}
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        assert site.json("predict", path, "--reasons", 1) == json.load(answer)


def _models_are_exchanged(site: Site) -> None:
    newest = site.get("v1/models")["items"][0]["version"]
    assert newest > 1
    assert site.run("deploy", 1).stdout == "Model 1 is the current one.\n"
    assert site.get("v1/scoring")["model_version"] == 1
    assert site.json("calls")["model_version"] == 1
    assert site.json("rollback") == {"model_version": newest}
    assert site.get("v1/scoring")["model_version"] == newest
    done = site.run("deploy", 99)
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no model 99" in done.stderr


def test_without_a_daemon(site: Site) -> None:
    first = site.run("ingest", site.write("a2.csv", 1, rows=400), site.write("a10.csv", 2, labelled=False))
    assert first.returncode == 0, first.stderr
    ledger = [path.name for path in (site.folder / "ingesteddata").glob("ledger*")]
    assert ledger == ["ledger.sqlite3"], "it was closed: it is whole without its log"
    assert "Deployed model 1 (logistic regression)." in first.stderr
    assert [line for line in first.stdout.splitlines() if not line.startswith("  Note: ")] == [
        "a2.csv: ingested, 400 rows: 400 ingested, 0 duplicate, 0 rejected",
        "a10.csv: scored, 150 rows: 150 ingested, 0 duplicate, 0 rejected",
    ]
    assert (site.folder / "predictions" / "a10.csv").is_file()
    again = site.json("ingest", site.folder / "sourcedata" / "a2.csv", site.write("a2-again.csv", 1, rows=400))
    assert [(item["name"], item["state"]) for item in again["items"]] == [
        ("a2.csv", "ingested"),
        ("a2-again.csv", "duplicate"),
    ]
    assert site.run("ingest", site.write("b.csv", 3, rows=250)).returncode == 0
    status = site.json("status")
    assert status["model"]["version"] == 2
    assert (status["waiting"], status["undecided"], status["problems"]) == (0, 0, {})
    assert site.json("deploy", 1) == {"model_version": 1}
    assert os.readlink(site.folder / "production_deployment" / "current") == "releases/1"  # noqa: PTH115 - as text
    assert site.json("rollback") == {"model_version": 2}
    assert site.json("calls", "--limit", 1)["model_version"] == 2
    report = site.json("report")
    assert report["folder"] == str(site.folder / "reports" / "2")
    assert "report.pdf" in report["files"]
    assert len(site.run("export").stdout.splitlines()) == 1 + 400 + 150 + 250


def test_a_provisional_schema_is_learned_anew_and_the_daemon_takes_the_files_again(site: Site) -> None:
    assert site.run("ingest", site.write("few.csv", 1, rows=30)).returncode == 0
    config = json.loads((site.folder / "config.json").read_text())
    (site.folder / "config.json").write_text(json.dumps(config | {"dataset": {"columns": {"calls": "category"}}}))
    assert site.json("schema", "reset") == {"files": ["few.csv"]}
    assert site.json("schema", "show")["columns"] == []
    with daemon(site):
        _exports(site, lines=31)
        types = {column["name"]: column["type"] for column in site.json("schema", "show")["columns"]}
        assert types["calls"] == "category"
        assert site.json("schema", "reset") == {"files": ["few.csv"]}
        _exports(site, lines=31)


def test_a_reader_that_has_seen_enough_ends_an_export_quietly(site: Site) -> None:
    assert site.run("ingest", site.write("a.csv", 1, rows=10_000)).returncode == 0
    line = [sys.executable, "-m", "daemon", "export", "--config", str(site.folder / "config.json")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == HEADER.encode()
        process.stdout.close()
        assert process.stderr.read() == b""


def test_reading_loads_nothing_that_only_training_needs(site: Site) -> None:
    """Without pandas, scikit-learn and matplotlib an answer takes half a second, not three."""
    path = site.write("a.csv", 1, rows=30)
    assert site.run("ingest", path).returncode == 0
    commands = [["status"], ["files"], ["models"], ["calls"], ["export"], ["predict", str(path)], ["schema", "show"]]
    commands.append(["check", "--drop", str(path)])
    lines = [[*command, "--config", str(site.folder / "config.json")] for command in commands]
    script = (
        f"import sys; from daemon.cli import main; [main(line, standalone_mode=False) for line in {lines!r}];"
        "sys.exit(' '.join({'pandas', 'sklearn', 'scipy', 'matplotlib', 'interpret'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
