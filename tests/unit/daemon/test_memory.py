"""Memory is kept for the next large request, and goes back to the system when none comes."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from daemon.memory import KEPT_BYTES, SMALL_BYTES, Rest, give_back

MB = 1 << 20


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([100, 100, 100], [False, False, False]),
        ([150, 160, 160], [False, False, True]),
        ([150, 140], [False, True]),
        ([115, 115], [False, False]),
        ([90, 110, 110], [False, False, True]),
    ],
    ids=["nothing new", "grows, then rests", "has shrunk a little", "too little", "was smaller meanwhile"],
)
def test_it_has_come_to_rest_when_it_has_grown_and_grows_no_more(looks: list[int], expected: list[bool]) -> None:
    rest = Rest(100 * MB)
    assert [rest.come(one * MB) for one in looks] == expected


def test_what_is_left_afterwards_is_used_and_not_asked_for_again() -> None:
    rest = Rest(100 * MB)
    rest.come(150 * MB)
    assert rest.come(150 * MB)
    rest.given_back(140 * MB)
    assert not rest.come(140 * MB)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_a_process_keeps_a_little_for_the_next_request_and_gives_it_back_at_rest() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    kept, left = map(int, done.stdout.split())
    assert SMALL_BYTES < kept < KEPT_BYTES
    assert left < SMALL_BYTES / 2


def test_pyarrows_pool_is_asked_to_let_go_where_pyarrow_is_loaded_and_is_not_loaded_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    pool = SimpleNamespace(release_unused=lambda: asked.append("pyarrow"))
    monkeypatch.setitem(sys.modules, "pyarrow", SimpleNamespace(default_memory_pool=lambda: pool))  # type: ignore[arg-type]
    give_back()
    assert asked == ["pyarrow"]
    monkeypatch.delitem(sys.modules, "pyarrow")
    give_back()
    assert asked == ["pyarrow"]
    assert "pyarrow" not in sys.modules


PROGRAM = """
import asyncio
from daemon import memory

async def rest():
    memory.keep_for_large_requests()
    before = memory.resident_bytes()
    task = asyncio.create_task(memory.give_back_at_rest(every=0.01))
    await asyncio.sleep(0)
    held = [bytes(60_000) for _ in range(400)]
    del held
    kept = left = memory.resident_bytes() - before
    while left > memory.SMALL_BYTES / 2:
        await asyncio.sleep(0.01)
        left = memory.resident_bytes() - before
    task.cancel()
    print(kept, left)

asyncio.run(asyncio.wait_for(rest(), 30.0))
"""
