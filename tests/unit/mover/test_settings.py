from dataclasses import replace

import pytest

from data_exports.contract.settings import BucketSettings
from data_exports.mover.settings import Settings, SettingsError, read_settings
from tests.unit.mover.environment import ENVIRONMENT, SETTINGS


def test_the_least_that_is_needed_gives_the_defaults() -> None:
    assert read_settings(ENVIRONMENT) == SETTINGS


def test_empty_means_absent() -> None:
    empty = dict.fromkeys(["TARGET_ACCOUNT", "TARGET_KMS_KEY", "LARGEST_COPY_BYTES", "AWS_ENDPOINT_URL"], "")
    assert read_settings({**ENVIRONMENT, **empty}) == SETTINGS


def test_everything_can_be_set() -> None:
    environment = {
        **ENVIRONMENT,
        "TARGET_ACCOUNT": "754256621582",
        "TARGET_KMS_KEY": "arn:aws:kms:eu-west-1:754256621582:key/1",
        "KEEP_FILES": "true",
        "LARGEST_COPY_BYTES": "8000000",
        "PART_BYTES": "6000000",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566/",
        "QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/593291632749/export_orders",
        "MOST_RECEIVES": "3",
        "LONGEST_WAIT_SECONDS": "60",
        "ALERT_TOPICS": "arn:aws:sns:eu-west-1:593291632749:a,arn:aws:sns:eu-west-1:593291632749:b",
        "SWEEP_PATIENCE_SECONDS": "30",
    }
    assert read_settings(environment) == Settings(
        dataset="orders",
        hub_bucket="mojap-hub-exports",
        hub_account="593291632749",
        destination=BucketSettings(
            target_bucket="recipient-bucket",
            target_account="754256621582",
            target_kms_key="arn:aws:kms:eu-west-1:754256621582:key/1",
        ),
        keep_files=True,
        log_bucket="exports-logs",
        mover_version="1.2.3",
        largest_copy_bytes=8_000_000,
        region="eu-west-1",
        endpoint_url="http://127.0.0.1:4566",
        part_bytes=6_000_000,
        queue_url="https://sqs.eu-west-1.amazonaws.com/593291632749/export_orders",
        most_receives=3,
        longest_wait_seconds=60,
        alert_topics=("arn:aws:sns:eu-west-1:593291632749:a", "arn:aws:sns:eu-west-1:593291632749:b"),
        sqs_endpoint_url="http://127.0.0.1:4566",
        sns_endpoint_url="http://127.0.0.1:4566",
        sweep_patience_seconds=30,
    )


def test_the_endpoint_of_s3_goes_before_the_general_one() -> None:
    environment = {**ENVIRONMENT, "AWS_ENDPOINT_URL": "http://a:1", "AWS_ENDPOINT_URL_S3": "http://b:2"}
    assert read_settings(environment).endpoint_url == "http://b:2"


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_what_is_missing_is_named(name: str) -> None:
    environment = {**ENVIRONMENT, name: ""}
    with pytest.raises(SettingsError) as error:
        read_settings(environment)
    assert str(error.value) == f"the mover cannot start: {name} is missing. Deploy the dataset's stack again"


def test_every_mistake_is_told_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        read_settings(
            {
                **ENVIRONMENT,
                "HUB_ACCOUNT": "5932",
                "TARGET_BUCKET": "arn:aws:s3:::x",
                "TARGET_ACCOUNT": "root",
                "TARGET_KMS_KEY": "alias/x",
                "KEEP_FILES": "yes",
                "LARGEST_COPY_BYTES": "1 GiB",
                "PART_BYTES": "1000",
                "AWS_ENDPOINT_URL": "ftp://x",
            }
        )
    assert str(error.value) == (
        "the mover cannot start: HUB_ACCOUNT must be an account id of 12 digits, not '5932'; "
        "TARGET_BUCKET must be a bucket name, not 'arn:aws:s3:::x'; "
        "TARGET_ACCOUNT must be an account id of 12 digits, not 'root'; "
        "TARGET_KMS_KEY must be the ARN of a key, not 'alias/x'; "
        "KEEP_FILES must be true or false, not 'yes'; "
        "LARGEST_COPY_BYTES must be a number of bytes, not '1 GiB'; "
        "PART_BYTES must be between 5 MiB and 5 GiB in bytes, not '1000'; "
        "AWS_ENDPOINT_URL must be http:// or https:// and a host, not 'ftp://x'. Deploy the dataset's stack again"
    )


@pytest.mark.parametrize("bucket", ["mojap-hub-exports", "exports-logs"])
def test_the_platforms_own_buckets_are_no_recipient(bucket: str) -> None:
    with pytest.raises(SettingsError, match=f"not '{bucket}', which is the platform's"):
        read_settings({**ENVIRONMENT, "TARGET_BUCKET": bucket})


