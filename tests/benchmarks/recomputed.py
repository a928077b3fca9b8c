"""Answers that were kept are held against what the release that each names says when it is asked again, offline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from handlers.domain.scorecard import Feature
from handlers.storage import releases
from tests.benchmarks.steady_load import Reply

Client = Mapping[str, object]


class Unchecked(AssertionError):
    """A request whose fate is not known, or an answer that could not be held against anything."""


class Answer(msgspec.Struct, frozen=True):
    """The body of the answer about one client."""

    model_version: int
    served_by: str
    threshold: float
    ids: list[str | None]
    probabilities: list[float]
    predictions: list[int]


@dataclass(frozen=True, slots=True)
class Said:
    """What a release says of all clients, in their order."""

    served_by: str
    threshold: float
    probabilities: Sequence[float]

    def answer(self, version: int, place: int, identity: str | None) -> Answer:
        """What has to be answered about the client at this place."""
        probability = self.probabilities[place]
        leaves = int(probability >= self.threshold)
        return Answer(version, self.served_by, self.threshold, [identity], [probability], [leaves])


@dataclass(frozen=True, slots=True)
class Verdict:
    """``checked``: answers by the release that they name; ``different``: of those that differ, in which way."""

    checked: Mapping[int, int]
    different: Sequence[str]


_decoder = msgspec.json.Decoder(Answer)


def versions_of(replies: Sequence[Reply]) -> list[int]:
    """The releases that have answered, in the order in which the answers came; one after the other never the same."""
    found: list[int] = []
    for one in replies:
        if one.is_answer and one.version is not None and found[-1:] != [one.version]:
            found.append(one.version)
    return found


def said_offline(folder: Path, version: int, keys: Path, clients: Sequence[Client]) -> Said:
    """Ask a release of this folder of releases, whose signature and hashes are checked, what it says of clients.

    The columns are made here, and all rows are scored at once: neither is the way of a request.
    """
    release = releases.load(folder, version, keys)
    card = release.scorecard
    if card is None:
        raise Unchecked(f"release {version} has no scorecard")
    columns = {feature.name: _column(clients, feature) for feature in card.features}
    return Said(release.form, card.threshold, card.probabilities(columns).tolist())


def _column(clients: Sequence[Client], feature: Feature) -> np.ndarray:
    values = [client[feature.name] for client in clients]
    if feature.numeric:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def compare(
    replies: Sequence[Reply], said: Mapping[int, Said], identities: Sequence[str | None], *, requests: int
) -> Verdict:
    """Hold every answer against the release that it names; request n asked about the client n modulo their number.

    Raises Unchecked where not each request has just one reply, or an answer names a release that nobody has asked.
    """
    told = Counter(one.number for one in replies)
    if told != Counter(range(requests)):
        raise Unchecked(f"of {requests:,} requests there are {len(replies):,} replies to {len(told):,} numbers")
    checked: Counter[int] = Counter()
    different: list[str] = []
    for one in replies:
        if one.is_answer:
            version, wrong = _wrong(one, said, identities)
            checked[version] += 1
            different += wrong
    answers = sum(one.is_answer for one in replies)
    if checked.total() != answers:
        raise Unchecked(f"{answers - checked.total():,} of {answers:,} answers were not checked")
    return Verdict(checked, different)


def _wrong(reply: Reply, said: Mapping[int, Said], identities: Sequence[str | None]) -> tuple[int, list[str]]:
    """Which release was named, and what differs from what it says."""
    try:
        answer = _decoder.decode(reply.body)
    except msgspec.MsgspecError as error:
        return reply.version or 0, [f"request {reply.number}: {error}: {reply.body[:200]!r}"]
    if answer.model_version not in said:
        raise Unchecked(f"request {reply.number}: release {answer.model_version} could not be asked again")
    place = reply.number % len(identities)
    expected = said[answer.model_version].answer(answer.model_version, place, identities[place])
    return answer.model_version, list(_differences(reply, answer, expected))


def _differences(reply: Reply, answer: Answer, expected: Answer) -> Iterator[str]:
    if answer != expected:
        yield f"request {reply.number}: {answer}, recomputed {expected}"
    elif reply.version != answer.model_version:
        yield f"request {reply.number}: the header names release {reply.version}, the body {answer.model_version}"
