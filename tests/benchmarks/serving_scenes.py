"""Serving: rates and times beside a bare aiohttp reply on the same loop, and beside FastAPI with pandas."""

from __future__ import annotations

import http.client
import io
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pyarrow as pa

from tests.benchmarks import load_generator
from tests.benchmarks.load_generator import Load, client_bodies, load
from tests.benchmarks.meanwhile import meanwhile
from tests.benchmarks.measures import Measure
from tests.benchmarks.serving_baselines import serving
from tests.end_to_end.daemon_process import DaemonProcess, running
from tests.end_to_end.drops import workspace

CONNECTIONS = (64, 1)
SECONDS, RUNS = 3.0, 5
ROWS, MANY, BODIES = 10_000, 10_000, 500
ESTIMATORS = ("logistic", "explainable_boosting")
NUMBERS, TEXTS = tuple(f"n{place}" for place in range(6)), tuple(f"c{place}" for place in range(2))

FASTAPI_MODEL = """
import sys
import joblib, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
frame = pd.read_csv(sys.argv[1])
numbers, texts = [n for n in frame if n.startswith("n")], [n for n in frame if n.startswith("c") and len(n) == 2]
text = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
columns = ColumnTransformer([("n", make_pipeline(SimpleImputer(), StandardScaler()), numbers), ("c", text, texts)])
joblib.dump(make_pipeline(columns, LogisticRegression()).fit(frame, frame["exited"]), sys.argv[2])
"""


def frame(rows: int, seed: int, *, labelled: bool = True) -> pd.DataFrame:
    """Six numbers and two categories with gaps, and who left."""
    rng = np.random.default_rng(seed)
    data: dict[str, object] = {"corporation": [f"client-{seed}-{row}" for row in range(rows)]}
    score = np.full(rows, -1.0)
    for place, name in enumerate(NUMBERS):
        values = rng.normal(50, 20, rows).round(2)
        score += (values - 50) / 20 * (0.8 - 0.2 * place)
        data[name] = np.where(rng.random(rows) < 0.05, np.nan, values)
    for name in TEXTS:
        values = rng.choice(np.array(["alpha", "beta", "gamma", "delta"], dtype=object), rows)
        score += 0.7 * (values == "beta")
        data[name] = np.where(rng.random(rows) < 0.05, None, values)
    if labelled:
        data["exited"] = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(int)
    return pd.DataFrame(data)


def objects(rows: int, seed: int) -> list[dict[str, object]]:
    """The same as clients are sent."""
    found = frame(rows, seed, labelled=False).to_dict("records")
    return [{str(name): None if pd.isna(value) else value for name, value in one.items()} for one in found]


@contextmanager
def daemon_with(estimator: str, **sections: object) -> Iterator[DaemonProcess]:
    """A daemon whose model is one of this estimator, with nothing to do. Its log is what is shipped."""
    with tempfile.TemporaryDirectory(prefix="attritiond-bench-") as scratch:
        config = workspace(Path(scratch) / "work", training={"estimators": [estimator]}, **sections)
        first = config.parent / "sourcedata" / "first.csv"
        frame(ROWS, 1).to_csv(first, index=False)
        with running(config, environment={"ATTRITIOND__LOGGING__REQUEST_SAMPLE": "0.01"}) as daemon:
            daemon.wait_for("model.promoted", seconds=300.0)
            daemon.wait_settled(seconds=300.0)
            yield daemon
            daemon.stop()


@contextmanager
def fastapi() -> Iterator[str]:
    """The address of FastAPI with a pipeline that was fitted on the same rows."""
    with tempfile.TemporaryDirectory(prefix="attritiond-bench-") as scratch:
        data, model = Path(scratch) / "data.csv", Path(scratch) / "model.joblib"
        frame(ROWS, 1).to_csv(data, index=False)
        subprocess.run([sys.executable, "-c", FASTAPI_MODEL, str(data), str(model)], check=True)
        with serving("fastapi", str(model)) as url:
            yield url


def serving_rates() -> list[Measure]:
    """One client in a request: answers a second, of all servers in turn."""
    bodies = client_bodies(objects(BODIES, 7))
    measures: list[Measure] = []
    with serving("bare") as bare, fastapi() as slow:
        for estimator in ESTIMATORS:
            with daemon_with(estimator) as daemon:
                production = daemon.root / "production_deployment"
                keys = daemon.root / "ingesteddata" / "keys"
                with serving("path", str(production), str(keys)) as path:
                    for connections in CONNECTIONS:
                        measures += _rates(
                            estimator, {"bare": bare, "path": path, "ours": daemon.url}, bodies, connections
                        )
                if estimator == ESTIMATORS[0]:
                    measures += _against_fastapi(slow, daemon.url, bodies)
    return measures


def _rates(estimator: str, urls: dict[str, str], bodies: Sequence[bytes], connections: int) -> list[Measure]:
    found: dict[str, list[Load]] = {name: [] for name in urls}
    for _ in range(RUNS):
        for name, url in urls.items():
            found[name].append(_load(url, bodies, connections))
    bare = [one.rate for one in found["bare"]]
    said = []
    for name, what in (("path", "prediction path alone"), ("ours", "as shipped")):
        rates = [one.rate for one in found[name]]
        said.append(
            Measure(
                f"{estimator}, {connections} connections, {what} ({load_generator.name()})",
                "/s",
                statistics.median(rates),
                len(rates),
                min(rates),
                statistics.median(bare),
                "bare aiohttp",
                statistics.median(one / other for one, other in zip(rates, bare, strict=True)),
            )
        )
    return said


