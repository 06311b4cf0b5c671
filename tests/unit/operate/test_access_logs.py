"""Lines of S3's access logs, as AWS's page on the format shows them and as hostile requesters would have them."""

import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data_exports.contract.receipts import Damaged
from data_exports.errors import RefusedError
from data_exports.names import AccountRootArn, RoleArn, RoleName, UserArn
from data_exports.operate.access_logs import (
    AccessRecord,
    Doing,
    log_folder_of,
    parse_access_line,
    read_access_records,
    read_log_days,
)
from data_exports.operate.bucket_history import BucketHistory
from data_exports.operate.history import Wanted
from data_exports.operate.last_use import read_last_uses
from data_exports.operate.receipts import EVER, Period
from data_exports.operate.rights import NotAllowedError
from data_exports.operate.who.bucket_uses import read_pull_uses
from data_exports.operate.who.requesters import requester_of
from data_exports.views.history import entry_as_row, render_record
from data_exports.views.who import render_uses
from tests.access_log_lines import READER, line
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import AZURE_READER, GOOGLE_READER, PLATFORM, estate_of, pull

PULL = pull("court_lists", users=(RoleName("alpha_user_ana"), RoleName("alpha_user_ben")))
ANA = "arn:aws:sts::593291632749:assumed-role/alpha_user_ana/ana"


def parsed(text: str) -> AccessRecord:
    found = parse_access_line(text, PULL.name)
    assert found
    return found


def test_a_line_of_the_documented_form_is_read_whole() -> None:
    found = parsed(line(version="v1", key="tables/a%2520b.csv"))
    assert found == AccessRecord(
        dataset=PULL.name,
        at=datetime(2031, 3, 31, 9, 0, 1, tzinfo=UTC),
        doing=Doing.READ,
        key="tables/a b.csv",
        requester=READER,
        bytes_sent=5,
        size_bytes=5,
        version_id="v1",
        status=200,
        error_code=None,
        operation="REST.GET.OBJECT",
        request_id="3E57427F3EXAMPLE",
    )


@pytest.mark.parametrize(
    ("operation", "doing"),
    [
        ("REST.GET.OBJECT", "read"),
        ("REST.COPY.OBJECT_GET", "read"),
        ("REST.PUT.OBJECT", "wrote"),
        ("REST.POST.UPLOAD", "wrote"),
        ("BATCH.DELETE.OBJECT", "deleted"),
        ("REST.GET.BUCKET", "listed"),
    ],
)
def test_what_is_about_data_is_told(operation: str, doing: str) -> None:
    assert parsed(line(operation)).doing == doing
    assert parsed(line(operation, status="403", error="AccessDenied")).doing == "refused"


@pytest.mark.parametrize("operation", ["REST.HEAD.OBJECT", "REST.POST.UPLOADS", "REST.PUT.PART", "REST.COPY.PART"])
def test_what_is_asked_first_tells_of_a_refusal_and_of_nothing_else(operation: str) -> None:
    assert parsed(line(operation, status="403", error="AccessDenied")).doing == "refused"
    assert parse_access_line(line(operation), PULL.name) is None


def test_a_copy_tells_the_objects_size_and_each_part_of_one_none() -> None:
    """As S3 writes them: without a request, a referrer, an agent, a version."""
    rest = "- 200 - - 13538337 - - - - - s9lzHYrFp76ZVxRcpX9+5cjA= SigV4 - AuthHeader - - - -"
    start = f"79a59df9 mojap-court-lists [31/Mar/2031:09:00:01 +0000] 192.0.2.3 {READER} 3E57427F3EXAMPLE"
    whole, part = (parsed(f"{start} {each} a.csv {rest}") for each in ("REST.COPY.OBJECT_GET", "REST.COPY.PART_GET"))
    assert (whole.doing, whole.moved_bytes, part.doing, part.moved_bytes) == ("read", 13538337, "read", 0)


def test_every_version_that_one_request_deletes_is_told() -> None:
    lines = [line("BATCH.DELETE.OBJECT", version=version, request="1") for version in ("v1", "v2")]
    found = Kept(**{"2031_03_31_x": "\n".join(lines)}).records()
    assert [each.version_id for each in found if isinstance(each, AccessRecord)] == ["v1", "v2"]


@pytest.mark.parametrize(
    "text",
    [
        line("REST.GET.BUCKETPOLICY", "-"),
        line("REST.PUT.PART"),
        line("S3.EXPIRE.OBJECT"),
        line(status="404", error="NoSuchKey", sent="300"),
        line(status="304"),
    ],
)
def test_what_is_about_no_data_is_left_out(text: str) -> None:
    assert parse_access_line(text, PULL.name) is None


