"""Rules on buckets: where deliveries go, and what pull datasets' buckets are called."""

from collections.abc import Iterator

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.findings import Finding, warning
from data_exports.names import InvalidNameError, pull_bucket_of


def check_targets_are_outside(draft: EstateDraft) -> Iterator[Finding]:
    """A delivery into a bucket of the estate would come round again, or reach people no grant names."""
    own = {**_pull_buckets(draft), **_platform_buckets(draft)}
    for dataset in draft.push:
        target = dataset[f.TARGET_BUCKET]
        if target and target.value in own:
            message = f"{str(target.value)!r} is {own[target.value]}"
            yield Finding(target.place, Code.OWN_TARGET, message, "name the recipient's bucket")


def check_witness_is_outside(draft: EstateDraft) -> Iterator[Finding]:
    """A witness whose bucket is the estate's own could be made to say what its owner likes."""
    found = draft.setting(f.EVIDENCE)
    witness = found.value.get("witness") if found else None
    bucket = str(witness.value).removeprefix("s3://").partition("/")[0] if witness else ""
    own = {**_pull_buckets(draft), **_platform_buckets(draft)}
    if witness and bucket in own:
        yield Finding(witness.place, Code.OWN_TARGET, f"{bucket!r} is {own[bucket]}", "name somebody else's bucket")


def check_target_accounts(draft: EstateDraft) -> Iterator[Finding]:
    """The expected owner of the recipient's bucket should be known, and be somebody else."""
    for dataset in draft.push:
        bucket, account = dataset[f.TARGET_BUCKET], dataset[f.TARGET_ACCOUNT]
        if bucket and f.TARGET_ACCOUNT not in dataset:
            message = "the account of the target bucket is not named"
            hint = "add `target_account:`, so that nothing is sent should the bucket's name pass to somebody else"
            yield warning(bucket.place, Code.NO_TARGET_ACCOUNT, message, hint)
        own = draft.setting(f.ACCOUNT_ID)
        if own and account and account.value == own.value:
            message = "the recipient's account is the platform's own"
            hint = "check that this bucket is not in another account"
            yield warning(account.place, Code.OWN_ACCOUNT_TARGET, message, hint)


def check_pull_buckets(draft: EstateDraft) -> Iterator[Finding]:
    """A pull dataset's bucket needs a valid name that no other bucket of the estate has."""
    prefix = draft.setting(f.PULL_BUCKET_PREFIX)
    if prefix is None:
        return
    others = _platform_buckets(draft)
    for name in (dataset[f.NAME] for dataset in draft.pull):
        if name is None:
            continue
        try:
            bucket = pull_bucket_of(prefix.value, name.value)
        except InvalidNameError as error:
            yield Finding(name.place, Code.BAD_PULL_BUCKET, str(error), error.hint)
            continue
        if bucket in others:
            message = f"the bucket of this dataset, {str(bucket)!r}, is {others[bucket]}"
            yield Finding(name.place, Code.BAD_PULL_BUCKET, message, "give the dataset another name")


def _platform_buckets(draft: EstateDraft) -> dict[str, str]:
    found = draft.setting(f.HUB_BUCKET)
    if found is None:
        return {}
    hub = str(found.value)
    logs = {f"{hub}-log": "the log bucket of this platform", f"{hub}-use": "the access-log bucket of this platform"}
    return {hub: "the hub itself", **logs}


def _pull_buckets(draft: EstateDraft) -> dict[str, str]:
    prefix = draft.setting(f.PULL_BUCKET_PREFIX)
    buckets = {}
    for name in (dataset[f.NAME] for dataset in draft.pull):
        if prefix and name:
            try:
                buckets[str(pull_bucket_of(prefix.value, name.value))] = f"the bucket of the pull dataset {name.value}"
            except InvalidNameError:
                continue  # check_pull_buckets says so
    return buckets
