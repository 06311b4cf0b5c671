"""AWS for unit tests: each operation answers as it is told to, and what it was asked is kept."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from data_exports.aws import Aws
from data_exports.names import Region


def refusal(code: str, message: str = "no") -> ClientError:
    """AWS's refusal with this code."""
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


class AwsAnswers(Aws):
    """Hands itself out as the client of every service, and makes no session: nothing of it can reach AWS.

    It is an `Aws`, so that the types say where the two no longer agree; its clients have the type `Any`, as no double
    has all that one of boto3's has. An answer is a value, an exception to raise, or a function of the arguments; of a
    listing a sequence of pages.
    """

    is_local = True
    trusts = True
    region = Region("eu-west-1")

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.services: set[str] = set()

    def asked_for(self, operation: str) -> list[dict[str, Any]]:
        """What each call of this operation was given."""
        return [given for asked, given in self.asked if asked == operation]

    def caller(self) -> tuple[str, str]:
        answer = self._answer("caller")
        return answer[0], answer[1]

    def client(self, service: str) -> Any:
        self.services.add(service)
        return self

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_"):
            raise AttributeError(operation)
        return lambda **asked: self._answer(operation, **asked)

    def _answer(self, operation: str, **asked: Any) -> Any:
        self.asked.append((operation, asked))
        assert operation in self.answers, f"AWS is asked for {operation}, and nobody said what it answers"
        answer = self.answers[operation]
        answer = answer(**asked) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return answer


class _Pages:
    def __init__(self, aws: AwsAnswers, operation: str) -> None:
        self._aws = aws
        self._operation = operation

    def paginate(self, **asked: Any) -> Iterator[dict[str, Any]]:
        yield from self._aws._answer(self._operation, **asked)
