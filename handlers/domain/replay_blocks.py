"""The decision blocks of files that are replayed: what a daemon would have decided on together."""

from __future__ import annotations

from collections.abc import Iterable

from handlers.domain.blocks import Block, Waiting, next_block
from handlers.domain.ordering import natural_key


def blocks_of(arrivals: Iterable[list[Waiting]], *, taken: tuple[int, int], limits: tuple[int, int]) -> list[Block]:
    """The blocks in their order, where each of ``arrivals`` comes when all before it is decided.

    Nothing is decided while there is one class alone. ``taken``: rows and leavers of earlier blocks; ``limits``: the
    rows, and those of the rarer class, up to which periods are put together.
    """
    rows, positives = taken
    waiting: list[Waiting] = []
    found: list[Block] = []
    for arrived in arrivals:
        waiting += arrived
        rows, positives = rows + sum(one.rows for one in arrived), positives + sum(one.positives for one in arrived)
        while 0 < positives < rows:
            block = next_block(waiting, minimum_rows=limits[0], minimum_rare=limits[1])
            if block is None:
                break
            found.append(block)
            chosen = set(block.ids)
            waiting = [one for one in waiting if one.id not in chosen]
    return found


def in_order(names: list[str]) -> list[int]:
    """The places of these names in the order in which they are replayed.

    Names in the order of their characters come from a shell's pattern and say nothing: they are taken as drops are, 2
    before 10. Any other order was meant, and stays.
    """
    places = list(range(len(names)))
    return sorted(places, key=lambda place: natural_key(names[place])) if names == sorted(names) else places
