"""Metrics as CloudWatch reads them out of log lines: by few dimensions, and no more values in a line than it takes."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.mover.metrics import batch_metrics
from data_exports.mover.rules.uploads import DeliveryResult

NOW = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
LINE: dict[str, object] = {"level": "INFO", "event": "batch done", "dataset": "orders", "messages": 3}
DELIVERED = Receipt(
    *("orders/a", "v1", "e", 7, None, "2026-11-02T09:59:58.750Z", Outcome.DELIVERED),
    delivered_at="2026-11-02T10:00:00.000Z",
)


def metrics_of(line: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Name → unit and value, as CloudWatch would take them from the line."""
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "DataExports"
    assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
    return {metric["Name"]: (metric["Unit"], line[metric["Name"]]) for metric in directive["Metrics"]}


def test_a_batch_tells_what_was_delivered_and_how_long_it_took() -> None:
    other = replace(DELIVERED, key="orders/b", size_bytes=None, uploaded_at=None)
    results = [DeliveryResult(Outcome.DELIVERED)] * 2 + [DeliveryResult(Outcome.SUPERSEDED)]
    superseded = replace(DELIVERED, version_id="v0", outcome=Outcome.SUPERSEDED, delivered_at=None)
    (line,) = batch_metrics(LINE, [DELIVERED, other, DELIVERED, superseded], results, now=NOW)
    assert metrics_of(line) == {
        "Delivered": ("Count", 2),
        "DeliveredBytes": ("Bytes", 7),
        "GivenUp": ("Count", 0),
        "DeliverySeconds": ("Seconds", [1.25]),
    }
    assert line["_aws"] == {
        "Timestamp": 1793613600000,
        "CloudWatchMetrics": [
            {
                "Namespace": "DataExports",
                "Dimensions": [["Dataset"]],
                "Metrics": [
                    {"Name": "Delivered", "Unit": "Count"},
                    {"Name": "DeliveredBytes", "Unit": "Bytes"},
                    {"Name": "GivenUp", "Unit": "Count"},
                    {"Name": "DeliverySeconds", "Unit": "Seconds"},
                ],
            }
        ],
    }
    assert {name: line[name] for name in LINE} == LINE
    assert json.loads(json.dumps(line)) == line


def test_a_batch_that_delivered_nothing_has_a_line_without_times() -> None:
    (line,) = batch_metrics(LINE, [], [DeliveryResult(Outcome.SUPERSEDED)], now=NOW)
    assert metrics_of(line) == {
        "Delivered": ("Count", 0),
        "DeliveredBytes": ("Bytes", 0),
        "GivenUp": ("Count", 0),
    }


def test_no_line_holds_more_than_a_hundred_values_of_a_metric() -> None:
    receipts = [replace(DELIVERED, key=f"orders/{number}") for number in range(250)]
    lines = batch_metrics(LINE, receipts, [DeliveryResult(Outcome.DELIVERED)] * 250, now=NOW)
    seconds = [metrics_of(line)["DeliverySeconds"][1] for line in lines]
    assert [len(values) for values in seconds] == [100, 100, 50]
    assert [metrics_of(line).get("Delivered") for line in lines] == [("Count", 250), None, None]


def test_failures_are_counted_by_cause_and_refusals_by_themselves() -> None:
    results = [
        DeliveryResult(Outcome.FAILED, "no", Cause.RECIPIENT_DENIED),
        DeliveryResult(Outcome.GIVEN_UP, "no", Cause.RECIPIENT_DENIED),
        DeliveryResult(Outcome.FAILED, "busy", Cause.THROTTLED),
        DeliveryResult(Outcome.DELIVERED),
    ]
    first, denied, throttled = batch_metrics(LINE, [], results, now=NOW)
    assert metrics_of(first)["GivenUp"] == ("Count", 1)
    assert (denied["Cause"], metrics_of(denied)) == (
        "recipient_denied",
        {"Failures": ("Count", 2), "Refused": ("Count", 2)},
    )
    assert (throttled["Cause"], metrics_of(throttled)) == ("throttled", {"Failures": ("Count", 1)})
    dimensions = {json.dumps(line["_aws"]["CloudWatchMetrics"][0]["Dimensions"]) for line in (denied, throttled)}  # type: ignore[index]
    assert dimensions == {'[["Dataset"], ["Dataset", "Cause"]]'}


def test_a_clock_that_runs_behind_makes_no_negative_times() -> None:
    early = replace(DELIVERED, delivered_at="2026-11-02T09:59:58.000Z")
    (line,) = batch_metrics(LINE, [early], [DeliveryResult(Outcome.DELIVERED)], now=NOW)
    assert metrics_of(line)["DeliverySeconds"] == ("Seconds", [0.0])
