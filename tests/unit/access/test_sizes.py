from data_exports.access.sizes import check_policy_sizes
from data_exports.names import RoleArn, RoleName
from tests.estates import FULL, estate_of, pull, push


def test_an_ordinary_estate_fits() -> None:
    assert check_policy_sizes(FULL) == ()


def test_a_user_of_too_many_datasets_is_found_before_iam_refuses() -> None:
    many = [push(f"dataset-{number:02}", users=(RoleName("alpha_user_ana"),)) for number in range(40)]
    (finding,) = check_policy_sizes(estate_of(*many))
    assert finding.code == "EX701"
    assert "alpha_user_ana would carry" in finding.message
    assert "from 40 datasets" in finding.message


def test_a_bucket_with_too_many_outsiders_is_found_before_s3_refuses() -> None:
    roles = tuple(
        RoleArn(f"arn:aws:iam::754256621582:role/a-rather-long-role-name-{number:04}") for number in range(200)
    )
    (finding,) = check_policy_sizes(estate_of(pull(outsiders=roles)))
    assert finding.code == "EX702"
    assert "S3 allows 20,480" in finding.message