def _against_fastapi(slow: str, ours: str, bodies: Sequence[bytes]) -> list[Measure]:
    theirs, own = [], []
    for _ in range(RUNS):
        theirs.append(_load(slow, bodies, CONNECTIONS[0]).rate)
        own.append(_load(ours, bodies, CONNECTIONS[0]).rate)
    what = f"{CONNECTIONS[0]} connections, as shipped, times FastAPI with pandas"
    return [Measure(what, "/s", statistics.median(own), RUNS, None, statistics.median(theirs), "FastAPI")]


def _load(url: str, bodies: Sequence[bytes], connections: int) -> Load:
    """Raises RuntimeError where something else was answered than predictions: how fast errors are is no measure."""
    found = load(f"{url}v1/prediction", bodies, connections=connections, seconds=SECONDS)
    if found.errors:
        raise RuntimeError(f"{found.errors} of the answers of {url} were no predictions")
    return found


Form = tuple[str, bytes, str]


def in_each_form(rows: int) -> dict[str, Form]:
    """So many clients: the content type, the body, and what is asked for."""
    clients = objects(rows, 9)
    table = pa.Table.from_pylist(clients)
    stream, text = io.BytesIO(), io.StringIO()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    pd.DataFrame(clients).to_csv(text, index=False)
    arrow = "application/vnd.apache.arrow.stream"
    return {
        "JSON": ("application/json", json.dumps({"clients": clients}).encode(), "application/json"),
        "CSV": ("text/csv", text.getvalue().encode(), "text/csv"),
        "Arrow": (arrow, stream.getvalue(), arrow),
    }


def serving_many() -> list[Measure]:
    """10,000 clients in a request, in each form, in turn with FastAPI: some requests to one, then to the other."""
    forms = in_each_form(MANY)
    measures = []
    with fastapi() as slow:
        for estimator in ESTIMATORS:
            with daemon_with(estimator) as daemon:
                for name, form in forms.items():
                    rounds = [(times(daemon.url, *form), times(slow, *forms["JSON"], count=5)) for _ in range(RUNS)]
                    ours, theirs = ([seconds for one in each for seconds in one] for each in zip(*rounds, strict=True))
                    measures.append(
                        Measure(
                            f"{estimator}, {MANY:,} clients as {name}; the ratio: FastAPI's time to ours",
                            "ms",
                            statistics.median(ours) * 1000,
                            len(ours),
                            max(ours) * 1000,
                            statistics.median(theirs) * 1000,
                            "FastAPI, JSON",
                            statistics.median(
                                statistics.median(their) / statistics.median(our) for our, their in rounds
                            ),
                        )
                    )
    return measures


def times(url: str, content_type: str, body: bytes, accept: str, count: int = 15) -> list[float]:
    """Seconds until the whole answer is there, over one connection, after two that do not count."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60.0)
    seconds = []
    for number in range(count + 2):
        began = time.perf_counter()
        connection.request("POST", "/v1/prediction", body, {"Content-Type": content_type, "Accept": accept})
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(content[:500].decode())
        if number > 1:
            seconds.append(time.perf_counter() - began)
    connection.close()
    return seconds


def serving_beside() -> list[Measure]:
    """A model trains after each drop, and a drop of 1,000 rows comes each second; before it the same, idle.

    A bare reply in another process is asked in turn: what it loses, the machine has lost.
    """
    bodies = client_bodies(objects(BODIES, 7))
    with serving("bare") as bare, daemon_with("explainable_boosting", drift={"policy": "always"}) as daemon:
        urls = {"ours": daemon.url, "a bare reply": bare}
        idle = _in_turn(urls, bodies, RUNS)
        with meanwhile(lambda number: _drop(daemon, number), every=1.0):
            busy = _in_turn(urls, bodies, 2 * RUNS)
        trained = len(daemon.events("model.trained"))
    beside = f"beside training ({trained} models) and a drop of 1,000 rows a second"
    measures = []
    for name in urls:
        for what, unit, factor in (("rate", "/s", 1.0), ("p99", "ms", 1000.0)):
            now, before = ([getattr(one, what) * factor for one in loads[name]] for loads in (busy, idle))
            worst = min(now) if what == "rate" else max(now)
            said = f"{name}, {beside}: {'answers' if what == 'rate' else '99th percentile'}"
            measures.append(
                Measure(said, unit, statistics.median(now), len(now), worst, statistics.median(before), "idle")
            )
    return measures


def _in_turn(urls: dict[str, str], bodies: Sequence[bytes], runs: int) -> dict[str, list[Load]]:
    found: dict[str, list[Load]] = {name: [] for name in urls}
    for _ in range(runs):
        for name, url in urls.items():
            found[name].append(_load(url, bodies, CONNECTIONS[0]))
    return found


def _drop(daemon: DaemonProcess, number: int) -> None:
    content = frame(1000, 100 + number).to_csv(index=False).encode()
    load_generator.write(daemon.root / "sourcedata", f"drop-{number:04d}.csv", content)


SCENES = (serving_rates, serving_many, serving_beside)
