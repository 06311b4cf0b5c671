"""The stacks that AWS has, as CloudFormation describes them.

In: what `remote` read. Out: `Deployed`, a `DeployedStack` for each. Effects: none. What a stack is to us, its tags say.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from data_exports.names import BucketName, DatasetName, InvalidNameError
from data_exports.stacks.stack import ADOPTING_TAG, BUCKET_TAG, DATASET_TAG, DIGEST_TAG, HUB_TAG

STACK_PREFIX = "exports-"
DATASET_STACK_PREFIXES = ("exports-push-", "exports-pull-")
PUSH_STACK_PREFIX, PULL_STACK_PREFIX = DATASET_STACK_PREFIXES

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html#cfn-console-view-stack-data-status-codes
ROLLED_BACK = frozenset({"UPDATE_ROLLBACK_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"})


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """A stack as CloudFormation describes it."""

    name: str
    stack_id: str
    status: str
    tags: tuple[tuple[str, str], ...] = ()
    status_reason: str = ""

    @property
    def digest(self) -> str:
        """The digest of the template it was last deployed with; ``""`` when the stack is not ours."""
        return self._tag(DIGEST_TAG)

    @property
    def hub(self) -> str:
        """The hub bucket of the estate it belongs to; ``""`` when the stack is not ours."""
        return self._tag(HUB_TAG)

    @property
    def dataset(self) -> DatasetName | None:
        """The dataset whose stack it is, if the stack says so."""
        return None if self.strange_dataset or not self._tag(DATASET_TAG) else DatasetName(self._tag(DATASET_TAG))

    @property
    def strange_dataset(self) -> str:
        """What its tag for the dataset holds when that cannot be a dataset's name, else ``""``."""
        name = self._tag(DATASET_TAG)
        return name if name and not DatasetName.pattern.fullmatch(name) else ""

    @property
    def bucket(self) -> BucketName | None:
        """The bucket of a pull dataset's stack, if the stack says so."""
        try:
            return BucketName(self._tag(BUCKET_TAG))
        except InvalidNameError:
            return None

    @property
    def is_ours(self) -> bool:
        """Whether this product deployed it, for any estate."""
        return bool(self.digest and self.hub and not self.strange_dataset)

    def belongs_to(self, hub: str) -> bool:
        """Whether this product deployed it for the estate with this hub bucket."""
        return self.is_ours and self.hub == hub

    @property
    def is_in_progress(self) -> bool:
        """Whether CloudFormation is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def was_rolled_back(self) -> bool:
        """Whether its last change was undone; its tags may be those of that change then."""
        return self.status in ROLLED_BACK

    @property
    def is_adopting(self) -> bool:
        """Whether its tags say that it has adopted what existed, and not put the rest in place yet."""
        return bool(self._tag(ADOPTING_TAG))

    @property
    def has_resources(self) -> bool:
        """Whether its resources exist; False also where that is uncertain, as after a failed creation or deletion."""
        begun = self.status.startswith(("UPDATE_", "IMPORT_")) or self.status == "CREATE_COMPLETE"
        return self.is_ours and begun

    def _tag(self, key: str) -> str:
        return dict(self.tags).get(key, "")


@dataclass(frozen=True)
class Deployed:
    """The stacks AWS has, among those whose names this product uses."""

    stacks: tuple[DeployedStack, ...] = ()

    def find(self, name: str) -> DeployedStack | None:
        """The stack of this name, or None when AWS has none."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> Mapping[str, DeployedStack]:
        return {stack.name: stack for stack in self.stacks}
