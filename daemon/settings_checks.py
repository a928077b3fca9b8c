"""What no single type can say: settings that contradict each other, or what this version cannot do."""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.settings_decoding import Problem
from handlers.domain.estimator_names import NoEstimator, is_own, parse
from handlers.domain.label_spelling import canonical_label
from handlers.domain.schema import RESERVED_COLUMNS, DatasetSettings
from handlers.storage.workspace import Workspace
from server.settings import ServerSettings

if TYPE_CHECKING:
    from daemon.settings import Settings

FOLDER_KEYS = (
    "input_folder_path",
    "output_folder_path",
    "test_data_path",
    "output_model_path",
    "prod_deployment_path",
)


def contradictions(settings: Settings, workspace: Workspace) -> Iterator[Problem]:
    """Find what is wrong with settings whose types are right. Looks at links, and at nothing else on disk."""
    yield from _no_paths(settings) or _folders(workspace)
    yield from _columns(settings.dataset)
    yield from _doors(settings.server)
    names = settings.training.estimators
    if not names or len(set(names)) < len(names):
        yield Problem(("training", "estimators"), "name at least one, and each once")
    for place, name in enumerate(names):
        try:
            if is_own(name):
                parse(name)
        except NoEstimator as error:
            yield Problem(("training", "estimators", str(place)), str(error))


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address: 127.0.0.0/8, ::1, or the name localhost."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback if address.version == 4 else address == ipaddress.IPv6Address("::1")  # noqa: PLR2004


def _no_paths(settings: Settings) -> list[Problem]:
    paths: dict[str, str] = {key: getattr(settings, key) for key in FOLDER_KEYS}
    return [Problem((key,), "it is no path") for key, path in paths.items() if not path.strip() or "\0" in path]


def _doors(server: ServerSettings) -> Iterator[Problem]:
    """A door that is open to strangers, or half a pair of TLS. Whether the files can be used is for `daemon.doors`."""
    if not server.host.strip():
        yield Problem(("server", "host"), "it is blank; 0.0.0.0 or :: stands for all addresses of this machine")
    elif not is_loopback(server.host) and server.tokens_file is None:
        what = f"{server.host!r} is not a loopback address, and there are no access tokens"
        yield Problem(
            ("server", "host"),
            f"{what}; set server.tokens_file and make one with `attritiond token add`, or use 127.0.0.1",
        )
    for key, other in (("tls_certificate", "tls_key"), ("tls_key", "tls_certificate")):
        if getattr(server, key) is not None and getattr(server, other) is None:
            yield Problem(("server", other), f"it is missing; server.{key} is of no use without it")
    for key in ("tokens_file", "tls_certificate", "tls_key"):
        if "\0" in (getattr(server, key) or ""):
            yield Problem(("server", key), "it is no path")


def _folders(workspace: Workspace) -> Iterator[Problem]:
    """Two uses of one folder, or a source folder inside one that the daemon writes to."""
    folders = (workspace.source, workspace.dataset, workspace.test, workspace.models, workspace.production)
    configured = {key: _real(folder) for key, folder in zip(FOLDER_KEYS, folders, strict=True)}
    beside = {
        _real(folder): folder.name
        for folder in (
            workspace.predictions,
            workspace.quarantine,
            workspace.rejected,
            workspace.archive,
            workspace.reports,
        )
    }
    earlier: dict[Path, str] = {}
    for key, folder in configured.items():
        if folder in earlier:
            yield Problem((key,), f"it is the same folder as {earlier[folder]}")
        elif folder in beside:
            yield Problem((key,), f"the daemon keeps its {beside[folder]} there, beside the source folder")
        earlier.setdefault(folder, key)
    source = configured["input_folder_path"]
    for key in ("output_folder_path", "output_model_path", "prod_deployment_path"):
        if configured[key] in source.parents:
            yield Problem(("input_folder_path",), f"it lies inside {key}, which the daemon writes to")


def _real(folder: Path) -> Path:
    return Path(os.path.realpath(folder))


def _columns(dataset: DatasetSettings) -> Iterator[Problem]:
    named = {
        key: name
        for key in ("id_column", "target_column", "time_column", "value_column")
        if (name := getattr(dataset, key)) is not None
    }
    for key, name in named.items():
        if name != name.strip() or not name or name in RESERVED_COLUMNS:
            yield Problem(
                ("dataset", key), f"{name!r} cannot be a column's name (blank, spaces around it, or reserved)"
            )
    counts = Counter(named.values())
    for name in (name for name, count in counts.items() if count > 1):
        keys = [key for key, other in named.items() if other == name]
        yield Problem(("dataset", keys[-1]), f"{name!r} is also {' and '.join(keys[:-1])}; each needs its own column")
    for name in dict.fromkeys(dataset.ignore_columns):
        keys = [key for key, other in named.items() if other == name and key != "value_column"]
        if keys:
            yield Problem(("dataset", "ignore_columns"), f"{name!r} is the {keys[0]}, which cannot be ignored")
    if not canonical_label(dataset.positive_label):
        yield Problem(("dataset", "positive_label"), "it is blank, and a blank label means that it is not known yet")
    if dataset.duplicates == "key" and dataset.id_column is None:
        yield Problem(("dataset", "duplicates"), '"key" needs an id_column')
