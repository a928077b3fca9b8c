"""Replay, reproduction and release on a real folder with a real ledger, as a user runs them."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd  # noqa: F401 - before the commands, some of which keep it out of a process that does not have it
import pytest
from click.testing import CliRunner, Result

from daemon.cli import main
from handlers import replay_history, replaying, reproducing
from handlers.domain.decisions.recipes import Recipe
from handlers.domain.files import FileState
from handlers.replaying import Outcome
from handlers.storage.decisions import DecisionRecord
from tests.end_to_end.drops import drop
from tests.integration.site import daemon, idle, make_site
from tests.workshop import HEADER, Workshop, csv_text

SETTINGS: dict[str, Any] = {"training": {"minimum_rows": 60, "minimum_rare": 10, "refresh_blocks": 2, "folds": 2}}
BOTH = ("logistic", "explainable_boosting")


def rows(count: int, seed: int, *, changed: bool = False) -> list[tuple[object, ...]]:
    """Clients of whom the less active leave more often, or, after a change, the more active."""
    chance = random.Random(seed)  # noqa: S311 - data for tests
    found: list[tuple[object, ...]] = []
    for number in range(count):
        activity = chance.randrange(100)
        slope = (activity - 50) / 12 * (1 if changed else -1)
        leaves = chance.random() < 1 / (1 + math.exp(-slope))
        found.append((f"c{seed}-{number}", activity, chance.randrange(1, 500), int(leaves)))
    return found


def workshop(folder: Path, *, estimators: tuple[str, ...] = ("logistic",), **settings: Any) -> Workshop:
    return Workshop(folder, **{**SETTINGS, "training": {**SETTINGS["training"], "estimators": estimators}, **settings})


def history(shop: Workshop, count: int, *, changes_at: int, size: int = 150) -> list[Path]:
    """Take so many files and decide on each; the world changes with the file of this number."""
    paths = []
    for number in range(count):
        shop.take(f"{number}.csv", rows(size, number, changed=number >= changes_at))
        shop.settle()
        paths.append(shop.workspace.source / f"{number}.csv")
    return paths


def replayed(shop: Workshop, paths: list[Path], *policies: str) -> list[Outcome]:
    found = replay_history.read(shop.house, paths, shop.workspace.root / "spill")
    return replaying.replay(shop.house, found, policies, lambda: None)


def run(folder: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--config", str(folder / "config.json")])


def configured(folder: Path, **sections: Any) -> None:
    """A configuration with the settings of the workshop."""
    training = {**SETTINGS["training"], "estimators": ["logistic"]}
    (folder / "config.json").write_text(json.dumps({"training": training, "server": {"port": 0}, **sections}))


def record(one: DecisionRecord) -> dict[str, Any]:
    assert one.record is not None
    return one.record


# -- replay -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["evidence", "always:3", "raw_f1"])
def test_a_replay_of_the_daemons_own_history_gives_its_decisions(tmp_path: Path, policy: str) -> None:
    shop = workshop(tmp_path, estimators=BOTH, drift={"policy": policy})
    paths = history(shop, 8, changes_at=5)
    steps = replayed(shop, paths, policy)[0].steps
    decided = shop.decisions()
    assert [one.number for one in steps] == [one.id for one in decided]
    assert [(one.verdict, one.trigger, one.phase) for one in steps] == [
        (one.verdict, record(one)["trigger"], record(one)["phase"]) for one in decided
    ]
    recipes = [one.recipe for one in steps if one.recipe is not None]
    manifests = [shop.manifest(version) for version in sorted(shop.models())]
    assert recipes == [msgspec.convert(one["training"]["incumbent"]["recipe"], Recipe) for one in manifests]
    known = [record(one)["statistics"].get("z") for one in decided]
    assert any(z is not None for z in known) == (policy == "evidence")
    for step, z in zip(steps, known, strict=True):
        assert z is None or step.z == pytest.approx(z, abs=1e-9)
    assert len(recipes) > 1, "the change was answered"


def test_files_that_the_ledger_does_not_know_are_judged_as_if_they_were_dropped(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "fresh").mkdir()
    shop, fresh = workshop(tmp_path / "shop"), workshop(tmp_path / "fresh")
    paths = history(shop, 7, changes_at=4)
    known, unknown = replayed(shop, paths, "evidence")[0], replayed(fresh, paths, "evidence")[0]
    assert [one | {"block": 0} for one in unknown.document().pop("decisions")] == [
        one | {"block": 0} for one in known.document().pop("decisions")
    ]
    assert unknown.document() | {"decisions": []} == known.document() | {"decisions": []}
    assert fresh.decisions() == []


def test_policies_side_by_side_come_to_what_each_comes_to_alone(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    paths = history(shop, 5, changes_at=3)
    names = ("evidence", "evidence:free", "always", "always:2", "never")
    together = replayed(shop, paths, *names)
    assert together == [replayed(shop, paths, name)[0] for name in names]
    assert [one.deployments for one in together[2:]] == [4, 4, 0]


def test_broken_files_are_held_in_a_replay_too_and_learned_from_as_the_new_normal(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    paths = []
    for number in range(6):
        broken = [(one[0], None, one[2], one[3]) for one in rows(150, number)] if number >= 3 else rows(150, number)
        paths.append(tmp_path / f"{number}.csv")
        paths[-1].write_text(csv_text(broken))
    found = replayed(shop, paths, "evidence", "never")
    for path in paths:
        shop.take(path.name, [line.split(",") for line in path.read_text().splitlines()[1:]])
        shop.settle()
    assert [one.verdict for one in found[0].steps] == [one.verdict for one in shop.decisions()]
    assert [one.verdict for one in found[0].steps].count("held") == 2
    assert found[0].rows == found[1].rows == 5 * 150, "the policies are compared on the same rows"


def test_the_blocks_of_a_time_column_are_its_periods(tmp_path: Path) -> None:
    shop = workshop(tmp_path, dataset={"time_column": "month"})
    path = tmp_path / "all.csv"
    months = [(str(number % 3 + 9), *one) for number, one in enumerate(rows(450, 1))]
    path.write_text(csv_text(months, ("month", *HEADER)))
    found = replay_history.read(shop.house, [path], tmp_path / "spill")
    assert [step.periods for step in found.steps] == [("9",), ("10",), ("11",)]
    assert replaying.replay(shop.house, found, ["never"], lambda: None)[0].rows == 300


def test_the_command_compares_the_usual_policies_without_a_data_set_and_draws_them(tmp_path: Path) -> None:
    configured(tmp_path)
    for number in range(3):
        (tmp_path / f"{number}.csv").write_text(csv_text(rows(120, number)))
    (tmp_path / "bad.csv").write_text("who,what\n1,2\n")
    files = [tmp_path / name for name in ("0.csv", "1.csv", "2.csv", "bad.csv")]
    done = run(tmp_path, "replay", *files, "--json", "--figure", tmp_path / "out.png")
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [one["policy"] for one in answer["policies"]] == ["evidence", "raw_f1", "always", "always:5", "never"]
    keys = {"policy", "files", "rows", "log_loss", "roc_auc", "f1", "deployments", "fits", "alarms", "decisions"}
    assert all(one.keys() == keys and (one["files"], one["rows"]) == (3, 240) for one in answer["policies"])
    assert done.stderr.startswith("bad.csv takes no part. ")
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert not (tmp_path / "ingesteddata").exists()
    table = run(tmp_path, "replay", *files[:2], "--policy", "never").stdout.splitlines()
    assert table[0].split()[:3] == ["POLICY", "FILES", "ROWS"]
    assert table[1].split()[:3] == ["never", "2", "120"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--policy", "alwys"), 2, "there is no policy 'alwys'"),
        (("--figure", "out.txt"), 2, "ends with .png"),
        (("--figure", "/no/such/folder/out.png"), 2, "there is no folder"),
        ((), 1, "There are no labelled rows of both classes"),
    ],
)
def test_what_cannot_be_replayed_is_said(tmp_path: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    configured(tmp_path)
    path = tmp_path / "a.csv"
    path.write_text(csv_text([(*one[:3], None) for one in rows(30, 1)]))
    done = run(tmp_path, "replay", path, *arguments)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr.replace("\n", " ")


def sectors(seed: int, count: int, *, changed: bool) -> str:
    """Clients of whom the less active leave, or, after a change, the more active: but of the banks in the second half
    of a changed file again the less active."""
    chance = random.Random(seed)  # noqa: S311 - data for tests
    lines = ["corporation,activity,sector,exited"]
    for number in range(count):
        activity, bank = chance.uniform(0, 100), chance.random() < 0.12
        turned = changed and not (bank and number >= count // 2)
        slope = (activity - 50) / (6 if bank else 12) * (1 if turned else -1)
        leaves = chance.random() < 1 / (1 + math.exp(-slope))
        lines.append(f"c{seed}-{number},{activity:.1f},{'bank' if bank else 'retail'},{int(leaves)}")
    return "\n".join(lines) + "\n"


def test_a_replay_of_a_daemons_history_is_its_decisions_and_a_guard_rail_that_refused_is_said(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", drift={"policy": "evidence"})
    changes = (False, False, True, True, False)
    names = [f"{number}.csv" for number in range(len(changes))]
    with daemon(site):
        for number, changed in enumerate(changes):
            drop(site.folder / "sourcedata", names[number], sectors(number, 2000 if changed else 800, changed=changed))
            idle(site, files=number + 1)
        decided = site.get("v1/decisions")["items"][::-1]
    refused = [one["record"] for one in decided if one["record"]["guard_rails"]]
    assert refused, decided
    for one in refused:
        assert [rail.split(" would")[0] for rail in one["guard_rails"]] == ["its loss for sector = bank"]
        assert "the new model was better by" in one["sentence"]
        assert f"but {one['guard_rails'][0]}" in one["sentence"]
    assert {one["verdict"] for one in decided if one["record"]["guard_rails"]} == {"kept"}
    files = [site.folder / "sourcedata" / name for name in names]
    replayed = site.json("replay", *files, "--policy", "evidence", "--policy", "never")["policies"]
    assert [_as_replayed(one) for one in decided] == [
        {key: one[key] for key in ("block", "verdict", "trigger", "phase", "z")} for one in replayed[0]["decisions"]
    ]
    assert {one["phase"] for one in replayed[0]["decisions"]} == {"stable", "adapting"}
    assert (replayed[1]["policy"], replayed[1]["deployments"]) == ("never", 0)


def _as_replayed(one: dict[str, Any]) -> dict[str, Any]:
    record, z = one["record"], one["record"]["statistics"].get("z")
    return {
        "block": one["id"],
        "verdict": one["verdict"],
        "trigger": record["trigger"],
        "phase": record["phase"],
        "z": None if z is None else pytest.approx(z, abs=1e-9),
    }


# -- reproduce ----------------------------------------------------------------------------------------------------


def test_a_release_is_trained_again_to_the_last_bit(tmp_path: Path) -> None:
    shop = workshop(tmp_path, estimators=BOTH, drift={"policy": "always"})
    history(shop, 3, changes_at=9)
    shop.take("later.csv", rows(80, 99))
    for version in shop.models():
        assert reproducing.reproduce(shop.house, version) == reproducing.Reproduction(version, (), ())


def test_what_is_not_the_same_is_said(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    history(shop, 1, changes_at=9)
    release = shop.champion()
    assert release is not None
    card = release.scorer
    assert reproducing.compare(card, card) == ()
    assert "base" in reproducing.compare(card, reproducing.dataclasses.replace(card, base=card.base + 1e-15))[0]
    assert "threshold" in reproducing.compare(card, card.with_threshold(0.123))[0]
    fewer = reproducing.dataclasses.replace(card, terms=card.terms[1:])
    assert reproducing.compare(card, fewer) == (f"The term {card.terms[0].columns[0]} is not there.",)
    shifted = reproducing.dataclasses.replace(card, terms=(card.terms[0].shifted(0.1), *card.terms[1:]))
    assert reproducing.compare(card, shifted) == (f"The effect of {card.terms[0].columns[0]} is another one.",)


def test_the_command_says_whether_a_release_is_reproduced(tmp_path: Path) -> None:
    shop = workshop(tmp_path)
    configured(tmp_path)
    history(shop, 1, changes_at=9)
    done = run(tmp_path, "reproduce", 1, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (
        0,
        {"version": 1, "equal": True, "differences": [], "libraries": []},
    )
    unknown = run(tmp_path, "reproduce", 7)
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "There is no model 7" in unknown.stderr
    (shop.workspace.releases / "1").rename(tmp_path / "elsewhere")
    gone = run(tmp_path, "reproduce", 1)
    assert gone.exit_code == 1
    assert "was removed" in gone.stderr


# -- files release ------------------------------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path) -> Workshop:
    """A workspace whose second file is held."""
    shop = workshop(tmp_path)
    configured(tmp_path)
    history(shop, 1, changes_at=9)
    shop.take("broken.csv", [(one[0], None, one[2], one[3]) for one in rows(150, 5)])
    shop.settle()
    assert shop.file("broken.csv").state is FileState.HELD
    return shop


def test_a_released_file_is_decided_on_and_no_other_is(held: Workshop) -> None:
    sha256 = held.file("broken.csv").sha256 or ""
    decided = len(held.decisions())
    done = run(held.workspace.root, "files", "release", sha256[:8], "--json")
    assert done.exit_code == 0, done.stderr
    assert [(one["name"], one["state"], one["reason"]) for one in json.loads(done.stdout)["items"]] == [
        ("broken.csv", "ingested", None)
    ]
    assert held.file("broken.csv").state is FileState.INGESTED
    assert len(held.decisions()) == decided + 1
    assert (held.decisions()[-1].rows, held.fact("decision_state")["held"]) == (150, [])
    again = run(held.workspace.root, "files", "release", sha256[:8])
    assert (again.exit_code, again.stdout) == (1, "")
    assert "There is no held file" in again.stderr


def test_the_configuration_may_stand_before_the_sub_command(held: Workshop) -> None:
    sha256 = held.file("broken.csv").sha256 or ""
    line = ["files", "--config", str(held.workspace.root / "config.json"), "release", sha256]
    assert CliRunner().invoke(main, line).stdout == "broken.csv: released; the next decision learns from it.\n"


@pytest.mark.parametrize("prefix", ["abc", "nothex00", "0000000000"])
def test_what_is_not_held_is_not_released(held: Workshop, prefix: str) -> None:
    done = run(held.workspace.root, "files", "release", prefix)
    assert (done.exit_code, done.stdout) == (1, "")
    assert held.file("broken.csv").state is FileState.HELD


def test_rows_of_a_held_file_teach_nothing_though_others_of_its_block_do(tmp_path: Path) -> None:
    shop = workshop(tmp_path, drift={"policy": "evidence"})
    history(shop, 1, changes_at=9)
    shop.drop("broken.csv", [(one[0], None, one[2], one[3]) for one in rows(150, 5)])
    shop.drop("good.csv", rows(400, 6, changed=True))
    shop.ingest("broken.csv", "good.csv")
    assert shop.settle() == ["promoted"]
    release = shop.champion()
    assert release is not None
    first = release.incumbent.recipe.parts[0].first
    assert shop.manifest(release.version)["training"]["rows"] == 400 + (150 if first == 1 else 0)


def test_a_running_daemon_releases_a_file_and_decides_on_it(tmp_path: Path) -> None:
    site = make_site(tmp_path / "site", drift={"policy": "evidence"})
    with daemon(site):
        site.json("ingest", site.write("a.csv", 1, rows=400))
        idle(site)
        broken = site.write("b.csv", 2)
        lines = broken.read_text().splitlines()
        cells = [line.split(",") for line in lines[1:]]
        broken.write_text("\n".join([lines[0], *(f"{client},,{left}" for client, _, left in cells)]) + "\n")
        sha256 = site.json("ingest", broken)["items"][0]["sha256"]
        idle(site)
        assert [one["name"] for one in site.json("files", "--state", "held")["items"]] == ["b.csv"]
        decided = len(site.get("v1/decisions")["items"])
        released = site.json("files", "release", sha256[:8])["items"]
        assert [(one["name"], one["state"]) for one in released] == [("b.csv", "ingested")]
        idle(site)
        decisions = site.get("v1/decisions")["items"]
        assert len(decisions) == decided + 1
        assert site.run("files", "release", sha256[:8]).returncode == 1
