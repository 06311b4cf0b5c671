"""Who moves the files: this mover, the handler it succeeds, and the tools people would use instead.

In: a hub full of files, and a folder to work in. Out: the command of each contender at its best settings, found by
trying them on this server (docs/benchmarks.md). Effects: writes the events of the two movers to the folder.

All of them are told what the movers tell S3 by themselves: encrypt with SSE-S3, ACL bucket-owner-full-control.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.files import DATASET, HUB, LOG, TARGET, Upload, batches_of, notification_of
from benchmarks.our_mover import VERSION_IDS
from benchmarks.programs import program
from benchmarks.seaweed import REGION, Seaweed
from data_exports.contract.settings import BucketSettings, DestinationSettings

ACCOUNT = "000000000000"  # SeaweedFS knows no owners, and ignores the header that names one
OLD_ENVIRONMENTS = 8
_SSE, _ACL = "AES256", "bucket-owner-full-control"


@dataclass(frozen=True, slots=True)
class Work:
    """Files to be moved from the hub to the target."""

    server: Seaweed
    uploads: Sequence[Upload]
    folder: Path
    old_handler: Path | None


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, how many copies of it at once, and with which variables besides those that name the server."""

    words: Sequence[str]
    copies: int = 1
    variables: Mapping[str, str] = field(default_factory=dict)


def ours(work: Work) -> Command:
    """One function environment, one batch of 1,000 messages after another."""
    folder = work.folder / "batches"
    folder.mkdir()
    for number, batch in enumerate(batches_of(work.uploads)):
        (folder / f"{number:04d}.json").write_text(json.dumps(batch))
    (folder / VERSION_IDS).write_text(json.dumps({upload.key: upload.version_id for upload in work.uploads}))
    return Command([sys.executable, "-m", "benchmarks.our_mover", str(folder)], variables=mover_settings())


def mover_settings(destination: DestinationSettings | None = None) -> dict[str, str]:
    """The variables that the mover's stack would set, for this destination or the target bucket."""
    told = {
        "DATASET": DATASET,
        "HUB_BUCKET": HUB,
        "HUB_ACCOUNT": ACCOUNT,
        "KEEP_FILES": "false",
        "LOG_BUCKET": LOG,
        "MOVER_VERSION": "benchmark",
    }
    return told | (destination or BucketSettings(target_bucket=TARGET)).to_environment()


def old(work: Work) -> Command:
    """Its function handles one file an invocation, so several function environments work at once."""
    events = work.folder / "events.jsonl"
    events.write_text("".join(json.dumps({"Records": [notification_of(each)]}) + "\n" for each in work.uploads))
    words = [sys.executable, "-m", "benchmarks.old_handler", str(work.old_handler), str(events), str(OLD_ENVIRONMENTS)]
    return Command(words, copies=OLD_ENVIRONMENTS, variables={"DESTINATION_BUCKET": TARGET})


def aws(work: Work) -> Command:
    """Its default of 10 requests at once is too few; more than 20 make it slower."""
    config = work.folder / "aws-config"
    settings = "max_concurrent_requests = 20\n    max_queue_size = 10000\n    addressing_style = path"
    config.write_text(f"[default]\ns3 =\n    {settings}\n")
    words = [program("aws"), "s3", "mv", "--recursive", "--only-show-errors", "--sse", _SSE, "--acl", _ACL, *_from_to()]
    return Command(words, variables={"AWS_CONFIG_FILE": str(config)})


def s5cmd(_: Work) -> Command:
    """64 workers; its default of 256 is slower on two cores."""
    source, target = _from_to()
    words = [program("s5cmd"), "--log=error", "--numworkers=64", "mv", f"--sse={_SSE}", f"--acl={_ACL}"]
    return Command([*words, f"{source}*", target])


def rclone(work: Work) -> Command:
    """Server-side copies, and every check left out that it can do without."""
    where = [f":s3:{bucket}/{DATASET}" for bucket in (HUB, TARGET)]
    remote = [*rclone_hub(work.server), "--s3-no-check-bucket", "--s3-no-head", "--s3-disable-checksum"]
    remote += [f"--s3-server-side-encryption={_SSE}", f"--s3-acl={_ACL}"]
    checks = ["--no-check-dest", "--ignore-times", "--ignore-checksum", "--use-server-modtime", "--no-update-modtime"]
    many = ["--transfers=64", "--checkers=64", "--fast-list"]
    return Command([program("rclone"), "--config=", "--quiet", "move", *where, *remote, *checks, *many])


def rclone_hub(server: Seaweed) -> list[str]:
    """How rclone comes to the hub."""
    where = [f"--s3-endpoint={server.endpoint_url}", f"--s3-region={REGION}"]
    return ["--s3-provider=SeaweedFS", *where, "--s3-env-auth"]


def _from_to() -> tuple[str, str]:
    return f"s3://{HUB}/{DATASET}/", f"s3://{TARGET}/{DATASET}/"


CONTENDERS: Mapping[str, Callable[[Work], Command]] = {
    "ours": ours,
    "old": old,
    "aws": aws,
    "s5cmd": s5cmd,
    "rclone": rclone,
}
