from datetime import UTC, date, datetime

import pytest

from data_exports.access.grants import Grant, Role, grants_of
from data_exports.names import AccountRootArn, KeyPrefix, RoleArn
from tests.estates import LOADER, PLATFORM, READER, estate_of, pull, push

HUB = "arn:aws:s3:::mojap-hub-exports"
ANA = RoleArn("arn:aws:iam::593291632749:role/alpha_user_ana")
MOVER = RoleArn("arn:aws:iam::593291632749:role/service-role/export_hearings-move")


def test_a_sender_writes_below_the_own_prefix_and_lists_nothing_but_it_and_its_receipts() -> None:
    found = [grant for grant in grants_of(estate_of(push())) if grant.principal == ANA]
    assert found == [
        Grant(ANA, Role.SENDER, push().name, HUB, ("s3:ListBucket",), KeyPrefix("hearings/"), None, ("DPIA-17",)),
        Grant(
            ANA,
            Role.SENDER,
            push().name,
            f"{HUB}-log",
            ("s3:ListBucket",),
            KeyPrefix("deliveries/dataset=hearings/"),
            None,
            ("DPIA-17",),
        ),
        Grant(
            ANA,
            Role.SENDER,
            push().name,
            f"{HUB}-log/deliveries/dataset=hearings/*",
            ("s3:GetObject",),
            None,
            None,
            ("DPIA-17",),
        ),
        Grant(
            ANA,
            Role.SENDER,
            push().name,
            f"{HUB}/hearings/*",
            ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"),
            None,
            None,
            ("DPIA-17",),
        ),
        Grant(
            ANA,
            Role.SENDER,
            push().name,
            "arn:aws:sqs:eu-west-1:593291632749:export_hearings-DLQ",
            ("sqs:GetQueueAttributes",),
            None,
            None,
            ("DPIA-17",),
        ),
    ]


def test_a_mover_reaches_its_prefix_its_recipient_its_queue_its_receipts_and_its_log_only() -> None:
    movers = [g for g in grants_of(estate_of(push())) if g.role is Role.MOVER]
    log = "arn:aws:s3:::mojap-hub-exports-log"
    assert [(g.actions, g.key_prefix) for g in movers if g.resource == log] == [
        (("s3:ListBucket",), "checkpoints/dataset=hearings/"),
        (("s3:ListBucket",), "deliveries/dataset=hearings/"),
    ]
    assert sorted((g.actions, g.key_prefix or "") for g in movers if g.resource == HUB) == [
        (("s3:GetBucketVersioning",), ""),
        (("s3:ListBucket", "s3:ListBucketVersions"), "hearings/"),
    ]
    assert {g.resource: (g.actions, g.key_prefix) for g in movers if g.resource not in (log, HUB)} == {
        f"{HUB}/hearings/*": (
            (
                "s3:DeleteObject",
                "s3:GetObject",
                "s3:GetObjectTagging",
                "s3:GetObjectVersion",
                "s3:GetObjectVersionTagging",
            ),
            None,
        ),
        "arn:aws:s3:::cp-hearings/hearings/*": (
            ("s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging"),
            None,
        ),
        "arn:aws:s3:::cp-hearings": (("s3:ListBucketMultipartUploads",), None),
        "arn:aws:sqs:eu-west-1:593291632749:export_hearings": (
            (
                "sqs:ChangeMessageVisibility",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
                "sqs:ReceiveMessage",
                "sqs:SendMessage",
            ),
            None,
        ),
        f"{log}/deliveries/dataset=hearings/*": (("s3:GetObject", "s3:PutObject"), None),
        f"{log}/checkpoints/dataset=hearings/*": (("s3:DeleteObject", "s3:GetObject", "s3:PutObject"), None),
        "arn:aws:logs:eu-west-1:593291632749:log-group:/aws/lambda/export_hearings-move:*": (
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            None,
        ),
        "arn:aws:sns:eu-west-1:593291632749:exports-alerts": (("sns:Publish",), None),
    }


