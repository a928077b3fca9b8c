"""Every system call of a program that changes files: recorded, or the program killed at one of them.

``python -m tests.end_to_end.system_calls --under DIR --report FILE [--kill-at N [--torn]] -- COMMAND...`` runs the
command under ``ptrace``. ``--kill-at N`` sends SIGKILL to all of its processes when one of them enters the Nth such
call, which is then not done; with ``--torn`` half of what it would have written is written first. The report is the
JSON of ``Run``. Calls of all threads and processes are counted together, in the order in which they are entered.

What strace's ``inject=...:when=N`` cannot do is why this is here: it counts each kind of call in each thread apart.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import signal
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

TRACEME, CONT, SETOPTIONS, SYSCALL, GETREGSET, SETREGSET, INFO = 0, 7, 0x4200, 24, 0x4204, 0x4205, 0x420E
GOOD, FORK, VFORK, CLONE, EXEC, SECCOMP, EXITKILL = 1, 2, 4, 8, 16, 128, 0x100000
OPTIONS = GOOD | FORK | VFORK | CLONE | EXEC | SECCOMP | EXITKILL
SECCOMP_STOP = 7
ALL_THREADS = 0x40000000
REGISTERS = 1
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2
LOAD, JUMP_IF_EQUAL, RETURN, TRACE, ALLOW = 0x20, 0x15, 0x06, 0x7FF00000, 0x7FFF0000

# By architecture: the number of each call, and the place of the third argument among the registers.
_X86 = {
    "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328, "fsync": 74, "fdatasync": 75,
    "truncate": 76, "ftruncate": 77, "fallocate": 285, "sync_file_range": 277, "copy_file_range": 326, "sendfile": 40,
    "rename": 82, "renameat": 264, "renameat2": 316, "unlink": 87, "unlinkat": 263, "rmdir": 84, "mkdir": 83,
    "mkdirat": 258, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266, "open": 2, "creat": 85, "openat": 257,
    "chmod": 90, "fchmod": 91, "fchmodat": 268,
}  # fmt: skip
_ARM = {
    "write": 64, "pwrite64": 68, "writev": 66, "pwritev": 70, "pwritev2": 287, "fsync": 82, "fdatasync": 83,
    "truncate": 45, "ftruncate": 46, "fallocate": 47, "sync_file_range": 84, "copy_file_range": 285, "sendfile": 71,
    "renameat": 38, "renameat2": 276, "unlinkat": 35, "mkdirat": 34, "linkat": 37, "symlinkat": 36, "openat": 56,
    "fchmod": 52, "fchmodat": 53,
}  # fmt: skip
MACHINES = {"x86_64": (_X86, 12), "aarch64": (_ARM, 2)}

ON_OPEN_FILE = {
    "write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync", "ftruncate", "fallocate",
    "sync_file_range", "fchmod",
}  # fmt: skip
OPENING = {"open": 1, "openat": 2}
"""Which argument holds the flags: only one that makes or empties a file counts."""
PATHS: dict[str, list[tuple[int | None, int]]] = {
    "truncate": [(None, 0)], "rename": [(None, 0), (None, 1)], "renameat": [(0, 1), (2, 3)],
    "renameat2": [(0, 1), (2, 3)], "unlink": [(None, 0)], "unlinkat": [(0, 1)], "rmdir": [(None, 0)],
    "mkdir": [(None, 0)], "mkdirat": [(0, 1)], "link": [(None, 0), (None, 1)], "linkat": [(0, 1), (2, 3)],
    "symlink": [(None, 1)], "symlinkat": [(1, 2)], "open": [(None, 0)], "creat": [(None, 0)], "openat": [(0, 1)],
    "chmod": [(None, 0)], "fchmodat": [(0, 1)],
}  # fmt: skip
"""Of each call: (argument of the folder's descriptor, argument of the path) of each of its paths."""


class Info(ctypes.Structure):
    """``struct ptrace_syscall_info`` as it is before a call."""

    _fields_ = [
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("ip", ctypes.c_uint64),
        ("sp", ctypes.c_uint64),
        ("number", ctypes.c_uint64),
        ("arguments", ctypes.c_uint64 * 6),
    ]


class Vector(ctypes.Structure):
    """``struct iovec``."""

    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class Program(ctypes.Structure):
    """``struct sock_fprog``."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


@dataclass(slots=True)
class Call:
    """One call. ``entered`` and ``returned``: moments, counted through the run; ``returned`` 0: it never did.

    ``names``: files that are renamed to in this run and whose name is in what is written (only for the ledger's log).
    """

    name: str
    paths: list[str]
    thread: int
    entered: int
    returned: int = 0
    size: int = 0
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """``exit_code`` is negative where a signal ended it; ``acknowledged``: the moments of writes to standard output."""

    exit_code: int
    calls: list[Call]
    acknowledged: list[int]


def why_not() -> str | None:
    """Why it cannot be done here; None: it can."""
    if platform.system() != "Linux" or platform.machine() not in MACHINES:
        return f"ptrace is read for Linux on {' and '.join(MACHINES)} only"
    command = [sys.executable, "-m", __name__, "--under", "/", "--report", os.devnull, "--", "true"]
    done = subprocess.run(command, capture_output=True, check=False).returncode
    return None if done == 0 else "this machine does not let a process be traced"


class Tracer:
    """Runs a command and follows all that it starts. ``kill_at``: from 1; 0 is never."""

    def __init__(self, under: Path, kill_at: int = 0, *, torn: bool = False) -> None:
        numbers, self._third = MACHINES[platform.machine()]
        self._calls_by_number = {number: name for name, number in numbers.items()}
        self._under = f"{under.resolve()}{os.sep}".replace("//", "/")
        self._kill_at, self._torn = kill_at, torn
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._libc.ptrace.restype = ctypes.c_long
        self._moment = 0
        self._open: dict[int, Call] = {}
        self._tearing: int | None = None
        self._renamed: set[str] = set()
        self._log: list[tuple[Call, bytes]] = []
        self.calls: list[Call] = []
        self.acknowledged: list[int] = []

    def run(self, command: Sequence[str]) -> Run:
        """Start it, and return when it and all that it started have ended."""
        first = os.fork()
        if first == 0:
            self._become(command)
        os.waitpid(first, 0)
        self._ptrace(SETOPTIONS, first, 0, OPTIONS)
        self._go_on(CONT, first, 0)
        exit_code = 0
        while True:
            try:
                thread, status = os.waitpid(-1, ALL_THREADS)
            except ChildProcessError:
                for call, data in self._log:
                    call.names = sorted(one for one in self._renamed if one.encode() in data)
                return Run(exit_code, self.calls, self.acknowledged)
            if os.WIFSTOPPED(status):
                self._stopped(thread, status)
            elif thread == first:
                exit_code = os.waitstatus_to_exitcode(status)

    def _become(self, command: Sequence[str]) -> None:
        """In the child: from here on the calls of the table stop it, and no others, which is why it is fast."""
        numbers = sorted(self._calls_by_number)
        steps = [(LOAD, 0, 0, 0)]
        steps += [(JUMP_IF_EQUAL, len(numbers) - place, 0, number) for place, number in enumerate(numbers)]
        steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, TRACE)]
        program = Program(len(steps), b"".join(struct.pack("=HBBI", *step) for step in steps))
        try:
            self._ptrace(TRACEME, 0, 0, 0)
            os.kill(os.getpid(), signal.SIGSTOP)
            self._libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            self._libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0)
            os.execvp(command[0], list(command))  # noqa: S606 - the command under test
        finally:
            os._exit(127)

    def _stopped(self, thread: int, status: int) -> None:
        number, event = os.WSTOPSIG(status), status >> 16
        way = CONT
        if event == SECCOMP_STOP:
            self._moment += 1
            way = SYSCALL if self._entered(thread) else CONT
        elif number == signal.SIGTRAP | 0x80:
            self._moment += 1
            if thread in self._open:
                self._open.pop(thread).returned = self._moment
            if thread == self._tearing:
                self._kill()
        elif not event and number != signal.SIGSTOP:  # not that a process or thread was started
            self._go_on(CONT, thread, number)
            return
        self._go_on(way, thread, 0)

    def _entered(self, thread: int) -> bool:
        """A call is about to be done. True: tell when it returns."""
        info = Info()
        if self._libc.ptrace(INFO, thread, ctypes.sizeof(info), ctypes.addressof(info)) <= 0:
            return False
        name, arguments = self._calls_by_number[info.number], list(info.arguments)
        if name == "write" and arguments[0] == 1:
            self.acknowledged.append(self._moment)
        paths = self._paths(thread, name, arguments)
        if not any(path.startswith(self._under) for path in paths):
            return False
        call = Call(name, paths, thread, self._moment, size=arguments[2] if "write" in name else 0)
        self.calls.append(call)
        self._open[thread] = call
        if name.startswith("rename"):
            self._renamed.add(Path(paths[1]).name)
        elif name == "pwrite64" and paths[0].endswith("-wal"):
            self._log.append((call, self._memory(thread, arguments[1], arguments[2])))
        if len(self.calls) == self._kill_at:
            if self._torn and name in ("write", "pwrite64") and call.size > 1:
                self._halve(thread, call.size // 2)
                self._tearing = thread
            else:
                self._kill()
        return True

    def _paths(self, thread: int, name: str, arguments: list[int]) -> list[str]:
        if name in ON_OPEN_FILE:
            return [self._open_file(thread, arguments[0])]
        if name == "copy_file_range":
            return [self._open_file(thread, arguments[2])]
        if name == "sendfile":
            return [self._open_file(thread, arguments[0])]
        if name in OPENING and not arguments[OPENING[name]] & (os.O_CREAT | os.O_TRUNC):
            return []
        return [self._path(thread, arguments, *places) for places in PATHS[name]]

    def _path(self, thread: int, arguments: list[int], folder: int | None, path: int) -> str:
        told = os.fsdecode(self._memory(thread, arguments[path], 4096, to_zero=True).split(b"\0", 1)[0])
        number = -100 if folder is None else ctypes.c_int32(arguments[folder]).value
        beside = f"/proc/{thread}/cwd" if number == -100 else f"/proc/{thread}/fd/{number}"
        try:
            return os.path.normpath(Path(beside).readlink() / told)
        except OSError:
            return told

    def _open_file(self, thread: int, number: int) -> str:
        try:
            return str(Path(f"/proc/{thread}/fd/{ctypes.c_int32(number).value}").readlink())
        except OSError:
            return ""

    def _memory(self, thread: int, address: int, size: int, *, to_zero: bool = False) -> bytes:
        """What is there, up to ``size``; less where the memory ends before, or the first zero is enough."""
        opened = os.open(f"/proc/{thread}/mem", os.O_RDONLY)
        try:
            data = b""
            while len(data) < size:
                page = min(size - len(data), 4096 - (address + len(data)) % 4096)
                try:
                    data += os.pread(opened, page, address + len(data))
                except OSError:
                    break
                if to_zero and b"\0" in data:
                    break
            return data
        finally:
            os.close(opened)

    def _halve(self, thread: int, size: int) -> None:
        registers = (ctypes.c_uint64 * 64)()
        vector = Vector(ctypes.addressof(registers), ctypes.sizeof(registers))
        self._ptrace(GETREGSET, thread, REGISTERS, ctypes.addressof(vector))
        registers[self._third] = size
        self._ptrace(SETREGSET, thread, REGISTERS, ctypes.addressof(vector))

    def _kill(self) -> None:
        children = [int(one.name) for one in Path("/proc").glob("[0-9]*") if _traced_by(one, os.getpid())]
        for process in children:
            os.kill(process, signal.SIGKILL)

    def _go_on(self, way: int, thread: int, number: int) -> None:
        self._libc.ptrace(way, thread, None, number or None)  # it may be dead by now, which waitpid tells

    def _ptrace(self, request: int, thread: int, address: int, data: int) -> None:
        if self._libc.ptrace(request, thread, address, data) == -1:
            raise OSError(ctypes.get_errno(), f"ptrace request {request}")


def _traced_by(process: Path, tracer: int) -> bool:
    try:
        status = (process / "status").read_text()
    except OSError:
        return False
    return f"TracerPid:\t{tracer}\n" in status


def main() -> None:
    """Run the command that the arguments name, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--under", type=Path, required=True, help="only calls on files under this folder count")
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--kill-at", type=int, default=0)
    parser.add_argument("--torn", action="store_true")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    run = Tracer(options.under, options.kill_at, torn=options.torn).run(options.command)
    options.report.write_text(json.dumps(asdict(run)))


if __name__ == "__main__":
    main()
