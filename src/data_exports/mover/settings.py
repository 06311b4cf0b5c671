"""The function's settings, from its environment variables.

In: the environment. Out: Settings, or one SettingsError that names every variable that is missing or wrong. No effects.

DATASET  HUB_BUCKET  HUB_ACCOUNT  TARGET_BUCKET  LOG_BUCKET  MOVER_VERSION  AWS_REGION   required
KEEP_FILES             `true` or `false`: whether uploads stay in the hub after delivery; required
TARGET_ACCOUNT         account that must own the target bucket; empty: not checked
TARGET_KMS_KEY         ARN of the key to encrypt with at the recipient; empty: AES256
LARGEST_COPY_BYTES     largest file to copy in one piece, 5 MiB to 5 GiB, default 256 MiB; larger ones go in parts
PART_BYTES             usual size of a part, 5 MiB to 5 GiB, default 64 MiB
QUEUE_URL              the dataset's queue; empty: what fails waits for the queue's visibility timeout
MOST_RECEIVES          how often a message is received before it is a dead letter, default 8
LONGEST_WAIT_SECONDS   longest time a failed message stays away, default 3 h
SWEEP_PATIENCE_SECONDS how long an upload waits before the sweep looks into it, default 15 minutes
ALERT_TOPICS           ARNs of SNS topics, with commas between, that are told what is given up; empty: nobody is
AWS_LAMBDA_FUNCTION_NAME  Lambda's own: what our own uploads in parts are known by
AWS_ENDPOINT_URL_S3, ..._SQS, ..._SNS, or AWS_ENDPOINT_URL for all: where they are, if not at AWS's usual endpoints;
                       not heeded if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true; for the rest see `endpoints`
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from data_exports.contract.timing import LONGEST_WAIT_SECONDS, MOST_RECEIVES, SWEEP_PATIENCE_SECONDS
from data_exports.mover.rules.large import MIB, USUAL_PART_BYTES
from data_exports.mover.wire.endpoints import check_endpoints, sns_url_of

# One copy must end well within the 30 s of silence after which a request is given up (`connections`).
LARGEST_COPY_BYTES = 256 * MIB
_SMALLEST_BYTES, _LARGEST_BYTES = 5 * MIB, 5 * 1024 * MIB  # a kind of destination may have closer limits


class SettingsError(ValueError):
    """The environment does not hold what the function needs."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What this mover serves."""

    dataset: str
    hub_bucket: str
    hub_account: str
    target_bucket: str
    target_account: str | None
    target_kms_key: str | None
    keep_files: bool
    log_bucket: str
    mover_version: str
    largest_copy_bytes: int
    region: str
    endpoint_url: str | None
    queue_url: str | None = None
    most_receives: int = MOST_RECEIVES
    longest_wait_seconds: int = LONGEST_WAIT_SECONDS
    sweep_patience_seconds: int = SWEEP_PATIENCE_SECONDS
    alert_topics: tuple[str, ...] = ()
    sqs_endpoint_url: str | None = None
    sns_endpoint_url: str | None = None
    part_bytes: int = USUAL_PART_BYTES
    function_name: str = ""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError naming every variable that is missing or wrong."""
    problems: list[str] = []

    def read(name: str, *, pattern: str = r".+", meaning: str = "a value", default: str | None = None) -> str:
        value = environment.get(name, "").strip()
        if not value and default is not None:
            return default
        if not re.fullmatch(pattern, value):
            problems.append(f"{name} must be {meaning}, not {value!r}" if value else f"{name} is missing")
        return value

    def read_size(name: str, *, default: int) -> int:
        text = read(name, pattern=r"\d+", meaning="a number of bytes", default=str(default))
        size = int(text) if text.isdecimal() else default
        if not _SMALLEST_BYTES <= size <= _LARGEST_BYTES:
            problems.append(f"{name} must be between 5 MiB and 5 GiB in bytes, not {text!r}")
        return size

    account = {"pattern": r"\d{12}", "meaning": "an account id of 12 digits"}
    bucket = {"pattern": r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "meaning": "a bucket name"}
    url = {"pattern": r"https?://[^/?#]+/?", "meaning": "http:// or https:// and a host", "default": ""}
    dataset = read("DATASET", pattern=r"[a-z0-9_-]+", meaning="a dataset's name")
    hub_bucket = read("HUB_BUCKET", **bucket)
    hub_account = read("HUB_ACCOUNT", **account)
    target_bucket = read("TARGET_BUCKET", **bucket)
    target_account = read("TARGET_ACCOUNT", **account, default="")
    target_kms_key = read("TARGET_KMS_KEY", pattern=r"arn:.+", meaning="the ARN of a key", default="")
    keep_files = read("KEEP_FILES", pattern="true|false", meaning="true or false")
    log_bucket = read("LOG_BUCKET", **bucket)
    mover_version = read("MOVER_VERSION")
    largest = read_size("LARGEST_COPY_BYTES", default=LARGEST_COPY_BYTES)
    part_bytes = read_size("PART_BYTES", default=USUAL_PART_BYTES)
    queue_url = read("QUEUE_URL", pattern=r"https?://\S+", meaning="the URL of a queue", default="")
    receives = read("MOST_RECEIVES", pattern=r"[1-9]\d*", meaning="a number above 0", default=str(MOST_RECEIVES))
    seconds = {"pattern": r"\d+", "meaning": "a number of seconds"}
    longest_wait = read("LONGEST_WAIT_SECONDS", **seconds, default=str(LONGEST_WAIT_SECONDS))
    patience = read("SWEEP_PATIENCE_SECONDS", **seconds, default=str(SWEEP_PATIENCE_SECONDS))
    region = read("AWS_REGION")
    topics = read("ALERT_TOPICS", pattern=r"arn:[^\s,]+(,arn:[^\s,]+)*", meaning="ARNs of topics", default="")
    general = read("AWS_ENDPOINT_URL", **url)
    named = {name: read(f"AWS_ENDPOINT_URL_{name}", **url) or general for name in ("S3", "SQS", "SNS")}
    if environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        named = dict.fromkeys(named, "")
    usual = {"S3": f"https://s3.{region}.amazonaws.com", "SQS": queue_url, "SNS": sns_url_of(region)}
    problems += check_endpoints(environment, region=region, urls=[named[name] or usual[name] for name in named])
    if target_bucket and target_bucket in (hub_bucket, log_bucket):
        problems.append(f"TARGET_BUCKET must be the recipient's bucket, not {target_bucket!r}, which is the platform's")
    if problems:
        raise SettingsError("the mover cannot start: " + "; ".join(problems) + ". Deploy the dataset's stack again")
    return Settings(
        dataset=dataset,
        hub_bucket=hub_bucket,
        hub_account=hub_account,
        target_bucket=target_bucket,
        target_account=target_account or None,
        target_kms_key=target_kms_key or None,
        keep_files=keep_files == "true",
        log_bucket=log_bucket,
        mover_version=mover_version,
        largest_copy_bytes=largest,
        region=region,
        endpoint_url=_origin(named["S3"]),
        queue_url=queue_url or None,
        most_receives=int(receives),
        longest_wait_seconds=int(longest_wait),
        sweep_patience_seconds=int(patience),
        alert_topics=tuple(filter(None, topics.split(","))),
        sqs_endpoint_url=_origin(named["SQS"]),
        sns_endpoint_url=_origin(named["SNS"]),
        part_bytes=part_bytes,
        function_name=read("AWS_LAMBDA_FUNCTION_NAME", default=""),
    )


def _origin(url: str) -> str | None:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