@pytest.mark.parametrize("name", ["PART_BYTES", "LARGEST_COPY_BYTES"])
@pytest.mark.parametrize("size_bytes", [5_242_880, 5_368_709_120])
def test_the_smallest_and_the_largest_size_are_accepted(name: str, size_bytes: int) -> None:
    settings = read_settings({**ENVIRONMENT, name: str(size_bytes)})
    changed = {"PART_BYTES": "part_bytes", "LARGEST_COPY_BYTES": "largest_copy_bytes"}[name]
    assert settings == replace(SETTINGS, **{changed: size_bytes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["PART_BYTES", "LARGEST_COPY_BYTES"])
@pytest.mark.parametrize("size_bytes", [0, 5_242_879, 5_368_709_121])
def test_one_byte_less_than_the_smallest_or_more_than_the_largest_is_refused(name: str, size_bytes: int) -> None:
    with pytest.raises(SettingsError) as error:
        read_settings({**ENVIRONMENT, name: str(size_bytes)})
    problem = f"{name} must be between 5 MiB and 5 GiB in bytes, not '{size_bytes}'"
    assert str(error.value) == f"the mover cannot start: {problem}. Deploy the dataset's stack again"


AZURE = {
    **{name: value for name, value in ENVIRONMENT.items() if name != "TARGET_BUCKET"},
    "TARGET_AZURE_ACCOUNT": "hjresearch",
    "TARGET_AZURE_CONTAINER": "incoming",
    "TARGET_AZURE_TENANT": "1b9e8c6a-0d3f-4b52-9d5e-2f3c4a5b6c7d",
    "TARGET_AZURE_CLIENT": "8f2c1d3e-4a5b-4c6d-8e7f-9a0b1c2d3e4f",
}
GOOGLE = {
    **{name: value for name, value in ENVIRONMENT.items() if name != "TARGET_BUCKET"},
    "TARGET_GOOGLE_BUCKET": "hj-incoming",
    "TARGET_GOOGLE_PROVIDER": "projects/1/locations/global/workloadIdentityPools/moj/providers/exports",
}


def urls_of(environment: dict[str, str]) -> list[str]:
    settings = read_settings(environment)
    return [settings.sts_url, settings.login_url, settings.impersonation_url, settings.store_url]


def test_other_clouds_are_where_they_usually_are() -> None:
    sts = "https://sts.eu-west-1.amazonaws.com"
    assert urls_of(ENVIRONMENT) == ["", "", "", ""]
    assert urls_of(AZURE) == [sts, "https://login.microsoftonline.com", "", "https://hjresearch.blob.core.windows.net"]
    assert urls_of(GOOGLE) == [
        sts,
        "https://sts.googleapis.com",
        "https://iamcredentials.googleapis.com",
        "https://storage.googleapis.com",
    ]


def test_other_clouds_may_be_on_this_machine() -> None:
    aws = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_ENDPOINT_URL_STS": "http://localhost:4567/"}
    azure = {"AZURE_ENDPOINT_URL_BLOB": "http://127.0.0.1:10000", "AZURE_ENDPOINT_URL_LOGIN": "https://login.test/"}
    assert urls_of(AZURE | aws | azure) == [
        "http://localhost:4567",
        "https://login.test",
        "",
        "http://127.0.0.1:10000/hjresearch",
    ]
    google = {
        "GOOGLE_ENDPOINT_URL_STORAGE": "http://[::1]:1",
        "GOOGLE_ENDPOINT_URL_STS": "http://localhost:2",
        "GOOGLE_ENDPOINT_URL_IAM_CREDENTIALS": "http://127.1.2.3:4",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
    }
    assert urls_of(GOOGLE | google) == [
        "http://127.0.0.1:4566",
        "http://localhost:2",
        "http://127.1.2.3:4",
        "http://[::1]:1",
    ]
    ignored = aws | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}
    assert urls_of(AZURE | ignored)[0] == "https://sts.eu-west-1.amazonaws.com"


@pytest.mark.parametrize(
    "url", ["http://login.test", "http://127.0.0.1.evil.test", "http://localhost@evil.test", "https://a@b", "ftp://x"]
)
def test_a_token_goes_nowhere_in_clear(url: str) -> None:
    with pytest.raises(SettingsError, match="AZURE_ENDPOINT_URL_LOGIN must be https:// and a host, or http:// and one"):
        read_settings(AZURE | {"AZURE_ENDPOINT_URL_LOGIN": url})


def test_no_proxy_leads_to_other_clouds_either() -> None:
    with pytest.raises(SettingsError, match=r"add login.microsoftonline.com to NO_PROXY"):
        read_settings(AZURE | {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": ".amazonaws.com"})


def test_only_a_bucket_is_a_bucket() -> None:
    with pytest.raises(TypeError, match="is no bucket of S3"):
        _ = read_settings(AZURE).bucket
