"""What lies at an address that AWS has signed for us, such as a function's code.

In: an `Aws` and the address. Out: bytes. Effects: one request, without credentials of its own.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from botocore.utils import get_environ_proxies

from data_exports.aws import AWS_EXCEPTIONS, READ_TIMEOUT_SECONDS, Aws
from data_exports.errors import ExportsError
from data_exports.loopback import is_loopback


def read_presigned(aws: Aws, url: str) -> bytes:
    """What lies there, through the proxy and with the certificates of the clients.

    Raises `ExportsError` when it cannot be read. That names the host alone: whoever knows the query can read it, too.
    """
    host = urlsplit(url).netloc.rpartition("@")[2]
    proxies = None if is_loopback(url) else get_environ_proxies(url)
    verify: Any = aws.trusts  # its stubs know no file
    session = URLLib3Session(verify=verify, proxies=proxies, timeout=READ_TIMEOUT_SECONDS)
    try:
        answer = session.send(AWSRequest("GET", url).prepare())
        status, content = answer.status_code, bytes(answer.content)
    except AWS_EXCEPTIONS as error:
        cause = getattr(error, "kwargs", {}).get("error") or error
        raise ExportsError(f"{host} cannot be read: {type(cause).__name__}") from None
    finally:
        session.close()
    if status != HTTPStatus.OK:
        raise ExportsError(f"{host} answered {status}")
    return content
