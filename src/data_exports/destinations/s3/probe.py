"""What a probe of a recipient's bucket tries, and which side lacks what. Effects: none."""

from collections.abc import Iterator, Mapping, Sequence

from data_exports.contract.tasks import Try, Verdict
from data_exports.destinations.destination import Lack, Party, Route
from data_exports.destinations.s3.bucket import S3Bucket

TRIES: Mapping[str, tuple[str, str]] = {
    "put": ("write a file", "s3:PutObject"),
    "tag": ("write it with tags", "s3:PutObjectTagging"),
    "acl": ("write it so that it belongs to the bucket's owner", "s3:PutObjectAcl"),
    "key": ("encrypt it with target_kms_key", "kms:GenerateDataKey"),
    "start parts": ("begin a file in parts", "s3:PutObject"),
    "part": ("write a part", "s3:PutObject"),
    "abort": ("abort a file in parts", "s3:AbortMultipartUpload"),
    "owner": ("find the bucket in the declared account", ""),
}
"""What the mover tried → in words, and the permission it takes."""
_BY_POLICY = {"AccessDenied", "403", "AllAccessDisabled"}


def lacks_of(there: S3Bucket, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None) -> Iterator[Lack]:
    """What is lacking. S3 does not tell whose policy refused: if ours is as declared, the other side's did."""
    refused = {each.what: each for each in tries if each.verdict is Verdict.REFUSED}
    codes = {each.code for each in refused.values()}
    if "NoSuchBucket" in codes:
        yield Lack(Party.THEIRS, f"there is no bucket {there.bucket}", "ask its owner for the bucket's name")
    elif "WrongOwner" in codes:
        yield Lack(
            Party.THEIRS,
            f"bucket {there.bucket} belongs to another account than {route.owner or 'the account'}; nothing is "
            "delivered there",
            "ask the recipient whose bucket it is, and correct target_account or target_bucket",
        )
    else:
        is_all_refused = not any(each.verdict is Verdict.ALLOWED for each in tries)
        yield from _refusals(there, route, refused, is_ours_good=is_ours_good, is_all_refused=is_all_refused)


def _refusals(
    there: S3Bucket,
    route: Route,
    refused: Mapping[str, Try],
    *,
    is_ours_good: bool | None,
    is_all_refused: bool,
) -> Iterator[Lack]:
    by_policy = [what for what, each in refused.items() if each.code in _BY_POLICY and what not in ("key", "owner")]
    if "key" in refused and not by_policy:
        yield _key_lack(there, route, refused["key"])
    actions = sorted({TRIES[what][1] for what in by_policy})
    if actions and is_ours_good is not False:
        known = is_ours_good is True
        whose = f"the policy of bucket {there.bucket}" if known else "our half or theirs"
        or_owner = ""
        if is_all_refused and there.account:
            or_owner = f", or the bucket is not in account {there.account}: S3 answers both alike"
        yield Lack(
            Party.THEIRS if known else Party.EITHER,
            f"{whose} does not let {route.mover_role} do {', '.join(actions)} under {route.prefix}{or_owner}",
            f"send its owner `exports handover {route.dataset}`"
            + ("" if known else "; to tell whose it is, use a role that may do iam:GetRolePolicy"),
        )
    for what, each in refused.items():
        if each.code not in _BY_POLICY and what != "key":
            yield Lack(
                Party.THEIRS,
                f"S3 does not {TRIES[what][0]}: {each.code}, {each.said}",
                f"tell the owner of bucket {there.bucket} S3's words",
            )
            return


def _key_lack(there: S3Bucket, route: Route, tried: Try) -> Lack:
    denied = tried.code in _BY_POLICY
    what = f"its policy does not let {route.mover_role} use it" if denied else f"{tried.code}, {tried.said}"
    return Lack(
        Party.THEIRS,
        f"key {there.kms_key}: {what}",
        f"send its owner `exports handover {route.dataset}`: the statements of the key's policy stand there",
    )
