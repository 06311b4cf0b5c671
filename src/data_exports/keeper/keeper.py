"""The function `exports-keeper`: tells before an access ends, and when a promised delivery has not come; hourly.

In: what `deploy` wrote of the datasets (`data_exports.stacks.keeper_settings`), receipts, and the time. Out: what was
told. Effects: publishes to topics, and notes each message for each topic once it is sent: a crash between the two sends
it twice rather than never. Up to three days without a run, or without a topic that takes it, change nothing. This one
file stands in the foundation's template itself, since the bucket that a zip would come from is made there, too; so it
imports nothing of ours.
"""

import gzip
import json
import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from io import BytesIO
from typing import Any, Protocol

NOTICE_DAYS = (7, 30)
LOOKED_BACK = timedelta(days=3)
"""So long the function may stand still, or be refused by a topic, without missing a missed delivery."""
REMEMBERED = timedelta(days=40)
"""So far back it knows what is settled: the due moment before these days, also of a promise for a day each month."""
HORIZON_DAYS = 60
RECEIPT_FILES = 300
"""The newest files that are looked through for the last delivery."""

_MOST_BYTES = 8 << 20
"""A file of more, unpacked, is not looked into: one of 1,000 receipts has half a megabyte, and the function 256."""


class KeeperPlaces(Protocol):
    """What the function reaches: the log bucket and the topics."""

    def read(self, key: str) -> bytes:
        """The object."""

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys under a prefix, in order, those behind `after`."""

    def days(self, prefix: str) -> list[str]:
        """The folders that begin so."""

    def note(self, key: str) -> None:
        """Leave an empty object, unless it is there."""

    def publish(self, topic: str, subject: str, text: str) -> None:
        """Tell a topic."""


@dataclass(frozen=True)
class Telling:
    """Something to tell, once to each topic."""

    name: str
    """What it is known by among what was sent, the day first."""
    topics: list[str]
    subject: str
    text: str


def keep(places: KeeperPlaces, now: datetime, settings_key: str, sent_prefix: str) -> dict[str, list[str]]:
    """Tell what is to be told now. At the end, `RuntimeError` for what could not be: the next hour tries again."""
    settings = json.loads(places.read(settings_key))
    run = _Run(places, now, sent_prefix, set(places.keys(sent_prefix, f"{sent_prefix}{now - REMEMBERED:%Y-%m-%d}")))
    looks = [("horizon", partial(run.look_at_horizon, settings))]
    looks += [(_name_of(dataset), partial(run.look_at, dataset)) for dataset in settings["datasets"]]
    for name, look in looks:
        try:
            look()
        except Exception as error:  # noqa: BLE001 - one that is damaged must not keep the others from being looked at
            run.failed.append(f"{name}: {error!r}")
    if run.failed:
        raise RuntimeError(f"not told, the next hour tries again: {'; '.join(run.failed)}"[:5000])
    return {"told": run.told}


@dataclass
class _Run:
    """One hour's work; `sent` is what has been noted so far: each telling by topic, or how it was settled."""

    places: KeeperPlaces
    now: datetime
    prefix: str
    sent: set[str]
    told: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Know what is settled, for whichever topic."""
        self.settled = {key.rpartition("/")[0] for key in self.sent}

    def look_at_horizon(self, settings: dict[str, Any]) -> None:
        """Tell in time that due moments run out."""
        for telling in _horizon(settings, self.now):
            self.tell(telling)

    def look_at(self, dataset: dict[str, Any]) -> None:
        """Tell what there is to tell of one dataset."""
        for telling in _ends(dataset, self.now):
            self.tell(telling)
        now, edge = self.now.timestamp(), (self.now - LOOKED_BACK).timestamp()
        before = [each for each in dataset["dues"] if each[1] <= edge][-1:]  # of days ago, after a weekend or holidays
        recent = [each for each in dataset["dues"] if edge < each[1] <= now]
        names = [f"{_moment(due):%Y-%m-%d}/{dataset['name']}/due-{due}" for _, due in before + recent]
        if self.settled.isdisjoint(f"{self.prefix}{name}" for name in names):
            self._pass_over(names[:-1])
        for name, (opens, due) in zip(names[len(before) :], recent, strict=True):
            self._look_at_due(dataset, name, _moment(opens), _moment(due))

    def _pass_over(self, names: list[str]) -> None:
        """Settle due moments of a promise that is new to us: whether it held then is not known."""
        for name in names:
            key = self._key(name, "before")
            self.places.note(key)
            self.sent.add(key)

    def _look_at_due(self, dataset: dict[str, Any], name: str, opens: datetime, due: datetime) -> None:
        is_told = all(self._key(name, topic) in self.sent for topic in dataset["topics"])
        if is_told or any(self._key(name, settled) in self.sent for settled in ("came", "before")):
            return
        if _has_come(self.places, dataset, opens):
            self.places.note(self._key(name, "came"))
        else:
            self.tell(_missed(self.places, dataset, name, due))

    def tell(self, telling: Telling) -> None:
        """Tell each topic that has not been told, and note that once it is done."""
        for topic in telling.topics:
            key = self._key(telling.name, topic)
            if key in self.sent:
                continue
            try:
                self.places.publish(topic, telling.subject[:99], telling.text)
                self.places.note(key)
                self.told.append(key)
            except Exception as error:  # noqa: BLE001 - one topic that is gone must not keep others from being told
                self.failed.append(f"{telling.name}: {topic}: {error!r}")

    def _key(self, name: str, topic: str) -> str:
        return f"{self.prefix}{name}/{topic.rpartition(':')[2]}"


def _horizon(settings: dict[str, Any], now: datetime) -> Iterator[Telling]:
    horizon = _moment(settings["horizon"])
    has_promises = any(isinstance(each, dict) and each.get("dues") for each in settings["datasets"])
    if has_promises and now > horizon - timedelta(days=HORIZON_DAYS):
        text = (
            f"When deliveries are due is known up to {horizon:%Y-%m-%d} only: after that day nobody is told of a\n"
            "delivery that is missed. Deploy again, nothing else has to change:\n\n  exports deploy\n"
        )
        subject = f"Exports: due deliveries are known up to {horizon:%Y-%m-%d}"
        yield Telling(f"{horizon:%Y-%m-%d}/horizon", [settings["alerts"]], subject, text)


def _name_of(dataset: object) -> str:
    return str(dataset.get("name") if isinstance(dataset, dict) else dataset)[:100]


def _ends(dataset: dict[str, Any], now: datetime) -> Iterator[Telling]:
    """The notice that is due; where both are, the later one alone."""
    if dataset["ends"] is None:
        return
    left, day = _moment(dataset["ends"]) - now, dataset["last_day"]
    days = next((days for days in NOTICE_DAYS if timedelta() < left <= timedelta(days=days)), None)
    if days:
        name = dataset["name"]
        text = (
            f"The access of the {dataset['kind']} dataset {name} ends: its last day is {day} (UTC).\n\n"
            f"What ends: {dataset['what']}\nFor whom: {dataset['for_whom']}\n"
            f"Owner: {dataset['owner'] or 'not named'}\n\n"
            f"To prolong it, set a later `expires` in its declaration, have the change reviewed, and deploy it.\n"
            "If it may end, nothing is to be done: it ends by itself.\n"
        )
        yield Telling(f"{day}/{name}/ends-{days}", dataset["topics"], f"Export {name}: its last day is {day}", text)


def _missed(places: KeeperPlaces, dataset: dict[str, Any], name: str, due: datetime) -> Telling:
    dataset_name, last = dataset["name"], _last_delivery(places, dataset)
    came = f"{last[0]:%Y-%m-%d %H:%M:%S} UTC, uploaded by {last[1]}" if last else "none is known"
    text = (
        f"The dataset {dataset_name} promises a delivery {dataset['promise']}.\n"
        f"One was due on {due:%Y-%m-%d %H:%M} UTC, and none has come.\n\nLast delivery: {came}\n"
        f"Senders: {', '.join(dataset['senders']) or 'nobody'}\n"
        f"Owner: {dataset['owner'] or 'not named'}\n\n"
        f"  exports status {dataset_name}      how it stands\n"
        f"  exports failures {dataset_name}    what was uploaded and could not be delivered\n"
    )
    return Telling(
        name, dataset["topics"], f"Export {dataset_name}: the delivery due by {due:%H:%M} UTC is missed", text
    )


def _has_come(places: KeeperPlaces, dataset: dict[str, Any], opens: datetime) -> bool:
    """Whether something has been delivered since the day began. A file of receipts is named by when it was written."""
    prefix = dataset["receipts"]
    keys = places.keys(prefix, f"{prefix}{opens:%Y-%m-%d}/{opens:%Y%m%dT%H%M%SZ}")
    return any(moment >= opens for key in keys for moment, _ in _deliveries(places, key))


def _last_delivery(places: KeeperPlaces, dataset: dict[str, Any]) -> tuple[datetime, str] | None:
    days = sorted(places.days(dataset["receipts"]), reverse=True)
    files = (key for day in days for key in sorted(places.keys(day), reverse=True))
    for _, key in zip(range(RECEIPT_FILES), files, strict=False):
        if found := list(_deliveries(places, key)):
            return max(found)
    return None


def _deliveries(places: KeeperPlaces, key: str) -> Iterator[tuple[datetime, str]]:
    """When and by whom; a failed receipt is no delivery, and neither is what nobody can read."""
    try:
        with gzip.GzipFile(fileobj=BytesIO(places.read(key))) as packed:
            text = packed.read(_MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        return
    for line in text.splitlines() if len(text) <= _MOST_BYTES else ():
        try:
            receipt = json.loads(line)
            if receipt["outcome"] == "delivered":
                yield datetime.fromisoformat(receipt["delivered_at"]).astimezone(UTC), _uploader(receipt)
        except (ValueError, KeyError, TypeError):
            continue


def _uploader(receipt: dict[str, Any]) -> str:
    """Who uploaded: of a role's session its name, which is the person's where people sign in; S3 names no role."""
    principal = str(receipt.get("uploaded_by") or "somebody unknown").removeprefix("AWS:")
    name = principal.partition(":")[2] or principal
    return "".join(each if each.isprintable() else "?" for each in name[:100])


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class AwsPlaces:
    """The log bucket and the topics, by Lambda's own boto3."""

    def __init__(self, bucket: str, account: str) -> None:
        import boto3

        self.s3, self.sns = boto3.client("s3"), boto3.client("sns")
        self.where: dict[str, Any] = {"Bucket": bucket, "ExpectedBucketOwner": account}

    def read(self, key: str) -> bytes:
        """The object."""
        body: bytes = self.s3.get_object(**self.where, Key=key)["Body"].read()
        return body

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys under a prefix, in order."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(**self.where, Prefix=prefix, StartAfter=after):
            yield from (each["Key"] for each in page.get("Contents", []))

    def days(self, prefix: str) -> list[str]:
        """The folders that begin so."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(**self.where, Prefix=prefix, Delimiter="/")
        return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", [])]

    def note(self, key: str) -> None:
        """Leave an empty object, unless it is there: of two runs at once, one finds it so."""
        try:
            self.s3.put_object(**self.where, Key=key, Body=b"", IfNoneMatch="*")
        except self.s3.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "PreconditionFailed":
                raise

    def publish(self, topic: str, subject: str, text: str) -> None:
        """Tell a topic."""
        self.sns.publish(TopicArn=topic, Subject=subject, Message=text)


def handler(event: dict[str, Any], _context: object) -> dict[str, list[str]]:
    """What Lambda calls; `now` in the event is another time to act as of, for a trial."""
    now = datetime.fromisoformat(event["now"]) if "now" in event else datetime.now(UTC)
    places = AwsPlaces(os.environ["LOG_BUCKET"], os.environ["ACCOUNT"])
    answer = keep(places, now, os.environ["SETTINGS"], os.environ["SENT"])
    print(json.dumps({"event": "kept", **answer}))  # noqa: T201 - the log
    return answer
