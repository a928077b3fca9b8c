"""Where everything lies: the folders that the configuration names, and what is beside and inside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Workspace:
    """Absolute folders. ``root`` is the folder of the configuration file."""

    root: Path
    source: Path
    dataset: Path
    test: Path
    models: Path
    production: Path

    @property
    def ledger(self) -> Path:
        return self.dataset / "ledger.sqlite3"

    @property
    def parts(self) -> Path:
        return self.dataset / "parts"

    @property
    def index(self) -> Path:
        return self.dataset / "index"

    @property
    def spill(self) -> Path:
        return self.dataset / "spill"

    @property
    def keys(self) -> Path:
        return self.dataset / "keys"

    @property
    def lock(self) -> Path:
        return self.dataset / "daemon.lock"

    @property
    def socket(self) -> Path:
        return self.dataset / "control.sock"

    @property
    def predictions(self) -> Path:
        return self.source.parent / "predictions"

    @property
    def quarantine(self) -> Path:
        return self.source.parent / "quarantine"

    @property
    def rejected(self) -> Path:
        return self.source.parent / "rejected"

    @property
    def archive(self) -> Path:
        return self.source.parent / "archive"

    @property
    def reports(self) -> Path:
        return self.source.parent / "reports"

    @property
    def releases(self) -> Path:
        return self.production / "releases"

    def make_folders(self) -> None:
        """Make the folders that the daemon writes to, and the one it watches. What is there stays."""
        for folder in (self.source, self.dataset, self.parts, self.models, self.releases):
            folder.mkdir(parents=True, exist_ok=True)
