"""The servers that `make bench` measures ours against answer what they are asked."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.request import Request, urlopen

from tests.benchmarks.serving_baselines import serving
from tests.integration.small_releases import deployment_folder, write_release
from tests.unit.server.small_house import CLIENT


def _asked(url: str) -> dict[str, object]:
    request = Request(  # noqa: S310 - on loopback
        f"{url}v1/prediction", json.dumps({"clients": [CLIENT]}).encode(), {"Content-Type": "application/json"}
    )
    with urlopen(request, timeout=30) as answer:  # noqa: S310
        found: dict[str, object] = json.load(answer)
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
