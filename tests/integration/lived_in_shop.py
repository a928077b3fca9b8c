"""A workspace that has seen half a year, with everything that the API can tell of, served without the daemon."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from aiohttp import web

from handlers import checking, retrying
from handlers.records import FileCheck, FileItem, file_item
from handlers.storage import spool
from server.app import runner as serving
from server.services import Champion, DeploymentRefused, Readiness, Services
from server.settings import ServerSettings
from tests.workshop import Workshop, csv_text

HEADER = ("month", "corporation", "tenure", "contract", "seats", "exited")
DATASET = {"value_column": "seats", "time_column": "month"}
ROWS = 150
Rows = list[tuple[object, ...]]


def month(number: int, rows: int = ROWS, *, turned: bool = False, broken: bool = False, labelled: bool = True) -> Rows:
    """Clients of whom the newer leave more often, or the older where the world has ``turned``."""
    chance = random.Random(number)  # noqa: S311 - data for tests
    made: Rows = []
    for place in range(rows):
        leaves = chance.random() < 0.3
        tenure = chance.randrange(55) if leaves != turned else chance.randrange(45, 100)
        contract, seats = chance.choice(("monthly", "yearly")), chance.randrange(1, 500)
        label = int(leaves) if labelled else None
        made.append((f"2026-{number:02d}", f"m{number}-{place}", None if broken else tenure, contract, seats, label))
    return made


def lived_in(root: Path) -> Workshop:
    """Six decisions, a held file and an alarm; then a drop that is ranked, and one that is refused."""
    shop = Workshop(root, training={"minimum_rows": 60, "minimum_rare": 8}, dataset=DATASET)
    shop.workspace.test.mkdir()
    (shop.workspace.test / "testdata.csv").write_text(csv_text(month(1, 26), HEADER))
    for number in range(1, 7):
        rows = month(number, turned=number == 6, broken=number == 4)
        shop.take(f"2026-{number:02d}.csv", rows, HEADER)
        shop.settle()
    shop.take("2026-11-clients.csv", month(11, 24, labelled=False), HEADER)
    (shop.workspace.source / "broken.csv").write_text('corporation,tenure\n"a,1\n')
    shop.ingest("broken.csv")
    return shop


@contextlib.asynccontextmanager
async def served(shop: Workshop) -> AsyncIterator[str]:
    """Serve it on any free port; the address is given."""
    runner = serving(_services(shop))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()
    shop.house.ledger.close()


def _services(shop: Workshop) -> Services:
    champion = Champion(shop.champion())

    async def deploy(version: int | None) -> int:
        wanted = (
            {state: number for number, state in shop.models().items()}.get("previous") if version is None else version
        )
        if wanted is None:
            raise DeploymentRefused("There is no previous release to go back to.")
        champion.release = shop.deploy(wanted)
        return champion.release.version

    async def check(name: str, content: bytes) -> FileCheck:
        path = spool.write(shop.workspace.spill, content)
        try:
            with shop.house.ledger.read() as connection:
                return checking.check(shop.house, path, name=name, connection=connection, spill=shop.workspace.spill)
        finally:
            spool.remove(path)

    async def retry(prefix: str) -> tuple[FileItem, bool]:
        with shop.house.ledger.read() as connection:
            record = retrying.find(connection, prefix)
        retrying.put_back(shop.workspace, record)
        return file_item(shop.ingest(record.name)[0]), True

    return Services(
        settings=ServerSettings(),
        dataset=shop.house.dataset,
        workspace=shop.workspace,
        ledger=shop.house.ledger,
        champion=champion,
        readiness=Readiness,
        deploy=deploy,
        check=check,
        retry=retry,
        calls_shown=lambda: 10,
        dependencies=dict[str, Any],
        served=lambda _: None,
        disturbed=lambda _: None,
    )
