"""The watch on the source folder: what watchdog sees becomes hints. It only hints; the scan is the truth.

With inotify this sits on ``InotifyFD``, the layer of watchdog 7.1 that reads the kernel's events, and not on its
``InotifyObserver``, for four reasons:

- The observer holds back every event for half a second after a file was moved *out* of the folder (it waits for the
  other half of a possible rename), which is what archiving does. Here moves out are not asked for.
- The observer tells nobody that the kernel's queue has overflowed; here it is a hint.
- Permission denied leaves the observer "watching" nothing; here it is an error.
- One thread and no event objects stand between the kernel and the hint.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal, Protocol

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers.polling import PollingObserver

from daemon.hints import Deliver, Hint
from daemon.mounts import is_shared
from daemon.settling import Sign

Observer = Literal["auto", "inotify", "polling"]

_POLLING_SECONDS = 1.0
_STOP_SECONDS = 5.0


class _Source(Protocol):
    """Where the events come from."""

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def is_alive(self) -> bool: ...


class FolderWatch:
    """One watch on the folder as it is now. What replaces the folder needs a new watch; ``healthy`` says so.

    ``deliver`` is called in a thread of the watch and must only hand over. All methods may block for a moment.
    """

    def __init__(self, folder: Path, observer: Observer, deliver: Deliver) -> None:
        """Nothing is watched before ``start``."""
        self._folder = folder
        self._observer = observer
        self._deliver = deliver
        self._source: _Source | None = None
        self._identity = (0, 0)
        self.kind: Literal["inotify", "polling"] = "polling"

    def start(self) -> None:
        """Begin to watch. Raises OSError when the folder is not there, may not be read or cannot be watched."""
        self._identity = self._identify()  # FileNotFoundError, if it is not there
        if not self._folder.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(self._folder))
        if not os.access(self._folder, os.R_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self._folder))
        wants_inotify = self._observer == "inotify" or (self._observer == "auto" and not is_shared(self._folder))
        if wants_inotify and self._start_inotify():
            return
        self.kind = "polling"
        self._source = _PollingSource(self._folder, self._deliver)
        self._source.start()

    def stop(self) -> None:
        """End the watch and its threads. Nothing is delivered afterwards."""
        source, self._source = self._source, None
        if source is not None:
            source.stop()

    def healthy(self) -> str | None:
        """Why this watch can no longer be relied on, or None."""
        if self._source is None:
            return "The watch has not been started."
        if not self._source.is_alive():
            return f"The {self.kind} observer has died."
        try:
            identity = self._identify()
        except OSError as error:
            return f"The folder cannot be looked at: {error.strerror}."
        return None if identity == self._identity else "The folder was replaced."

    def _start_inotify(self) -> bool:
        """Try inotify. Under ``auto`` a refusal (no inotify here, no instances left) is answered False."""
        try:
            from daemon.inotify import InotifySource  # fails where inotify is missing

            self._source = InotifySource(self._folder, self._deliver)
            self._source.start()
        except (ImportError, OSError) as error:
            self._source = None
            if self._observer == "auto":
                return False
            if isinstance(error, OSError):
                raise
            raise OSError(errno.ENOSYS, "inotify is not available on this system") from error
        self.kind = "inotify"
        return True

    def _identify(self) -> tuple[int, int]:
        status = self._folder.stat()
        return status.st_dev, status.st_ino


class _PollingSource(FileSystemEventHandler):
    """watchdog's comparison of two listings. It cannot tell a finished file from a begun one."""

    def __init__(self, folder: Path, deliver: Deliver) -> None:
        self._folder = folder
        self._deliver = deliver
        self._polling = PollingObserver(timeout=_POLLING_SECONDS)

    def start(self) -> None:
        self._polling.schedule(self, str(self._folder), recursive=False)
        self._polling.start()

    def stop(self) -> None:
        self._polling.stop()
        self._polling.join(_STOP_SECONDS)

    def is_alive(self) -> bool:
        return self._polling.is_alive() and all(emitter.is_alive() for emitter in self._polling.emitters)

    def on_any_event(self, event: FileSystemEvent) -> None:
        path = os.fsdecode(event.dest_path or event.src_path)
        if event.event_type != "deleted" and path != str(self._folder):
            self._deliver(Hint(Sign.BEGUN, os.path.basename(path)))  # noqa: PTH119 - a name, not a path, is wanted
