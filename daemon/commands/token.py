"""``token``: access tokens are made, listed and revoked; a running daemon notices by itself."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from daemon.bootstrap import now
from daemon.commands.answers import answer_json, answer_table, json_option
from daemon.commands.workspace import BadConfiguration, config_option, read_configuration
from daemon.configuration import ConfigurationError
from handlers.domain import roles
from handlers.domain.roles import Role, Token, TokenRefused
from handlers.storage import tokens
from handlers.storage.tokens import NoTokensFile, TokensError


@click.group()
def token() -> None:
    """Make, list and revoke access tokens."""


@token.command()
@config_option
@json_option
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="What it allows.")
def add(config: Path, as_json: bool, name: str, role: str) -> None:
    """Make a token for NAME, and print it: this once.

    read: lists, pages and counts. predict: also predictions and the check of files. admin: also deploying, going back,
    and taking files again.
    """
    if not roles.is_name(name):
        raise click.UsageError(
            "NAME is 1 to 64 letters, digits, dots, underscores and hyphens, no first dot or hyphen."
        )
    secret = roles.PREFIX + secrets.token_urlsafe(roles.SECRET_BYTES)
    made = Token(name, Role(role), roles.digest_of(secret), now())
    _change(tokens_file(config), lambda known: roles.with_token(known, made))
    if as_json:
        answer_json(_shown(made) | {"token": secret})
        return
    click.echo(f"This is the token of {name}, shown this once; only its hash is kept.", err=True)
    click.echo(secret)


@token.command(name="list")
@config_option
@json_option
def list_tokens(config: Path, as_json: bool) -> None:
    """List the tokens: names, roles and when they were made."""
    path = tokens_file(config)
    try:
        known = tokens.read(path).tokens
    except NoTokensFile:
        known = ()
    except TokensError as error:
        raise _unusable(error) from error
    if as_json:
        answer_json({"items": [_shown(one) for one in known]})
        return
    answer_table(("NAME", "ROLE", "MADE AT"), [(one.name, str(one.role), one.made_at) for one in known])


@token.command()
@config_option
@json_option
@click.argument("name")
def revoke(config: Path, as_json: bool, name: str) -> None:
    """End the use of the token of NAME; a running daemon refuses it within two seconds."""
    _change(tokens_file(config), lambda known: roles.without_token(known, name))
    if as_json:
        answer_json({"name": name, "revoked": True})
        return
    click.echo(f"The token of {name} is revoked.")


def tokens_file(config: Path) -> Path:
    """Where the tokens are, as it is configured. Raises BadConfiguration where no file is."""
    settings, workspace = read_configuration(config)
    if settings.server.tokens_file is None:
        what = 'Set it under "server", to "tokens.json" for instance, and restart the daemon if it runs'
        error = ConfigurationError((f"{config}: server.tokens_file: it is not set. {what}.",))
        raise BadConfiguration(error)
    return workspace.root / settings.server.tokens_file


def _change(path: Path, decide: tokens.Decide) -> None:
    try:
        tokens.change(path, decide)
    except TokenRefused as error:
        raise click.ClickException(str(error)) from error
    except TokensError as error:
        raise _unusable(error) from error


def _unusable(error: TokensError) -> BadConfiguration:
    return BadConfiguration(ConfigurationError((f"server.tokens_file: {error}",)))


def _shown(one: Token) -> dict[str, str]:
    return {"name": one.name, "role": str(one.role), "made_at": one.made_at}
