"""Rules on buckets: where deliveries go, and what pull datasets' buckets are called."""

from collections.abc import Iterator

from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft, PlatformDraft
from data_exports.estate.findings import Finding, warning
from data_exports.names import InvalidNameError, pull_bucket_of


def check_targets_are_outside(draft: EstateDraft) -> Iterator[Finding]:
    """A delivery into a bucket of the estate would come round again, or reach people no grant names."""
    own = {**_pull_buckets(draft), **_platform_buckets(draft.platform)}
    for dataset in draft.push:
        if dataset.target_bucket and dataset.target_bucket.value in own:
            message = f"{str(dataset.target_bucket.value)!r} is {own[dataset.target_bucket.value]}"
            yield Finding(dataset.target_bucket.place, Code.OWN_TARGET, message, "name the recipient's bucket")


def check_target_accounts(draft: EstateDraft) -> Iterator[Finding]:
    """The expected owner of the recipient's bucket should be known, and be somebody else."""
    for dataset in draft.push:
        if dataset.target_bucket and not dataset.names_account:
            message = "the account of the target bucket is not named"
            hint = "add `target_account:`, so that nothing is sent should the bucket's name pass to somebody else"
            yield warning(dataset.target_bucket.place, Code.NO_TARGET_ACCOUNT, message, hint)
        own = draft.platform.account if draft.platform else None
        if own and dataset.target_account and dataset.target_account.value == own.value:
            message = "the recipient's account is the platform's own"
            hint = "check that this bucket is not in another account"
            yield warning(dataset.target_account.place, Code.OWN_ACCOUNT_TARGET, message, hint)


def check_pull_buckets(draft: EstateDraft) -> Iterator[Finding]:
    """A pull dataset's bucket needs a valid name that no other bucket of the estate has."""
    prefix = draft.platform.pull_bucket_prefix if draft.platform else None
    if prefix is None:
        return
    others = _platform_buckets(draft.platform)
    for dataset in draft.pull:
        if dataset.name is None:
            continue
        try:
            bucket = pull_bucket_of(prefix.value, dataset.name.value)
        except InvalidNameError as error:
            yield Finding(dataset.name.place, Code.BAD_PULL_BUCKET, str(error), error.hint)
            continue
        if bucket in others:
            message = f"the bucket of this dataset, {str(bucket)!r}, is {others[bucket]}"
            yield Finding(dataset.name.place, Code.BAD_PULL_BUCKET, message, "give the dataset another name")


def _platform_buckets(platform: PlatformDraft | None) -> dict[str, str]:
    if platform is None or platform.hub_bucket is None:
        return {}
    hub = str(platform.hub_bucket.value)
    return {hub: "the hub itself", f"{hub}-log": "the log bucket of this platform"}


def _pull_buckets(draft: EstateDraft) -> dict[str, str]:
    prefix = draft.platform.pull_bucket_prefix if draft.platform else None
    buckets = {}
    for dataset in draft.pull:
        if prefix and dataset.name:
            try:
                buckets[str(pull_bucket_of(prefix.value, dataset.name.value))] = (
                    f"the bucket of the pull dataset {dataset.name.value}"
                )
            except InvalidNameError:
                continue  # check_pull_buckets says so
    return buckets