@pytest.mark.parametrize(
    ("encoded", "operation", "key"),
    [
        ("a%252Bb", "REST.GET.OBJECT", "a+b"),
        ("a%2Bb", "REST.GET.OBJECT", "a b"),
        ("100%2525", "REST.GET.OBJECT", "100%"),
        ("a%2520b", "BATCH.DELETE.OBJECT", "a%20b"),
        ("%25C3%25BC", "REST.PUT.OBJECT", "ü"),
        ("-", "REST.GET.BUCKET", ""),
    ],
)
def test_keys_of_requests_are_encoded_twice_and_of_batches_once(encoded: str, operation: str, key: str) -> None:
    assert parsed(line(operation, encoded)).key == key


@pytest.mark.parametrize(
    "hostile",
    [
        {"agent": 'x" v9 h SigV4 c AuthHeader h'},
        {"agent": '" 200 - 99999 99999 1 1 "-" "-" forged h SigV4 - AuthHeader - -'},
        {"uri": '"GET /a.csv"x" HTTP/1.1"'},
        {"uri": '"GET /a?b="200 HTTP/1.1"'},
        {"uri": "-"},
    ],
)
def test_what_requesters_write_changes_no_other_field(hostile: dict[str, str]) -> None:
    found = parsed(line(**hostile, version="real"))
    assert (found.status, found.bytes_sent, found.size_bytes, found.version_id) == (200, 5, 5, "real")


@pytest.mark.parametrize("text", ["x", "{}", line()[:60], line(time="yesterday"), line(sent="5x")])
def test_what_is_no_line_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no line|does not match"):
        parse_access_line(text, PULL.name)


def test_an_absent_tail_is_no_error() -> None:
    """Fields are added at the end, and a line may end where an older form did."""
    short = line().partition(' "-"')[0]
    assert parsed(short).version_id is None


# --- the bucket ---------------------------------------------------------------------------------------------------

FOLDER = log_folder_of(PLATFORM, PULL)


