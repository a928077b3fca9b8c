"""The least that each thing can cost here: the library that does the work, without the program around it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.csv

BARE_SERVER = """
import json
from aiohttp import web

async def answer(request):
    document = await request.json()
    return web.json_response({"probabilities": [0.5 for _ in document["clients"]]})

app = web.Application()
app.add_routes([web.post("/prediction", answer)])
web.run_app(app, host="127.0.0.1", port=0, access_log=None, print=lambda text: print(text, flush=True))
"""

BARE_PARSE = """
import resource, sys, time
import pyarrow, pyarrow.csv
pyarrow.set_cpu_count(2)
paths = sys.stdin.read().split("\\n")
began, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
rows = sum(pyarrow.csv.read_csv(path).num_rows for path in paths)
seconds, now = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
print(rows, now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime, seconds)
"""

PANDAS = """
import sys, time
import pandas
old, new = sys.stdin.read().split("\\n\\n")
there = pandas.concat([pandas.read_csv(path) for path in old.split("\\n")], ignore_index=True)
began = time.perf_counter()
frames = [there, *(pandas.read_csv(path) for path in new.split("\\n"))]
pandas.concat(frames, ignore_index=True).drop_duplicates().to_csv(sys.argv[1], index=False)
print(time.perf_counter() - began)
"""


def parse_and_sync(path: Path, scratch: Path) -> float:
    """Seconds to parse a file with pyarrow, write its bytes and sync them: a commit cannot cost less."""
    began = time.perf_counter()
    pyarrow.csv.read_csv(path)
    with (scratch / "copy").open("wb") as file:
        file.write(path.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    return time.perf_counter() - began


def parse_all(paths: Sequence[Path]) -> float:
    """Seconds to parse files with pyarrow, one after the other, without keeping anything."""
    began = time.perf_counter()
    for path in paths:
        pyarrow.csv.read_csv(path)
    return time.perf_counter() - began


def interpreter_start() -> float:
    """Seconds until a new interpreter has imported the web server and the database library, and nothing else."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import aiohttp.web, sqlalchemy, numpy"], check=True)
    return time.perf_counter() - began


@contextlib.contextmanager
def bare_server() -> Iterator[str]:
    """The address of an aiohttp server that decodes a request and answers a constant."""
    process = subprocess.Popen([sys.executable, "-c", BARE_SERVER], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        yield next(word for word in line.split() if word.startswith("http://"))
    finally:
        process.terminate()
        process.communicate(timeout=30.0)


def machine() -> dict[str, str]:
    """What it was measured on."""
    import platform
    from importlib.metadata import version

    model = "unknown processor"
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), model)
    names = ("aiohttp", "numpy", "pyarrow", "scikit-learn", "interpret-core", "sqlalchemy")
    return {
        "processor": f"{model}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "libraries": ", ".join(f"{name} {version(name)}" for name in names),
        "load when it began": f"{os.getloadavg()[0]:.1f}",
    }


def clients_body(rows: Sequence[Sequence[str]]) -> bytes:
    """A request for these clients."""
    names = ("corporation", "lastmonth_activity", "lastyear_activity", "number_of_employees")
    clients = [
        {name: value if name == names[0] else int(value) for name, value in zip(names, row, strict=False)}
        for row in rows
    ]
    return json.dumps({"clients": clients}).encode()
