"""The function's settings: what its stack tells it (`contract.settings`), and what Lambda and AWS's own variables do.

In: the environment. Out: Settings, or one SettingsError that names every variable that is missing or wrong. No effects.

AWS_REGION             Lambda's own; required
AWS_LAMBDA_FUNCTION_NAME  Lambda's own: what our own uploads in parts are known by
AWS_ENDPOINT_URL_S3, ..._SQS, ..._SNS, or AWS_ENDPOINT_URL for all: where they are, if not at AWS's usual endpoints;
                       not heeded if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true; for the rest see `endpoints`
AWS_ENDPOINT_URL_STS   likewise, where tokens for other clouds are asked for
AZURE_ENDPOINT_URL_BLOB  AZURE_ENDPOINT_URL_LOGIN   stand-ins for Azure, on this machine or by https
GOOGLE_ENDPOINT_URL_STORAGE  GOOGLE_ENDPOINT_URL_STS  GOOGLE_ENDPOINT_URL_IAM_CREDENTIALS   likewise for Google
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from data_exports.contract import settings as contract
from data_exports.mover.wire.endpoints import check_endpoints, s3_host_of, sns_url_of

_URL = (r"https?://[^/?#]+/?", "http:// or https:// and a host")
# A token goes nowhere in clear.
_SAFE_URL = (
    r"(https://[^/?#@]+|http://(localhost|127(\.\d+){3}|\[::1\])(:\d+)?)/?",
    "https:// and a host, or http:// and one of this machine",
)


class SettingsError(ValueError):
    """The environment does not hold what the function needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(contract.DatasetSettings):
    """What this mover serves, and where AWS is."""

    destination: contract.DestinationSettings
    region: str
    endpoint_url: str | None
    sqs_endpoint_url: str | None = None
    sns_endpoint_url: str | None = None
    function_name: str = ""
    sts_url: str = (
        ""  # where tokens for the recipient's cloud are asked for; this and what follows only elsewhere than S3
    )
    login_url: str = ""  # where they are exchanged
    impersonation_url: str = ""
    store_url: str = ""

    @property
    def bucket(self) -> contract.BucketSettings:
        """The destination of a function that delivers to S3."""
        if not isinstance(self.destination, contract.BucketSettings):
            raise TypeError(f"{self.destination.uri} is no bucket of S3")
        return self.destination


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError naming every variable that is missing or wrong."""
    reader = contract.EnvironmentReader(environment)
    told, destination = contract.dataset_settings_in(reader)
    region = reader.read("AWS_REGION")
    general = reader.read("AWS_ENDPOINT_URL", *_URL, default="")
    named = {name: reader.read(f"AWS_ENDPOINT_URL_{name}", *_URL, default="") or general for name in _usual(region, "")}
    if environment.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        named = dict.fromkeys(named, "")
    usual = _usual(region, told.queue_url or "")
    elsewhere = _urls_elsewhere(reader, destination, region)
    urls = [*(named[name] or usual[name] for name in named), *elsewhere.values()]
    problems = [*reader.problems, *check_endpoints(environment, region=region, urls=urls)]
    if problems:
        raise SettingsError("the mover cannot start: " + "; ".join(problems) + ". Deploy the dataset's stack again")
    return Settings(
        **{field.name: getattr(told, field.name) for field in fields(told)},
        destination=destination,
        region=region,
        endpoint_url=_origin(named["S3"]),
        sqs_endpoint_url=_origin(named["SQS"]),
        sns_endpoint_url=_origin(named["SNS"]),
        function_name=reader.read("AWS_LAMBDA_FUNCTION_NAME", default=""),
        **elsewhere,
    )


def _usual(region: str, queue_url: str) -> dict[str, str]:
    """Where each service usually is."""
    return {"S3": f"https://{s3_host_of(region)}", "SQS": queue_url, "SNS": sns_url_of(region)}


def _urls_elsewhere(
    reader: contract.EnvironmentReader, destination: contract.DestinationSettings, region: str
) -> dict[str, Any]:
    """Where a destination outside AWS is, and who gives tokens for it; nothing for S3.

    https://docs.aws.amazon.com/general/latest/gr/sts.html
    """

    def read(name: str, usual: str) -> str:
        url = reader.read(name, *_SAFE_URL, default="")
        return url.rstrip("/") or usual

    def sts() -> str:
        named = read("AWS_ENDPOINT_URL_STS", "") or read("AWS_ENDPOINT_URL", "")
        is_ignored = reader.read("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", default="").lower() == "true"
        return f"https://sts.{region}.amazonaws.com" if is_ignored or not named else named

    match destination:
        case contract.AzureSettings(storage_account=account):
            stand_in = read("AZURE_ENDPOINT_URL_BLOB", "")
            return {
                "sts_url": sts(),
                "login_url": read("AZURE_ENDPOINT_URL_LOGIN", "https://login.microsoftonline.com"),
                "store_url": f"{stand_in}/{account}" if stand_in else f"https://{account}.blob.core.windows.net",
            }
        case contract.GoogleSettings():
            return {
                "sts_url": sts(),
                "login_url": read("GOOGLE_ENDPOINT_URL_STS", "https://sts.googleapis.com"),
                "impersonation_url": read(
                    "GOOGLE_ENDPOINT_URL_IAM_CREDENTIALS", "https://iamcredentials.googleapis.com"
                ),
                "store_url": read("GOOGLE_ENDPOINT_URL_STORAGE", "https://storage.googleapis.com"),
            }
        case _:
            return {}


def _origin(url: str) -> str | None:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else None
