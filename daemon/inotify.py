"""The kernel's events of one folder, through the part of watchdog that reads them. See ``daemon/watcher.py``."""

from __future__ import annotations

import os
from pathlib import Path

from watchdog.observers.inotify_c import CallbackId, InotifyConstants, InotifyEvent, InotifyFD, Mask, WatchDescriptor

from daemon.hints import Deliver, Hint
from daemon.settling import Sign

#: Complete files alone, and the end of the folder. What is begun, or moved out, would only fill the kernel's queue.
_MASK = Mask(
    InotifyConstants.IN_CLOSE_WRITE
    | InotifyConstants.IN_MOVED_TO
    | InotifyConstants.IN_DELETE_SELF
    | InotifyConstants.IN_MOVE_SELF
    | InotifyConstants.IN_ONLYDIR
)
_STOP_SECONDS = 5.0


class InotifySource:
    """A thread that turns the kernel's events into hints."""

    def __init__(self, folder: Path, deliver: Deliver) -> None:
        """Raise OSError when the system gives no further inotify instance."""
        self._folder = folder
        self._deliver = deliver
        self._watched = False
        self._reader = InotifyFD()

    def start(self) -> None:
        """Begin to watch. Raises OSError when the folder cannot be watched."""
        self._reader.start()
        try:
            descriptor = self._reader.add_callback(os.fsencode(self._folder), _MASK, self, CallbackId(id(self)))
            if descriptor < 0:  # watchdog raises on every refusal but this one
                raise PermissionError(f"The folder {self._folder} may not be watched.")
        except OSError:
            self.stop()
            raise
        self._watched = True

    def stop(self) -> None:
        """End the thread and give the inotify instance back."""
        self._watched = False
        self._reader.stop()
        self._reader.join(_STOP_SECONDS)

    def is_alive(self) -> bool:
        """Is there a thread that reads, and a watch that the kernel still keeps?"""
        return self._watched and self._reader.is_alive()

    def on_event(self, event: InotifyEvent) -> None:
        """Called by watchdog for each event."""
        if not self._watched:
            return
        if not event.name:
            self._deliver(Hint(None))
        elif event.is_moved_to:
            self._deliver(Hint(Sign.MOVED_IN, os.fsdecode(event.name)))
        else:
            self._deliver(Hint(Sign.CLOSED, os.fsdecode(event.name)))

    def on_watch_deleted(self, wd: WatchDescriptor) -> None:
        """Called by watchdog when the kernel has ended the watch: the folder is gone or was unmounted."""
        if self._watched:
            self._watched = False
            self._deliver(Hint(None))

    def on_queue_overflow(self) -> None:
        """Called by watchdog when the kernel had more to tell than it could keep."""
        self._deliver(Hint(None))
