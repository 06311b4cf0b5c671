"""CloudWatch: alarms see what queues hold, and are judged without anybody asking."""
# ruff: noqa: SLF001 - the emulator offers no other way in

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ministack.core.responses import get_region, request_scope
from ministack.services import cloudwatch, eventbridge, sqs
from ministack.services.cloudformation import provisioners

from data_exports.local.gaps.patching import mends

Alarm = dict[str, Any]

eventbridge._SCHEDULER_TICK_INTERVAL = 1.0
"""Seconds between two looks at alarms and scheduled rules; AWS looks every minute, tests cannot wait that long."""


def _dimensions_of(alarm: Alarm) -> dict[str, str]:
    given = alarm.get("Dimensions") or {}
    return dict(given) if isinstance(given, dict) else {d["Name"]: d["Value"] for d in given}


def _queue_figure(metric: str, queue: Mapping[str, Any], now: float) -> float | None:
    """What SQS itself reports about a queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    """
    messages = queue["messages"]
    visible = sum(m.get("visible_at", 0) <= now for m in messages)
    figures = {
        "ApproximateNumberOfMessagesVisible": visible,
        "ApproximateNumberOfMessagesNotVisible": len(messages) - visible,
        "ApproximateAgeOfOldestMessage": max((now - m["sent_at"] for m in messages), default=0),
    }
    return float(figures[metric]) if metric in figures else None


def _value_of(alarm: Alarm) -> float | None:
    """What the alarm's metric is now, of exactly the alarm's dimensions; None without data.

    A queue's figure is the queue as it stands; any other metric is its statistic over the alarm's periods.
    """
    now, dimensions = time.time(), _dimensions_of(alarm)
    namespace, metric = alarm.get("Namespace"), alarm.get("MetricName", "")
    if namespace == "AWS/SQS" and "QueueName" in dimensions:
        queue = sqs._queues.get(sqs._queue_name_to_url.get(dimensions["QueueName"]))
        return None if queue is None else _queue_figure(metric, queue, now)
    since = now - alarm.get("Period", 60) * alarm.get("EvaluationPeriods", 1)
    points = [
        point
        for (point_namespace, point_metric, key), found in list(cloudwatch._metrics.items())
        if (point_namespace, point_metric, key) == (namespace, metric, cloudwatch._dims_key(dimensions))
        for point in found
        if point["Timestamp"] >= since
    ]
    if not points:
        return None
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic", "Average")
    value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
    return None if value is None else float(value)


@mends(cloudwatch, "_evaluate_alarm", "alarm")
def alarms_see_queues_and_their_own_dimensions(_original: Callable[..., None], alarm: Alarm) -> None:
    """SQS reports the depth of every queue; an alarm counts its own dimensions only; missing data counts as asked.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
    """
    value = _value_of(alarm)
    if _warms_up(alarm):
        return
    if value is None:
        state = {"notBreaching": "OK", "breaching": "ALARM"}.get(alarm.get("TreatMissingData", "missing"), "")
    else:
        state = "ALARM" if _breaches(value, alarm) else "OK"
    _move_to(alarm, state, value)


def _warms_up(alarm: Alarm) -> bool:
    """Whether the alarm is too new to be judged. AWS judges it earlier once it has data for all of its window.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-warm-up.html
    """
    warm_up = alarm.get("WarmUpConfiguration") or {}
    minutes = int(warm_up.get("WarmUpPeriodDurationInMinutes", 0))
    changed = float(alarm.get("AlarmConfigurationUpdatedTimestamp", 0))
    return time.time() < changed + 60 * minutes


def _breaches(value: float, alarm: Alarm) -> bool:
    threshold = alarm.get("Threshold", 0)
    return bool(
        {
            "GreaterThanOrEqualToThreshold": value >= threshold,
            "GreaterThanThreshold": value > threshold,
            "LessThanThreshold": value < threshold,
            "LessThanOrEqualToThreshold": value <= threshold,
        }.get(alarm.get("ComparisonOperator", ""), False)
    )


def _move_to(alarm: Alarm, state: str, value: float | None) -> None:
    """Set the alarm's state, note it in its history and carry out its actions, when it changes."""
    old = alarm["StateValue"]
    if not state or state == old:
        return
    reason = f"Threshold Crossed: 1 datapoint [{value}] against the threshold ({alarm.get('Threshold')})."
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], old, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def take_embedded_metrics(log: str) -> None:
    """Metrics that a log line embeds exist as if they had been put, by each of the sets of dimensions it names.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    for line in log.splitlines():
        if not line.startswith("{") or '"_aws"' not in line:
            continue
        content = json.loads(line)
        for directive in content["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                key = cloudwatch._dims_key({name: content[name] for name in names})
                for metric in directive["Metrics"]:
                    bucket = cloudwatch._metric_bucket((directive["Namespace"], metric["Name"], key))
                    found = content[metric["Name"]]
                    for value in found if isinstance(found, list) else [found]:
                        bucket.append({"Timestamp": time.time(), "Value": float(value), "Unit": metric.get("Unit")})


@mends(provisioners, "_cw_metric_alarm_record", "name props")
def a_templates_alarm_has_its_warm_up(original: Callable[..., Alarm], name: str, props: Mapping[str, Any]) -> Alarm:
    """`WarmUpConfiguration` of a template's alarm is kept, and begins anew with each change of the alarm.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-cloudwatch-alarm-warmupconfiguration.html
    """
    alarm = original(name, props)
    if props.get("WarmUpConfiguration"):
        alarm["WarmUpConfiguration"] = dict(props["WarmUpConfiguration"])
    return alarm


@mends(eventbridge, "_tick_scheduled_rules", "")
def alarms_are_judged_all_the_time(original: Callable[[], None]) -> None:
    """Alarms change state by themselves, in every account; here with each tick of the scheduler.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    """
    original()
    for key in list(cloudwatch._alarms._data):
        alarm = cloudwatch._alarms._data.get(key)
        if alarm is not None:
            with request_scope(key[0], key[1] if len(key) == 3 else get_region()):
                cloudwatch._evaluate_alarm(alarm)
