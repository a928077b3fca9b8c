"""The daily question for newer libraries."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.dependency_check import RETRY_SECONDS, Answer, DependencyCheck, Listing, read_listing

LOG = """2026-01-01T00:00:00,000 2 location(s) to search for versions of numpy:
2026-01-01T00:00:00,000 Could not fetch URL http://index.example/simple/numpy/: connection error - skipping
2026-01-01T00:00:00,000 Fetched page http://mirror.example/simple/numpy/ as text/html
2026-01-01T00:00:00,000 1 location(s) to search for versions of Attritiond:
2026-01-01T00:00:00,000 Could not fetch URL http://index.example/simple/attritiond/: 404 - skipping
"""
OUTPUT = json.dumps([{"name": "NumPy", "version": "2.3", "latest_version": "2.4", "latest_filetype": "wheel"}])
GOOD = Listing(0, OUTPUT, LOG)
DEAD = Listing(0, "[]", "\n".join(line for line in LOG.splitlines() if "Fetched" not in line))
NOON = 1_767_268_800.0  # 2026-01-01T12:00:00Z


class Index:
    """Answers with what it is told to, and counts how often it was asked."""

    def __init__(self, *listings: Listing) -> None:
        self.listings, self.asked, self.now = list(listings), 0, NOON

    async def listing(self) -> Listing:
        self.asked += 1
        return self.listings.pop(0)

    def clock(self) -> float:
        return self.now

    def check(self, path: Path, delay: float = 60.0) -> DependencyCheck:
        return DependencyCheck(path, delay_seconds=delay, listing=self.listing, clock=self.clock)


def test_the_outdated_libraries_and_those_that_no_index_knows_are_read() -> None:
    answer = read_listing(GOOD, Answer(), "now")
    assert answer == Answer("now", "now", {"numpy": "2.4"}, ("attritiond",))


@pytest.mark.parametrize(
    ("listing", "said"),
    [
        (DEAD, "No package index could be reached."),
        (Listing(1, "", "", "first\nNo module named pip\n"), "No module named pip"),
        (Listing(0, "not json", LOG), "could not be read"),
    ],
)
def test_without_an_answer_the_old_one_stays_and_the_reason_is_said(listing: Listing, said: str) -> None:
    before = Answer("then", "then", {"numpy": "2.4"}, ("attritiond",))
    answer = read_listing(listing, before, "now")
    assert answer.unreachable is not None
    assert said in answer.unreachable
    assert replace(answer, tried_at="then", unreachable=None) == before
    assert answer.tried_at == "now"


def test_a_log_of_another_form_does_not_hide_the_answer() -> None:
    assert read_listing(Listing(0, OUTPUT, "something else"), Answer(), "now").outdated == {"numpy": "2.4"}


async def test_an_answer_is_kept_over_a_restart_and_asked_for_again_after_a_day(tmp_path: Path) -> None:
    path, index = tmp_path / "dependencies.json", Index(GOOD)
    first = index.check(path)
    assert first.cached()["outdated"] is None
    assert first.seconds_until_due() == 0
    await first.check()
    again = index.check(path)
    assert again.cached() == first.cached()
    assert again.cached()["checked_at"] == "2026-01-01T12:00:00.000Z"
    index.now += 86_000
    assert again.seconds_until_due() == 400
    index.now += 401
    assert again.seconds_until_due() == 0


async def test_an_index_that_did_not_answer_is_asked_again_within_the_hour(tmp_path: Path) -> None:
    index = Index(DEAD, GOOD)
    check = index.check(tmp_path / "dependencies.json")
    await check.check()
    assert check.cached()["unreachable"] == "No package index could be reached."
    assert check.seconds_until_due() == RETRY_SECONDS
    await check.check()
    assert check.cached()["unreachable"] is None


@pytest.mark.parametrize("content", [b"", b"{", b'{"tried_at": "noon"}', b'{"tried_at": 5}', b"[]"])
async def test_a_cache_that_is_not_ours_is_asked_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "dependencies.json"
    path.write_bytes(content)
    check = Index().check(path)
    assert check.seconds_until_due() == 0
    assert check.cached()["tried_at"] is None


async def test_a_try_in_the_future_is_that_of_a_wrong_clock(tmp_path: Path) -> None:
    index = Index(GOOD)
    check = index.check(tmp_path / "dependencies.json")
    await check.check()
    index.now -= 10 * 86_400
    assert check.seconds_until_due() == 0


async def test_an_answer_that_cannot_be_stored_is_still_given(tmp_path: Path) -> None:
    check = Index(GOOD).check(tmp_path / "no folder" / "dependencies.json")
    await check.check()
    assert check.cached()["outdated"] == {"numpy": "2.4"}


async def test_nothing_is_asked_before_the_delay(tmp_path: Path) -> None:
    index = Index(GOOD)
    task = asyncio.create_task(index.check(tmp_path / "dependencies.json").run())
    for _ in range(5):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert index.asked == 0


async def test_after_the_delay_it_is_asked_once_and_then_waits_for_the_next_day(tmp_path: Path) -> None:
    index = Index(GOOD)
    check = index.check(tmp_path / "dependencies.json", delay=0)
    task = asyncio.create_task(check.run())
    while check.cached()["tried_at"] is None or not (tmp_path / "dependencies.json").exists():
        await asyncio.sleep(0)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert index.asked == 1
