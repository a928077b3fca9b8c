"""Requests at a rate that no connection waits for: wrk where it is installed, else a generator of our own."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.measures import percentile

#: wrk sends these bodies in turn, one connection like all others.
SCRIPT = """
local bodies = {{{bodies}}}
local number = 0
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
function request()
  number = number + 1
  return wrk.format(nil, nil, nil, bodies[number % #bodies + 1])
end
"""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Load:
    """What came back in a time: answers a second, seconds of the 99th percentile, answers that were no 200."""

    rate: float
    p99: float
    errors: int


def name() -> str:
    """Which generator it is."""
    return "wrk" if shutil.which("wrk") else "own generator"


def load(url: str, bodies: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Ask for so long with so many connections, each as soon as it has its answer."""
    if shutil.which("wrk"):
        return _wrk(url, bodies, connections, seconds)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_own, (url, list(bodies), connections, seconds))


def _wrk(url: str, bodies: Sequence[bytes], connections: int, seconds: float) -> Load:
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(SCRIPT.format(bodies=", ".join(json.dumps(body.decode()) for body in bodies)))
        script.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds:.0f}s",
            "--timeout",
            "30s",
            "--latency",
            "-s",
            script.name,
            url,
        ]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", said)
    p99 = re.search(r"99%\s+([0-9.]+)(us|ms|s|m)", said)
    if rate is None or p99 is None:
        raise RuntimeError(f"wrk said\n{said}")
    failed = re.search(r"Non-2xx or 3xx responses: ([0-9]+)", said)
    broken = re.search(r"Socket errors: connect ([0-9]+), read ([0-9]+), write ([0-9]+), timeout ([0-9]+)", said)
    errors = (int(failed[1]) if failed else 0) + (sum(map(int, broken.groups())) if broken else 0)
    return Load(float(rate[1]), float(p99[1]) * _UNITS[p99[2]], errors)


def _own(url: str, bodies: list[bytes], connections: int, seconds: float) -> Load:
    import uvloop

    return uvloop.run(_ask(url, bodies, connections, seconds))


async def _ask(url: str, bodies: list[bytes], connections: int, seconds: float) -> Load:
    parts = urlsplit(url)
    head = f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: "
    requests = [head.encode() + b"%d\r\n\r\n" % len(body) + body for body in bodies]
    end = time.perf_counter() + seconds
    took: list[float] = []
    failed = 0

    async def one(number: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        while time.perf_counter() < end:
            number += 1
            began = time.perf_counter()
            writer.write(requests[number % len(requests)])
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: ([0-9]+)", answer.lower())
            await reader.readexactly(int(length[1]) if length else 0)
            took.append(time.perf_counter() - began)
            failed += not answer.startswith(b"HTTP/1.1 200")
        writer.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(connections)))
    return Load(len(took) / (time.perf_counter() - began), percentile(took, 0.99), failed)


def client_bodies(clients: Sequence[dict[str, object]]) -> list[bytes]:
    """One request for each client."""
    return [json.dumps({"clients": [client]}).encode() for client in clients]


def write(folder: Path, name: str, content: bytes) -> Path:
    """Put a file in its place in one step."""
    temporary = folder / f".{name}.tmp"
    temporary.write_bytes(content)
    return temporary.rename(folder / name)
