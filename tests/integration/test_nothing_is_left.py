"""A request leaves nothing that only the collector would find: it seldom comes, and a body may be 64 MB."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import Iterator

import pytest

from tests.integration.asking_a_server import ARROW, CSV, Client
from tests.integration.test_problems import JSON_BODIES

LARGE = b'{"clients": [' + b",".join([b'{"tenure": 1, "contract": "a"}'] * 2_000)
BODIES: dict[str, tuple[str, bytes]] = {
    **{f"JSON: {what}": ("application/json", found[0]) for what, found in JSON_BODIES.items()},
    "a CSV": ("text/csv", CSV),
    "a CSV with a row of another length": ("text/csv", CSV + b"x" * 10_000 + b",1\n"),
    "a CSV with a quote that does not end": ("text/csv", CSV + b'"x,1\n'),
    "a CSV with text for a number": ("text/csv", CSV + b"abcd,x,monthly,4,\n"),
    "Arrow that is none": (ARROW, b"x" * 10_000),
    "many clients": ("application/json", LARGE + b"]}"),
    "many clients and NaN": ("application/json", LARGE + b', {"tenure": NaN}]}'),
    "many clients and text for a number": ("application/json", LARGE + b', {"tenure": "x"}]}'),
    "many clients and a key twice": ("application/json", LARGE + b', {"tenure": 1, "tenure": 1}]}'),
    "what is no form of a body": ("text/plain", b"x"),
}
FRAMES = (BaseException, types.TracebackType, types.FrameType, types.CoroutineType)


@pytest.fixture(scope="module")
def frozen() -> Iterator[None]:
    """The collector looks through nothing that was there before."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def unattended(frozen: None) -> Iterator[None]:
    """It finds what it finds when it is asked, and keeps it."""
    gc.disable()
    yield
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()


@pytest.mark.parametrize("query", ["", "?reasons=2"])
@pytest.mark.parametrize("what", BODIES)
async def test_a_prediction_leaves_no_frame_with_its_body(
    client: Client, what: str, query: str, unattended: None
) -> None:
    kind, body = BODIES[what]
    for asked in range(2):  # what is made once and kept is made by the first
        if asked:
            gc.collect()
            gc.set_debug(gc.DEBUG_SAVEALL)
        await client.ask("POST", f"/v1/prediction{query}", data=body, headers={"Content-Type": kind})
        await asyncio.sleep(0.01)
    gc.collect()
    assert [repr(one) for one in gc.garbage if isinstance(one, FRAMES)] == []
