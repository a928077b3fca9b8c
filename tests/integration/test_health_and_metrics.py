"""What is said of the server itself: is it alive, is it ready, and what does it count?"""

from __future__ import annotations

import json
import threading

from handlers.telemetry import Telemetry, TelemetryReader
from server.ledger_reading import LedgerReading
from server.services import Readiness, Vitals
from tests.integration.asking_a_server import CSV, Client
from tests.unit.server.small_house import CLIENT


async def test_before_the_first_model(before: Client) -> None:
    await before.json("POST", "/v1/prediction", json={"clients": [CLIENT]}, status=503)
    await before.json("GET", "/v1/scoring", status=503)
    await before.json("GET", "/v1/calls", status=503)
    ready = await before.json("GET", "/readyz", status=503)
    assert set(ready["problems"]) == {"model"}
    assert (await before.json("GET", "/v1/files"))["items"] == []
    assert (await before.json("GET", "/v1/summarystats"))["rows"] == 0
    assert await before.json("GET", "/livez") == {"status": "alive"}
    response, body = await before.ask("GET", "/")
    assert response.status == 200
    assert "No model yet" in body.decode()


async def test_ready_says_what_is_left_to_do(client: Client) -> None:
    client.house.readiness = Readiness(waiting=3, undecided=1)
    expected = {"status": "ready", "problems": {}, "warnings": {}, "waiting": 3, "undecided": 1, "form": "scorecard"}
    assert await client.json("GET", "/readyz") == expected
    client.house.readiness = Readiness({"ledger": "It cannot be written."})
    assert (await client.json("GET", "/readyz", status=503))["problems"] == {"ledger": "It cannot be written."}


async def test_a_warning_is_told_and_shown_and_leaves_it_ready(client: Client) -> None:
    client.house.readiness = Readiness(warnings={"freshness": "The last drop came <long> ago."})
    ready = await client.json("GET", "/readyz")
    assert (ready["status"], ready["warnings"]) == ("ready", {"freshness": "The last drop came <long> ago."})
    for page in ("/", "/drift"):
        _, body = await client.ask("GET", page)
        assert "<b>freshness</b> The last drop came &lt;long&gt; ago." in body.decode()


async def test_a_loop_that_answers_and_does_not_keep_its_beat_is_not_alive(client: Client) -> None:
    client.house.vitals = Vitals(beat_age=9.0)
    assert await client.json("GET", "/livez") == {"status": "alive"}
    client.house.vitals = Vitals(beat_age=12.3)
    response, body = await client.ask("GET", "/livez")
    assert response.status == 503
    assert json.loads(body) == {
        "status": "stuck",
        "detail": "The event loop has not kept its beat for 12 s: something holds it up.",
    }


async def test_counts_are_there_for_prometheus(client: Client) -> None:
    await client.ask("GET", "/livez")
    _, body = await client.ask("GET", "/metrics")
    text = body.decode()
    assert 'attritiond_http_requests_total{method="GET",route="/livez",status="200"} 1.0' in text
    assert 'attritiond_files{state="quarantined"} 1.0' in text
    assert "attritiond_model_version 2.0" in text


async def test_scored_clients_are_counted_however_they_came(client: Client) -> None:
    await client.json("POST", "/v1/prediction", json={"clients": [CLIENT] * 3})
    await client.json("POST", "/v1/prediction", data=CSV, headers={"Content-Type": "text/csv"})
    await client.json("POST", "/v1/prediction", json={"clients": [{"tenure": "x"}]}, status=422)
    _, body = await client.ask("GET", "/metrics")
    assert "attritiond_predicted_rows_total 5.0" in body.decode()


async def test_a_ledger_that_is_gone_leaves_the_counts_of_the_process(client: Client) -> None:
    client.house.ledger.close()
    client.house.workspace.dataset.rename(client.house.workspace.root / "away")
    response, body = await client.ask("GET", "/metrics")
    assert response.status == 200
    assert "attritiond_ledger_readable 0.0" in body.decode()
    assert "attritiond_model_version 2.0" in body.decode()


async def test_a_ledger_that_hangs_is_read_by_one_thread_and_holds_up_no_scrape(client: Client) -> None:
    hanging, back, reads = threading.Event(), threading.Event(), []

    class Hanging(TelemetryReader):
        def read(self) -> Telemetry:
            reads.append(1)
            hanging.set()
            back.wait(30.0)
            return super().read()

    reading = LedgerReading(Hanging(client.house.ledger), patience=0.05)
    assert [await reading.telemetry() for _ in range(3)] == [None] * 3
    assert hanging.is_set()
    assert len(reads) == 1
    back.set()
    told = None
    while told is None:
        told = await reading.telemetry()
    assert told.files["quarantined"] == 1
