"""Large files: each limit at its true size where that is cheap; ``ATTRITIOND_TEST_LARGE=1`` runs the rest of them."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from handlers.domain.files import FileState, Reason
from handlers.domain.limits import Limits
from handlers.domain.schema import DatasetSettings, Schema
from handlers.storage import inbox
from handlers.storage.inbox import Content
from handlers.validation import validate
from tests.integration.inputs.case import HEADER, KNOWN, shows
from tests.workshop import Workshop

LARGE = bool(os.environ.get("ATTRITIOND_TEST_LARGE"))
needs_time = pytest.mark.skipif(not LARGE, reason="ATTRITIOND_TEST_LARGE=1 runs it; it takes a minute")
MEGABYTE = 1_000_000
GIGABYTE = 1024**3
PATIENCE = 10.0
"""Seconds for a refusal, on a slow machine."""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A workspace that has taken ``KNOWN``."""
    made = Workshop(tmp_path)
    (made.workspace.source / "known.csv").write_bytes(KNOWN)
    made.ingest("known.csv")
    return made


def refuse(shop: Workshop, *, seconds: float = PATIENCE) -> Reason:
    """The reason why ``drop.csv`` was refused, in good time."""
    began = time.monotonic()
    (record,) = shop.ingest("drop.csv")
    assert record.state is FileState.QUARANTINED, record
    assert record.reason is not None
    assert time.monotonic() - began < seconds
    assert len(shop.rows()) == 3
    return record.reason


def row(number: int) -> bytes:
    return b"k%d,%d,%d.25,basic,%d\n" % (number, number % 977, number % 89, number % 2)


def write_rows(path: Path, size: int) -> int:
    """Write rows, no two alike, until the file has ``size`` bytes; returns how many."""
    count = 0
    with path.open("wb") as stream:
        written = stream.write(HEADER)
        while written < size:
            written += stream.write(b"".join(map(row, range(count, count + 10_000))))
            count += 10_000
    return count


@shows("large", "accepted")
def test_a_file_that_is_larger_than_what_is_held_is_read_block_by_block(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "HELD_BYTES", 1000)
    monkeypatch.setattr(inbox, "BLOCK", 64 * 1024)
    count = write_rows(shop.workspace.source / "drop.csv", 2 * MEGABYTE)
    (record,) = shop.ingest("drop.csv")
    assert (record.state, record.notes, record.rows.ingested) == (FileState.INGESTED, (), count)
    rows = shop.rows()[3:]
    assert rows[0] == ("k0", 0, 0.25, "basic", 0)
    assert rows[-1] == (f"k{count - 1}", (count - 1) % 977, (count - 1) % 89 + 0.25, "basic", (count - 1) % 2)


@needs_time
@pytest.mark.timeout(600)
def test_a_file_of_a_gigabyte_is_taken(shop: Workshop) -> None:
    count = write_rows(shop.workspace.source / "drop.csv", GIGABYTE)
    (record,) = shop.ingest("drop.csv")
    assert (record.state, record.notes, record.rows.ingested) == (FileState.INGESTED, (), count)


@shows("too-large-file", "refused", "too_large")
@pytest.mark.parametrize("over", [0, 1])
def test_a_file_beyond_the_limit_is_refused_unread(tmp_path: Path, over: int) -> None:
    content = KNOWN + row(1)
    shop = Workshop(tmp_path, ingestion={"max_file_bytes": len(content) - over})
    (shop.workspace.source / "drop.csv").write_bytes(content)
    (record,) = shop.ingest("drop.csv")
    assert record.state is (FileState.QUARANTINED if over else FileState.INGESTED)
    assert (record.sha256 is None, record.reason is not None) == (bool(over), bool(over))
    assert not over or (record.reason and record.reason.code == "too_large")


@shows("gzip-bomb", "refused", "too_large")
def test_unpacking_stops_at_the_limit(tmp_path: Path) -> None:
    """A lower limit, for time; the content is sound up to it."""
    bomb = gzip.compress(KNOWN) + gzip.compress(b"".join(map(row, range(1000)))) * 2000
    began = time.monotonic()
    with Content.of(bomb) as content:
        reason = validate(
            content,
            name="drop.csv.gz",
            schema=Schema(),
            settings=DatasetSettings(),
            limits=Limits(max_decompressed_bytes=MEGABYTE),
            spill=tmp_path,
        )
    assert isinstance(reason, Reason)
    assert reason.code == "too_large"
    assert time.monotonic() - began < PATIENCE / 2


@shows("large-cell", "refused", "field_too_large")
def test_a_bomb_without_a_line_end_is_refused_at_its_first_cell(shop: Workshop) -> None:
    bomb = gzip.compress(HEADER) + gzip.compress(b"9" * 20 * MEGABYTE) * 10
    (shop.workspace.source / "drop.csv").write_bytes(bomb)
    assert refuse(shop).code == "field_too_large"


@needs_time
@pytest.mark.timeout(300)
def test_a_bomb_at_the_true_limit(shop: Workshop) -> None:
    member = gzip.compress(b"".join(map(row, range(1_000_000))))
    (shop.workspace.source / "drop.csv").write_bytes(gzip.compress(HEADER) + member * 150)
    assert refuse(shop, seconds=120).code == "too_large"


@shows("many-columns", "refused", "too_many_columns")
def test_a_hundred_thousand_columns(shop: Workshop) -> None:
    names = ",".join(f"column{number}" for number in range(100_000))
    cells = ",".join(["1"] * 100_000)
    (shop.workspace.source / "drop.csv").write_text(f"{names}\n" + f"{cells}\n" * 20)
    assert "100000" in refuse(shop).detail.replace(",", "")


@shows("large-cell", "refused", "field_too_large", "header")
@pytest.mark.parametrize("quote", [b"", b'"'])
@pytest.mark.parametrize("where", ["header", "first", "last"])
def test_a_cell_of_ten_megabytes(shop: Workshop, quote: bytes, where: str) -> None:
    cell = quote + b"x" * (10 * MEGABYTE) + quote
    content = {
        "header": HEADER.replace(b"plan", b"plan," + cell) + row(1),
        "first": HEADER + b"k,1,1.5," + cell + b",1\n" + row(1),
        "last": KNOWN + b"".join(map(row, range(1000))) + b"k,1,1.5," + cell + b",1\n",
    }[where]
    (shop.workspace.source / "drop.csv").write_bytes(content)
    assert refuse(shop).code == ("header" if where == "header" else "field_too_large")


def test_a_cell_of_a_megabyte_is_taken(shop: Workshop) -> None:
    cell = "é" * (MEGABYTE // 2)
    (shop.workspace.source / "drop.csv").write_bytes(HEADER + f"k,1,1.5,{cell},1\n".encode())
    (record,) = shop.ingest("drop.csv")
    assert record.state is FileState.INGESTED
    assert shop.rows()[3] == ("k", 1, 1.5, cell, 1)


@shows("sparse", "refused", "nul_bytes")
@pytest.mark.parametrize(
    "size", [100 * MEGABYTE, pytest.param(GIGABYTE, marks=needs_time)], ids=lambda size: f"{size // MEGABYTE}MB"
)
def test_a_sparse_file(shop: Workshop, size: int) -> None:
    path = shop.workspace.source / "drop.csv"
    with path.open("wb") as stream:
        stream.write(KNOWN)
        stream.truncate(size)
    assert path.stat().st_blocks * 512 < MEGABYTE
    assert refuse(shop, seconds=PATIENCE * 3).lines == (5,)
