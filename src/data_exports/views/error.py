"""What stopped a command, as one line of JSON on stderr.

In: an `ExportsError`. Out: plain data. Effects: none.
"""

from typing import TypedDict

from data_exports.errors import AwsError, ExportsError


class Problem(TypedDict):
    """Where, what, and what to do next."""

    kind: str
    """What readers tell errors apart by: see `data_exports.errors`."""
    message: str
    where: str | None
    next_step: str | None
    aws_code: str | None
    request_id: str | None
    exit_code: int


class ErrorData(TypedDict):
    """Why there is no answer, or not the whole one."""

    error: Problem


def error_as_data(error: ExportsError) -> ErrorData:
    """The error for programs."""
    return {
        "error": {
            "kind": error.kind,
            "message": error.what,
            "where": error.where or None,
            "next_step": error.next_step or None,
            "aws_code": (error.code or None) if isinstance(error, AwsError) else None,
            "request_id": error.request_id or None,
            "exit_code": error.exit_code,
        }
    }
