"""Metrics as lines of the log: CloudWatch makes them of what is printed, so they cost no call.

In: what a batch or a sweep came to. Out: lines in the embedded metric format, each of which is a line of the log as
well. No effects.

All are in the namespace `DataExports`, by `Dataset`; failures also by `Dataset` and `Cause` (`causes`), of which there
are few, so that what CloudWatch bills for stays small.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from data_exports.contract.causes import Cause
from data_exports.contract.metrics import BY_CAUSE, BY_DATASET, NAMESPACE, REFUSED
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.mover.rules.uploads import DeliveryResult

MOST_VALUES = 100  # of one metric in one line; the format takes no more

Line = dict[str, object]


def batch_metrics(
    line: Line, receipts: Iterable[Receipt], results: Sequence[DeliveryResult], *, now: datetime
) -> list[Line]:
    """The line that tells of a batch, with its metrics, and more lines where those do not fit into one."""
    delivered = {
        (receipt.key, receipt.version_id): receipt for receipt in receipts if receipt.outcome is Outcome.DELIVERED
    }.values()
    counts = {
        "Delivered": ("Count", len(delivered)),
        "DeliveredBytes": ("Bytes", sum(receipt.size_bytes or 0 for receipt in delivered)),
        "GivenUp": ("Count", sum(result.outcome is Outcome.GIVEN_UP for result in results)),
    }
    seconds = [each for each in map(_seconds_taken, delivered) if each is not None]
    first, *more = [seconds[start : start + MOST_VALUES] for start in range(0, len(seconds), MOST_VALUES)] or [[]]
    lines = [with_metrics(line, counts | _taken(first), now=now)]
    short = {name: line[name] for name in ("level", "dataset")}
    lines += [with_metrics({**short, "event": "more delivery times"}, _taken(values), now=now) for values in more]
    return lines + list(_failures(short, results, now=now))


def with_metrics(
    line: Line, metrics: Mapping[str, tuple[str, object]], *, now: datetime, cause: Cause | None = None
) -> Line:
    """The line, with these metrics in it: name → unit and value or values."""
    dimensions = [[BY_DATASET]] + ([[BY_DATASET, BY_CAUSE]] if cause else [])
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": dimensions,
        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in metrics.items()],
    }
    head = {"Timestamp": round(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    values = {name: value for name, (_, value) in metrics.items()}
    return {"_aws": head, **line, BY_DATASET: line["dataset"], **({BY_CAUSE: cause.value} if cause else {}), **values}


def _taken(seconds: Sequence[float]) -> dict[str, tuple[str, object]]:
    return {"DeliverySeconds": ("Seconds", seconds)} if seconds else {}


def _failures(short: Line, results: Sequence[DeliveryResult], *, now: datetime) -> Iterator[Line]:
    """One line for each cause; what waiting does not cure counts as refused as well, which an alarm looks at."""
    causes = Counter(
        result.cause or Cause.FAULT for result in results if result.outcome in (Outcome.FAILED, Outcome.GIVEN_UP)
    )
    for cause, number in sorted(causes.items()):
        metrics: dict[str, tuple[str, object]] = {"Failures": ("Count", number)}
        if cause.is_permanent:
            metrics[REFUSED] = ("Count", number)
        yield with_metrics({**short, "level": "ERROR", "event": "deliveries failed"}, metrics, now=now, cause=cause)


def _seconds_taken(receipt: Receipt) -> float | None:
    """Seconds from upload to delivery, as far as both are known."""
    try:
        uploaded, delivered = (
            datetime.fromisoformat(each or "") for each in (receipt.uploaded_at, receipt.delivered_at)
        )
        return max(0.0, round((delivered - uploaded).total_seconds(), 3))
    except (ValueError, TypeError):
        return None
