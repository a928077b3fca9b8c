"""A module that runs in a process of its own while a test goes on, so that what it costs is not the test's."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.end_to_end.daemon_process import PATIENCE, PROJECT


@contextlib.contextmanager
def beside(module: str, *arguments: object) -> Iterator[dict[str, Any]]:
    """Those inside begin when it has said its first line. What it prints when its standard input ends is a JSON
    object, and fills what was given."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, arguments)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    found: dict[str, Any] = {}
    try:
        if process.stdout is not None:
            process.stdout.readline()
        yield found
    finally:
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
    found |= json.loads(said)
