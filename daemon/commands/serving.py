"""``serve``: a replica in the foreground."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click
import msgspec
import uvloop

from daemon import early_signals, last_words, log
from daemon.commands.running import opened
from daemon.commands.workspace import CONFIG_NAME, BadConfiguration, read_configuration
from daemon.configuration import ConfigurationError
from daemon.listening import CannotStart
from daemon.replica import Followed, Replica
from daemon.settings import Settings, workspace
from daemon.settings_checks import contradictions
from handlers.storage import signing
from handlers.storage.workspace import Workspace
from server.front import keep_pandas_out


@click.command()
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"The configuration file, for its sections server and logging; {CONFIG_NAME} where no FOLDER is given.",
)
@click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The public key, release.pub of the daemon's keys; that of the configuration where no FOLDER is given.",
)
@click.option("--host", help="The address to listen on, instead of server.host.")
@click.option("--port", type=click.IntRange(0, 65_535), help="The port to listen on, instead of server.port.")
def serve(folder: Path | None, config: Path | None, key: Path | None, host: str | None, port: int | None) -> None:
    """Answer predictions by what a deployment folder holds, and write nothing.

    The link `current` is followed: a new release is served within a second, once it has been proved.
    FOLDER is a production_deployment, or a copy of one; without it, that of the configuration.
    """
    early_signals.end_at()
    settings, folders = _settings(folder, config)
    settings = _listening(settings, folders, {"host": host, "port": port})
    followed = _followed(folder, folders, key)
    log.configure(settings.logging.level)
    last_words.install()
    keep_pandas_out(thrifty=True)
    doors = opened(settings, folders)

    async def run() -> bool:
        return await Replica(settings, followed, doors).run()

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            ended_well = runner.run(run())
    except CannotStart as error:
        raise click.ClickException(str(error)) from error
    if not ended_well:
        raise SystemExit(1)


def _settings(folder: Path | None, config: Path | None) -> tuple[Settings, Workspace]:
    """Those of the configuration; with a folder and without a configuration, the defaults."""
    if folder is not None and config is None:
        settings = Settings()
        return settings, workspace(settings, Path(CONFIG_NAME))
    return read_configuration(config or Path(CONFIG_NAME))


def _listening(settings: Settings, folders: Workspace, given: dict[str, object]) -> Settings:
    """With the options over the settings. Raises BadConfiguration where that would open the door to strangers."""
    chosen = {name: value for name, value in given.items() if value is not None}
    if not chosen:
        return settings
    changed = msgspec.structs.replace(settings, server=msgspec.structs.replace(settings.server, **chosen))
    wrong = [problem for problem in contradictions(changed, folders) if problem.key[0] == "server"]
    if wrong:
        raise BadConfiguration(ConfigurationError(tuple(f"--{one.key[-1]}: {one.sentence}." for one in wrong)))
    return changed


def _followed(folder: Path | None, folders: Workspace, key: Path | None) -> Followed:
    """What is followed, and the key, which must not lie where the releases lie."""
    if folder is None:
        found = Followed(folders.production, key or folders.keys / signing.PUBLIC_NAME)
    elif key is None:
        raise click.UsageError("Name the public key with --key: the daemon's ingesteddata/keys/release.pub, or a copy.")
    else:
        found = Followed(folder.absolute(), key.absolute())
    if found.key.resolve().is_relative_to(found.production.resolve()):
        raise click.UsageError(
            f"{found.key} lies in the folder that it is to prove: whoever can change one can change both."
        )
    try:
        signing.public_key(found.key)
    except signing.SignatureError as error:
        raise BadConfiguration(ConfigurationError((str(error),))) from error
    return found
