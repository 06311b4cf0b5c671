"""The estate of a soak, deployed for real on a local AWS of its own, and the mover's ways laid through the faults.

In: a folder. Out: a `Ground`. Effects: a local AWS, with everything deployed to it, and the stand-ins of other clouds
beside it, for the time of the block.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from data_exports.access.handover import route_of
from data_exports.contract.settings import AzureSettings, GoogleSettings
from data_exports.deploy.apply.waves import deploy
from data_exports.destinations.kinds import outside_destination_in
from data_exports.estate.models import Estate, PushDataset
from data_exports.local import emulator
from data_exports.local.clients import aws_of, client, client_as
from data_exports.local.clouds.declared import EntraApplication, WorkloadProvider
from data_exports.local.clouds.recipients import things_put_in_place
from data_exports.local.clouds.running import LocalClouds, start_clouds
from data_exports.local.emulator import LocalAws
from data_exports.local.world import make_local_world
from data_exports.names import RoleName, dead_letter_queue_name_of, queue_name_of
from tests.emulator.steps import wait_until
from tests.estates import PLATFORM, at_azure, at_google, at_s3, estate_of, push
from tests.soak.schedule import DATASETS, KEPT, SENDERS
from tests.soak.ways import Ways, ways_past_faults

BUCKETS = {
    "orders": ("orders-landing", "754256621582"),
    "orders_late": ("orders-landing", "754256621582"),  # two datasets into one bucket
    "orders-kept": ("orders-archive", "318604275917"),
    "returns": ("returns-landing", "203591025782"),
}
"""The recipients in S3, each with the account that owns it."""
_OUTSIDE = {
    "orders_azure": at_azure(),
    "orders_google": at_google(),
    "orders-acting": at_google(service_account="exporter@hj-research.iam.gserviceaccount.com"),  # into the same bucket
}
TOKEN_SECONDS = 8  # of tokens of other clouds, an hour there: they end while they are used
_QUEUE_COUNTS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
# Deployed they are 15 and 90 minutes. A killed process answers to nobody, so its messages stay away for as long. None
# comes back to another run while one that has it still goes on: who writes a checkpoint then still has its message.
FUNCTION_TIMEOUT_SECONDS = 15
VISIBILITY_TIMEOUT_SECONDS = 25
LONGEST_WAIT_SECONDS = 1  # of a failed message, deployed 3 h
# Large files of some MB: S3's least size of a part but the last, deployed 64 MiB.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
PART_BYTES = 5 * 1024 * 1024


@dataclass(frozen=True)
class Ground:
    """A deployed estate. `owner` and the others give clients; boto3's may be used by several threads."""

    local: LocalAws
    clouds: LocalClouds
    ways: Ways
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

    def outside(self) -> dict[str, tuple[str, str]]:
        """Where each dataset goes that does not go to S3: the stand-ins' service, and the place there."""
        return {dataset: _place_of(self.push(dataset)) for dataset in _OUTSIDE}

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


def _place_of(dataset: PushDataset) -> tuple[str, str]:
    match dataset.destination.settings:
        case AzureSettings(storage_account=account, container=container):
            return "blobs", f"{account}/{container}"
        case GoogleSettings(bucket=bucket):
            return "objects", bucket
        case other:
            raise TypeError(f"{dataset.name} goes to {other.uri}")


@contextmanager
def deployed_ground(folder: Path, *, seed: int, share_of_faults: float, owner_pid: int) -> Iterator[Ground]:
    """Deploy the estate; every mover reaches S3, other stores and givers of tokens only past the faults."""
    estate = estate_of(
        *(
            push(
                name,
                users=tuple(map(RoleName, SENDERS)),
                destination=_OUTSIDE[name] if name in _OUTSIDE else at_s3(*BUCKETS[name]),
                keep_files=name == KEPT,
            )
            for name in DATASETS
        )
    )
    local = emulator.start(folder, account=PLATFORM.account, region=PLATFORM.region, owner_pid=owner_pid)
    try:
        make_local_world(local, estate)
        clouds = start_clouds(local)
        _shorten_tokens(local, clouds, estate)
        assert deploy(estate, aws_of(local)).is_complete
        with ways_past_faults(
            local,
            clouds,
            hub=str(estate.platform.hub_bucket),
            is_outside=lambda key: key.partition("/")[0] in _OUTSIDE,
            seed=seed,
            share=share_of_faults,
        ) as ways:
            ground = Ground(local, clouds, ways, estate)
            for dataset in DATASETS:
                _lay_the_way(ground, dataset)
            # S3's test events were taken for the 90 minutes that are deployed: who is killed with one keeps it so long.
            wait_until(lambda: not any(sum(ground.counts(ground.queue(dataset)).values()) for dataset in DATASETS))
            yield ground
    finally:
        emulator.stop(local)


def _shorten_tokens(local: LocalAws, clouds: LocalClouds, estate: Estate) -> None:
    """Have recipients outside AWS give tokens that soon end."""
    iam = client(local, "iam", account=estate.platform.account)
    issuer = iam.get_outbound_web_identity_federation_info()["IssuerIdentifier"]
    halves = [
        there.half(route_of(estate, each, issuer=issuer)).facts
        for each in estate.push_datasets
        if (there := outside_destination_in(each.destination))
    ]
    for thing in things_put_in_place(halves):
        if isinstance(thing, EntraApplication | WorkloadProvider):
            clouds.declare(replace(thing, token_seconds=TOKEN_SECONDS))


def _lay_the_way(ground: Ground, dataset: str) -> None:
    functions, name = ground.client("lambda"), ground.push(dataset).mover_name
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    variables |= {
        **ground.ways.variables,
        "LONGEST_WAIT_SECONDS": str(LONGEST_WAIT_SECONDS),
        "LARGEST_COPY_BYTES": str(PART_BYTES),
        "PART_BYTES": str(PART_BYTES),
    }
    functions.update_function_configuration(
        FunctionName=name, Timeout=FUNCTION_TIMEOUT_SECONDS, Environment={"Variables": variables}
    )
    ground.client("sqs").set_queue_attributes(
        QueueUrl=ground.queue(dataset), Attributes={"VisibilityTimeout": str(VISIBILITY_TIMEOUT_SECONDS)}
    )
