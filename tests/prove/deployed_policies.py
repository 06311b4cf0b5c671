"""The policies that an estate puts into AWS, read back from its templates, and the other side's from its handover.

In: an `Estate`. Out: `Policies`: the identity policies of each principal, the policy of each resource, whose it is.
Effects: none.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from data_exports.access.grants import grants_of
from data_exports.access.handover import outsider_policy, route_of
from data_exports.access.statements import policy_of, resource_statements
from data_exports.deploy.plan.planning import stack_of_dataset
from data_exports.destinations.kinds import outside_destination_in
from data_exports.destinations.s3.bucket import BUCKET_ACTIONS, ENCRYPT
from data_exports.estate.models import Estate, PushDataset
from data_exports.local.world import bucket_of, recipient_account_of, recipient_policies_of, s3_destination_of
from data_exports.names import AccountRootArn
from data_exports.stacks.access_logs import access_logs_stack
from data_exports.stacks.evidence import evidence_stacks
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.hub import hub_stack
from data_exports.stacks.stack import Surroundings
from tests.prove.questions import Question, alert_key_arn_of, evidence_key_arn_of, somebody_of

Policy = dict[str, Any]


@dataclass(frozen=True)
class Policies:
    """What decides: by the principal's ARN, and by the resource's ARN (a bucket's stands for its objects)."""

    of_identity: dict[str, list[Policy]]
    of_resource: dict[str, Policy]
    trust: dict[str, Policy]

    def of_resource_asked(self, question: Question) -> Policy | None:
        """The policy of the resource that a question is about; of a role that is to be assumed, its trust."""
        policies = self.trust if question.action.startswith("sts:") else self.of_resource
        return policies.get(question.whole_resource)

    def decides(self, document: Policy, question: Question) -> bool:
        """Whether a question is judged by this document."""
        asked = (*self.of_identity.get(question.principal, ()), self.of_resource_asked(question))
        return any(each is document for each in asked)

    def documents(self) -> Iterator[tuple[str, Policy, Callable[[Policy], None]]]:
        """Each document: of which principal or resource it is, itself, and what puts another in its place."""
        for principal, documents in self.of_identity.items():
            for number, document in enumerate(documents):
                yield principal, document, partial(documents.__setitem__, number)
        for policies in (self.of_resource, self.trust):
            for resource, document in policies.items():
                yield resource, document, partial(policies.__setitem__, resource)


def policies_of(estate: Estate) -> Policies:
    """Every policy, as CloudFormation would be given it, and as the other sides are asked to attach it."""
    identities: dict[str, list[Policy]] = defaultdict(list)
    resources: dict[str, Policy] = {}
    trust: dict[str, Policy] = {}
    for properties, kind, names in _resources(estate):
        match kind:
            case "AWS::IAM::Role":
                arn = f"arn:aws:iam::{estate.platform.account}:role{properties['Path']}{properties['RoleName']}"
                identities[arn] += [each["PolicyDocument"] for each in properties["Policies"]]
                trust[arn] = properties["AssumeRolePolicyDocument"]
            case "AWS::IAM::Policy":
                for role in properties["Roles"]:
                    arn = f"arn:aws:iam::{estate.platform.account}:role/{role}"
                    identities[arn].append(properties["PolicyDocument"])
            case "AWS::KMS::Key":
                key = evidence_key_arn_of if properties.get("KeyUsage") == "SIGN_VERIFY" else alert_key_arn_of
                resources[key(estate)] = properties["KeyPolicy"]
            case "AWS::S3::BucketPolicy" | "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy":
                carriers = properties.get("Queues") or properties.get("Topics") or [properties["Bucket"]]
                for carrier in carriers:
                    resources[_arn(estate, kind, names(carrier))] = properties["PolicyDocument"]
    return Policies(dict(identities) | _of_outsiders(estate), resources | _of_recipients(estate), trust)


def _arn(estate: Estate, kind: str, name: str) -> str:
    service = kind.split("::")[1].lower()
    place = "::" if service == "s3" else f"{estate.platform.region}:{estate.platform.account}"
    return f"arn:aws:{service}:{place}:{name}" if service != "s3" else f"arn:aws:s3:::{name}"


def _of_recipients(estate: Estate) -> dict[str, Policy]:
    """What recipients are asked for, and what they may add: that movers look for uploads that they have begun."""
    found = {bucket.arn: each for bucket, each in recipient_policies_of(estate).items()}
    for grant in grants_of(estate):
        if grant.actions == BUCKET_ACTIONS:
            name = f"LooksForUploads{grant.dataset.title().replace('_', '').replace('-', '')}"
            found[grant.resource] = policy_of(*found[grant.resource]["Statement"], *resource_statements(name, [grant]))
    for push in _in_s3(estate):
        if s3_destination_of(push).kms_key:
            found[str(s3_destination_of(push).kms_key)] = policy_of(*route_of(estate, push).statements[ENCRYPT])
    return found


def _of_outsiders(estate: Estate) -> dict[str, list[Policy]]:
    found: dict[str, list[Policy]] = defaultdict(list)
    for pull in estate.pull_datasets:
        for outsider in pull.outsiders:
            somebody = somebody_of(outsider) if isinstance(outsider, AccountRootArn) else str(outsider)
            found[somebody].append(outsider_policy(estate, pull, outsider))
    return dict(found)


def with_their_side_open(policies: Policies, estate: Estate, principals: Iterable[str]) -> Policies:
    """Outsiders and strangers may do all that their own accounts can give, recipients let all of the platform in."""
    platform = str(estate.platform.account)
    foreign = {each: [EVERYTHING] for each in principals if each.startswith("arn:") and account_of(each) != platform}
    opened = {arn: _open_to(arn, [platform]) for arn in owners_of(estate)}
    return Policies(policies.of_identity | foreign, policies.of_resource | opened, policies.trust)


def with_our_side_open(policies: Policies, estate: Estate, principals: Iterable[str]) -> Policies:
    """All of the platform may do everything, and its buckets let in whoever is asked about."""
    platform, roles = str(estate.platform.account), [each for each in principals if each.startswith("arn:")]
    ours = {each: [EVERYTHING] for each in roles if account_of(each) == platform}
    accounts = sorted({account_of(each) for each in roles})
    opened = {pull.bucket(estate.platform).arn: accounts for pull in estate.pull_datasets}
    resources = {arn: _open_to(arn, let_in) for arn, let_in in opened.items()}
    return Policies(policies.of_identity | ours, policies.of_resource | resources, policies.trust)


def with_trusts_alone(policies: Policies, principals: Iterable[str]) -> Policies:
    """Everybody may do everything, as far as that is theirs to give: what refuses is a role's trust alone."""
    return Policies({each: [EVERYTHING] for each in principals}, policies.of_resource, policies.trust)


EVERYTHING: Policy = policy_of({"Effect": "Allow", "Action": "*", "Resource": "*"})


def account_of(arn: str) -> str:
    """The account of a principal."""
    return arn.split(":")[4]


def _open_to(arn: str, accounts: Iterable[str]) -> Policy:
    principal = {"AWS": [f"arn:aws:iam::{account}:root" for account in accounts]}
    service = arn.split(":")[2]
    resource = [arn, f"{arn}/*"] if service == "s3" else "*"
    return policy_of({"Effect": "Allow", "Principal": principal, "Action": f"{service}:*", "Resource": resource})


def owners_of(estate: Estate) -> dict[str, str]:
    """The account that owns each recipient's bucket and key, by ARN; all else is the platform's."""
    owners = {bucket_of(push).arn: str(recipient_account_of(push)) for push in _in_s3(estate)}
    keys = {str(s3_destination_of(push).kms_key) for push in _in_s3(estate) if s3_destination_of(push).kms_key}
    return owners | {key: key.split(":")[4] for key in keys}


def _in_s3(estate: Estate) -> list[PushDataset]:
    """The push datasets whose recipient has policies of AWS's."""
    return [push for push in estate.push_datasets if not outside_destination_in(push.destination)]


def _resources(estate: Estate) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Each resource of each template: its properties, its type, and what tells the name of what it refers to."""
    around = Surroundings(code_key="code/mover.zip")
    stacks = [
        foundation_stack(estate.platform, require_tls=True),
        access_logs_stack(estate.platform, estate.pull_datasets, require_tls=True),
        *(stack_of_dataset(estate, dataset, around) for dataset in estate.datasets()),
        hub_stack(estate.platform, estate.push_datasets, require_tls=True),
        *evidence_stacks(estate.platform, require_tls=True),
    ]
    for stack in stacks:
        template = json.loads(stack.body)["Resources"]

        def name_of(value: Any, template: dict[str, Any] = template) -> str:
            if isinstance(value, str):
                return value
            properties = template[value["Ref"]]["Properties"]
            return str(next(properties[key] for key in ("BucketName", "QueueName", "TopicName") if key in properties))

        for resource in template.values():
            yield resource.get("Properties", {}), resource["Type"], name_of
