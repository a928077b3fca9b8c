"""The configuration: what is read, what is refused and how that is said."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.settings import ConfigurationError, Settings, read, workspace
from daemon.settings_decoding import nearest, wanted
from daemon.settings_schema import meanings, sections, text
from handlers.domain.learning_settings import TrainingSettings

REPOSITORY = Path(__file__).parents[3]
ORIGINAL = {
    "input_folder_path": "practicedata",
    "output_folder_path": "ingesteddata",
    "test_data_path": "testdata",
    "output_model_path": "practicemodels",
    "prod_deployment_path": "production_deployment",
}
KNOWN = {name: [each.name for each in msgspec.structs.fields(kind)] for name, kind in sections().items()}
SchemaCase = tuple[object, bool]

Write = Callable[[object], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_document(document: object) -> Path:
        path = tmp_path / "config.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    return write_document


def _problems(path: Path, **environ: str) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as refused:
        read(path, environ)
    assert str(refused.value) == "\n".join(refused.value.problems)
    return refused.value.problems


# -- what is read ---------------------------------------------------------------------------------------------------


def test_a_file_of_the_five_original_keys_works(write: Write, tmp_path: Path) -> None:
    path = write(ORIGINAL)
    settings = read(path, {})
    assert settings == Settings(**ORIGINAL)
    found = workspace(settings, path)
    assert (found.root, found.source, found.production) == (
        tmp_path,
        tmp_path / "practicedata",
        tmp_path / "production_deployment",
    )


def test_an_empty_object_means_the_defaults(write: Write) -> None:
    assert read(write("\ufeff{}"), {}) == Settings()


def test_the_configuration_of_a_fresh_checkout_can_be_used() -> None:
    assert read(REPOSITORY / "config.json", {}).dataset.time_column == "month"


def test_paths_are_relative_to_the_files_own_folder_also_for_a_relative_name(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"input_folder_path": "../drops", "output_folder_path": "/var/lib/data"})
    monkeypatch.chdir(tmp_path.parent)
    relative = Path(tmp_path.name) / "config.json"
    found = workspace(read(relative, {}), relative)
    assert (found.root, found.source, found.dataset) == (tmp_path, tmp_path.parent / "drops", Path("/var/lib/data"))


def test_a_whole_number_may_be_written_with_a_point_and_a_fraction_may_be_whole(write: Write) -> None:
    settings = read(write('{"server": {"port": 8080.0, "slow_request_seconds": 2}}'), {})
    assert (settings.server.port, settings.server.slow_request_seconds) == (8080, 2.0)


# -- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "key", "allowed"),
    [
        ({"server": {"port": "8000"}}, "server.port", 'a whole number from 0 to 65535; found is text, "8000"'),
        ({"server": {"port": 65_536}}, "server.port", "a whole number from 0 to 65535; found is a number, 65536"),
        ({"server": {"port": 1.5}}, "server.port", "a whole number from 0 to 65535; found is a number, 1.5"),
        ({"server": {"port": True}}, "server.port", "a whole number from 0 to 65535; found is true"),
        ({"server": []}, "server", "an object; found is a list, []"),
        ({"input_folder_path": None}, "input_folder_path", "text that is not empty; found is null"),
        ({"input_folder_path": ""}, "input_folder_path", 'text that is not empty; found is text, ""'),
        ({"dataset": {"id_column": 3}}, "dataset.id_column", "text or null; found is a number, 3"),
        (
            {"dataset": {"positive_label": None}},
            "dataset.positive_label",
            "text or a number or true or false; found is",
        ),
        ({"dataset": {"columns": {"a": "date"}}}, "dataset.columns.a", '"category" or "number" or "text"; found is'),
        ({"dataset": {"ignore_columns": ["a", 1]}}, "dataset.ignore_columns.1", "text; found is a number, 1"),
        ({"promotion": {"threshold": 2}}, "promotion.threshold", '"f1" or a number from 0 to 1; found is'),
        ({"drift": {"alarm_z": 0}}, "drift.alarm_z", "a number above 0; found is a number, 0"),
        ('{"dataset": {"id_column": "\\ud800"}}', "dataset.id_column", "text that is not valid Unicode"),
        ('{"dataset": {"columns": {"\\ud800": "text"}}}', "dataset.columns.\ud800", "text that is not valid Unicode"),
    ],
)
def test_a_wrong_value_is_named_with_its_key_and_what_is_allowed(
    write: Write, document: object, key: str, allowed: str
) -> None:
    path = write(document)
    (problem,) = _problems(path)
    assert problem.startswith(f"{path}: {key}: ")
    assert allowed in problem


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('{\n  "server": {"port": 80,}\n}', "it is no JSON: line 2, column 25: "),
        ("", "it is no JSON: line 1, column 1: "),
        ("[]", "it must hold one JSON object"),
        ('{"drift": {"alarm_z": NaN}}', "NaN is no JSON value"),
        ('{"drift": {"alarm_z": 1e999}}', "1e999 is too large"),
        ('{"server": {"port": ' + "1" * 5000 + "}}", "it is no JSON: "),
        ("[" * 100_000, "nested too deeply"),
        ('{"server": {"port": 1, "host": "::1", "port": 1}}', "server.port: it is there more than once"),
        ('{"dataset": {"columns": {"a": "text", "a": "text"}}}', "dataset.columns.a: it is there more than once"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(write: Write, content: str, sentence: str) -> None:
    path = write(content)
    (problem,) = _problems(path)
    assert problem.startswith(f"{path}: ")
    assert sentence in problem


def test_a_file_that_is_not_there_or_not_text_is_refused_by_name(tmp_path: Path) -> None:
    assert "no such file" in _problems(tmp_path / "config.json")[0]
    assert str(tmp_path) in _problems(tmp_path)[0]
    (tmp_path / "config.json").write_bytes(b'{"input_folder_path": "\xe4"}')
    assert "it is not UTF-8 (byte 24)" in _problems(tmp_path / "config.json")[0]


def test_all_mistakes_are_told_at_once(write: Write) -> None:
    path = write({"server": {"port": "x", "hots": 1}, "drft": {}})
    assert len(_problems(path)) == 3


@given(st.text(), st.sampled_from(list(KNOWN)))
def test_any_unknown_key_is_named_with_the_known_ones(
    tmp_path_factory: pytest.TempPathFactory, name: str, section: str
) -> None:
    if name in KNOWN[section]:
        return
    path = tmp_path_factory.mktemp("unknown") / "config.json"
    path.write_text(json.dumps({section: {name: 1}}))
    (problem,) = _problems(path)
    assert problem.startswith(f"{path}: {section}.{name}: there is no such key. The nearest is ")
    assert all(known in problem for known in KNOWN[section])


@given(st.data(), st.sampled_from([(section, key) for section, keys in KNOWN.items() for key in keys]))
def test_the_nearest_to_a_misspelt_key_is_the_one_that_was_meant(data: st.DataObject, place: tuple[str, str]) -> None:
    section, key = place
    at = data.draw(st.integers(0, len(key) - 2))
    swapped = key[:at] + key[at + 1] + key[at] + key[at + 2 :]
    misspelt = data.draw(
        st.sampled_from([swapped, key.upper(), key.replace("_", "-"), key[:at] + key[at + 1 :], f"{key}s"])
    )
    assert nearest(misspelt, KNOWN[section]) == key


# -- contradictions -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST"])
def test_loopback_hosts_are_taken(write: Write, host: str) -> None:
    assert read(write({"server": {"host": host}}), {}).server.host == host


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "192.168.1.1", "::ffff:127.0.0.1", "example.org", "127.1", "[::1]"],  # noqa: S104 - refused
)
def test_a_host_beyond_this_machine_is_refused_without_tokens(write: Write, host: str) -> None:
    (problem,) = _problems(write({"server": {"host": host}}))
    assert "server.host: " in problem
    assert "no access tokens" in problem
    assert read(write({"server": {"host": host, "tokens_file": "tokens.json"}}), {}).server.host == host


@pytest.mark.parametrize("host", ["", " "])
def test_a_blank_host_is_refused_with_and_without_tokens(write: Write, host: str) -> None:
    for tokens in (None, "tokens.json"):
        (problem,) = _problems(write({"server": {"host": host, "tokens_file": tokens}}))
        assert "server.host: it is blank" in problem


@pytest.mark.parametrize(("key", "other"), [("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")])
def test_half_a_pair_of_tls_is_refused(write: Write, key: str, other: str) -> None:
    (problem,) = _problems(write({"server": {key: "a.pem"}}))
    assert f"server.{other}: it is missing" in problem
    assert f"server.{key}" in problem


@pytest.mark.parametrize(
    ("dataset", "key", "sentence"),
    [
        ({"id_column": "exited"}, "target_column", "'exited' is also id_column"),
        ({"time_column": "corporation"}, "time_column", "'corporation' is also id_column"),
        ({"time_column": "m", "value_column": "m"}, "value_column", "'m' is also time_column"),
        ({"ignore_columns": ["x", "exited"]}, "ignore_columns", "'exited' is the target_column"),
        ({"positive_label": "  "}, "positive_label", "it is blank"),
        ({"duplicates": "key", "id_column": None}, "duplicates", "needs an id_column"),
        ({"id_column": " id"}, "id_column", "' id' cannot be a column's name"),
        ({"target_column": ""}, "target_column", "'' cannot be a column's name"),
        ({"value_column": "__file__"}, "value_column", "'__file__' cannot be a column's name"),
    ],
)
def test_columns_that_contradict_each_other_are_refused(
    write: Write, dataset: dict[str, object], key: str, sentence: str
) -> None:
    path = write({"dataset": dataset})
    (problem,) = _problems(path)
    assert problem.startswith(f"{path}: dataset.{key}: ")
    assert sentence in problem


@pytest.mark.parametrize(
    ("folders", "key", "sentence"),
    [
        ({"test_data_path": "./sourcedata/"}, "test_data_path", "the same folder as input_folder_path"),
        ({"prod_deployment_path": "x/../models"}, "prod_deployment_path", "the same folder as output_model_path"),
        ({"output_folder_path": "link"}, "output_folder_path", "the same folder as input_folder_path"),
        ({"output_model_path": "reports"}, "output_model_path", "the daemon keeps its reports there"),
        ({"input_folder_path": "models/in/drops"}, "input_folder_path", "it lies inside output_model_path"),
        ({"test_data_path": "a\0b"}, "test_data_path", "it is no path"),
        ({"test_data_path": " "}, "test_data_path", "it is no path"),
    ],
)
def test_folders_that_are_in_each_others_way_are_refused(
    write: Write, tmp_path: Path, folders: dict[str, str], key: str, sentence: str
) -> None:
    (tmp_path / "link").symlink_to("sourcedata")
    path = write(folders)
    (problem,) = _problems(path)
    assert problem.startswith(f"{path}: {key}: ")
    assert sentence in problem


def test_a_folder_beside_the_others_with_a_like_name_is_taken(write: Write) -> None:
    assert read(write({"input_folder_path": "models2", "test_data_path": "sourcedata/labelled"}), {})


@pytest.mark.parametrize("names", [[], ["logistic", "logistic"]])
def test_estimators_are_named_once_each_and_not_none(write: Write, names: list[str]) -> None:
    assert "training.estimators: " in _problems(write({"training": {"estimators": names}}))[0]


# -- the environment ------------------------------------------------------------------------------------------------


def test_variables_override_single_keys(write: Write) -> None:
    path = write({"server": {"port": 1, "host": "::1"}, "dataset": {"id_column": "a", "time_column": "b"}})
    settings = read(
        path,
        {
            "ATTRITIOND__SERVER__PORT": "8080",
            "ATTRITIOND__dataset__Id_Column": "7",
            "ATTRITIOND__DATASET__TIME_COLUMN": "null",
            "ATTRITIOND__DATASET__POSITIVE_LABEL": "Yes",
            "ATTRITIOND__DATASET__IGNORE_COLUMNS": '["x"]',
            "ATTRITIOND__TRAINING__SEED": "5",
            "ATTRITIOND__INPUT_FOLDER_PATH": "2026",
            "ATTRITIOND_CONFIG": "other programs' affair",
            "attritiond__server__port": "x",
        },
    )
    assert (settings.server.port, settings.server.host) == (8080, "::1")
    assert settings.dataset == msgspec.structs.replace(
        Settings().dataset, id_column="7", positive_label="Yes", ignore_columns=("x",)
    )
    assert settings.training == TrainingSettings(seed=5)
    assert settings.input_folder_path == "2026"


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("ATTRITIOND__SERVER__PROT", "1", "there is no such key. The nearest is 'port'"),
        ("ATTRITIOND__SERVR__PORT", "1", "there is no such key. The nearest is 'server'"),
        ("ATTRITIOND__SERVER", "{}", "'server' is a section; name a key of it, as in ATTRITIOND__SERVER__KEY"),
        ("ATTRITIOND__INPUT_FOLDER_PATH__X", "1", "'input_folder_path' is a key, not a section"),
        ("ATTRITIOND__DATASET__COLUMNS__A", "text", "a section and a key of it, no more"),
        ("ATTRITIOND__", "1", "there is no such key"),
        (
            "ATTRITIOND__SERVER__PORT",
            "eighty",
            'server.port: wanted is a whole number from 0 to 65535; found is text, "ei',
        ),
        (
            "ATTRITIOND__DRIFT__POLICY",
            "evidnce",
            "drift.policy: wanted is text: evidence, raw_f1, iqr, two_sigma, always, always:N, every:N or never",
        ),
        ("ATTRITIOND__SERVER__PORT", "70000", "found is a number, 70000"),
        ("ATTRITIOND__SERVER__HOST", "0.0.0.0", "server.host: '0.0.0.0' is not a loopback address"),  # noqa: S104 - refused
        ("ATTRITIOND__DATASET__COLUMNS", '{"a": "text", "a": "text"}', "dataset.columns.a: it is there more than once"),
        ("ATTRITIOND__DATASET__COLUMNS", '{"a": "txt"}', 'dataset.columns.a: wanted is "category" or'),
    ],
)
def test_a_wrong_variable_is_named(write: Write, variable: str, value: str, sentence: str) -> None:
    (problem,) = _problems(write({}), **{variable: value})
    assert problem.startswith(f"{variable} (environment): ")
    assert sentence in problem


def test_two_spellings_of_one_variable_are_refused(write: Write) -> None:
    environ = {"ATTRITIOND__SERVER__PORT": "1", "ATTRITIOND__server__port": "2"}
    assert "it says the same as ATTRITIOND__SERVER__PORT" in _problems(write({}), **environ)[0]


def test_a_variable_does_not_hide_that_the_file_has_no_such_section(write: Write) -> None:
    path = write({"server": 3})
    assert _problems(path, ATTRITIOND__SERVER__PORT="1")[0].startswith(f"{path}: server: wanted is an object")


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from([(section, key) for section, keys in KNOWN.items() for key in keys]), plain)
def test_any_value_is_taken_or_refused_by_its_key(
    tmp_path_factory: pytest.TempPathFactory, place: tuple[str, str], value: object
) -> None:
    section, key = place
    path = tmp_path_factory.mktemp("any") / "config.json"
    path.write_text(json.dumps({section: {key: value}}))
    try:
        found = json.loads(msgspec.json.encode(getattr(read(path, {}), section)))[key]
    except ConfigurationError as error:
        refused = error.problems
        assert all(problem.startswith(f"{path}: {section}.") for problem in refused)
    else:
        assert found == value


# -- the schema and the documentation -------------------------------------------------------------------------------


def test_the_schema_that_ships_is_up_to_date() -> None:
    shipped = (REPOSITORY / "daemon" / "config.schema.json").read_text()
    assert shipped == text(), (
        "renew it: python -m daemon.settings_schema > new, then move it to daemon/config.schema.json"
    )


def test_every_key_has_a_meaning() -> None:
    for kind in sections().values():
        assert set(meanings(kind)) == {each.name for each in msgspec.structs.fields(kind)}


@pytest.mark.parametrize(
    ("document", "valid"),
    [
        ({}, True),
        (ORIGINAL, True),
        ([], False),
        ({"server": {"port": 0}}, True),
        ({"server": {"port": 8000.0}}, True),
        ({"server": {"port": 8000.5}}, False),
        ({"server": {"port": True}}, False),
        ({"server": {"port": "8000"}}, False),
        ({"server": {"port": -1}}, False),
        ({"server": {"prot": 1}}, False),
        ({"server": None}, False),
        ({"$schema": "config.schema.json"}, False),
        ({"input_folder_path": ""}, False),
        ({"dataset": {"id_column": None, "time_column": "m", "columns": {"a": "text"}}}, True),
        ({"dataset": {"columns": {"a": "date"}}}, False),
        ({"dataset": {"columns": []}}, False),
        ({"dataset": {"positive_label": "Yes"}}, True),
        ({"dataset": {"positive_label": True}}, True),
        ({"dataset": {"positive_label": 0.5}}, True),
        ({"dataset": {"positive_label": [1]}}, False),
        ({"dataset": {"target_column": None}}, False),
        ({"dataset": {"ignore_columns": ["a"]}}, True),
        ({"dataset": {"ignore_columns": "a"}}, False),
        ({"promotion": {"threshold": "f1"}}, True),
        ({"promotion": {"threshold": 1}}, True),
        ({"promotion": {"threshold": "f2"}}, False),
        ({"drift": {"alarm_z": 0}}, False),
        ({"drift": {"alarm_z": 1}}, True),
        ({"training": {"estimators": ["logistic"], "growth": 1.5}}, True),
        ({"training": {"estimators": ["forest"]}}, False),
        ({"training": {"growth": 1}}, False),
        ({"logging": {"level": "INFO"}}, False),
        ({"engine": {"stop_seconds": 90_000}}, False),
        ({"ingestion": {"expect_every": None}}, True),
        ({"ingestion": {"expect_every": 2_678_400}}, True),
        ({"ingestion": {"expect_every": "31 days"}}, True),
        ({"ingestion": {"expect_every": "1 week"}}, True),
        ({"ingestion": {"expect_every": "1 month"}}, False),
        ({"ingestion": {"expect_every": "0 days"}}, False),
        ({"ingestion": {"expect_every": 0}}, False),
    ],
)
def test_the_schema_takes_what_the_program_takes(write: Write, document: object, valid: bool) -> None:
    validator = jsonschema.Draft202012Validator(json.loads(text()))
    assert validator.is_valid(document) is valid
    if valid:
        read(write(document), {})
    else:
        _problems(write(document))


def test_every_key_is_documented_with_its_type_and_default_and_no_other() -> None:
    written = (REPOSITORY / "docs" / "configuration.md").read_text().partition("## Keys")[2]
    documented: dict[str, list[tuple[str, ...]]] = {}
    for block in re.split(r"^### ", "### `` \n" + written, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `(\w+)` \| (.+?) \| `(.+?)` \| .+ \|$", block, flags=re.MULTILINE)
        documented[block[1 : block.index("`", 1)]] = rows
    kinds: dict[str, Any] = {"": Settings, **sections()}
    assert documented == {section: _rows(kind) for section, kind in kinds.items()}


def _rows(kind: type[msgspec.Struct]) -> list[tuple[str, ...]]:
    standard = msgspec.to_builtins(kind())
    fields = [each for each in msgspec.structs.fields(kind) if each.name not in KNOWN]
    return [(each.name, wanted(each.type), json.dumps(standard[each.name])) for each in fields]


def test_reading_does_not_look_at_the_process_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "ATTRITIOND__SERVER__PORT", "1")
    assert read(write({}), {}).server.port == 8000
