"""The local AWS and the demo, for programs.

In: values. Out: values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LocalEnvData:
    """The variables with which any AWS tool acts on the local AWS, by name."""

    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LocalStatusData:
    """The local AWS that runs for an estate."""

    endpoint_url: str
    pid: int
    account: str
    region: str
    log: Path


@dataclass(frozen=True, slots=True)
class ExpectationData:
    """What a scene of the demo must come to, and what was found."""

    scene: str
    expected: str
    held: bool
    found: str


@dataclass(frozen=True, slots=True)
class DemoData:
    """All that the demo looked at."""

    expectations: Sequence[ExpectationData]
