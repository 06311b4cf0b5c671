"""Which side lacks what, told from a probe's tries at a recipient's bucket."""

import pytest

from data_exports.access.handover import route_of
from data_exports.contract.tasks import Try, Verdict
from data_exports.destinations.destination import Party
from tests.estates import KEY, at_s3, estate_of, push

ROLE = "arn:aws:iam::593291632749:role/service-role/export_hearings-move"
OWNER = '"Cloud Platform" (754256621582)'


def refused(what: str, code: str, said: str = "no") -> Try:
    return Try(what, Verdict.REFUSED, code, said, "")


def allowed(what: str) -> Try:
    return Try(what, Verdict.ALLOWED, "", "", "")


def lacks(*tries: Try, good: bool | None = True, account: str | None = "754256621582") -> list[tuple[Party, str]]:
    there = at_s3(account=account, kms_key=KEY)
    dataset = push(destination=there)
    route = route_of(estate_of(dataset), dataset)
    return [(each.side, each.what) for each in there.lacks(tries, route, is_ours_good=good)]


DENIED = f"does not let {ROLE} do s3:PutObject under hearings/"


@pytest.mark.parametrize(
    ("good", "found"),
    [
        (True, [(Party.THEIRS, f"the policy of bucket cp-hearings {DENIED}")]),
        (None, [(Party.EITHER, f"our half or theirs {DENIED}")]),
        (False, []),
    ],
)
def test_a_refusal_is_theirs_once_our_half_is_as_declared(good: bool | None, found: list[tuple[Party, str]]) -> None:
    assert lacks(allowed("abort"), refused("put", "AccessDenied"), good=good) == found


def test_where_everything_is_refused_the_owner_may_be_another() -> None:
    ((_, what),) = lacks(refused("put", "403"))
    assert what.endswith("under hearings/, or the bucket is not in account 754256621582: S3 answers both alike")
    ((_, what),) = lacks(refused("put", "403"), account=None)
    assert what.endswith("under hearings/")


@pytest.mark.parametrize(
    ("tries", "found"),
    [
        ((refused("put", "NoSuchBucket"), refused("key", "403")), "there is no bucket cp-hearings"),
        (
            (refused("owner", "WrongOwner"),),
            f"bucket cp-hearings belongs to another account than {OWNER}; nothing is delivered there",
        ),
        ((refused("key", "AccessDenied"),), f"key {KEY}: its policy does not let {ROLE} use it"),
        ((refused("key", "KMS.DisabledException"),), f"key {KEY}: KMS.DisabledException, no"),
        ((refused("tag", "InvalidTag"), refused("acl", "Other")), "S3 does not write it with tags: InvalidTag, no"),
    ],
)
def test_what_tells_by_itself_is_said_alone_and_is_theirs(tries: tuple[Try, ...], found: str) -> None:
    assert lacks(*tries) == [(Party.THEIRS, found)]


def test_what_is_allowed_or_not_known_lacks_nothing() -> None:
    assert lacks(allowed("put"), Try("tag", Verdict.UNKNOWN, "", "", "")) == []
