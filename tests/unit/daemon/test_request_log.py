"""What the log says of a request."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from daemon import log
from daemon.request_log import log_request
from daemon.settings import Settings
from server.services import ServedRequest

PAGE = (Path(__file__).parents[3] / "docs" / "log-events.md").read_text(encoding="utf-8")
TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize("trace_id", [TRACE, None])
def test_a_line_has_the_fields_that_are_documented_and_the_trace(
    monkeypatch: pytest.MonkeyPatch, trace_id: str | None
) -> None:
    lines: list[tuple[str, dict[str, object]]] = []
    monkeypatch.setattr(log, "emit", lambda event, **fields: lines.append((event, fields)))
    failed = ServedRequest("r1", "GET", "/v1/files", 404, 0.25, "not-found", "crm", trace_id)
    log_request(failed, Settings())
    ((event, fields),) = lines
    section = PAGE.partition(f"\n## {event}\n")[2].partition("\n## ")[0]
    (documented,) = re.findall(r"^Level `info`\. Fields: (.+)\.$", section, flags=re.MULTILINE)
    assert list(fields) == re.findall(r"`(\w+)`", documented)
    assert (fields["request_id"], fields["token"], fields["trace_id"]) == ("r1", "crm", trace_id)
