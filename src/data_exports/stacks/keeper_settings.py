"""What the keeper is told of the datasets: when their access ends, when deliveries are due, and whom to tell.

In: an estate and a day. Out: JSON for the log bucket, the same bytes for equal estates in one year. Effects: none. Due
moments are instants of the last weeks of the year before, this year and the next: the function needs no time zones, and
says in time when nobody has deployed for so long that they run out.
"""

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from data_exports.access.grants import alert_topic_arns_of, topic_arn_of
from data_exports.contract.keys import receipts_days_of
from data_exports.estate.models import Dataset, Estate, Platform, PullDataset, PushDataset
from data_exports.names import ALERT_TOPIC
from data_exports.text import printable

DAYS_BEFORE = 42
"""So many days of the year before count: the keeper also looks at the due moment before those it looks back at."""
HORIZON_YEARS = 2
"""Due moments are known up to the beginning of the year after the next."""
EARLIEST_YEAR = 2000
"""No deployment has written settings that end before it."""
NAMED = 20
"""So many users or outsiders are named in a message."""


def keeper_settings_of(estate: Estate, today: date) -> str:
    """The settings, due moments up to the end of the next year."""
    first = date(today.year, 1, 1) - timedelta(days=DAYS_BEFORE)
    after_last = date(today.year + HORIZON_YEARS, 1, 1)
    settings = {
        "alerts": topic_arn_of(estate.platform, ALERT_TOPIC),
        "horizon": _seconds(datetime.combine(after_last, time(), UTC)),
        "datasets": [_dataset(estate.platform, each, first, after_last) for each in estate.datasets()],
    }
    return json.dumps(settings, ensure_ascii=False, separators=(",", ":")) + "\n"


def horizon_in(settings: bytes) -> datetime | None:
    """Up to when due moments are known by these settings; None when they are not as a deployment writes them."""
    try:
        horizon = datetime.fromtimestamp(json.loads(settings)["horizon"], UTC)
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
    return horizon if horizon.year > EARLIEST_YEAR else None


def year_of(horizon: datetime, today: date) -> int | None:
    """The year in which a deployment wrote settings with this horizon; None when none can have, up to today."""
    is_new_year = horizon == datetime(horizon.year, 1, 1, tzinfo=UTC)
    return horizon.year - HORIZON_YEARS if is_new_year and horizon.year <= today.year + HORIZON_YEARS else None


def said_of_lost_settings(settings: bytes | None) -> str:
    """What there is to say where these settings tell the keeper nothing: None when there are none."""
    said = "is gone" if settings is None else "is not as a deployment writes it"
    return f"what the keeper is told {said}: nobody hears of ends and of missed deliveries"


def _dataset(platform: Platform, dataset: Dataset, first: date, after_last: date) -> dict[str, Any]:
    is_push = isinstance(dataset, PushDataset)
    senders = [str(user) for user in dataset.users]
    return {
        "name": dataset.name,
        "kind": "push" if is_push else "pull",
        "owner": printable(dataset.owner),
        "topics": list(alert_topic_arns_of(platform, dataset)),
        "ends": _seconds(dataset.until) if dataset.until else None,
        "last_day": str(dataset.expires or ""),
        "what": (
            f"deliveries to {dataset.destination.uri}"
            if isinstance(dataset, PushDataset)
            else f"the use of s3://{dataset.bucket(platform)}"
        ),
        "for_whom": _some(senders if isinstance(dataset, PushDataset) else [*senders, *_readers(dataset)]),
        "senders": senders,
        "receipts": receipts_days_of(dataset.name) if is_push else "",
        "promise": str(dataset.due or "") if isinstance(dataset, PushDataset) else "",
        "dues": _dues(dataset, first, after_last) if isinstance(dataset, PushDataset) else [],
    }


def _readers(pull: PullDataset) -> list[str]:
    return [*map(str, pull.outsiders), *(each.label for each in pull.readers)]


def _dues(push: PushDataset, first: date, after_last: date) -> list[tuple[int, int]]:
    """When each day that is promised begins and when its delivery is due, while the access holds."""
    if push.due is None:
        return []
    days = (first + timedelta(days=number) for number in range((after_last - first).days))
    due = [push.due.due_on(day) for day in days if push.due.is_on(day) and day not in push.no_delivery_on]
    return [(_seconds(each.opens), _seconds(each.at)) for each in due if push.until is None or each.at < push.until]


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (", ".join(names[:NAMED]) or "nobody") + more


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
