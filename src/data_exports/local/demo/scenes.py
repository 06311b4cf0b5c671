"""The demo's scenes: what people do with the example estate, and what must come of it.

In: a `Stage`. Out: a story, piece by piece: text to say, and `Expectation` values. Effects: uploads and reads on the
local AWS, each as the role of the person who would do it.
"""

import hashlib
import io
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from data_exports.contract.settings import MIB
from data_exports.estate.models import PushDataset
from data_exports.local.demo.elsewhere import recipients_elsewhere_get_their_files
from data_exports.local.demo.mending import what_waits_is_tried_at_once, what_was_changed_by_hand_is_put_back
from data_exports.local.demo.operating import (
    Story,
    a_file_is_followed_to_its_receipt,
    a_missing_grant_is_mended_and_redriven,
    who_can_is_answered,
)
from data_exports.local.demo.outside import readers_outside_aws_fetch_a_file
from data_exports.local.demo.promising import a_promised_delivery_that_does_not_come_is_told
from data_exports.local.demo.reviewing import a_pull_request_hides_nothing
from data_exports.local.demo.stage import Expectation, Stage, is_refused, wait_for
from data_exports.local.world import bucket_of, stranger_of
from data_exports.names import RoleArn

Scene = Callable[[Stage], Story]

SECONDS_BETWEEN_DRAFTS = 0.3
"""The ten overwrites take longer than a mover waits for its batch, so that they meet deliveries under way."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to upload, with what must still be true of it when it has arrived."""

    name: str
    body: bytes
    content_type: str = "binary/octet-stream"
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


def files_are_delivered(stage: Stage) -> Story:
    """Files of every kind arrive byte for byte and leave the hub."""
    push = stage.push("court_hearings")
    sender, files = stage.as_user(push.users[0]), _files_of_every_kind()
    size = sum(len(file.body) for file in files) / MIB
    yield f"{push.users[0]} uploads {len(files)} files for {push.name}, {size:.0f} MiB in all"
    for file in files:
        _upload(sender, stage, push, file)
    for file in files:
        yield _arrival_of(stage, push, file)
    yield Expectation("all of them have left the hub", wait_for(lambda: stage.keys_in_hub(push) == []))


def kept_files_stay(stage: Stage) -> Story:
    """With `keep_files` a file arrives and stays in the hub as well."""
    push = stage.push("prison_population")
    file = File("2031/january.csv", b"prison,men,women\nA,812,0\n", "text/csv")
    yield f"{push.users[0]} uploads a file for {push.name}, which keeps its files"
    _upload(stage.as_user(push.users[0]), stage, push, file)
    yield _arrival_of(stage, push, file)
    kept = stage.keys_in_hub(push)
    yield Expectation("it stays in the hub", kept == [f"{push.prefix}{file.name}"])


def the_last_of_a_burst_wins(stage: Stage) -> Story:
    """A file overwritten ten times during its delivery ends as its last content, and nothing goes unrecorded."""
    push = stage.push("court_outcomes")
    sender, hub = stage.as_user(push.users[0]), stage.estate.platform.hub_bucket
    key = f"{push.prefix}outcomes.json"
    yield f"{push.users[0]} overwrites one file of {push.name} ten times in a row; its recipient has two datasets"
    versions = []
    for draft in range(1, 11):
        versions.append(sender.put_object(Bucket=hub, Key=key, Body=b'{"draft": %d}' % draft)["VersionId"])
        time.sleep(SECONDS_BETWEEN_DRAFTS)
    recorded = wait_for(lambda: {r.version_id for r in stage.receipts(push)} >= set(versions))
    outcomes = [r.outcome for r in stage.receipts(push)]
    found = stage.object_at_recipient(push, key)
    last = found["Body"].read() if found else b"nothing"
    yield Expectation("the recipient ends with the last content", last == b'{"draft": 10}', last.decode())
    tally = ", ".join(f"{outcomes.count(each)} {each}" for each in sorted(set(outcomes)))
    yield Expectation("each of the ten uploads has its receipt", recorded, tally)
    yield Expectation("the hub shows nothing", wait_for(lambda: stage.keys_in_hub(push) == []))


def pull_buckets_are_read(stage: Stage) -> Story:
    """Outsiders read what users put in a pull bucket, and write only with `allow_push`."""
    for name, tables in (("reoffending_statistics", b"year,rate\n2030,24.1\n"), ("victim_survey", b"wave,n\n3,912\n")):
        pull = stage.pull(name)
        bucket, user = pull.bucket(stage.estate.platform), pull.users[0]
        yield f"{user} puts a file into {bucket}"
        stage.as_user(user).put_object(Bucket=bucket, Key="tables.csv", Body=tables)
        for role in (each for each in pull.outsiders if isinstance(each, RoleArn)):
            outside = stage.as_role(role)
            read = outside.get_object(Bucket=bucket, Key="tables.csv")["Body"].read()
            yield Expectation(f"{role.name} reads it", read == tables)
            write = partial(outside.put_object, Bucket=bucket, Key="corrections.csv", Body=b"none")
            refused, found = is_refused(write)
            may = "may write, too" if pull.allow_push else "may not write"
            yield Expectation(f"{role.name} {may}", refused is not pull.allow_push, found)


def everyone_else_is_refused(stage: Stage) -> Story:
    """What was not granted is refused, by IAM, to people who hold other grants, and to strangers."""
    yield "people try what they were not granted"
    for text, call in _forbidden_acts(stage):
        yield Expectation(f"refused: {text}", *is_refused(call))


