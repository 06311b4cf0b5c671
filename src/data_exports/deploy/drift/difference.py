"""One difference between what was deployed and what AWS has, and what puts it back.

In: what a look found. Out: values, which are data: a plan of repairs shows the very calls that it makes. Effects: none.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data_exports.json_values import json_as

_BYTES = "ZipFile"
"""The one argument of the calls below that is bytes: a function's code.
https://docs.aws.amazon.com/lambda/latest/api/API_UpdateFunctionCode.html"""


class DifferenceKind(StrEnum):
    """Each kind of thing that differs: one for each sentence that `drift` can say."""

    BUCKET_GONE = "a bucket is gone"
    BUCKET_POLICY_GONE = "a bucket's policy is gone"
    BUCKET_POLICY = "a bucket's policy"
    BUCKET_TAG = "a tag of ours on a bucket"
    VERSIONING = "versioning"
    PUBLIC_ACCESS = "the public access block"
    OWNERSHIP = "object ownership"
    ENCRYPTION = "default encryption"
    OTHER_LIFECYCLE_RULE = "another lifecycle rule"
    LIFECYCLE_RULE_GONE = "a lifecycle rule is gone"
    LOGGING_GONE = "nobody logs who uses a bucket"
    OTHER_LOGGING = "who uses a bucket is logged elsewhere"
    HUB_RULE_GONE = "a rule that tells a mover of files is gone"
    OTHER_HUB_RULE = "another rule that tells somebody of files"
    TELLS_EVENTBRIDGE = "EventBridge is told of every file"
    USERS_ROLE_GONE = "a user's role is gone"
    USERS_POLICY_GONE = "a user's policy is gone"
    USERS_POLICY = "a user's policy"
    UNDECLARED_ACCESS = "a user's policy that no dataset declares"
    OWN_ROLE_GONE = "a role of a function or a reader is gone"
    TRUST_POLICY = "whom the role of a function or a reader trusts"
    OWN_POLICY_GONE = "the policy of such a role is gone"
    OWN_POLICY = "the policy of such a role"
    OTHER_OWN_POLICY = "another policy of such a role"
    ATTACHED_POLICY = "a policy attached to such a role"
    PROVIDER_GONE = "an identity provider that readers rely on is gone"
    AUDIENCE_GONE = "an identity provider no longer takes an audience"
    QUEUE_GONE = "a queue is gone"
    QUEUE_POLICY = "a queue's policy"
    TOPIC_GONE = "a topic is gone"
    TOPIC_POLICY = "a topic's policy"
    FUNCTION_GONE = "a function is gone"
    FUNCTION_CODE = "a mover's code"
    INLINE_CODE = "the keeper's code"
    CONCURRENCY = "a function's reserved concurrency"
    MAPPING_GONE = "what feeds a mover is gone"
    MAPPING_OFF = "what feeds a mover is switched off"
    SCHEDULE_GONE = "a schedule is gone"
    SCHEDULE_OFF = "a schedule is switched off"
    ALARM_GONE = "an alarm is gone"
    ALARM_SILENT = "an alarm tells nobody"
    SFTP_SERVER_GONE = "the SFTP server is gone"
    SFTP_SERVER_OFF = "the SFTP server is off"
    SFTP_SERVER = "a setting of the SFTP server"
    SFTP_USER_GONE = "a user of the SFTP server is gone"
    SFTP_USER = "a setting of a user of the SFTP server"
    SSH_KEY_GONE = "a user's SSH key is gone"
    OTHER_SSH_KEY = "another SSH key of a user"
    UNDECLARED_SFTP_USER = "a user of the SFTP server whom no dataset declares"
    OBJECT_LOCK = "for how long nobody deletes from the evidence"
    EVIDENCE_KEY = "the key that signs the evidence"
    RESOURCE_GONE = "anything else of a stack is gone"
    RESOURCE_CHANGED = "a property of anything else of a stack"
    STACK_GONE = "a stack is not there"
    STACK_WITHOUT_RESOURCES = "a stack's resources are not all there"
    STACK_FAILED = "a stack failed"
    STACK_ADOPTING = "a stack has not finished adopting"
    TEMPLATE = "a stack's template"
    STACK_TAG = "a stack's tag"
    CARD = "a dataset's card"
    KEEPER_SETTINGS = "what the keeper is told"
    ROLE_IDS = "the recorded ids of roles"


@json_as("service operation arguments=given")
@dataclass(frozen=True, slots=True, order=True)
class ServiceCall:
    """One call of a service, which sets the whole of what differs to what was deployed."""

    service: str
    """As boto3 calls it: ``s3``."""
    operation: str
    """As boto3 calls it: ``put_bucket_policy``."""
    arguments: str
    """JSON; bytes in Base64."""

    @property
    def given(self) -> Mapping[str, Any]:
        """The arguments by name, as JSON holds them."""
        given: dict[str, Any] = json.loads(self.arguments)
        return given

    @property
    def taken(self) -> Mapping[str, Any]:
        """The arguments as boto3 takes them."""
        return {name: b64decode(each) if name == _BYTES else each for name, each in self.given.items()}


@dataclass(frozen=True, slots=True, order=True)
class Revert:
    """CloudFormation makes the stack's resources again what its template says.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/drift-aware-change-sets.html
    """


@dataclass(frozen=True, slots=True, order=True)
class Redeploy:
    """The stack's own template is put in place again: somebody has given the stack another one."""


@dataclass(frozen=True, slots=True, order=True)
class ByHand:
    """Not ours to put back; `next_step` says who does, and with which command."""

    next_step: str


Repair = ServiceCall | Revert | Redeploy | ByHand

DEPLOY = ByHand("exports deploy")


@dataclass(frozen=True, slots=True)
class LiveDifference:
    """One difference in words, and its repair."""

    kind: DifferenceKind
    what: str
    repair: Repair
    returns_access: bool = False
    """Whether the repair gives somebody access that they do not have now."""


def document_text(policy: Mapping[str, Any] | None) -> str:
    """A policy document as a call takes it, without blanks: they count where the size of a policy is bounded."""
    return json.dumps(policy, separators=(",", ":"))


def call(service: str, operation: str, **arguments: Any) -> ServiceCall:
    """A call with these arguments."""
    return ServiceCall(service, operation, json.dumps(arguments, sort_keys=True))
