"""The page as a person meets it: a real Chromium that loads it, its style and its sign."""

from __future__ import annotations

import asyncio
import html
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from server.app import runner as serving
from tests.unit.server.small_house import House, empty_house, full_house

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine; .ci/run installs it")


async def _serve(house: House) -> AsyncIterator[tuple[House, str]]:
    runner = serving(house.services())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield house, f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()
    house.ledger.close()


@pytest.fixture
async def full(tmp_path: Path) -> AsyncIterator[tuple[House, str]]:
    async for one in _serve(full_house(tmp_path / "work")):
        yield one


@pytest.fixture
async def empty(tmp_path: Path) -> AsyncIterator[tuple[House, str]]:
    async for one in _serve(empty_house(tmp_path / "work")):
        yield one


async def _chromium(profile: Path, *arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *QUIET,
        f"--user-data-dir={profile}",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(90):
        out, error = await process.communicate()
    assert process.returncode == 0, error.decode()[-2000:]
    return out.decode()


async def test_a_browser_shows_the_ranked_clients_with_names_escaped(full: tuple[House, str], tmp_path: Path) -> None:
    house, url = full
    document = await _chromium(tmp_path / "profile", "--virtual-time-budget=2000", "--dump-dom", url)
    text = html.unescape(re.sub(r"<[^>]+>", " ", document))
    assert "Clients most likely to leave" in text
    assert "<b>&'\"" in text  # the client's name as a person reads it, not as markup
    assert "<b>&'" not in document
    assert {request.status for request in house.served} == {200}
    assert {request.route for request in house.served} >= {"/", "/style.css"}


async def test_the_style_is_applied_and_nothing_is_cut_off_on_a_narrow_screen(
    full: tuple[House, str], tmp_path: Path
) -> None:
    _, url = full
    sizes = []
    for width in (1400, 480):
        picture = tmp_path / f"{width}.png"
        arguments = (f"--window-size={width},900", f"--screenshot={picture}", url)
        await _chromium(tmp_path / f"profile{width}", *arguments)
        content = picture.read_bytes()
        assert content.startswith(b"\x89PNG")
        sizes.append(len(content))
    assert min(sizes) > 10_000  # a blank page of this size compresses to far less


async def test_before_the_first_model_the_page_says_what_is_waited_for(
    empty: tuple[House, str], tmp_path: Path
) -> None:
    _, url = empty
    document = await _chromium(tmp_path / "profile", "--virtual-time-budget=2000", "--dump-dom", url)
    assert "No model yet" in document


async def test_the_drift_page_draws_the_harm_test_and_escapes_what_is_named(
    full: tuple[House, str], tmp_path: Path
) -> None:
    _, url = full
    document = await _chromium(tmp_path / "profile", "--virtual-time-budget=2000", "--dump-dom", f"{url}drift")
    text = html.unescape(re.sub(r"<[^>]+>", " ", document))
    assert "The model has become worse" in text
    assert "july<i>.csv" in text
    assert "july<i>" not in document
    assert document.count('class="score alarm"') == 1
    assert "decision 3, model 2: log loss 0.610 on 500 rows, promised 0.400, z 6.2, sum 6.6, adapting" in text
    assert re.search(r'<text class="mark"[^>]*>model 2</text>', document)


async def test_the_reference_of_the_api_is_shown_with_the_columns_of_the_model_and_loads_nothing_from_elsewhere(
    full: tuple[House, str], tmp_path: Path
) -> None:
    house, url = full
    document = await _chromium(tmp_path / "profile", "--virtual-time-budget=2000", "--dump-dom", f"{url}docs")
    text = html.unescape(re.sub(r"<[^>]+>", " ", document))
    assert "A client as model 2 wants it" in text
    assert '{"clients": [{"corporation": "abcd", "tenure":' in text
    assert {request.status for request in house.served} == {200}
    assert {request.route for request in house.served} == {"/docs", "/style.css", "/icon.svg"}


async def test_before_the_first_model_the_drift_page_says_so(empty: tuple[House, str], tmp_path: Path) -> None:
    _, url = empty
    document = await _chromium(tmp_path / "profile", "--virtual-time-budget=2000", "--dump-dom", f"{url}drift")
    assert "No model to judge yet" in document
