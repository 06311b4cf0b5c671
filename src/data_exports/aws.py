"""The way to AWS: clients made in one place, and AWS's refusals told apart in one table.

In: the environment (profiles, SSO, variables, `AWS_ENDPOINT_URL`) or explicit settings, and exceptions of boto3 and
botocore. Out: `Aws`, which makes clients; `AwsError`s that say where, what and what next. Effects: none until a client
is used. Importing this module imports boto3: do it inside the function that needs AWS.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import boto3
import botocore.session
from boto3.exceptions import Boto3Error
from botocore import exceptions as botocore_errors
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.utils import parse_timestamp

from data_exports import __version__
from data_exports.errors import AwsError, ExportsError
from data_exports.loopback import is_loopback
from data_exports.names import Region

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sts import STSClient

CONNECT_TIMEOUT_SECONDS = 5
READ_TIMEOUT_SECONDS = 60
ATTEMPTS = 8
FIRST_ATTEMPTS = 2
"""For "who am I", the first thing we ask: without a network, people should hear of it soon."""
CONNECTIONS = 32
PACED = "cloudformation"
"""The service whose limits a large deployment meets, unpublished and shared by the whole account: its client also
spaces its requests out once it has been throttled, for all threads together.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html"""


class Aws:
    """AWS as seen by one caller in one region; safe to share between threads."""

    def __init__(
        self,
        region: str,
        *,
        endpoint_url: str | None = None,
        profile: str | None = None,
        session: boto3.Session | None = None,
    ) -> None:
        """Reach AWS the usual way, unless an endpoint, a profile or a session of the caller's own is given.

        A profile that is given goes before keys in the environment, as with `aws --profile`.
        https://docs.aws.amazon.com/cli/latest/userguide/cli-chap-authentication.html#cli-chap-authentication-precedence
        Raises `AwsError` when there is no such profile, or it cannot be read.
        """
        self.region = Region(region)
        self._endpoint_url = endpoint_url
        self._lock = threading.Lock()
        self._clients: dict[str, Any] = {}
        try:
            self._session = session or boto3.Session(
                profile_name=profile, region_name=region, botocore_session=_botocore_session()
            )
        except BotoCoreError as error:
            raise aws_error_of(error) from error

    @overload
    def client(self, service: Literal["cloudformation"]) -> "CloudFormationClient": ...
    @overload
    def client(self, service: Literal["cloudwatch"]) -> "CloudWatchClient": ...
    @overload
    def client(self, service: Literal["iam"]) -> "IAMClient": ...
    @overload
    def client(self, service: Literal["lambda"]) -> "LambdaClient": ...
    @overload
    def client(self, service: Literal["logs"]) -> "CloudWatchLogsClient": ...
    @overload
    def client(self, service: Literal["s3"]) -> "S3Client": ...
    @overload
    def client(self, service: Literal["sns"]) -> "SNSClient": ...
    @overload
    def client(self, service: Literal["sqs"]) -> "SQSClient": ...
    @overload
    def client(self, service: Literal["sts"]) -> "STSClient": ...
    @overload
    def client(self, service: str) -> Any: ...
    def client(self, service: str) -> Any:
        """The client of a service, made once; raises `AwsError` when the settings do not allow one."""
        with self._lock:  # botocore's sessions are not thread-safe while a client is made
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    @property
    def is_local(self) -> bool:
        """Whether this is a local AWS: its endpoint is on this machine's loopback.

        Raises `AwsError` when some services are on this machine and others are not.
        """
        answers = {name: is_loopback(self.client(name).meta.endpoint_url) for name in ("cloudformation", "iam", "s3")}
        if len(set(answers.values())) > 1:
            local = ", ".join(name for name, answer in answers.items() if answer)
            raise AwsError(
                f"{local} would be reached on this machine and the rest on AWS",
                where="endpoints",
                next_step="set AWS_ENDPOINT_URL alone, or remove every AWS_ENDPOINT_URL... variable and setting",
            )
        return answers["s3"]

    @property
    def trusts(self) -> str | bool:
        """Which certificates this caller's clients trust: a file of them, or True for those that come with botocore.

        https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
        """
        with aws_errors():
            configured = self._session._session.get_config_variable("ca_bundle")  # noqa: SLF001 - boto3 hands it on
        return configured or os.environ.get("REQUESTS_CA_BUNDLE") or True

    def caller(self) -> tuple[str, str]:
        """Who we are to AWS: the account's id and our ARN."""
        answer = self.client("sts").get_caller_identity()
        return answer["Account"], answer["Arn"]

    def by_web_identity(self, role_arn: str, token: str, *, session_name: str) -> "Aws":
        """AWS as a session of the role that a token of another issuer opens; takes no credentials of the caller's.

        Raises botocore's exceptions, whose words may hold the token.
        """
        made = self.client("sts").assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName=session_name, WebIdentityToken=token
        )["Credentials"]
        keys = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]
        session = boto3.Session(*keys, self.region, _botocore_session())
        return Aws(self.region, endpoint_url=self._endpoint_url, session=session)

    def in_region(self, region: str) -> "Aws":
        """The same caller in another region."""
        return Aws(region, endpoint_url=self._endpoint_url, session=self._session)

    def at(self, endpoint_url: str) -> "Aws":
        """The same caller at another endpoint."""
        return Aws(self.region, endpoint_url=endpoint_url, session=self._session)

    def _new_client(self, service: str) -> Any:
        try:
            attempts = FIRST_ATTEMPTS if service == "sts" else ATTEMPTS
            mode: Literal["adaptive", "standard"] = "adaptive" if service == PACED else "standard"
            config = Config(retries={"mode": mode, "total_max_attempts": attempts})
            if not is_loopback(self._endpoint_url or ""):
                made = self._create(service, config)
                if not is_loopback(made.meta.endpoint_url):  # it may be, by the environment
                    return made
            # No proxy leads to this machine, and there is no DNS name for each bucket.
            return self._create(service, config.merge(Config(proxies={}, s3={"addressing_style": "path"})))
        except (BotoCoreError, ValueError) as error:
            raise aws_error_of(error) from error

    def _create(self, service: str, config: Config) -> Any:
        return self._session.client(  # type: ignore[call-overload]  # the service is only known at run time
            service,
            region_name=str(self.region),
            endpoint_url=self._endpoint_url,
            config=Config(
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                read_timeout=READ_TIMEOUT_SECONDS,
                max_pool_connections=CONNECTIONS,
                user_agent_extra=f"data-exports/{__version__}",
            ).merge(config),
        )


