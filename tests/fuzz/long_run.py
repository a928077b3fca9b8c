"""``python -m tests.fuzz``: mutated files for as long as wanted, in a process that may die or hang."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

from tests.fuzz.comparison import Trial, compare, shapes

#: Seconds after which a file counts as one that hangs.
PATIENCE = 10.0
START = 60.0
"""Seconds for a process to begin."""


def main() -> int:
    """Compare until the time, the count or the patience with disagreements is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seed", type=int, default=0, help="the first seed; each file has the next one")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to go on")
    parser.add_argument("--count", type=int, default=0, help="how many files, 0: as many as there is time for")
    parser.add_argument("--findings", type=int, default=20, help="stop after so many")
    arguments = parser.parse_args()
    began = time.monotonic()
    seed, findings = arguments.seed, 0
    end = seed + arguments.count if arguments.count else sys.maxsize
    until = began + arguments.minutes * 60
    with tempfile.TemporaryDirectory(prefix="attritiond-fuzz-") as folder:
        while seed < end and findings < arguments.findings and time.monotonic() < until:
            for done, finding in _in_a_process(Path(folder), range(seed, end), until):
                seed = done + 1
                if finding:
                    print(finding, end="\n\n", flush=True)
                    findings += 1
                if findings >= arguments.findings:
                    break
    files, seconds = seed - arguments.seed, time.monotonic() - began
    print(f"{files} files, seeds {arguments.seed} to {seed - 1}, {seconds:.0f} s, {findings} findings")
    return 1 if findings else 0


def _in_a_process(folder: Path, seeds: range, until: float) -> Iterator[tuple[int, str]]:
    """What a child says of each seed; its death, or its silence, is the last that is said."""
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("spawn").Process(target=_work, args=(theirs, folder, seeds), daemon=True)
    child.start()
    theirs.close()
    patience = START
    try:
        for seed in seeds:
            if time.monotonic() > until:
                return
            if not ours.poll(patience):
                yield seed, f"seed {seed}: HANGS, more than {patience:g} s"
                return
            try:
                finding = ours.recv()
            except EOFError:
                child.join()
                yield seed, f"seed {seed}: DIED with {child.exitcode}"
                return
            yield seed, finding
            patience = PATIENCE
    finally:
        child.kill()
        child.join()


def _work(pipe: Connection, folder: Path, seeds: range) -> None:
    for seed in seeds:
        trial = Trial.of(seed)
        found = [compare(trial, shape, folder) for shape in shapes(seed)]
        pipe.send("\n".join(str(one) for one in found if one))
    pipe.close()
