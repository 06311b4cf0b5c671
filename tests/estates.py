"""Small estates for tests, as values; the estate people read is `examples/estate`."""

from datetime import date

from data_exports.destinations.kinds import OutsideDestination, outside_destination_of
from data_exports.destinations.s3.destination import S3Destination
from data_exports.estate.models import Estate, Platform, PullDataset, PushDataset
from data_exports.names import AccountId, BucketName, DatasetName, KmsKeyArn, Region, RoleArn, RoleName
from data_exports.readers.kinds import reader_of
from data_exports.readers.sftp import sftp_reader_of
from tests import ssh_keys

PLATFORM = Platform(
    account=AccountId("593291632749"),
    region=Region("eu-west-1"),
    hub_bucket=BucketName("mojap-hub-exports"),
    pull_bucket_prefix="mojap-",
    user_roles=("alpha_user_*", "alpha_app_*"),
    account_names=((AccountId("754256621582"), "Cloud Platform"),),
    contact="exports@example.gov.uk",
    alerts=("exports@example.gov.uk",),
    tags=(("owner", "Data Engineering"), ("application", "exports")),
)
KEY = KmsKeyArn("arn:aws:kms:eu-west-1:754256621582:key/11111111-2222-3333-4444-555555555555")
READER = RoleArn("arn:aws:iam::754256621582:role/cloud-platform/irsa-reader")
LOADER = RoleArn("arn:aws:iam::112233445566:role/loader")

TENANT = "1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394"
GOOGLE_READER = reader_of(
    {
        "google": {
            "service_account": "reader@reports.iam.gserviceaccount.com",
            "unique_id": "117203498723049872304",
            "audience": "https://exports.example.gov.uk",
        }
    }
)
TRANSFER_READER = reader_of({"google_transfer": {"subject": "104320958746283910576"}})
AZURE_READER = reader_of(
    {"azure": {"tenant": TENANT, "object": "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5", "audience": "api://exports"}}
)
CLUSTER_READER = reader_of(
    {
        "kubernetes": {
            "issuer": "https://oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF",
            "namespace": "reports",
            "service_account": "loader",
            "audience": "sts.amazonaws.com",
        }
    }
)
WORKFLOW_READER = reader_of(
    {
        "oidc": {
            "issuer": "https://token.actions.githubusercontent.com",
            "subject": "repo:example/reports:environment:prod",
            "audience": "sts.amazonaws.com",
        }
    }
)
SFTP_READER = sftp_reader_of({"name": "meridian", "keys": [ssh_keys.ED25519]})
READERS_OUTSIDE_AWS = (GOOGLE_READER, TRANSFER_READER, AZURE_READER, CLUSTER_READER, WORKFLOW_READER)
"""One of each kind."""


def at_s3(
    bucket: str = "cp-hearings", account: str | None = "754256621582", kms_key: str | None = None
) -> S3Destination:
    """A recipient's bucket."""
    return S3Destination(
        BucketName(bucket), AccountId(account) if account else None, KmsKeyArn(kms_key) if kms_key else None
    )


def at_azure(**changes: str) -> OutsideDestination:
    """A recipient's container of Azure."""
    there = {
        "storage_account": "hjresearch",
        "container": "incoming",
        "tenant": TENANT,
        "client": "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5",
    }
    return outside_destination_of({"target_azure": there | changes})


def at_google(**changes: str) -> OutsideDestination:
    """A recipient's bucket at Google."""
    there = {
        "bucket": "hj-incoming",
        "project_number": "1234567",
        "provider": "projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/exports",
    }
    return outside_destination_of({"target_google": there | changes})


def push(name: str = "hearings", **changes: object) -> PushDataset:
    """A push dataset with two senders."""
    plain: dict[str, object] = {
        "name": DatasetName(name),
        "users": (RoleName("alpha_user_ana"), RoleName("alpha_user_Ben-Two")),
        "destination": at_s3(),
        "paperwork": ("DPIA-17",),
    }
    return PushDataset(**(plain | changes))  # type: ignore[arg-type]


def pull(name: str = "court_lists", **changes: object) -> PullDataset:
    """A pull dataset with one user and one outside role."""
    plain: dict[str, object] = {
        "name": DatasetName(name),
        "users": (RoleName("alpha_user_ana"),),
        "outsiders": (READER,),
    }
    return PullDataset(**(plain | changes))  # type: ignore[arg-type]


def estate_of(*datasets: PushDataset | PullDataset, platform: Platform = PLATFORM) -> Estate:
    """An estate of these datasets."""
    return Estate(
        platform,
        tuple(sorted((each for each in datasets if isinstance(each, PushDataset)), key=lambda each: each.name)),
        tuple(sorted((each for each in datasets if isinstance(each, PullDataset)), key=lambda each: each.name)),
    )


FULL = estate_of(
    push(),
    push("prison_moves", keep_files=True, expires=date(2027, 3, 31)),
    push("sealed-files", destination=at_s3(account=None, kms_key=KEY)),
    pull(),
    pull("case_notes", allow_push=True, bucket_versioning=True, outsiders=(READER, LOADER), expires=date(2027, 3, 31)),
)
"""Every kind: moved, kept until a date, encrypted with the recipient's key; read or written by outsiders."""
