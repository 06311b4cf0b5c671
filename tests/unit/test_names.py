import pytest

from data_exports.names import (
    AccountId,
    BucketName,
    DatasetName,
    InvalidNameError,
    KeyPrefix,
    KmsKeyArn,
    RoleArn,
    RoleName,
    UserArn,
    hub_prefix_of,
    mover_role_arn_of,
    pull_bucket_of,
)

SSO = "arn:aws:iam::754256621582:role/aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_x_0123456789abcdef"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (AccountId, "1234567890"),
        (AccountId, "12345678901a"),
        (AccountId, "１２３４５６７８９０１２"),
        (DatasetName, "a*"),
        (DatasetName, "a/b"),
        (DatasetName, "Orders"),
        (DatasetName, "my orders"),
        (DatasetName, "orders_"),
        (DatasetName, "a" * 53),
        (DatasetName, "orders\n"),
        (BucketName, "arn:aws:s3:::bucket"),
        (BucketName, "10.0.0.1"),
        (BucketName, "a..b"),
        (RoleName, "team/role"),
        (RoleName, "alpha_user_*"),
        (RoleArn, "arn:aws:iam::754256621582:role/*"),
        (RoleArn, "arn:aws:iam::754256621582:role/any*/reader"),
        (RoleArn, "arn:aws:iam::754256621582:role/${aws:username}/reader"),
        (RoleArn, "arn:aws:iam::7542566215:role/reader"),
        (RoleArn, "arn:aws:iam::754256621582:root"),
        (UserArn, "arn:aws:iam::754256621582:user/any?/bob"),
        (KmsKeyArn, "arn:aws:kms:eu-west-1:754256621582:alias/exports"),
        (KeyPrefix, "orders"),
        (KeyPrefix, "or*ders/"),
    ],
)
def test_what_is_no_such_name_is_refused_with_a_reason(kind: type, text: str) -> None:
    with pytest.raises(InvalidNameError, match=r"is not"):
        kind(text)


def test_a_role_arn_knows_its_account_its_path_and_its_name() -> None:
    arn = RoleArn(SSO)
    assert (arn.account, arn.path, arn.name) == (
        "754256621582",
        "/aws-reserved/sso.amazonaws.com/eu-west-2/",
        "AWSReservedSSO_x_0123456789abcdef",
    )
    assert RoleArn.of(arn.account, arn.name, path=arn.path) == arn


def test_recipients_find_the_mover_under_the_name_they_already_grant() -> None:
    account = AccountId("593291632749")
    assert [mover_role_arn_of(account, DatasetName("hmpps_moves"), keep_files=keep) for keep in (False, True)] == [
        "arn:aws:iam::593291632749:role/service-role/export_hmpps_moves-move",
        "arn:aws:iam::593291632749:role/service-role/export_hmpps_moves-copy",
    ]


def test_the_longest_dataset_name_still_gives_a_role_name() -> None:
    longest = DatasetName("a" * 52)
    assert len(mover_role_arn_of(AccountId("593291632749"), longest, keep_files=False).name) == 64


def test_a_pull_bucket_has_a_hyphen_where_the_dataset_has_an_underscore() -> None:
    assert pull_bucket_of("mojap-", DatasetName("court_lists")) == "mojap-court-lists"
    with pytest.raises(InvalidNameError, match="S3 allows 63"):
        pull_bucket_of("a-rather-long-prefix-", DatasetName("b" * 52))


def test_a_prefix_ends_in_a_slash_so_that_it_never_reaches_a_neighbour() -> None:
    prefix = hub_prefix_of(DatasetName("orders"))
    assert prefix.pattern_below == "orders/*"
    assert not "orders_private/x".startswith(prefix)
