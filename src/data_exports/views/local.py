"""The local AWS and the demo, for programs.

In: values. Out: plain data. Effects: none.
"""

from typing import TypedDict


class LocalEnvData(TypedDict):
    """The variables with which any AWS tool acts on the local AWS, by name."""

    variables: dict[str, str]


class LocalStatusData(TypedDict):
    """The local AWS that runs for an estate."""

    endpoint_url: str
    pid: int
    account: str
    region: str
    log: str


class ExpectationData(TypedDict):
    """What a scene of the demo must come to, and what was found."""

    scene: str
    expected: str
    held: bool
    found: str


class DemoData(TypedDict):
    """All that the demo looked at."""

    expectations: list[ExpectationData]
