"""The command line as a whole: what ``--help`` and the documentation say is what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from daemon.cli import COMMANDS, main

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "commands.md"


def _commands() -> dict[str, click.Command]:
    """Every command that can be run, by its full name."""
    context = click.Context(main)
    found: dict[str, click.Command] = {}
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {below}": one for below, one in command.commands.items()}
            if command.invoke_without_command:
                found[name] = command
        else:
            found[name] = command
    return found


def _sections() -> dict[str, str]:
    parts = re.split(r"^### `attritiond ([a-z ]+)`$", DOCUMENTATION.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_is_documented_and_no_other() -> None:
    assert sorted(_sections()) == sorted(_commands())


@pytest.mark.parametrize("name", sorted(_commands()))
def test_the_options_and_an_example_of_a_command_are_documented(name: str) -> None:
    section, command = _sections()[name], _commands()[name]
    options = {option for each in command.params if isinstance(each, click.Option) for option in each.opts}
    said = set(re.findall(r"(?<![\w-])--[a-z]+(?:-[a-z]+)*", section))
    assert said <= options | {"--help"}
    assert {option for option in options if option not in ("--config", "--json") and option.startswith("--")} <= said
    assert f"attritiond {name}" in "".join(re.findall(r"```sh\n(.*?)```", section, flags=re.DOTALL))


@pytest.mark.parametrize("name", sorted(set(_commands()) - {"init"}))
def test_every_command_takes_a_configuration(name: str) -> None:
    assert "config" in {each.name for each in _commands()[name].params}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_list_says_of_a_command_what_the_command_says(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.name == name
    assert command.help is not None
    assert COMMANDS[name][1] == command.help.split("\n\n")[0]


def test_help_waits_for_no_library() -> None:
    script = (
        "import sys; from daemon.cli import main; main(['--help'], standalone_mode=False);"
        "sys.exit(bool({'aiohttp', 'msgspec', 'numpy', 'pyarrow', 'sqlalchemy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert all(f"  {name} " in done.stdout for name in COMMANDS)


def test_an_unknown_command_is_wrong_usage() -> None:
    done = CliRunner().invoke(main, ["forget"])
    assert done.exit_code == 2
    assert "No such command 'forget'" in done.stderr
