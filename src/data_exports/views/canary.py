"""What the canary found, as text and as JSON.

In: a `Report`, or what a killed run left. Out: text for people, values for JSON. Effects: none.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from data_exports.operate.canary.removal import Thing
from data_exports.operate.canary.run import FactVerdict, Report, Result
from data_exports.text import printable


def render_report(report: Report) -> str:
    """The table with its evidence, and what the run cost."""
    return "\n".join([*_lines(report)])


def _lines(report: Report) -> Iterator[str]:
    for result in report.results:
        yield from _lines_of(result)
    counts = (f"{report.count(FactVerdict.HELD)} held", f"{report.count(FactVerdict.FAILED)} failed")
    cost = report.cost
    yield f"\n{', '.join(counts)}, {report.count(FactVerdict.NOT_TRIED)} not tried, on account {report.world.account}"
    yield (
        f"cost: at most US$ {cost.usd:.4f}, estimated: {cost.s3_requests} requests to S3, 1 run of the function, "
        f"at list prices of us-east-1 ({cost.source})"
    )


def _lines_of(result: Result) -> Iterator[str]:
    fact = result.fact
    yield f"{result.verdict:<10} {fact.name}: {fact.statement}"
    for seen in result.seen:
        needed = "" if seen.is_good else f", needed: {seen.needed}"
        yield f"{'':<10}   {seen.tried}: {printable(seen.answered)}{needed}"
        if seen.said and not seen.is_good:
            yield f"{'':<10}     {printable(seen.said)}"
    if result.reason:
        yield f"{'':<10}   {printable(result.reason)}"
    if result.verdict is FactVerdict.FAILED:
        yield f"{'':<10}   see {fact.documentation}"


@dataclass(frozen=True, slots=True)
class WorldData:
    """What is there of one canary's world."""

    canary: str
    left: Sequence[Thing]


@dataclass(frozen=True, slots=True)
class CanariesData:
    """What earlier canaries left."""

    canaries: Sequence[WorldData]


def worlds_as_data(worlds: Mapping[str, Sequence[Thing]]) -> CanariesData:
    """What is there of canaries' worlds, for programs."""
    return CanariesData([WorldData(name, things) for name, things in worlds.items()])


def render_worlds(worlds: Mapping[str, Sequence[Thing]], region: str) -> str:
    """What is there of canaries' worlds, each with the command that removes it."""
    return "\n".join(line for identifier, things in worlds.items() for line in _world_lines(identifier, things, region))


def _world_lines(identifier: str, things: Sequence[Thing], region: str) -> Iterator[str]:
    yield f"{identifier}: {', '.join(f'{thing.kind} {thing.name}' for thing in things)}"
    yield f"  remove it: exports canary --remove {identifier} --region {region}"
