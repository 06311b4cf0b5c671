"""One run of the canary: makes its world, tries the facts, takes the world down whatever happens.

In: the account's AWS, the facts. Out: a `Report`. Effects: all those of `world`, `facts` and `removal`; each step is
told on the way.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from data_exports.aws import AWS_EXCEPTIONS, Aws, reason_of
from data_exports.json_values import json_as
from data_exports.operate.canary.bench import Bench
from data_exports.operate.canary.facts import FACTS, Fact, NotTriedError
from data_exports.operate.canary.interrupts import interrupts_held
from data_exports.operate.canary.removal import Left, remove_world
from data_exports.operate.canary.seen import Seen
from data_exports.operate.canary.world import World, make_world
from data_exports.prices import LAMBDA_GB_SECOND_USD, LAMBDA_REQUEST_USD, S3_WRITE_USD, SQS_REQUEST_USD

Tell = Callable[[str], None]


class FactVerdict(StrEnum):
    """What became of a fact."""

    HELD = "held"
    FAILED = "failed"
    NOT_TRIED = "not tried"


@json_as("fact=fact.name statement=fact.statement documentation=fact.documentation", "verdict reason? evidence=seen")
@dataclass(frozen=True, slots=True)
class Result:
    """A fact, what became of it, and the evidence."""

    fact: Fact
    verdict: FactVerdict
    seen: tuple[Seen, ...]
    reason: str = ""


_PRICES = "https://aws.amazon.com/s3/pricing/"
# Every request to S3 is counted as one of the dearest kind.
# What is not counted as it happens: making and removing the buckets, deleting their versions, and the function.
_S3_REQUESTS_AROUND = 80
_SQS_REQUESTS = 100
_LAMBDA_GB_SECONDS = 10 * 0.5


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run cost, estimated, and at most."""

    s3_requests: int
    usd: float
    source: str = _PRICES


def cost_of(s3_requests: int) -> Cost:
    """The cost of a run in which so many requests to S3 were counted."""
    total = s3_requests + _S3_REQUESTS_AROUND
    usd = total * S3_WRITE_USD + _SQS_REQUESTS * SQS_REQUEST_USD
    usd += LAMBDA_REQUEST_USD + _LAMBDA_GB_SECONDS * LAMBDA_GB_SECOND_USD["arm64"]
    return Cost(total, usd)


@json_as("canary=world.identifier account=world.account region=world.region facts=results cost left")
@dataclass(frozen=True, slots=True)
class Report:
    """What a run found, what it cost, and what it could not remove."""

    world: World
    results: tuple[Result, ...]
    cost: Cost
    left: tuple[Left, ...]

    def count(self, verdict: FactVerdict) -> int:
        """How many facts came out so."""
        return sum(result.verdict is verdict for result in self.results)


def run_canary(
    world: World,
    aws: Aws,
    *,
    other_region: str,
    wait_seconds: float,
    tell: Tell,
    facts: Sequence[Fact] = FACTS,
) -> Report:
    """Make the world, try the facts, take the world down.

    Raises boto3's exceptions, `AwsError` and `KeyboardInterrupt`; the world is taken down before, and what stays told.
    """
    try:
        again = f"exports canary --remove {world.identifier} --region {world.region}"
        tell(f"making {world.name} in {world.region}; if this run is killed: {again}")
        make_world(world, aws)
        bench = Bench(world, aws, other_region=other_region, wait_seconds=wait_seconds)
        tell("waiting until AWS knows its role")
        bench.await_rights()
        results = tuple(prove(bench, fact, tell) for fact in facts)
        left = take_down(world, aws, tell)
    except BaseException:  # whatever came between: what is removed already is not missed
        for each in take_down(world, aws, tell):
            tell(f"not removed: {each.thing.kind} {each.thing.name}: {each.reason}")
        raise
    return Report(world, results, cost_of(bench.requests["s3"]), left)


def prove(bench: Bench, fact: Fact, tell: Tell) -> Result:
    """Try one fact. What AWS refuses meanwhile is evidence, too."""
    tell(f"trying {fact.name}: {fact.statement}")
    seen: list[Seen] = []
    try:
        seen.extend(fact.observe(bench))
    except NotTriedError as reason:
        return Result(fact, FactVerdict.NOT_TRIED, tuple(seen), str(reason))
    except AWS_EXCEPTIONS as error:
        return Result(fact, FactVerdict.FAILED, tuple(seen), reason_of(error))
    held = bool(seen) and all(each.is_good for each in seen)
    return Result(fact, FactVerdict.HELD if held else FactVerdict.FAILED, tuple(seen))


def take_down(world: World, aws: Aws, tell: Tell) -> tuple[Left, ...]:
    """Remove the world; Ctrl-C is felt afterwards, a second one at once."""
    again = f"exports canary --remove {world.identifier} --region {world.region}"
    try:
        tell(f"removing {world.name}")
        with interrupts_held():
            left = remove_world(world, aws)
    except KeyboardInterrupt:
        tell(f"interrupted: look for what may be left with: {again}")
        raise
    if left:
        tell(f"some of it is still there; remove it with: {again}")
    return left
