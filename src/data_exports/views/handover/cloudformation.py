"""The handover as a CloudFormation template that the other side's owner can deploy.

In: a half of a handover. Out: the template's text, YAML. Effects: none. Creating the policy of a bucket that has one
fails and changes nothing; what CloudFormation cannot add to an existing bucket or key stands in `Metadata`.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucketpolicy.html
"""

from collections.abc import Mapping
from typing import Any

import yaml

from data_exports.names import RoleArn
from data_exports.operate.handover.halves import Half, Reader, Reading, Receiving, nothing_to_attach


def cloudformation_of(half: Half) -> str:
    """The half as a template. Raises `RefusedError` when it needs nothing that CloudFormation could attach."""
    match half:
        case Receiving():
            template = _receiving(half)
        case Reading():
            template = _reading(half)
        case _:
            raise nothing_to_attach(half, "CloudFormation")
    text: str = yaml.dump(template, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110)
    return text.rstrip("\n")


class _Plain(yaml.SafeDumper):
    """Writes what occurs twice twice: CloudFormation's own reader knows anchors, people need not."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _receiving(half: Receiving) -> dict[str, Any]:
    if not half.theirs.cloudformation:
        raise nothing_to_attach(half, "CloudFormation")
    return _template(half, half.theirs.cloudformation, half.theirs.by_hand)


def _reading(half: Reading) -> dict[str, Any]:
    attachable = [reader for reader in half.readers if reader.is_attachable]
    if not attachable:
        raise nothing_to_attach(half, "CloudFormation")
    by_hand = [
        {"For": str(reader.arn), "AttachTo": str(reader.attach_to), "Policy": reader.policy}
        for reader in half.readers
        if not reader.is_attachable
    ]
    resources = {f"Reader{number}": _attachment(half, reader) for number, reader in enumerate(attachable, start=1)}
    return _template(half, resources, {"PoliciesToPutInPlaceByHand": by_hand} if by_hand else {})


def _attachment(half: Reading, reader: Reader) -> dict[str, Any]:
    kind = "Role" if isinstance(reader.arn, RoleArn) else "User"
    properties = {
        f"{kind}Name": reader.arn.rsplit("/", 1)[1],
        "PolicyName": f"pull-{half.dataset.name}",
        "PolicyDocument": reader.policy,
    }
    return {"Type": f"AWS::IAM::{kind}Policy", "Properties": properties}


def _template(half: Half, resources: Mapping[str, Any], by_hand: Mapping[str, Any]) -> dict[str, Any]:
    platform = half.platform
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Your half of the data export {half.dataset.name} of account {platform.account}",
        **({"Metadata": {"DataExports": dict(by_hand)}} if by_hand else {}),
        "Resources": dict(resources),
    }
