"""The cards of push datasets, read by whoever sends without a clone, and by senders who ask what is deployed.

In: an `Aws`, a platform as it is remembered or declared, and a dataset's name. Out: the estate of that dataset alone.
Effects: reads the card in the log bucket, which senders may.
"""

from dataclasses import replace

from data_exports.aws import Aws, aws_errors, call_or_none
from data_exports.contract.keys import card_key_of
from data_exports.errors import ExportsError, RefusedError, UsageError
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.names import DatasetName, InvalidNameError
from data_exports.operate.platforms import UsedPlatform
from data_exports.operate.rights import NotAllowedError, caller_words, needing
from data_exports.stacks.card import UnreadableCardError, card_of, estate_of_card

CARD_BYTES_AT_MOST = 1_000_000


def read_used_estate(used: UsedPlatform, names: list[str], aws: Aws) -> Estate:
    """The estate of these datasets, each as its card tells.

    Raises `UsageError` when a name is none, `RefusedError` when there is no card, when it is of another platform or not
    understood, and when the credentials are of another account or may not read it.
    """
    found = [_read_used(used, name, aws) for name in dict.fromkeys(names)]
    first = found[0]
    named = tuple(sorted({each for estate in found for each in estate.platform.account_names}))
    pushes = tuple(push for estate in found for push in estate.push_datasets)
    return replace(first, platform=replace(first.platform, account_names=named), push_datasets=pushes)


def _read_used(used: UsedPlatform, name: str, aws: Aws) -> Estate:
    try:
        dataset = DatasetName(name)
    except InvalidNameError as error:
        raise UsageError(str(error), next_step=error.hint) from error
    where = f"{used.log_bucket}/{card_key_of(dataset)}"
    try:
        estate = _read(used, dataset, aws)
    except NotAllowedError as error:
        raise _refusal(used, dataset, aws) from error
    except UnreadableCardError as error:
        next_step = "a later version of exports may read it: upgrade; otherwise have the dataset deployed again"
        raise RefusedError(f"what {dataset} is cannot be told: {error}", where=where, next_step=next_step) from error
    if estate is None:
        raise RefusedError(
            f"nothing is known of {dataset} without its declaration: no card lies at {where}",
            next_step="have it deployed by this version of exports or a later one; or use a clone of the declarations",
        )
    platform = estate.platform
    if (platform.hub_bucket, platform.account, platform.region) != (used.hub_bucket, used.account, used.region):
        next_step = f"`exports use {used.hub_bucket}` with --region and --account as the platform's operators name them"
        raise RefusedError("the card is of another platform than is remembered", where=where, next_step=next_step)
    return estate


def _read(platform: UsedPlatform | Platform, dataset: DatasetName, aws: Aws) -> Estate | None:
    bucket, key = str(platform.log_bucket), card_key_of(dataset)
    with needing(aws, "s3:GetObject", f"{bucket}/{key}"):
        s3, owner = aws.client("s3"), str(platform.account)
        answer = call_or_none(lambda: s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner), "NoSuchKey")
    if answer is None:
        return None
    try:
        return estate_of_card(answer["Body"].read(CARD_BYTES_AT_MOST).decode(), dataset)
    except UnicodeDecodeError as error:
        raise UnreadableCardError("it is no text") from error


def _refusal(used: UsedPlatform, dataset: DatasetName, aws: Aws) -> RefusedError:
    with aws_errors():
        account, _ = aws.caller()
    if account != used.account:
        what = f"the credentials are of account {account}, the platform is {used.account}"
        return RefusedError(what, next_step=f"use credentials of account {used.account}")
    return RefusedError(
        f"{caller_words(aws)} has no push dataset {dataset} on {used.hub_bucket}: there is none, or others send to it",
        next_step="check the name; who may send stands in the dataset's declaration",
    )


def is_deployed_as_declared(platform: Platform, push: PushDataset, aws: Aws) -> bool | None:
    """Whether the dataset's card tells what is declared here; None when that cannot be told."""
    try:
        found = _read(platform, push.name, aws)
        declared = estate_of_card(card_of(platform, push), push.name)
    except (UnreadableCardError, ExportsError):
        return None
    return None if found is None else found == declared
