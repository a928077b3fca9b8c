"""The command line. Data on standard output, messages on standard error."""

from __future__ import annotations

import click

from daemon.commands import running, workspace


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="attritiond")
def main() -> None:
    """Tell the client managers whom to call: watch a folder of CSVs, learn from them, and serve a ranked list."""


for command in (workspace.init, workspace.check, workspace.demo, running.run):
    main.add_command(command)