class Kept:
    """The access-log bucket: lists folders and keys, and hands out what lies there."""

    def __init__(self, **files: str) -> None:
        self.files = {f"{FOLDER}{name.replace('_', '/')}": body.encode() for name, body in files.items()}
        self.aws = AwsAnswers(
            {"list_objects_v2": self.pages, "get_object": self.get, "get_role": refusal("NoSuchEntity")}
        )

    def pages(self, *, Bucket: str, Prefix: str, Delimiter: str = "", ExpectedBucketOwner: str) -> Any:  # noqa: N803
        assert (Bucket, ExpectedBucketOwner) == ("mojap-hub-exports-use", PLATFORM.account)
        below = [key for key in sorted(self.files) if key.startswith(Prefix)]
        if Delimiter:
            folders = {f"{Prefix}{key[len(Prefix) :].partition('/')[0]}/" for key in below}
            return [{"CommonPrefixes": [{"Prefix": each} for each in sorted(folders)]}]
        return [{"Contents": [{"Key": key} for key in below]}]

    def records(self, period: Period = EVER) -> Iterator[AccessRecord | Damaged]:
        return read_access_records(PLATFORM, PULL, self.aws, read_log_days(PLATFORM, PULL, self.aws), period)

    def get(self, *, Bucket: str, Key: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        return {"Body": io.BytesIO(self.files[Key])}


def test_days_are_read_in_order_each_line_once_and_what_is_none_is_told_with_its_place() -> None:
    late, early = line(time="31/Mar/2031:10:00:00 +0000", request="B"), line(request="A")
    next_day = line(time="01/Apr/2031:00:00:00 +0000", request="C")
    kept = Kept(**{
        "2031_03_31_x": f"{late}\nnonsense\n", "2031_03_31_y": f"{early}\n{late}\n", "2031_04_01_z": next_day,
        "strange_03_31_z": next_day,
    })  # fmt: skip
    assert read_log_days(PLATFORM, PULL, kept.aws) == [date(2031, 3, 31), date(2031, 4, 1)]
    damaged, *found = kept.records()
    assert damaged == Damaged(f"{FOLDER}2031/03/31/x", 2, "it is no line of an access log")
    assert [each.request_id for each in found if isinstance(each, AccessRecord)] == ["A", "B", "C"]
    since = Period(datetime(2031, 3, 31, 9, 30, tzinfo=UTC), datetime(2031, 4, 1, tzinfo=UTC))
    inside = [each for each in kept.records(since) if isinstance(each, AccessRecord)]
    assert [each.request_id for each in inside] == ["B"]


def test_of_another_time_no_file_is_read() -> None:
    kept = Kept(**{"2031_03_31_x": line()})
    assert list(kept.records(Period(datetime(2031, 4, 1, tzinfo=UTC)))) == []
    assert kept.aws.asked_for("get_object") == []


SINCE = datetime(2031, 3, 31, tzinfo=UTC)


def test_history_and_uses_list_the_days_of_logs_once() -> None:
    kept = Kept(**{"2031_03_30_x": line(time="30/Mar/2031:09:00:00 +0000"), "2031_03_31_x": line()})
    years_months_and_days = [f"{FOLDER}", f"{FOLDER}2031/", f"{FOLDER}2031/03/"]
    (record,) = BucketHistory(PLATFORM, PULL, kept.aws, Wanted(Period(SINCE)))
    assert record.at == datetime(2031, 3, 31, 9, 0, 1, tzinfo=UTC)
    listed = [asked["Prefix"] for asked in kept.aws.asked_for("list_objects_v2")]
    assert listed == [*years_months_and_days, f"{FOLDER}2031/03/31/"]
    read_pull_uses(PLATFORM, PULL, kept.aws, since=SINCE)
    listed_again = [asked["Prefix"] for asked in kept.aws.asked_for("list_objects_v2")][len(listed) :]
    assert listed_again == listed


def test_history_tells_and_finds_readers_outside_aws_as_they_are_declared() -> None:
    pull_by_token = replace(PULL, identities=(GOOGLE_READER, AZURE_READER))
    role = pull_by_token.role_arn_of(GOOGLE_READER, PLATFORM).name
    arn = f"arn:aws:sts::{PLATFORM.account}:assumed-role/{role}/ana"
    kept = Kept(**{"2031_03_31_x": f"{line(requester=arn, request='1')}\n{line(requester=ANA, request='2')}"})

    def found(by: str) -> list[AccessRecord]:
        return list(BucketHistory(PLATFORM, pull_by_token, kept.aws, Wanted(Period(SINCE), by=by)))

    assert [each.by for each in found("")] == [f'{GOOGLE_READER.label}, as the session "ana"', "alpha_user_ana"]
    assert [each.request_id for each in found("reader@*")] == ["1"]
    assert found("ana") == []  # what they call their session is not who they are
    (record,) = found(role)
    assert render_record(record).endswith(f'a.csv  by {GOOGLE_READER.label}, as the session "ana"')
    assert entry_as_row(record)[-1] == record.by


def test_uses_are_held_against_who_may_and_refusals_are_none() -> None:
    copy = line("REST.COPY.OBJECT_GET", sent="-", size="7", request="2")
    refused = line("REST.PUT.OBJECT", requester="arn:aws:sts::754256621582:assumed-role/other/x", status="403")
    stranger = line(requester="arn:aws:sts::754256621582:assumed-role/gone/x", request="3")
    own = line("REST.PUT.OBJECT", requester=ANA, request="4")
    gone = line("REST.DELETE.OBJECT", requester=ANA, request="5", status="204")
    day = {"2031_03_31_x": "\n".join([line(request="1"), copy, refused, stranger, own, gone])}
    kept = Kept(**day, **{"2031_03_30_x": line(time="30/Mar/2031:09:00:00 +0000")})
    uses = {use.who: use for use in read_pull_uses(PLATFORM, PULL, kept.aws, since=SINCE).uses}
    reader = uses["arn:aws:iam::754256621582:role/cloud-platform/irsa-reader"]
    assert (reader.requests, reader.reads, reader.bytes_read, reader.is_granted) == (2, 2, 12, True)
    assert (uses["alpha_user_ana"].writes, uses["alpha_user_ana"].deletes) == (1, 1)
    assert uses["alpha_user_ben"].is_unused
    left = uses['gone of "Cloud Platform" (754256621582)']
    assert (left.is_granted, left.reads) == (False, 1)
    assert len(uses) == 4


def test_whoever_lists_alone_has_not_used_the_data_lately() -> None:
    lists = line("REST.GET.BUCKET", "-", time="31/Mar/2031:10:00:00 +0000", request="2")
    kept = Kept(
        **{"2031_03_30_x": line(time="30/Mar/2031:09:00:00 +0000"), "2031_03_31_x": f"{line(request='1')}\n{lists}"}
    )
    reader = read_pull_uses(PLATFORM, PULL, kept.aws, since=SINCE).uses[2]
    assert (reader.last_request, reader.last_listing) == (
        datetime(2031, 3, 31, 9, 0, 1, tzinfo=UTC),
        datetime(2031, 3, 31, 10, tzinfo=UTC),
    )
    only = Kept(**{"2031_03_30_x": line(time="30/Mar/2031:09:00:00 +0000"), "2031_03_31_x": lists})
    ((_, found),) = read_last_uses(estate_of(PULL), only.aws, since=SINCE)
    assert sorted(found.values())[0] == "listed only, 2031-03-31"
    text = render_uses(read_pull_uses(PLATFORM, PULL, only.aws, since=SINCE), since=SINCE)
    assert "irsa-reader  listed only, last 2031-03-31 10:00:00" in text


def test_the_accounts_root_is_named_with_its_account() -> None:
    root = requester_of(f"arn:aws:iam::{PLATFORM.account}:root")
    assert root.words(PLATFORM) == f"root of {PLATFORM.name_of_account(PLATFORM.account)}"


def test_before_the_logs_began_nothing_is_known_and_without_logs_neither() -> None:
    kept = Kept(**{"2031_03_31_x": line()})
    early = datetime(2031, 1, 1, tzinfo=UTC)
    by_name = {use.who: use for use in read_pull_uses(PLATFORM, PULL, kept.aws, since=early).uses}
    assert by_name["alpha_user_ben"].why_not_known == "its access logs begin on 2031-03-31"
    assert not by_name["alpha_user_ben"].is_unused
    nothing = read_pull_uses(PLATFORM, PULL, Kept().aws, since=SINCE)
    assert {use.why_not_known for use in nothing.uses} == {"S3 has written no access log of it yet"}
    none = AwsAnswers({"list_objects_v2": refusal("NoSuchBucket")})
    found = read_pull_uses(PLATFORM, PULL, none, since=SINCE)
    assert {use.why_not_known for use in found.uses} == {"no access logs are kept: `exports deploy` sets them up"}


def test_without_the_right_to_read_them_it_is_an_error_that_names_it() -> None:
    aws = AwsAnswers({"list_objects_v2": refusal("AccessDenied"), "caller": ("593291632749", ANA)})
    with pytest.raises(NotAllowedError, match=f"s3:ListBucket and s3:GetObject on mojap-hub-exports-use/{FOLDER}"):
        read_pull_uses(PLATFORM, PULL, aws, since=SINCE)
    with pytest.raises(RefusedError, match="there is no"):
        read_log_days(PLATFORM, PULL, AwsAnswers({"list_objects_v2": refusal("NoSuchBucket")}))


def test_a_review_learns_the_last_use_of_each_access() -> None:
    earlier = line(time="30/Mar/2031:09:00:00 +0000")
    kept = Kept(**{"2031_03_31_x": line(), "2031_03_30_x": earlier})
    ((_, found),) = read_last_uses(estate_of(PULL), kept.aws, since=SINCE)
    assert sorted(found.values()) == ["2031-03-31", "none since 2031-03-31", "none since 2031-03-31"]
    damaged = Kept(**{"2031_03_31_x": f"{line()}\nnonsense", "2031_03_30_x": earlier})
    ((_, found),) = read_last_uses(estate_of(PULL), damaged.aws, since=SINCE)
    assert sorted(found.values())[-1] == "not known: 1 line of logs could not be read"


@pytest.mark.parametrize(
    ("text", "principal", "is_of"),
    [
        (READER, RoleArn("arn:aws:iam::754256621582:role/cloud-platform/irsa-reader"), True),
        (READER, RoleArn("arn:aws:iam::111122223333:role/irsa-reader"), False),
        (READER, UserArn("arn:aws:iam::754256621582:user/irsa-reader"), False),
        (READER, AccountRootArn("arn:aws:iam::754256621582:root"), True),
        ("arn:aws:iam::754256621582:user/x/loader", UserArn("arn:aws:iam::754256621582:user/x/loader"), True),
        ("arn:aws:sts::754256621582:federated-user/loader", UserArn("arn:aws:iam::754256621582:user/loader"), False),
        ("79a59df900b949e55d96a1e6", AccountRootArn("arn:aws:iam::754256621582:root"), False),
        ("", RoleArn("arn:aws:iam::754256621582:role/nobody"), False),
    ],
)
def test_a_requester_is_whom_a_grant_names(text: str, principal: Any, is_of: bool) -> None:
    assert requester_of(text).is_of(principal) is is_of
