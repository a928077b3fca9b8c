"""``python -m tests.benchmarks.serving_baselines NAME``: servers that ours is measured against, each on a free port.

``bare``: aiohttp that answers a constant, on the same loop. ``path``: our prediction path alone, without request ids,
guards, counts and log, over the release in FOLDER. ``fastapi``: a model behind FastAPI as people write it: a pipeline
of scikit-learn that is given a pandas frame.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aiohttp import web

if TYPE_CHECKING:
    from server.services import Answering

ANSWER = b'{"model_version":1,"threshold":0.5,"ids":["c1"],"probabilities":[0.5123],"predictions":[1],"warnings":[]}'


@contextlib.contextmanager
def serving(name: str, *arguments: str) -> Iterator[str]:
    """Its address, while it runs in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.serving_baselines", name, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("http"):
            raise RuntimeError(f"{name} did not start")
        yield line.strip()
    finally:
        process.terminate()
        process.communicate(timeout=30.0)


async def bare(_request: web.Request) -> web.Response:
    """Answer a constant."""
    return web.Response(body=ANSWER, content_type="application/json")


async def _serve(app: web.Application) -> None:
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}/", flush=True)
    await asyncio.Event().wait()


def _bare() -> None:
    import uvloop

    app = web.Application()
    app.router.add_post("/v1/prediction", bare)
    uvloop.run(_serve(app))


def _path(production: Path, keys: Path) -> None:
    import uvloop

    from handlers.storage import releases
    from server.batching import Batcher
    from server.services import Champion
    from server.settings import ServerSettings
    from server.state import ANSWERING, BATCHER
    from server.views.prediction import prediction

    version = int((production / "current").resolve().name)
    release = releases.load(production / "releases", version, keys)

    class Only:
        """What the prediction path reads of the services."""

        champion = Champion(release)
        settings = ServerSettings()

    app = web.Application(client_max_size=Only.settings.max_body_bytes)
    app[ANSWERING] = cast("Answering", Only())
    app[BATCHER] = Batcher(lambda _requests, _rows: None, Only.settings)
    app.router.add_post("/v1/prediction", prediction)
    uvloop.run(_serve(app))


def _fastapi(model: Path) -> None:
    import joblib
    import pandas as pd
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    pipeline = joblib.load(model)

    class Clients(BaseModel):
        """A request."""

        clients: list[dict[str, str | float | None]]

    app = FastAPI()

    def predict(body: Clients) -> dict[str, list[float]]:
        frame = pd.DataFrame(body.clients)
        probabilities = pipeline.predict_proba(frame)[:, 1].tolist()
        return {"probabilities": probabilities, "predictions": [int(one >= 0.5) for one in probabilities]}

    predict.__annotations__["body"] = Clients  # FastAPI looks only among the module's names
    app.post("/v1/prediction")(predict)
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    bound.listen(1024)
    print(f"http://127.0.0.1:{bound.getsockname()[1]}/", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[bound])


def main() -> None:
    """Serve until ended."""
    name, *arguments = sys.argv[1:]
    if name == "bare":
        _bare()
    elif name == "path":
        _path(Path(arguments[0]), Path(arguments[1]))
    else:
        _fastapi(Path(arguments[0]))


if __name__ == "__main__":
    main()
