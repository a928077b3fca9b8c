"""For the person who sent a file: what would happen to it, and taking it again, with real processes."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.integration.site import HEADER, Site, daemon, make_site

STRICT = {
    "ingestion": {"max_rejected_fraction": 0.0},
    "dataset": {"columns": {"calls": "number"}},
    "training": {"minimum_rows": 1_000_000},  # nothing here needs a model
}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site", **STRICT)


def _faulty(site: Site, name: str = "faulty.csv") -> Path:
    """A file with one faulty row of 151."""
    path = site.write(name, 7)
    with path.open("a") as file:
        file.write("odd,many,1\n")
    return path


def _post(site: Site, path: str, content: bytes = b"") -> Any:
    request = urllib.request.Request(  # noqa: S310 - our own server
        site.url + path, data=content, headers={"Content-Type": "text/csv"}, method="POST"
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def _correct(site: Site) -> None:
    config = site.folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"ingestion": {"max_rejected_fraction": 0.2}}))


def _quarantined(site: Site) -> list[str]:
    return sorted(path.name for path in (site.folder / "quarantine").iterdir())


def test_what_is_said_of_a_file_beside_a_daemon_is_what_the_api_says_and_nothing_is_taken(site: Site) -> None:
    path = _faulty(site)
    before = site.json("check", "--drop", path, code=1)
    assert (before["state"], before["columns"][1]["new"]) == ("quarantined", True)
    with daemon(site):
        site.json("ingest", site.write("a.csv", 1, rows=400))
        said = site.json("check", "--drop", path, code=1)
        assert said == _post(site, "v1/files/check?name=faulty.csv", path.read_bytes())
        assert (said["state"], said["reason"]["code"]) == ("quarantined", "too_many_rejected")
        assert said["rejected"] == [
            {
                "line": 152,
                "column": "calls",
                "code": "not_a_number",
                "value": "many",
                "what_to_do": "Write a plain number, such as 1234.5, or leave the cell empty.",
            }
        ]
        taken = site.folder / "sourcedata" / "a.csv"
        assert site.json("check", "--drop", taken)["state"] == "duplicate"
        assert [item["name"] for item in site.get("v1/files")["items"]] == ["a.csv"]
        assert list((site.folder / "ingesteddata" / "spill").iterdir()) == []
        # What was said before is what becomes of it.
        record = site.json("ingest", path, code=1)["items"][0]
        for key in ("name", "sha256", "bytes", "state", "reason"):
            assert record[key] == said[key]
        assert record["rows"] == {"read": 151, "ingested": 0, "duplicate": 0, "rejected": 1}
        kept = next((site.folder / "quarantine").glob("*.reason.json"))
        reason = json.loads(kept.read_text())
        assert said["reason"] == {
            "code": reason["code"],
            "detail": reason["sentence"],
            "lines": reason["lines"],
            "what_to_do": reason["what_to_do"],
        }


def test_a_refused_file_is_taken_after_a_correction_without_a_daemon(site: Site) -> None:
    refused = site.json("ingest", _faulty(site), code=1)["items"][0]
    assert len(_quarantined(site)) == 2
    again = site.json("retry", refused["sha256"][:8], code=1)["items"][0]
    assert (again["state"], again["reason"]) == ("quarantined", refused["reason"])
    waiting = site.json("files", "--state", "quarantined")["items"]
    assert [item["sha256"] for item in waiting] == [refused["sha256"]]
    _correct(site)
    taken = site.json("retry", refused["sha256"][:8])["items"][0]
    assert (taken["name"], taken["state"]) == ("faulty.csv", "ingested")
    assert taken["rows"] == {"read": 151, "ingested": 150, "duplicate": 0, "rejected": 1}
    assert _quarantined(site) == []
    assert site.json("files", "--state", "quarantined")["items"] == []
    assert {item["reason"]["code"] for item in site.json("files", "--state", "duplicate")["items"]} == {
        "taken_later",
        "refused_again",
    }
    rejected = list((site.folder / "rejected").iterdir())
    assert [path.read_text() for path in rejected] == ["line,column,code,value\n152,calls,not_a_number,many\n"]
    done = site.run("retry", refused["sha256"])
    assert done.returncode == 1
    assert "There is no quarantined file" in done.stderr


def test_a_refused_file_is_taken_by_the_daemon(site: Site) -> None:
    refused = site.json("ingest", _faulty(site), code=1)["items"][0]
    also = site.json("ingest", _faulty(site, "b.csv"), code=1)["items"][0]
    assert also["sha256"] == refused["sha256"]
    _correct(site)
    with daemon(site):
        said = _post(site, f"v1/files/{refused['sha256'][:10]}/retry")
        assert (said["name"], said["state"]) == ("b.csv", "ingested")
        assert site.get("v1/files?state=quarantined")["items"] == []
        third = site.write("c.csv", 9)
        third.write_text("who,what\n1,2\n")
        sha256 = site.json("ingest", third, code=1)["items"][0]["sha256"]
        done = site.run("retry", sha256[:12])
        assert done.returncode == 1
        assert done.stdout.startswith("c.csv: quarantined. ")


def _on_a_terminal(site: Site, *arguments: object) -> tuple[str, str]:
    """Run a command whose standard error is a terminal; what it printed, and what it showed."""
    ours, theirs = pty.openpty()
    line = [sys.executable, "-m", "daemon", *map(str, arguments), "--config", str(site.folder / "config.json")]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=theirs, text=True) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:
            pass  # the terminal's other end is closed
        assert process.stdout is not None
        printed = process.stdout.read()
    os.close(ours)
    return printed, shown.decode()


def test_ingest_shows_a_bar_on_a_terminal_and_nothing_on_a_pipe(site: Site) -> None:
    first = [site.write(f"{name}.csv", seed, rows=30) for seed, name in enumerate("ab")]
    printed, shown = _on_a_terminal(site, "ingest", *first)
    assert [line.split(":")[0] for line in printed.splitlines() if not line.startswith(" ")] == ["a.csv", "b.csv"]
    assert "Taking files" in shown
    assert "100%" in shown
    done = site.run("ingest", *(site.write(f"{name}.csv", seed, rows=30) for seed, name in enumerate("cd", 2)))
    assert not re.search("[%#]", done.stderr + done.stdout)
    with daemon(site):
        printed, shown = _on_a_terminal(site, "ingest", site.write("e.csv", 5, rows=30), "--json")
        assert json.loads(printed)["items"][0]["name"] == "e.csv"
        assert "Waiting for the daemon" in shown
        assert site.run("ingest", site.write("f.csv", 6, rows=30)).stderr == ""


def test_guesses_are_said_with_the_file(site: Site) -> None:
    path = site.write("semicolons.csv", 1)
    path.write_text(path.read_text().replace(",", ";"))
    assert HEADER.replace(",", ";") in path.read_text()
    lines = site.run("ingest", path).stdout.splitlines()
    assert lines[0].startswith("semicolons.csv: ingested, 150 rows")
    assert any(line.startswith("  Note: ") and "semicolon" in line for line in lines[1:])