def _botocore_session(**variables: Any) -> botocore.session.Session:
    """A session whose times all have a zone: one that an S3-compatible server leaves out would not compare."""
    session = botocore.session.Session(**variables)
    parsers = session.get_component("response_parser_factory")
    parsers.set_parser_defaults(timestamp_parser=_time_of)
    return session


def _time_of(value: Any) -> datetime:
    moment = parse_timestamp(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def aws_with_keys(
    region: str, *, endpoint_url: str, access_key_id: str, secret_access_key: str, session_token: str = ""
) -> Aws:
    """AWS at an endpoint with explicit credentials; reads no profile and no configuration file."""
    nothing = {
        "profile": (None, None, None, None),
        "config_file": (None, None, "/dev/null", None),
        "credentials_file": (None, None, "/dev/null", None),
    }
    session = boto3.Session(
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        aws_session_token=session_token or None,
        region_name=region,
        botocore_session=_botocore_session(session_vars=nothing),
    )
    return Aws(region, endpoint_url=endpoint_url, session=session)


# --- what AWS said -------------------------------------------------------------------------------------------------


AWS_EXCEPTIONS = (ClientError, BotoCoreError, Boto3Error)
"""All that boto3 and botocore raise. Nobody else names their classes; `answer_of` and `code_of` tell refusals apart."""
Answered = TypeVar("Answered")


class AwsAnswer(StrEnum):
    """What a refusal means, whichever service gave it. "Not found", "forbidden" and "unknown" are three answers."""

    NO_CREDENTIALS = "no credentials"
    EXPIRED = "expired credentials"
    BAD_CREDENTIALS = "credentials not accepted"
    FORBIDDEN = "access denied"
    NOT_FOUND = "not found"
    THROTTLED = "throttled"
    UNREACHABLE = "unreachable"
    SETTINGS = "settings"
    UNKNOWN = "unknown"


# https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
_ANSWER_OF_CODE: Mapping[str, AwsAnswer] = {
    code: answer
    for answer, codes in {
        AwsAnswer.EXPIRED: "ExpiredToken ExpiredTokenException RequestExpired TokenRefreshRequired",
        AwsAnswer.BAD_CREDENTIALS: "InvalidClientTokenId UnrecognizedClientException InvalidAccessKeyId AuthFailure"
        " SignatureDoesNotMatch InvalidSignatureException IncompleteSignature MissingAuthenticationToken InvalidToken"
        " RequestTimeTooSkewed",
        AwsAnswer.FORBIDDEN: "AccessDenied AccessDeniedException UnauthorizedOperation UnauthorizedAccess"
        " AuthorizationError AuthorizationErrorException AllAccessDisabled 403 Forbidden OptInRequired",
        AwsAnswer.NOT_FOUND: "NoSuchBucket NoSuchKey NoSuchVersion NoSuchUpload NoSuchBucketPolicy NoSuchEntity 404"
        " NoSuchEntityException NotFound NotFoundException ResourceNotFoundException ResourceNotFound"
        " AWS.SimpleQueueService.NonExistentQueue QueueDoesNotExist ChangeSetNotFound ChangeSetNotFoundException",
        AwsAnswer.THROTTLED: "Throttling ThrottlingException ThrottledException RequestThrottled SlowDown"
        " TooManyRequestsException RequestLimitExceeded RequestThrottledException BandwidthLimitExceeded"
        " EC2ThrottledException",
    }.items()
    for code in codes.split()
}

_ANSWER_OF_CLASS: tuple[tuple[type[Exception], AwsAnswer], ...] = (
    (botocore_errors.NoCredentialsError, AwsAnswer.NO_CREDENTIALS),
    (botocore_errors.PartialCredentialsError, AwsAnswer.NO_CREDENTIALS),
    (botocore_errors.UnauthorizedSSOTokenError, AwsAnswer.EXPIRED),
    (botocore_errors.SSOTokenLoadError, AwsAnswer.EXPIRED),
    (botocore_errors.TokenRetrievalError, AwsAnswer.EXPIRED),
    (botocore_errors.CredentialRetrievalError, AwsAnswer.NO_CREDENTIALS),
    (botocore_errors.ProfileNotFound, AwsAnswer.SETTINGS),
    (botocore_errors.ConfigParseError, AwsAnswer.SETTINGS),
    (botocore_errors.NoRegionError, AwsAnswer.SETTINGS),
    (botocore_errors.HTTPClientError, AwsAnswer.UNREACHABLE),  # also timeouts, proxies, closed connections
    (botocore_errors.ConnectionError, AwsAnswer.UNREACHABLE),
    (ValueError, AwsAnswer.SETTINGS),  # botocore's word for an endpoint that is no URL
)

_ENDPOINT = "--endpoint-url or AWS_ENDPOINT_URL"
_NEXT_STEP: Mapping[AwsAnswer, str] = {
    AwsAnswer.NO_CREDENTIALS: "sign in (aws sso login), or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret",
    AwsAnswer.EXPIRED: "sign in again (aws sso login), or renew the session's credentials",
    AwsAnswer.BAD_CREDENTIALS: "check who you are (`aws sts get-caller-identity`), and this machine's clock",
    AwsAnswer.FORBIDDEN: "use a role that may do this, or ask the account's owner to allow it",
    AwsAnswer.NOT_FOUND: "check the name, the account and the region",
    AwsAnswer.THROTTLED: "wait a minute and run the same command again",
    AwsAnswer.UNREACHABLE: f"check the network, the proxy, {_ENDPOINT} if it is set, and the platform's region",
    AwsAnswer.SETTINGS: f"check --profile or AWS_PROFILE, {_ENDPOINT}, and the AWS configuration file",
    AwsAnswer.UNKNOWN: f"run it again; if it stays, check {_ENDPOINT}, or give AWS support the request id",
}

_ACTION = re.compile(r"not authorized to perform:? ([A-Za-z0-9-]+:[A-Za-z0-9*]+)")


def answer_of(error: BaseException) -> AwsAnswer:
    """What an exception of boto3 or botocore means."""
    if isinstance(error, ClientError):
        return _answer_of_client_error(error)
    for kind, answer in _ANSWER_OF_CLASS:
        if isinstance(error, kind):
            return answer
    return AwsAnswer.UNKNOWN


def code_of(error: BaseException) -> str:
    """AWS's own error code, or ``""`` when AWS gave none."""
    return str(error.response.get("Error", {}).get("Code", "")) if isinstance(error, ClientError) else ""


def message_of(error: BaseException) -> str:
    """AWS's own sentence, or botocore's, without white space around it."""
    if isinstance(error, ClientError):
        said = str(error.response.get("Error", {}).get("Message", "")).strip()
        return said or code_of(error) or "no reason was given"
    return str(error).strip() or type(error).__name__


def is_aws_exception(error: BaseException) -> bool:
    """Whether the exception is one of boto3's or botocore's own."""
    return isinstance(error, AWS_EXCEPTIONS)


@contextmanager
def aws_errors(where: str = "") -> Iterator[None]:
    """Raise what AWS says against the calls in the block as an `AwsError`."""
    try:
        yield
    except AWS_EXCEPTIONS as error:
        raise aws_error_of(error, where=where) from error


def call_or_none(call: Callable[[], Answered], *refusals: AwsAnswer | str) -> Answered | None:
    """What AWS answers; None if it refuses in one of these ways (answers, or codes): unless named, "not found"."""
    try:
        return call()
    except AWS_EXCEPTIONS as error:
        if answer_of(error) in (wanted := refusals or (AwsAnswer.NOT_FOUND,)) or code_of(error) in wanted:
            return None
        raise


def refusal_of(code: str, message: str, operation: str) -> Exception:
    """AWS's refusal of one item of a batch, as the exception that it would be for the whole call."""
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


def aws_error_of(error: BaseException, *, where: str = "") -> AwsError:
    """The exception as an `AwsError`: where (the operation unless given), AWS's words, what to do, the request id.

    The caller raises it ``from error``, so that the cause is kept.
    """
    if isinstance(error, AwsError):
        return error
    answer = answer_of(error)
    operation = f"AWS {error.operation_name}" if isinstance(error, ClientError) else "AWS"
    metadata = error.response.get("ResponseMetadata", {}) if isinstance(error, ClientError) else {}
    return AwsError(
        _what(error, answer),
        code=code_of(error),
        where=where or operation,
        next_step=_next_step(error, answer),
        request_id=str(metadata.get("RequestId", "")),
    )


def reason_of(error: BaseException) -> str:
    """One line for a list of what failed: the refusal and AWS's words, without next step and request id."""
    if isinstance(error, ExportsError):
        return error.what
    return _what(error, answer_of(error))


def _what(error: BaseException, answer: AwsAnswer) -> str:
    said = " ".join(message_of(error).split())
    if answer in (AwsAnswer.UNKNOWN, AwsAnswer.SETTINGS):
        code = code_of(error)
        return f"{code}: {said}" if code and code not in said else said
    return f"{answer}: {said}"


def _next_step(error: BaseException, answer: AwsAnswer) -> str:
    action = _ACTION.search(message_of(error))
    if answer is AwsAnswer.FORBIDDEN and action:
        return f"use a role that may do {action.group(1)}, or ask the account's owner to allow it"
    if answer is AwsAnswer.UNREACHABLE and is_loopback(os.environ.get("AWS_ENDPOINT_URL", "")):
        return "the local AWS that this shell points at has ended: `exports local up`, or open another terminal"
    return _NEXT_STEP[answer]


def _answer_of_client_error(error: ClientError) -> AwsAnswer:
    code = code_of(error)
    if code in _ANSWER_OF_CODE:
        return _ANSWER_OF_CODE[code]
    # CloudFormation has no code for a stack that does not exist.
    if code == "ValidationError" and message_of(error).endswith("does not exist"):
        return AwsAnswer.NOT_FOUND
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    by_status = {401: AwsAnswer.BAD_CREDENTIALS, 403: AwsAnswer.FORBIDDEN, 404: AwsAnswer.NOT_FOUND}
    return by_status.get(status or 0, AwsAnswer.UNKNOWN)
