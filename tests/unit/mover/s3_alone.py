"""What stand-ins for the mover's way to S3 have in common over which nobody else is asked."""

from collections.abc import Callable

from data_exports.mover.wire.http_connection import OnResponse
from data_exports.mover.wire.transport import HttpRequest


class S3Alone:
    """Carries nothing to others than S3."""

    drops: int = 0

    def send_http(self, request: HttpRequest, on_response: OnResponse) -> None:
        raise AssertionError(request.url, on_response)

    def call_later(self, seconds: float, call: Callable[[], None]) -> None:
        raise AssertionError(seconds, call)
