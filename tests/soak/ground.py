"""The estate of a soak, deployed for real on a local AWS of its own, and the mover's way to S3 laid through the faults.

In: a folder. Out: a `Ground`. Effects: a local AWS for the time of the block, with everything deployed to it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.wire import Meddler, wire
from data_exports.deploy.apply.waves import deploy
from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.models import Estate, PushDataset
from data_exports.local import emulator
from data_exports.local.clients import aws_of, client, client_as
from data_exports.local.emulator import LocalAws
from data_exports.local.world import make_local_world
from data_exports.names import AccountId, BucketName, RoleName, dead_letter_queue_name_of, queue_name_of
from tests.emulator.steps import wait_until
from tests.estates import PLATFORM, estate_of, push
from tests.soak.schedule import DATASETS, KEPT, SENDERS

RECIPIENTS = {
    "orders": ("orders-landing", "754256621582"),
    "orders_late": ("orders-landing", "754256621582"),  # two datasets into one bucket
    "orders-kept": ("orders-archive", "318604275917"),
    "returns": ("returns-landing", "203591025782"),
}
_QUEUE_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
# Deployed it is 90 minutes. A killed process answers to nobody, so its messages stay away
# for as long.
VISIBILITY_TIMEOUT_SECONDS = 6
LONGEST_WAIT_SECONDS = 1  # of a failed message, deployed 3 h
# Large files of some MB: S3's least size of a part but the last, deployed 64 MiB.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PART_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Ground:
    """A deployed estate. `owner` and the others give clients; boto3's may be used by several threads."""

    local: LocalAws
    estate: Estate
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def client(self, service: str, account: str = "") -> Any:
        """A client as an account's root, the platform's unless another is named."""
        account = account or self.estate.platform.account
        if (service, account) not in self._clients:
            self._clients[service, account] = client(self.local, service, account=account)
        return self._clients[service, account]

    def sender(self, name: str) -> Any:
        """An S3 client with the rights of one sender."""
        return client_as(self.local, "s3", self.estate.platform.user_role_arn(RoleName(name)))

    def push(self, dataset: str) -> PushDataset:
        """The dataset of this name."""
        return next(each for each in self.estate.push_datasets if each.name == dataset)

    def queue(self, dataset: str) -> str:
        """The URL of the dataset's queue."""
        return self._url(queue_name_of(self.push(dataset).name))

    def dead_letters(self, dataset: str) -> str:
        """The URL of the dataset's dead-letter queue."""
        return self._url(dead_letter_queue_name_of(self.push(dataset).name))

    def counts(self, queue_url: str) -> dict[str, int]:
        """How many messages a queue holds: visible, and under way or waiting."""
        found = self.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=_QUEUE_COUNTS)["Attributes"]
        return {name: int(found[name]) for name in _QUEUE_COUNTS}

    def _url(self, name: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


@contextmanager
def deployed_ground(folder: Path, meddler: Meddler, *, owner_pid: int) -> Iterator[Ground]:
    """Deploy the estate; every mover reaches S3 only past the meddler."""
    estate = estate_of(
        *(
            push(
                name,
                users=tuple(map(RoleName, SENDERS)),
                destination=S3Destination(BucketName(RECIPIENTS[name][0]), AccountId(RECIPIENTS[name][1])),
                keep_files=name == KEPT,
            )
            for name in DATASETS
        )
    )
    local = emulator.start(folder, account=PLATFORM.account, region=PLATFORM.region, owner_pid=owner_pid)
    try:
        with wire(local.endpoint_url, meddler) as way:
            make_local_world(local, estate)
            assert deploy(estate, aws_of(local)).is_complete
            ground = Ground(local, estate)
            for dataset in DATASETS:
                _lay_the_way(ground, dataset, endpoint_url=way.url)
            # S3's test events were taken for the 90 minutes that are deployed: who is killed with one keeps it so long.
            wait_until(lambda: not any(sum(ground.counts(ground.queue(dataset)).values()) for dataset in DATASETS))
            yield ground
    finally:
        emulator.stop(local)


def _lay_the_way(ground: Ground, dataset: str, *, endpoint_url: str) -> None:
    functions, name = ground.client("lambda"), ground.push(dataset).mover_name
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables |= {
        "AWS_ENDPOINT_URL_S3": endpoint_url,
        "LONGEST_WAIT_SECONDS": str(LONGEST_WAIT_SECONDS),
        "LARGEST_COPY_BYTES": str(PART_BYTES),
        "PART_BYTES": str(PART_BYTES),
    }
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    ground.client("sqs").set_queue_attributes(
        QueueUrl=ground.queue(dataset), Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)}
    )
