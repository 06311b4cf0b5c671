"""The local AWS and the demo, for programs, and what the demo came to, for people.

In: values. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_exports.text import printable


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


def render_demo(told: Sequence[ExpectationData], seconds: Mapping[str, float]) -> str:
    """How many expectations each scene held, in how many seconds; then those that did not hold."""
    scenes = [(scene, [each.held for each in told if each.scene == scene], took) for scene, took in seconds.items()]
    rows = [row for row in scenes if row[1]]
    width = max((len(scene) for scene, *_ in rows), default=0)
    lines = [f"{'scene':<{width}}  held     seconds"]
    for scene, held, took in [*rows, ("all", [each.held for each in told], sum(seconds.values()))]:
        lines.append(f"{scene:<{width}}  {sum(held):>2}/{len(held):<2}    {took:>7.1f}")
    failed = [f"FAILED  {each.scene}: {each.expected}  ({each.found})" for each in told if not each.held]
    return "\n".join([*lines, *map(printable, failed)])