def _forbidden_acts(stage: Stage) -> Iterator[tuple[str, Callable[[], object]]]:
    platform = stage.estate.platform
    hub, log = platform.hub_bucket, platform.log_bucket
    hearings, kept = stage.push("court_hearings"), stage.push("prison_population")
    survey, statistics = stage.pull("victim_survey"), stage.pull("reoffending_statistics")
    sender, keeper = stage.as_user(hearings.users[0]), stage.as_user(kept.users[0])
    reader = stage.as_role(_first_role_of(stage, "victim_survey"))
    key = f"{kept.prefix}2031/january.csv"
    stranger = stage.as_role(stranger_of(stage.estate, _first_role_of(stage, "victim_survey").account))
    yield "a sender reads back a file from the hub", partial(keeper.get_object, Bucket=hub, Key=key)
    yield "a sender deletes a file from the hub", partial(keeper.delete_object, Bucket=hub, Key=key)
    yield "a sender writes for another dataset", partial(sender.put_object, Bucket=hub, Key=f"{kept.prefix}x", Body=b"")
    yield "a sender lists the whole hub", partial(sender.list_objects_v2, Bucket=hub)
    yield "a sender lists another dataset", partial(sender.list_objects_v2, Bucket=hub, Prefix=kept.prefix)
    yield "a sender lists the receipts of all datasets", partial(sender.list_objects_v2, Bucket=log)
    yield (
        "a sender writes to the recipient directly",
        partial(sender.put_object, Bucket=bucket_of(hearings), Key=f"{hearings.prefix}x", Body=b""),
    )
    yield "an outsider lists the hub", partial(reader.list_objects_v2, Bucket=hub)
    other, own = statistics.bucket(platform), survey.bucket(platform)
    yield "an outsider reads another dataset", partial(reader.get_object, Bucket=other, Key="tables.csv")
    yield "an outsider deletes what it reads", partial(reader.delete_object, Bucket=own, Key="tables.csv")
    yield (
        "another role of the outsider's account reads",
        partial(stranger.get_object, Bucket=own, Key="tables.csv"),
    )


SCENES: tuple[tuple[str, Scene], ...] = (
    ("A pull request hides nothing", a_pull_request_hides_nothing),
    ("Files are delivered", files_are_delivered),
    ("Kept files stay", kept_files_stay),
    ("The last of a burst wins", the_last_of_a_burst_wins),
    ("A file is followed to its receipt", a_file_is_followed_to_its_receipt),
    ("Pull buckets are read", pull_buckets_are_read),
    ("Readers outside AWS fetch a file", readers_outside_aws_fetch_a_file),
    ("Recipients in Azure and at Google get theirs", recipients_elsewhere_get_their_files),
    ("Everyone else is refused", everyone_else_is_refused),
    ("Who can is answered", who_can_is_answered),
    ("What somebody changed in AWS is put back", what_was_changed_by_hand_is_put_back),
    ("A promised delivery that does not come is told", a_promised_delivery_that_does_not_come_is_told),
    ("What waits is tried at once", what_waits_is_tried_at_once),
    ("A missing grant is mended, and its file redriven", a_missing_grant_is_mended_and_redriven),
)


def _files_of_every_kind() -> list[File]:
    noise = random.Random(20311123)  # noqa: S311 - repeatable content, not a secret
    rows = "".join(f"{number},{noise.random():.6f},listed\n" for number in range(200_000))
    return [
        File(
            "hearings.csv",
            f"case,duration,status\n{rows}".encode(),
            "text/csv; charset=utf-8",
            {"source": "court-diary", "rows": "200000"},
            {"classification": "official-sensitive"},
        ),
        File("empty.flag", b"", "text/plain"),
        File("recordings/day one.bin", noise.randbytes(60 * MIB)),
        File("reports/1 + 1 = 2 & so on.txt", b"plus, ampersand and spaces", "text/plain"),
        File("reports/żółć 裁判所/déjà vu.txt", b"unicode", "text/plain", {"language": "pl, ja, fr"}),
    ]


def _upload(sender: Any, stage: Stage, push: PushDataset, file: File) -> None:
    """Upload as people do: boto3 sends large files in parts."""
    extra: dict[str, Any] = {"ContentType": file.content_type, "Metadata": file.metadata}
    if file.tags:
        extra["Tagging"] = "&".join(f"{name}={value}" for name, value in file.tags.items())
    key = f"{push.prefix}{file.name}"
    sender.upload_fileobj(io.BytesIO(file.body), stage.estate.platform.hub_bucket, key, ExtraArgs=extra)


def _arrival_of(stage: Stage, push: PushDataset, file: File) -> Expectation:
    """Whether the file is at the recipient with everything it had."""
    key = f"{push.prefix}{file.name}"
    text = f"{file.name} arrives byte for byte, with its type, metadata and tags"
    wait_for(lambda: stage.object_at_recipient(push, key) is not None)
    found = stage.object_at_recipient(push, key)
    if found is None:
        return Expectation(text, held=False, found="it did not arrive in time")
    tags = stage.as_recipient(push).get_object_tagging(Bucket=bucket_of(push), Key=key)["TagSet"]
    has = {
        "content": hashlib.sha256(found["Body"].read()).hexdigest() == hashlib.sha256(file.body).hexdigest(),
        "content type": found["ContentType"] == file.content_type,
        "metadata": found["Metadata"] == file.metadata,
        "tags": {tag["Key"]: tag["Value"] for tag in tags} == file.tags,
    }
    lost = [name for name, same in has.items() if not same]
    return Expectation(text, held=not lost, found=f"lost: {', '.join(lost)}" if lost else f"{len(file.body):,} bytes")


def _first_role_of(stage: Stage, name: str) -> RoleArn:
    return next(each for each in stage.pull(name).outsiders if isinstance(each, RoleArn))
