"""The demo's scene about review: a pull request that tries to hide something, and what its reviewer sees.

In: a `Stage`. Out: a story, as in `scenes`. Effects: none; no AWS is asked, as for `exports plan --base`.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

from data_exports.access.kinds import Mark
from data_exports.deploy.plan.consents import Consent, needed_consents
from data_exports.deploy.plan.offline import plan_against
from data_exports.estate.models import Estate, PullDataset
from data_exports.local.demo.stage import Expectation, Stage
from data_exports.names import AccountRootArn, DatasetName
from data_exports.views.plan_markdown import COMMENT_CHARACTERS, plan_as_markdown

NOISE = 250
"""So many harmless datasets come with the one that matters."""
PLAN_COLUMNS = 116


def a_pull_request_hides_nothing(stage: Stage) -> Iterator[str | Expectation]:
    """Whole accounts, writing and new addresses stand first, however much stands around them."""
    before = stage.estate
    after = _hiding_something(before)
    yield f"a pull request adds {NOISE} datasets with long paperwork; one line of one old file lets in a whole account"
    plan = plan_against(after, before, name="main", moment=datetime.now(UTC))
    comment = plan_as_markdown(plan, after.platform, whole_at="the check's summary")
    head, _, rest = comment.partition("#### Access\n\n")
    first = rest.splitlines()[0]
    yield "what the reviewer sees in the comment:"
    shown = [line for line in (*head.split("Compared")[0].splitlines()[1:], first) if line]
    yield from (f"  {line}" if len(line) <= PLAN_COLUMNS else f"  {line[:PLAN_COLUMNS]} …" for line in shown)
    yield Expectation("the whole account stands first, marked", "**[WHOLE ACCOUNT, WRITE]**" in first)
    counted = f"whole account 1, write {plan.access.marks[Mark.WRITE]}" in head
    yield Expectation("the head counts it before any detail, and names its account", counted and _INSIDER in head)
    size = f"{len(comment.encode()):,} bytes"
    yield Expectation("the comment fits, and says that the whole is elsewhere", _fits(comment), size)
    needed = {each.consent for each in needed_consents(plan)}
    yield Expectation("nothing of it is deployed without consent", {Consent.WHOLE_ACCOUNT, Consent.WRITE} <= needed)


_INSIDER = "871026394550"
"""An account of the example estate that reads one dataset by one role."""


def _hiding_something(estate: Estate) -> Estate:
    victim = next(pull for pull in estate.pull_datasets if pull.name == "bail_research")
    opened = replace(victim, outsiders=(AccountRootArn(f"arn:aws:iam::{_INSIDER}:root"),), allow_push=True)
    noise = (_noise(number, victim) for number in range(NOISE))
    kept = (pull for pull in estate.pull_datasets if pull is not victim)
    return replace(estate, pull_datasets=tuple(sorted((*kept, *noise, opened), key=lambda pull: pull.name)))


def _noise(number: int, like: PullDataset) -> PullDataset:
    words = f"Sharing agreement {number} (nothing else changes here; this was approved) " * 6
    return replace(like, name=DatasetName(f"annual_return_{number}"), paperwork=(words[:500],))


def _fits(comment: str) -> bool:
    return len(comment.encode()) < COMMENT_CHARACTERS and "does not hold the whole plan" in comment
