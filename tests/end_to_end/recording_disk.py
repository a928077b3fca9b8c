"""A disk that remembers: every write and every flush in their order, so that it can be cut off at any moment.

``python -m tests.end_to_end.recording_disk IMAGE LOG FOLDER`` serves the image as ``FOLDER/disk`` through FUSE until
that is unmounted. A loop device on that file turns a file system's writes into ``FUSE_WRITE`` and its barriers into
``FUSE_FSYNC``; both are written to the log before they are answered. ``cut`` then makes what a power cut may leave: all
that was written before the last flush, and of what was written after it any blocks at all.

Why the image is not simply copied while it is written to: a copy takes time, so it holds late writes without earlier
ones, across flushes, which no disk does.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT, DISK = 1, 2
NAME = "disk"
BLOCK = 4096
WRITE_HEAD = 40
WRITE_BYTES = 128 * 1024
BUFFER_BYTES = WRITE_BYTES + 4096
RECORD = struct.Struct("=BQI")
WRITTEN, FLUSHED = 1, 2

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE = 1, 2, 3, 4, 14, 15, 16, 17, 18
FSYNC, FLUSH, INIT, OPENDIR, READDIR, RELEASEDIR, ACCESS, INTERRUPT, DESTROY, BATCH_FORGET = (
    20, 25, 26, 27, 28, 29, 34, 36, 38, 42,
)  # fmt: skip
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
ENOENT, ENOSYS = 2, 38
IN, OUT, ATTRIBUTES = struct.Struct("=IIQQIIII"), struct.Struct("=IiQ"), struct.Struct("=QQQQQQIIIIIIIIII")
FOREVER = 1 << 30


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the log. ``end``: the size of the log with it; ``data`` is None for a flush."""

    end: int
    offset: int
    data: bytes | None


class Disk:
    """Answers the kernel's questions about a folder with one file."""

    def __init__(self, image: Path, log: Path, folder: Path) -> None:
        self._image = os.open(image, os.O_RDWR)
        self._size = image.stat().st_size
        self._log = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._kernel = os.open("/dev/fuse", os.O_RDWR)
        libc = ctypes.CDLL(None, use_errno=True)
        options = f"fd={self._kernel},rootmode=40000,user_id=0,group_id=0".encode()
        if libc.mount(b"recording_disk", os.fsencode(folder), b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), "mount")

        opened = struct.pack("=QIi", 0, 0, 0)
        started = (7, 31, WRITE_BYTES, BIG_WRITES | MAX_PAGES, 12, 9, WRITE_BYTES, 1, WRITE_BYTES // BLOCK, 0, 0)
        self._fixed = {
            INIT: struct.pack("=IIIIHHIIHHI28x", *started),
            LOOKUP: struct.pack("=QQQQII", DISK, 0, FOREVER, FOREVER, 0, 0) + self._attributes(DISK),
            OPEN: opened,
            OPENDIR: opened,
            STATFS: struct.pack("=QQQQQIIII24x", 1 << 20, 1 << 20, 1 << 20, 2, 2, BLOCK, 255, BLOCK, 0),
        }

    def serve(self) -> None:
        """Until it is unmounted."""
        while True:
            try:
                request = os.read(self._kernel, BUFFER_BYTES)
            except OSError:  # ENODEV: unmounted
                return
            _, kind, unique, node, *_ = IN.unpack_from(request)
            if kind in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            error, answer = self._answer(kind, node, request[IN.size :])
            os.write(self._kernel, OUT.pack(OUT.size + len(answer), -error, unique) + answer)
            if kind == DESTROY:
                return

    def _answer(self, kind: int, node: int, body: bytes) -> tuple[int, bytes]:
        """The error number, 0 for none, and what follows the header."""
        if kind == LOOKUP and body != NAME.encode() + b"\0":
            return ENOENT, b""
        if kind in (FLUSH, RELEASE, RELEASEDIR, READDIR, ACCESS, DESTROY):
            return 0, b""
        if kind in self._fixed:
            return 0, self._fixed[kind]
        if kind in (GETATTR, SETATTR):
            return 0, struct.pack("=QII", FOREVER, 0, 0) + self._attributes(node)
        if kind in (READ, WRITE, FSYNC):
            return 0, self._access(kind, body)
        return ENOSYS, b""

    def _access(self, kind: int, body: bytes) -> bytes:
        if kind == FSYNC:
            os.write(self._log, RECORD.pack(FLUSHED, 0, 0))
            return b""
        _, offset, size = struct.unpack_from("=QQI", body)
        if kind == READ:
            return os.pread(self._image, size, offset)
        data = body[WRITE_HEAD : WRITE_HEAD + size]
        os.write(self._log, RECORD.pack(WRITTEN, offset, size) + data)
        os.pwrite(self._image, data, offset)
        return struct.pack("=II", size, 0)

    def _attributes(self, node: int) -> bytes:
        mode, size = (0o040755, 0) if node == ROOT else (0o100600, self._size)
        return ATTRIBUTES.pack(node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, BLOCK, 0)


def records(log: Path) -> Iterator[Record]:
    """The log, in its order; an entry that was being written is left out."""
    with log.open("rb") as file:
        while len(head := file.read(RECORD.size)) == RECORD.size:
            kind, offset, size = RECORD.unpack(head)
            data = file.read(size)
            if len(data) < size:
                return
            yield Record(file.tell(), offset, data if kind == WRITTEN else None)


class Cutter:
    """Makes the images of several cuts, each later than the one before. ``image``: as it was when the log began."""

    def __init__(self, image: Path, log: Path, chance: random.Random) -> None:
        self._image = image.open("r+b")
        self._records = records(log)
        self._chance = chance
        self._loose: list[Record] = []
        self._next = next(self._records, None)

    def cut(self, position: int) -> dict[int, bytes]:
        """Bring the image to the last flush before the log had ``position`` bytes. Returns blocks, by offset, that
        were written after that and that the disk has kept by chance: none of them, all, or any."""
        while self._next is not None and self._next.end <= position:
            if self._next.data is None:
                for record in self._loose:
                    self._image.seek(record.offset)
                    self._image.write(record.data or b"")
                self._loose.clear()
            else:
                self._loose.append(self._next)
            self._next = next(self._records, None)
        self._image.flush()
        share = self._chance.choice((0.0, 0.5, 0.5, 0.9, 1.0))
        kept: dict[int, bytes] = {}
        for record in self._loose:
            data = record.data or b""
            for begin in range(0, len(data), BLOCK):
                if self._chance.random() < share:
                    kept[record.offset + begin] = data[begin : begin + BLOCK]
        return kept

    def close(self) -> None:
        """No more cuts."""
        self._image.close()


def main() -> None:
    """Serve the disk that the arguments name."""
    image, log, folder = (Path(argument) for argument in sys.argv[1:])
    disk = Disk(image, log, folder)
    print("mounted", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        disk.serve()


if __name__ == "__main__":
    main()
