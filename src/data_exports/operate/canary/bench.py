"""What the facts are tried with: the mover's own S3 code under the function's role, and the caller's own clients.

In: a world that is made, and the account's AWS. Out: the mover's answers. Effects: the requests; each is counted.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from data_exports.aws import AWS_EXCEPTIONS, Aws, AwsAnswer, answer_of, call_or_none
from data_exports.errors import AwsError
from data_exports.mover.places.store import open_store
from data_exports.mover.rules.protocol import Call, Copied, Copy, StoreAnswer
from data_exports.mover.settings import Settings, read_settings
from data_exports.mover.wire.endpoints import check_endpoints
from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import S3Request, Transport
from data_exports.operate.canary.world import GRANTED, World, settings_of

READY_SECONDS = 120
_POLL_SECONDS = 0.5
_SESSION = "canary"


@dataclass(frozen=True, slots=True)
class CanaryUpload:
    """A file in the hub."""

    key: str
    version_id: str
    etag: str


class Bench:
    """A world at work."""

    def __init__(self, world: World, aws: Aws, *, other_region: str, wait_seconds: float) -> None:
        """Connect to nothing yet; `wait_seconds` is how long a delivery may take."""
        self.world = world
        self.aws = aws
        self.other_region = other_region
        self.wait_seconds = wait_seconds
        self.requests: Counter[str] = Counter()
        self.s3 = aws.client("s3")
        self.s3.meta.events.register("before-send.s3", self._count)
        self._credentials: Credentials | None = None
        self.settings: Settings = read_settings(
            {**settings_of(world), "AWS_REGION": world.region, "AWS_LAMBDA_FUNCTION_NAME": world.name}
        )
        if not _is_aws(self.s3.meta.endpoint_url):
            self.settings = replace(self.settings, endpoint_url=self.s3.meta.endpoint_url)

    def _count(self, **_: Any) -> None:
        self.requests["s3"] += 1

    @property
    def credentials(self) -> Credentials:
        """The function's role's, once AWS hands them over: a new role takes a while to be known everywhere."""
        if self._credentials is None:
            role: dict[str, Any] = {"RoleArn": self.world.role_arn, "RoleSessionName": _SESSION}
            until = time.monotonic() + READY_SECONDS
            while True:
                try:
                    made = self.aws.client("sts").assume_role(**role)["Credentials"]
                    break
                except AWS_EXCEPTIONS as error:
                    if answer_of(error) is not AwsAnswer.FORBIDDEN or time.monotonic() > until:
                        raise
                    time.sleep(3)
            self._credentials = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
        return self._credentials

    @contextmanager
    def transport(self) -> Iterator[Transport]:
        """The mover's way to S3, as the function's role."""
        settings = self.settings
        way = _Counted(
            self.requests,
            region=settings.region,
            endpoint_url=settings.endpoint_url,
            connections=2,
            credentials=self.credentials,
        )
        try:
            yield way
        finally:
            way.close()

    def ask(self, call: Call, **changes: Any) -> StoreAnswer:
        """What S3 answers the mover to one call; `changes` are to its settings."""
        with self.transport() as way:
            store = open_store(replace(self.settings, **changes), way=way)
            store.send(call, 0)
            return store.wait()[1]

    def put(self, name: str, body: bytes = b"1\n", *, folder: str = GRANTED) -> CanaryUpload:
        """Put a file into the hub, as a sender does."""
        key = f"{folder}{name}"
        made = self.s3.put_object(Bucket=self.world.hub, Key=key, Body=body)
        return CanaryUpload(key, made.get("VersionId", ""), made["ETag"].strip('"'))

    def delivered(self, key: str) -> bytes | None:
        """What the recipient has under a key."""
        found = call_or_none(lambda: self.s3.get_object(Bucket=self.world.recipient, Key=key))
        return None if found is None else found["Body"].read()

    def history(self, key: str) -> list[str]:
        """What the hub keeps of a key, the latest first: version ids, and `marker` for delete markers."""
        page = self.s3.list_object_versions(Bucket=self.world.hub, Prefix=key)
        versions = [(each["IsLatest"], each["VersionId"]) for each in page.get("Versions", [])]
        markers = [(each["IsLatest"], "marker") for each in page.get("DeleteMarkers", [])]
        return [name for _, name in sorted(versions + markers, key=lambda each: not each[0])]

    def wait_until(self, met: Callable[[], bool], *, seconds: float) -> bool:
        """Whether it is so, soon enough."""
        until = time.monotonic() + seconds
        while not met():
            if time.monotonic() > until:
                return False
            time.sleep(_POLL_SECONDS)
        return True

    def await_rights(self) -> None:
        """Wait until S3 knows the role's rights. Raises `AwsError` when it does not in time."""
        upload = self.put("rights.csv")
        answers: list[StoreAnswer] = []

        def copied() -> bool:
            answers.append(self.ask(Copy(upload.key, upload.etag)))
            return isinstance(answers[-1], Copied)

        if not self.wait_until(copied, seconds=READY_SECONDS):
            said = getattr(answers[-1], "reason", type(answers[-1]).__name__)
            raise AwsError(
                f"the canary's role cannot copy a file after {READY_SECONDS} s: {said}",
                where=self.world.role_arn,
                next_step="look for a policy of the organisation or a boundary that refuses it",
            )


def problems_of_the_way(aws: Aws) -> list[str]:
    """What this environment asks for that the mover's own code, with which the facts are tried, does not do."""
    return list(check_endpoints(os.environ, region=aws.region, urls=[aws.client("s3").meta.endpoint_url]))


def _is_aws(url: str) -> bool:
    return (urlsplit(url).hostname or "").endswith(".amazonaws.com")


class _Counted(Transport):
    def __init__(self, requests: Counter[str], **way: Any) -> None:
        super().__init__(**way)
        self._requests = requests

    def send(self, request: S3Request, on_response: OnResponse, *, after_seconds: float = 0) -> None:
        """Count what is sent now; what is sent later comes here again."""
        if not after_seconds:
            self._requests["s3"] += 1
        super().send(request, on_response, after_seconds=after_seconds)
