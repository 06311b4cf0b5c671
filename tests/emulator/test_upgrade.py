"""A live estate of the last landed program is upgraded by today's `deploy`, and rolled back by the old one's.

Both programs run as commands in processes of their own; the movers are those that they deploy. At each change of
program there are senders at work, files that wait for their mover, messages in flight, a large file half copied, and a
dead letter.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from benchmarks.wire import PassOn, Request, wire
from data_exports.access.handover import route_of
from data_exports.estate.loader import load_estate
from data_exports.estate.models import PushDataset
from data_exports.local.clients import client, environment_of
from data_exports.local.emulator import LocalAws
from data_exports.local.world import bucket_of, make_local_world
from data_exports.names import dead_letter_queue_name_of, queue_name_of
from tests.emulator.deployed import DeployedEstate
from tests.emulator.movers import dead_letters, mover_at_rest, mover_settings, queue_url
from tests.emulator.steps import wait_until
from tests.landed import unpack_landed
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator

MIB = 1024 * 1024
SENDER = "alpha_user_ana"
BUSY, LARGE, WAITING, REFUSED, KEPT = DATASETS = ("busy", "large", "waiting", "refused", "kept")
FINAL = {"delivered", "superseded"}


@dataclass(repr=False)  # hundreds of uploads
class Site:
    """A deployed estate, two programs, and all that was uploaded."""

    deployed: DeployedEstate
    folder: Path
    old: Mapping[str, str]
    """The environment in which ``python -m data_exports`` is the program that was last landed."""
    new: Mapping[str, str]
    contents: dict[str, bytes] = field(default_factory=dict)
    """Key → what was uploaded last."""
    uploads: set[tuple[str, str]] = field(default_factory=set)
    """Key and version of everything that was uploaded."""

    def push(self, name: str) -> PushDataset:
        return self.deployed.stage.push(name)

    def client(self, service: str) -> Any:
        return client(self.deployed.local, service, account=self.deployed.estate.platform.account)

    def run(self, program: Mapping[str, str], *words: str, code: int = 0) -> str:
        """Run a command of one of the programs to this end; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "data_exports", *words, "--estate", str(self.folder)],
            env={**program, **environment_of(self.deployed.local)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def history(self, program: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Key, version and outcome of everything that this program reads in the receipts."""
        found = [json.loads(line) for line in self.run(program, "history", "--json").splitlines()]
        return [(each["key"], each["version_id"], each["outcome"]) for each in found]

    def upload(self, dataset: str, name: str, body: bytes) -> str:
        push, hub = self.push(dataset), self.deployed.estate.platform.hub_bucket
        key = f"{push.prefix}{name}"
        made = self.deployed.stage.as_user(push.users[0]).put_object(Bucket=hub, Key=key, Body=body)
        self.contents[key] = body
        self.uploads.add((key, made["VersionId"]))
        return key

    def has_arrived(self, key: str) -> bool:
        found = self.deployed.stage.object_at_recipient(self.push(key.split("/", maxsplit=1)[0]), key)
        return found is not None and found["Body"].read() == self.contents[key]

    @contextmanager
    def changed(self, dataset: str, **settings: str) -> Iterator[None]:
        """Change settings of the deployed mover: a deployment sets them back, or the end of the block if it had nothing
        to deploy, as after a landing that is today's program."""
        functions, name = self.client("lambda"), self.push(dataset).mover_name

        def variables() -> dict[str, str]:
            found: dict[str, str] = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            return found

        before = variables()
        changed = before | settings
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": changed})
        yield
        if variables() == changed:
            functions.update_function_configuration(FunctionName=name, Environment={"Variables": before})

    def messages(self) -> dict[str, dict[str, str]]:
        """Queue → how many messages it holds, those in flight included; of the queues that hold any."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        sqs, found = self.client("sqs"), dict[str, dict[str, str]]()
        for push in map(self.push, DATASETS):
            for queue in (queue_name_of(push.name), dead_letter_queue_name_of(push.name)):
                url = queue_url(self.deployed, queue)
                numbers = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
                found |= {queue: numbers} if any(number != "0" for number in numbers.values()) else {}
        return found


@pytest.fixture
def site(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str], tmp_path: Path) -> Site:
    folder = write_estate(tmp_path / "estate", account=unique_account(), start=unique("u"), region=local_aws.region)
    estate = load_estate(folder).require()
    local = replace(local_aws, account=estate.platform.account, folder=tmp_path)
    old = unpack_landed(tmp_path / "landed").environment
    site = Site(DeployedEstate(local, estate), folder, old, {k: v for k, v in old.items() if k != "PYTHONPATH"})
    make_local_world(local, estate)
    return site


def write_estate(folder: Path, *, account: str, start: str, region: str) -> Path:
    (folder / "push_datasets").mkdir(parents=True)
    (folder / "exports.yaml").write_text(
        f'platform:\n  account: "{account}"\n  region: {region}\n  hub_bucket: {start}-hub\n'
        f"  pull_bucket_prefix: {start}-\n  user_roles: [alpha_user_*]\n  large_file_mib: 5\n",
        encoding="utf-8",
    )
    for name in DATASETS:
        (folder / "push_datasets" / f"{name}.yaml").write_text(
            f'name: {name}\ntarget_bucket: {start}-to-{name}\ntarget_account: "754256621582"\nusers: [{SENDER}]\n'
            f"paperwork: DPIA-1\nowner: somebody\ndescription: something\nkeep_files: {str(name == KEPT).lower()}\n",
            encoding="utf-8",
        )
    return folder


@contextmanager
def senders_at_work(site: Site) -> Iterator[None]:
    """Uploads of new and of the same keys, again and again, for the time of the block."""
    over, errors = threading.Event(), list[BaseException]()

    def send() -> None:
        number = 0
        try:
            while not over.wait(0.1):
                number += 1
                site.upload(BUSY, f"{number % 7}.csv", f"{time.time_ns()}".encode())
                if number % 5 == 0:
                    site.upload(KEPT, f"{number % 2}.csv", f"{time.time_ns()}".encode())
        except BaseException as error:  # noqa: BLE001 raised again in the thread that waits
            errors.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert errors == []


@contextmanager
def half_copied(site: Site, name: str) -> Iterator[str]:
    """A file of which two parts of three are copied: for the time of the block its mover waits for the third."""
    parts, over = set[str](), threading.Event()
    url = queue_url(site.deployed, queue_name_of(site.push(LARGE).name))

    async def two_parts(request: Request, pass_on: PassOn) -> bytes:
        if request.operation == "UploadPartCopy":
            while len(parts | {request.target}) > 2 and not over.is_set():
                await asyncio.sleep(0.05)
            parts.add(request.target)
        return await pass_on()

    with wire(site.deployed.local.endpoint_url, two_parts) as way:
        # Deployed 90 minutes: so long does the message stay with a mover that does not answer.
        site.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "6"})
        with site.changed(LARGE, PART_BYTES=str(5 * MIB), AWS_ENDPOINT_URL_S3=way.url):
            key = site.upload(LARGE, name, bytes(range(256)) * (12 * MIB // 256))
            wait_until(lambda: len(parts) == 2 and len(checkpoints(site)) == 1)
            with mover_at_rest(site.deployed, site.push(LARGE)):
                yield key
        wait_until(partial(site.has_arrived, key))
        over.set()  # the mover of before goes on as well, and finds that it is too late


def checkpoints(site: Site) -> list[str]:
    bucket = site.deployed.estate.platform.log_bucket
    found = site.client("s3").list_objects_v2(Bucket=bucket, Prefix="checkpoints/").get("Contents", [])
    return [each["Key"] for each in found if not each["Key"].endswith("/sweep.jsonl.gz")]


def give_up(site: Site, name: str) -> str:
    """Have a file end as a dead letter: its recipient lets nobody in."""
    push = site.push(REFUSED)
    site.deployed.stage.as_recipient(push).delete_bucket_policy(Bucket=bucket_of(push))
    with mover_settings(site.deployed, push, receives=1):
        key = site.upload(REFUSED, name, name.encode())
        wait_until(lambda: bool(dead_letters(site.deployed, push)))
    return key


def redrive(site: Site, program: Mapping[str, str], key: str) -> None:
    """See the dead letter, let the mover in, and move it back, as one of the programs tells."""
    push = site.push(REFUSED)
    assert key in site.run(program, "failures", REFUSED, code=1)
    policy = json.dumps(route_of(site.deployed.estate, push).policy)
    site.deployed.stage.as_recipient(push).put_bucket_policy(Bucket=bucket_of(push), Policy=policy)
    site.run(program, "redrive", REFUSED)


def change_program(site: Site, name: str, program: Mapping[str, str]) -> None:
    """Deploy this program where the other one is, while everything is under way; then end what was under way."""
    refused = give_up(site, name)
    with half_copied(site, name) as large, mover_at_rest(site.deployed, site.push(WAITING)):
        waiting = site.upload(WAITING, name, name.encode())
        site.run(program, "deploy", "--yes")
        redrive(site, program, refused)
    for key in (waiting, refused):
        wait_until(partial(site.has_arrived, key))
    arrived = site.deployed.stage.object_at_recipient(site.push(LARGE), large)
    assert arrived
    assert arrived["ETag"].endswith('-3"')  # begun anew it would be one part: 5 MiB was the setting of the first run


def test_a_live_estate_is_upgraded_and_rolled_back_and_nothing_is_lost_or_stale(site: Site) -> None:
    site.run(site.old, "deploy", "--yes")
    with senders_at_work(site):
        change_program(site, "upgrade", site.new)
        change_program(site, "rollback", site.old)

    wait_until(lambda: not site.messages(), tell=site.messages)
    assert {key: site.has_arrived(key) for key in site.contents} == dict.fromkeys(site.contents, True)
    seen = {push.name: set(site.deployed.stage.keys_in_hub(push)) for push in site.deployed.estate.push_datasets}
    kept = {key for key in site.contents if key.startswith(f"{KEPT}/")}
    assert seen == {name: kept if name == KEPT else set() for name in DATASETS}
    assert checkpoints(site) == []
    told: dict[str, list[tuple[str, str, str]]] = {}

    def both_tell_the_same() -> bool:  # a mover of before may have been at its receipt still
        told.update(new=sorted(site.history(site.new)), old=sorted(site.history(site.old)))
        return told["new"] == told["old"]

    wait_until(both_tell_the_same)
    assert {(key, version) for key, version, outcome in told["new"] if outcome in FINAL} == site.uploads
