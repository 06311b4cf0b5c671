"""The shapes of the files in use: each loads as it is, and means what its people meant."""

from datetime import date
from pathlib import Path

from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.models import Estate, Platform, PullDataset, PushDataset
from data_exports.names import (
    AccountId,
    AccountRootArn,
    BucketName,
    DatasetName,
    Region,
    RoleArn,
    RoleName,
    UserArn,
)
from tests.unit.estate.written import load, said

SHAPES = Path(__file__).parents[2] / "golden" / "shapes"
ANA = RoleName("alpha_user_ana")
CLOUD = AccountId("754256621582")


def test_every_shape_in_use_loads_as_what_was_meant() -> None:
    assert load(SHAPES).estate == Estate(
        Platform(
            account=AccountId("012345678901"),
            region=Region("eu-west-1"),
            hub_bucket=BucketName("example-hub-exports"),
            pull_bucket_prefix="example-",
            user_roles=("alpha_user_*", "alpha_app_*"),
            account_names=((CLOUD, "Cloud Platform"),),
            paperwork="warn",
            recovery_days=7,
            alerts=("exports@example.gov.uk",),
            tags=(),
        ),
        (
            PushDataset(
                name=DatasetName("bare_paperwork"),
                users=(ANA,),
                destination=S3Destination(BucketName("bare-landing"), CLOUD),
            ),
            PushDataset(
                name=DatasetName("indented_by_one"),
                users=(ANA,),
                destination=S3Destination(BucketName("indented-landing")),
            ),
            PushDataset(
                name=DatasetName("indented_by_two"),
                users=(RoleName("alpha_user_Mixed-Case"), RoleName("alpha_app_loader")),
                destination=S3Destination(BucketName("two-landing"), CLOUD),
            ),
            PushDataset(
                name=DatasetName("listed_paperwork"),
                users=(ANA,),
                destination=S3Destination(BucketName("listed-landing"), CLOUD),
                keep_files=True,
                paperwork=("https://example.gov.uk/dpia/1", "sharing agreement of 12 March: signed"),
            ),
        ),
        (
            PullDataset(
                name=DatasetName("falsehood_in_lists"),
                users=(ANA,),
                outsiders=(
                    RoleArn(
                        "arn:aws:iam::754256621582:role/aws-reserved/sso.amazonaws.com/eu-west-2/"
                        "AWSReservedSSO_x_0123456789abcdef"
                    ),
                    UserArn("arn:aws:iam::754256621582:user/loader"),
                    AccountRootArn("arn:aws:iam::754256621582:root"),
                ),
                bucket_versioning=True,
                expires=date(2035, 3, 31),
            ),
            PullDataset(
                name=DatasetName("truth_in_lists"),
                users=(ANA,),
                outsiders=(RoleArn("arn:aws:iam::754256621582:role/reader"),),
                allow_push=True,
                bucket_versioning=True,
                paperwork=("https://example.gov.uk/dpia/2",),
            ),
        ),
    )


def test_what_somebody_should_look_at_is_a_warning() -> None:
    assert [line.split(": ")[0] for line in said(SHAPES)] == [
        "exports.yaml:2:3 EX308 warning",
        "pull_datasets/falsehood.yaml:1:1 EX601 warning",
        "pull_datasets/falsehood.yaml:3:5 EX506 warning",
        "pull_datasets/falsehood.yaml:4:5 EX505 warning",
        "pull_datasets/falsehood.yaml:5:5 EX508 warning",
        "pull_datasets/truth_in_lists.yaml:2:2 EX211 warning",
        "push_datasets/another_name.yml:7:14 EX601 warning",
        "push_datasets/bare_paperwork.yaml:1:1 EX601 warning",
        "push_datasets/indented-by-one.yaml:1:2 EX601 warning",
        "push_datasets/indented-by-one.yaml:2:10 EX406 warning",
    ]


def test_a_dataset_knows_the_file_and_line_it_stands_in() -> None:
    estate = load(SHAPES).estate
    assert estate is not None
    places = {str(dataset.name): (dataset.place.path.name, dataset.place.line) for dataset in estate.datasets()}
    assert places == {
        "bare_paperwork": ("bare_paperwork.yaml", 1),
        "indented_by_one": ("indented-by-one.yaml", 1),
        "indented_by_two": ("another_name.yml", 1),
        "listed_paperwork": ("listed_paperwork.yaml", 3),
        "falsehood_in_lists": ("falsehood.yaml", 1),
        "truth_in_lists": ("truth_in_lists.yaml", 1),
    }
