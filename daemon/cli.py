"""The command line. Data on standard output, messages on standard error.

Commands are imported when they are run: ``--help`` must not wait for libraries that it has no use for.
"""

from __future__ import annotations

import atexit
import os
import sys
from importlib import import_module

import click

COMMANDS = {
    "calls": ("daemon.commands.reading", "Rank the clients of the newest unlabelled drop by their risk."),
    "check": ("daemon.commands.check", "Check the configuration, or what would happen to a file."),
    "demo": ("daemon.commands.workspace", "Write the next month of the demonstration into the source folder."),
    "deploy": ("daemon.commands.writing", "Make release VERSION the current one."),
    "export": ("daemon.commands.export", "Print the data set, the original columns first and in their order."),
    "files": ("daemon.commands.reading", "List the files that were seen, the newest first."),
    "ingest": ("daemon.commands.ingest", "Put files into the source folder, and wait until they are taken."),
    "init": ("daemon.commands.workspace", "Make a new workspace in DIR: folders and a config.json."),
    "models": ("daemon.commands.reading", "List the releases, the newest first."),
    "predict": ("daemon.commands.predict", "Score the clients of a CSV file with the current release."),
    "replay": ("daemon.commands.replay", "Say what policies would have done with labelled files, in their order."),
    "report": ("daemon.commands.writing", "Write the reports that are missing, and say where the newest is."),
    "reproduce": ("daemon.commands.reproduce", "Train release VERSION again, and say whether it is the same."),
    "retry": ("daemon.commands.retry", "Take refused files again, after a correction of the configuration."),
    "rollback": ("daemon.commands.writing", "Make the previous release the current one again."),
    "run": ("daemon.commands.running", "Run the daemon in the foreground."),
    "schema": ("daemon.commands.schema", "What the columns of the data set were learned to be."),
    "serve": ("daemon.commands.serving", "Answer predictions by what a deployment folder holds, and write nothing."),
    "status": ("daemon.commands.status", "Say how the daemon, the model and the files are."),
    "token": ("daemon.commands.token", "Make, list and revoke access tokens."),
}
"""Name: the module that has the command under that name, and the line that ``--help`` shows of it."""

_NOT_WRITTEN = 120
"""What Python itself exits with where the last of its output cannot be written."""


class Commands(click.Group):
    """The commands of ``COMMANDS``, each imported when it is asked for."""

    def list_commands(self, _context: click.Context) -> list[str]:
        """All names, in their order."""
        return sorted(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """The command, or None where there is no such name."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[name][0]), name)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list from what is known without an import."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in sorted(COMMANDS)])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="attritiond")
def main() -> None:
    """Tell the client managers whom to call: watch a folder of CSVs, learn from them, and serve a ranked list."""


def run() -> None:
    """The program: ``main``, and an end that Python's own would spoil.

    Threads of pyarrow may still let go of what is ours while the interpreter is taken apart. One that wants Python's
    lock then is ended in the middle of C++, which ends the process with 134 although all was done (Arrow issue 34314;
    3 of 90 times). So nothing is taken apart: what has to be done at the end is done, and the system does the rest.
    """
    try:
        main(prog_name="attritiond")
    except SystemExit as ended:
        if "pyarrow" not in sys.modules or not isinstance(ended.code, int | None):
            raise
        code = ended.code or 0
    else:
        code = 0
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or _NOT_WRITTEN
    os._exit(code)
