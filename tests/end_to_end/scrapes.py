"""What a scrape of /metrics holds, and which metrics an expression of Prometheus asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.daemon_process import DaemonProcess

METRIC = re.compile(r"\b(?:attritiond|process)_[a-z0-9_]+\b")
_SELECTOR = re.compile(r"\b((?:attritiond|process)_[a-z0-9_]+)\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)")
OF_PROMETHEUS = {"job", "instance", "le"}
"""Labels that Prometheus puts to every series, and the bound of a bucket."""

Labels = dict[str, str]


@dataclass(frozen=True, slots=True)
class Scrape:
    """``samples``: name, labels and value of each. ``types`` and ``labels`` by the name that the documentation has."""

    samples: list[tuple[str, Labels, float]]
    types: dict[str, str]
    labels: dict[str, set[str]]

    @property
    def names(self) -> set[str]:
        """Every name that an expression may ask for."""
        return {name for name, _, _ in self.samples}

    def value(self, name: str, **labels: str) -> float:
        """The value of the one series with these labels."""
        (found,) = [value for other, its, value in self.samples if other == name and its == labels]
        return found

    def total(self, name: str) -> float:
        """The sum over all series of a name."""
        return sum(value for other, _, value in self.samples if other == name)


def scrape(daemon: DaemonProcess) -> Scrape:
    """Ask the daemon once."""
    status, body = daemon.request("GET", "/metrics")
    assert status == 200
    samples: list[tuple[str, Labels, float]] = []
    types: dict[str, str] = {}
    labels: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(body.decode()):
        if not family.samples:
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        types[name] = family.type
        labels[name] = {label for sample in family.samples for label in sample.labels if label != "le"}
        samples += [(sample.name, dict(sample.labels), sample.value) for sample in family.samples]
    return Scrape(samples, types, labels)


def unknown_in(expression: str, found: Scrape) -> Iterator[str]:
    """What an expression asks for and the scrape does not have: names, labels, values of labels."""
    names = set(METRIC.findall(expression))
    yield from (name for name in sorted(names - found.names))
    series = {name: [its for other, its, _ in found.samples if other == name] for name in names}
    for name, matchers in _SELECTOR.findall(expression):
        for label, kind, value in _MATCHER.findall(matchers):
            if label not in OF_PROMETHEUS and not any(_matches(its.get(label), kind, value) for its in series[name]):
                yield f"{name}{{{label}{kind}{value}}}"
    known = OF_PROMETHEUS | {label for its in series.values() for one in its for label in one}
    for group in _GROUPING.findall(expression):
        yield from (label for label in re.split(r"\s*,\s*", group.strip()) if label and label not in known)


def _matches(value: str | None, kind: str, wanted: str) -> bool:
    if value is None:
        return False
    same = re.fullmatch(wanted, value) is not None if kind.endswith("~") else value == wanted
    return same != kind.startswith("!")