@pytest.mark.parametrize(
    ("owner", "topics"),
    [
        ("Courts", ["exports-alerts"]),
        ("Courts <courts-data@example.gov.uk>", ["exports-alerts", "exports-alerts-prison-moves"]),
        ("exports@example.gov.uk", ["exports-alerts"]),
    ],
)
def test_a_mover_tells_the_platform_and_an_owner_whom_the_platform_does_not_tell_anyway(
    owner: str, topics: list[str]
) -> None:
    found = grants_of(estate_of(push("prison_moves", owner=owner)))
    told = [g.resource.rsplit(":", 1)[1] for g in found if "sns:Publish" in g.actions]
    assert told == topics


def test_a_mover_that_keeps_files_cannot_delete_and_has_the_other_name() -> None:
    movers = [g for g in grants_of(estate_of(push(keep_files=True))) if g.role is Role.MOVER]
    assert {g.principal.name for g in movers if isinstance(g.principal, RoleArn)} == {"export_hearings-copy"}
    deletes = [g.resource for g in movers if any("Delete" in action and "s3" in action for action in g.actions)]
    assert deletes == ["arn:aws:s3:::mojap-hub-exports-log/checkpoints/dataset=hearings/*"]
    assert [g.actions for g in movers if g.resource == HUB] == [("s3:ListBucketVersions",)]


def test_an_outsider_reads_and_writes_only_where_allow_push_says_so() -> None:
    read = [g for g in grants_of(estate_of(pull())) if g.principal == READER]
    write = [g for g in grants_of(estate_of(pull(allow_push=True))) if g.principal == READER]
    actions = ("s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging")
    assert [g.actions for g in read] == [("s3:ListBucket",), actions]
    assert [g.actions for g in write] == [
        ("s3:ListBucket",),
        tuple(sorted((*actions, "s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"))),
    ]


def test_access_ends_at_the_midnight_after_the_last_day() -> None:
    found = grants_of(estate_of(push(expires=date(2027, 3, 31)), pull(expires=date(2027, 3, 31))))
    endless = [grant for grant in found if grant.until is None]
    assert {grant.until for grant in found if grant not in endless} == {datetime(2027, 4, 1, tzinfo=UTC)}
    # What a mover needs to leave a receipt for an upload that came too late; none of it reaches data.
    assert {(grant.principal, action) for grant in endless for action in grant.actions} == {
        (MOVER, "logs:CreateLogStream"),
        (MOVER, "logs:PutLogEvents"),
        (MOVER, "s3:DeleteObject"),
        (MOVER, "s3:GetObject"),
        (MOVER, "s3:ListBucket"),
        (MOVER, "s3:ListBucketVersions"),
        (MOVER, "s3:PutObject"),
        (MOVER, "sns:Publish"),
        (MOVER, "sqs:ChangeMessageVisibility"),
        (MOVER, "sqs:DeleteMessage"),
        (MOVER, "sqs:GetQueueAttributes"),
        (MOVER, "sqs:ReceiveMessage"),
        (MOVER, "sqs:SendMessage"),
    }
    log = "arn:aws:s3:::mojap-hub-exports-log"
    assert {grant.resource for grant in endless if grant.resource.startswith("arn:aws:s3")} == {
        HUB,  # only to list versions
        log,
        f"{log}/checkpoints/dataset=hearings/*",
        f"{log}/deliveries/dataset=hearings/*",
    }


def test_grants_do_not_depend_on_the_order_of_declarations() -> None:
    one = estate_of(pull(outsiders=(READER, LOADER)), push(), push("a"))
    other = estate_of(push("a"), push(), pull(outsiders=(LOADER, READER)))
    assert grants_of(one) == grants_of(other)


def test_a_whole_account_is_granted_as_itself() -> None:
    account = AccountRootArn("arn:aws:iam::112233445566:root")
    found = grants_of(estate_of(pull(outsiders=(account,), users=())))
    assert {grant.principal for grant in found} == {account}


def test_every_resource_names_one_thing_of_this_platform() -> None:
    for grant in grants_of(estate_of(push(), pull(), platform=PLATFORM)):
        assert "*" not in grant.resource.removesuffix("*")
        assert grant.resource.endswith(("/*", ":*")) or "*" not in grant.resource
