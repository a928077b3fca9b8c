"""A workspace with its command line, as processes of their own, and the daemon on it while there is one."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

HEADER = "corporation,calls,exited\n"
Done = subprocess.CompletedProcess[str]


@dataclass(slots=True)
class Site:
    """A workspace, and the daemon on it while there is one."""

    folder: Path
    url: str = ""

    def run(self, *arguments: object, data: str | None = None) -> Done:
        """Run a command in the folder above the workspace, as a process of its own."""
        line = [sys.executable, "-m", "daemon", *map(str, arguments), "--config", str(self.folder / "config.json")]
        return subprocess.run(line, input=data, capture_output=True, text=True, timeout=60, check=False)

    def json(self, *arguments: object, code: int = 0) -> Any:
        done = self.run(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path) as answer:  # noqa: S310 - our own server
            return json.load(answer)

    def write(self, name: str, seed: int, *, rows: int = 150, labelled: bool = True) -> Path:
        """A file outside the source folder. Who calls seldom leaves more often."""
        rng = np.random.default_rng(seed)
        calls = rng.integers(0, 20, rows)
        left = (rng.random(rows) < 1 / (1 + np.exp(0.4 * calls - 2))).astype(int)
        lines = [f"c{seed}-{n},{calls[n]},{left[n] if labelled else ''}" for n in range(rows)]
        path = self.folder.parent / name
        path.write_text(HEADER + "\n".join(lines) + "\n")
        return path


@contextlib.contextmanager
def daemon(site: Site) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-m", "daemon", "run", "--config", str(site.folder / "config.json")]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            ready = next(event for event in map(json.loads, process.stderr) if event["event"] == "daemon.ready")
            site.url = ready["url"]
            # Its log is longer than a pipe holds.
            with subprocess.Popen(["cat"], stdin=process.stderr, stdout=subprocess.DEVNULL):  # noqa: S607 - any cat
                try:
                    _source_is_read(site)
                    yield process
                    process.send_signal(signal.SIGTERM)
                    process.wait(30)
                finally:
                    process.kill()  # or the log would never end
        finally:
            process.kill()


def make_site(folder: Path, **settings: Any) -> Site:
    """A workspace whose models are made quickly. ``settings``: more sections of its configuration."""
    folder.mkdir()
    common = {"server": {"port": 0}, "training": {"estimators": ["logistic"]}, "drift": {"policy": "always"}}
    (folder / "config.json").write_text(json.dumps(common | settings))
    return Site(folder)


def _source_is_read(site: Site) -> None:
    """On a busy machine the daemon answers before it has looked into the source folder for the first time."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            answer = json.dumps(site.get("readyz"))
        except urllib.error.HTTPError as error:
            answer = error.read().decode()
        if "has not been read yet" not in answer:
            return
        time.sleep(0.05)
    raise AssertionError(answer)


def idle(site: Site, files: int = 0) -> None:
    """Wait until the daemon has a model, has taken so many files, and has nothing left to do."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(urllib.error.HTTPError):  # 503: no model yet
            taken = len(site.get("v1/files")["items"])  # first: what is undecided afterwards is of these
            ready = site.get("readyz")
            if taken >= files and not ready["waiting"] and not ready["undecided"]:
                return
        time.sleep(0.05)
    raise AssertionError(site.get("v1/files"))
