"""What Lambda calls: hourly by its rule, and whenever somebody asks with `{"task": "notarise"}`.

In: the environment that `data_exports.stacks.evidence` gives. Out: what the run came to. Effects: `notary`'s, and a
line of the log that CloudWatch makes metrics of, by which alarms tell that the log has fallen behind, or that the
witness was not told.
"""

import json
import os
from datetime import UTC, datetime
from functools import cache
from typing import Any

from data_exports.contract.metrics import NAMESPACE
from data_exports.evidence.function import BEHIND, BY_LOG, NOTARISE, WITNESS_UNTOLD
from data_exports.notary.notary import notarise
from data_exports.notary.places import AwsNotaryPlaces

SPARE_MILLISECONDS = 180_000
"""No batch begins with less time left: one takes some seconds, and what is half done the next run finishes."""


def on_event(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Log what is new."""
    import boto3

    places, now = AwsNotaryPlaces(os.environ, cache(boto3.client)), datetime.now(UTC)

    def is_time_up() -> bool:
        return bool(context.get_remaining_time_in_millis() < SPARE_MILLISECONDS)

    done = notarise(places, places.verifier_key(), now, is_time_up)
    answer = {"task": NOTARISE, "size": done.size, "added": done.added, "behind_seconds": done.behind_seconds}
    measured = [{"Name": BEHIND, "Unit": "Seconds"}]
    told: dict[str, Any] = {}
    if os.environ.get("WITNESS"):
        untold = places.tell_witness(now.date())
        told = {WITNESS_UNTOLD: int(bool(untold)), "witness_refused": untold}
        measured.append({"Name": WITNESS_UNTOLD, "Unit": "Count"})
    metric = {"Namespace": NAMESPACE, "Dimensions": [[BY_LOG]], "Metrics": measured}
    head = {"Timestamp": round(now.timestamp() * 1000), "CloudWatchMetrics": [metric]}
    line = {"_aws": head, "event": "notarised", **answer, **told, BY_LOG: os.environ["EVIDENCE_BUCKET"]}
    print(json.dumps({**line, BEHIND: done.behind_seconds}))  # noqa: T201 - the log
    return answer
