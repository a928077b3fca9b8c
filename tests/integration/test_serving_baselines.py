"""The servers that `make bench` measures ours against answer what they are asked."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.serving_baselines import serving
from tests.integration.small_releases import deployment_folder, write_release
from tests.unit.server.small_house import CLIENT


def _asked(url: str) -> dict[str, object]:
    address = urlsplit(url)
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)) as connection:
        body = json.dumps({"clients": [CLIENT]})
        connection.request("POST", "/v1/prediction", body, {"Content-Type": "application/json"})
        found: dict[str, object] = json.load(connection.getresponse())
    return found


def test_the_bare_reply_looks_like_ours() -> None:
    with serving("bare") as url:
        assert list(_asked(url)) == ["model_version", "threshold", "ids", "probabilities", "predictions", "warnings"]


def test_the_prediction_path_alone_answers_from_the_release_that_is_linked(tmp_path: Path) -> None:
    production = deployment_folder(tmp_path)
    write_release(production, 7)
    (production / "current").symlink_to("releases/7")
    with serving("path", str(production), str(tmp_path / "keys")) as url:
        said = _asked(url)
    assert (said["model_version"], said["ids"]) == (7, ["abcd"])
