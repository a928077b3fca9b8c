"""``init`` and ``demo`` as a user runs them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from daemon.commands import sample as sampling
from daemon.commands.check import check
from daemon.commands.workspace import demo, init
from daemon.settings import read
from handlers.domain.files import FileRecord, FileStamp, FileState, RowCounts
from handlers.storage import files
from handlers.storage.ledger import Ledger

CSV = "Customer Id;Vertrag;Churn\n" + "".join(f"K-{n};{n % 7};{'Yes' if n % 9 == 0 else 'No'}\n" for n in range(100))


@click.group()
def attritiond() -> None:
    """The commands under test."""


for command in (init, check, demo):
    attritiond.add_command(command)


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(attritiond, [str(each) for each in arguments], catch_exceptions=False)


def _settings(folder: Path) -> dict[str, object]:
    content: dict[str, object] = json.loads((folder / "config.json").read_text())
    return content


# -- init -----------------------------------------------------------------------------------------------------------


def test_init_makes_a_workspace_that_can_be_used(tmp_path: Path) -> None:
    done = _run("init", tmp_path / "new" / "clients")
    folder = tmp_path / "new" / "clients"
    assert (done.exit_code, done.stdout) == (0, f"{folder / 'config.json'}\n")
    assert "Nothing was guessed: id_column is 'corporation', target_column 'exited'" in done.stderr
    assert len(_settings(folder)) == 5
    made = {each.name for each in folder.iterdir()}
    assert made == {"config.json", "sourcedata", "ingesteddata", "testdata", "models", "production_deployment"}
    assert _run("check", "--config", folder / "config.json").exit_code == 0


@pytest.mark.parametrize(
    "content",
    [CSV.encode(), CSV.replace(";", "\t").encode("utf-16"), gzip.compress(CSV.encode())],
    ids=["semicolons", "tabs in UTF-16", "gzip"],
)
def test_init_guesses_from_a_sample_says_so_and_copies_nothing(tmp_path: Path, content: bytes) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_bytes(content)
    done = _run("init", tmp_path / "clients", "--from", sample)
    assert done.exit_code == 0
    settings = read(tmp_path / "clients" / "config.json", {})
    assert (settings.dataset.id_column, settings.dataset.target_column) == ("Customer Id", "Churn")
    assert settings.dataset.positive_label == "Yes"
    for key in ("id_column", "target_column", "positive_label", "time_column", "value_column"):
        assert f"{key} is " in done.stderr
    assert 'correct it under "dataset" in' in done.stderr
    assert not list((tmp_path / "clients" / "sourcedata").iterdir())


def test_only_the_beginning_of_a_large_sample_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "BYTES", 1_000)
    sample = tmp_path / "sample.csv"
    sample.write_bytes(b"name,exited\n" + b"".join(f"{'ä' * (n % 5)}{n},{n % 2}\n".encode() for n in range(400)))
    found = sampling.read_sample(sample)
    assert isinstance(found, sampling.Sample)
    assert found.rows[-1][1] in ("0", "1")
    assert 50 < len(found.rows) < 200


def test_the_sample_has_at_most_so_many_rows_and_blank_cells_are_empty_text(tmp_path: Path) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_text("a,b\n" + '"line\nline",\n' * (sampling.ROWS + 10))
    found = sampling.read_sample(sample)
    assert isinstance(found, sampling.Sample)
    assert (len(found.rows), found.rows[0]) == (sampling.ROWS, ["line\nline", ""])


def test_init_never_touches_a_configuration_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("mine")
    done = _run("init", tmp_path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is there already" in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["config.json"]
    assert (tmp_path / "config.json").read_text() == "mine"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04", "ZIP archive"),
        (b"a,b\n", "no rows"),
        (gzip.compress(CSV.encode())[:50], "cannot be unpacked"),
    ],
)
def test_init_with_a_sample_that_is_none_makes_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    sample = tmp_path / "sample.csv"
    sample.write_bytes(content)
    done = _run("init", tmp_path / "clients", "--from", sample)
    assert done.exit_code == 1
    assert why in done.stderr
    assert not (tmp_path / "clients").exists()


def test_init_says_why_a_workspace_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = _run("init", tmp_path / "file" / "clients")
    assert done.exit_code == 1
    assert "The workspace cannot be made" in done.stderr


# -- demo -----------------------------------------------------------------------------------------------------------


def test_demo_writes_the_next_month_into_the_source_folder(tmp_path: Path) -> None:
    _configure(tmp_path, input_folder_path="drops")
    (tmp_path / "drops").mkdir()
    (tmp_path / "drops" / "2026-03-clients.csv").touch()
    done = _run("demo", "--config", tmp_path / "config.json")
    assert done.exit_code == 0
    assert done.stdout.split() == [
        str(tmp_path / "drops" / f"2026-{drop}.csv") for drop in ("03-outcomes", "04-clients")
    ]
    assert all(Path(path).stat().st_size > 0 for path in done.stdout.split())


def test_a_bad_configuration_is_exit_code_78(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"server": {"prot": 1}}')
    done = _run("demo", "--config", tmp_path / "config.json")
    assert (done.exit_code, done.stdout) == (78, "")
    assert "server.prot: there is no such key. The nearest is 'port'" in done.stderr


def _configure(folder: Path, **keys: object) -> None:
    (folder / "config.json").write_text(json.dumps({"dataset": {"time_column": "month"}, **keys}))


@pytest.mark.parametrize("dataset", [{}, {"time_column": "month", "id_column": "client"}])
def test_demo_does_not_mix_fiction_with_other_data(tmp_path: Path, dataset: dict[str, str]) -> None:
    _configure(tmp_path, dataset=dataset)
    (tmp_path / "sourcedata").mkdir()
    done = _run("demo", "--config", tmp_path / "config.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "time_column 'month'" in done.stderr
    assert list((tmp_path / "sourcedata").iterdir()) == []


def test_demo_knows_the_months_that_have_left_the_folder(tmp_path: Path) -> None:
    _run("init", tmp_path)
    _configure(tmp_path)
    ledger = Ledger(tmp_path / "ingesteddata" / "ledger.sqlite3")
    record = FileRecord(
        seq=1,
        name="2026-07-clients.csv",
        sha256="0" * 64,
        state=FileState.SCORED,
        reason=None,
        notes=(),
        rows=RowCounts(),
        unlabelled=0,
        size=1,
        seen_at="2026-07-01T00:00:00.000Z",
        committed_at="2026-07-01T00:00:00.000Z",
        seconds=0.1,
        dataset_version=1,
    )
    with ledger.write() as connection:
        files.add_all(connection, [(record, FileStamp(1, 2, 3, 4, 5), True)])
    ledger.close()
    done = _run("demo", "--config", tmp_path / "config.json")
    assert [Path(path).name for path in done.stdout.split()] == ["2026-07-outcomes.csv", "2026-08-clients.csv"]


def test_demo_says_that_the_ledger_cannot_be_read(tmp_path: Path) -> None:
    _run("init", tmp_path)
    _configure(tmp_path)
    (tmp_path / "ingesteddata" / "ledger.sqlite3").write_text("this is no database, " * 100)
    done = _run("demo", "--config", tmp_path / "config.json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "cannot be read" in done.stderr
