"""What stopped a command, as one line of JSON on stderr.

In: an `ExportsError`. Out: values for JSON. Effects: none.
"""

from dataclasses import dataclass

from data_exports.errors import AwsError, ExportsError
from data_exports.json_values import json_as


@json_as("kind message where? next_step? aws_code? request_id? exit_code")
@dataclass(frozen=True, slots=True)
class Problem:
    """Where, what, and what to do next."""

    kind: str
    """What readers tell errors apart by: see `data_exports.errors`."""
    message: str
    where: str
    next_step: str
    aws_code: str
    request_id: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class ErrorData:
    """Why there is no answer, or not the whole one."""

    error: Problem


def error_as_data(error: ExportsError) -> ErrorData:
    """The error for programs."""
    code = error.code if isinstance(error, AwsError) else ""
    problem = (error.kind, error.what, error.where, error.next_step, code, error.request_id, error.exit_code)
    return ErrorData(Problem(*problem))
