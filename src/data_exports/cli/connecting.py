"""How commands reach AWS: the options that `aws` has for it, on every command that does, and the client they make.

::

    @reaches_aws
    def status(*, estate: EstateOption = None) -> None:
        aws = connect(open_estate(estate).platform.region)
"""

import functools
import inspect
import os
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from data_exports.errors import UsageError
from data_exports.names import InvalidNameError, Region

if TYPE_CHECKING:
    from data_exports.aws import Aws

ProfileOption = Annotated[
    str | None,
    typer.Option(
        "--profile", metavar="PROFILE", help="A profile of your AWS configuration; goes before the environment."
    ),
]
RegionOption = Annotated[
    str | None,
    typer.Option(
        "--region", metavar="REGION", help="Must be that of exports.yaml where there is one: stacks are there."
    ),
]
EndpointOption = Annotated[
    str | None,
    typer.Option("--endpoint-url", metavar="URL", help="Where AWS is reached; goes before AWS_ENDPOINT_URL."),
]
_OPTIONS: dict[str, Any] = {"profile": ProfileOption, "region": RegionOption, "endpoint_url": EndpointOption}


@dataclass(frozen=True, slots=True)
class Connection:
    """What was said about how to reach AWS; None is: as the environment and the configuration say."""

    profile: str | None = None
    region: str | None = None
    endpoint_url: str | None = None


_AS_USUAL = Connection()
_given: ContextVar[Connection] = ContextVar("connection", default=_AS_USUAL)


def reaches_aws(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say how AWS is reached; `connect` reads them."""
    own = inspect.signature(command)
    options = {name: each for name, each in _OPTIONS.items() if name not in own.parameters}

    @functools.wraps(command)
    def with_options(*arguments: Any, **words: Any) -> None:
        token = _given.set(_checked(Connection(**{name: words.pop(name, None) for name in options})))
        try:
            command(*arguments, **words)
        finally:
            _given.reset(token)

    kind = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(name, kind, default=None, annotation=each) for name, each in options.items()]
    with_options.__signature__ = own.replace(parameters=[*own.parameters.values(), *more])  # type: ignore[attr-defined]
    with_options.__annotations__ = {**command.__annotations__, **options}
    return with_options


def connect(region: str) -> "Aws":
    """AWS in this region, as the command was told to reach it. Raises `UsageError`, `AwsError`."""
    from data_exports.aws import Aws

    given = _given.get()
    if given.region and given.region != region:
        raise UsageError(
            f"--region is {given.region}, and the stacks are in {region}",
            next_step="leave --region out: what declares or remembers the platform says where it is",
        )
    return Aws(region, endpoint_url=given.endpoint_url, profile=given.profile)


def region_in_use() -> str:
    """The region that the environment or the profile names, where no estate does; or ``""``. Raises `AwsError`."""
    import boto3

    from data_exports.aws import aws_errors

    with aws_errors():
        return os.environ.get("AWS_REGION") or boto3.Session(profile_name=_given.get().profile).region_name or ""


def _checked(given: Connection) -> Connection:
    """Raises `UsageError` for a region or an address that is none."""
    if given.region is not None:
        try:
            Region(given.region)
        except InvalidNameError as error:
            raise UsageError(str(error), where="--region", next_step=error.hint) from error
    if given.endpoint_url is not None and not _is_address(given.endpoint_url):
        raise UsageError(
            "this is no address of a service", where="--endpoint-url", next_step="as http://127.0.0.1:4566"
        )
    return given


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False
