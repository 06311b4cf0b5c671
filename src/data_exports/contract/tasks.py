"""What the function does but deliver, when it is asked to: sweep and probe.

In: requests and answers as values. Out: JSON, and back. No effects. A task is asked for by the event that the function
is invoked with, `{"task": "sweep"}`, and its answer names the task again.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, Self


class Task(StrEnum):
    """What the function may be asked to do."""

    SWEEP = "sweep"  # hand over the uploads whose event never came
    PROBE = "probe"  # try at the recipient what a delivery needs

    @property
    def request(self) -> str:
        """The event that asks for it, as JSON."""
        return json.dumps({"task": self})


def task_in(event: Mapping[str, Any]) -> Task | None:
    """What an event asks for; None if for no task."""
    task = event.get("task")
    return Task(task) if task in tuple(Task) else None


@dataclass(frozen=True, slots=True)
class SweepAnswer:
    """What a sweep came to."""

    in_sight: int = 0
    late: int = 0  # in sight for longer than 15 minutes; with keep_files that is no wonder
    handed_over: int = 0
    finished: bool = False
    skipped: str = ""

    def encode(self) -> dict[str, Any]:
        """As the function returns it."""
        return {"task": Task.SWEEP.value, **asdict(self)}


class Verdict(StrEnum):
    """What S3 says to one try."""

    ALLOWED = "allowed"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no answer, or one that tells nothing about the recipient's half


@dataclass(frozen=True, slots=True)
class Try:
    """One thing that was tried, and what S3 answered: `code`, `said` and `request_id` are its own, "" where allowed."""

    what: str
    verdict: Verdict
    code: str = ""
    said: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """What a probe came to, and where: `destination` is the recipient as the declaration that was deployed names it."""

    dataset: str
    mover_version: str
    destination: Mapping[str, str | None]
    key: str
    tries: tuple[Try, ...]

    def encode(self) -> dict[str, Any]:
        """As the function returns it; whoever knows buckets alone finds what it knows of one beside all else."""
        of_kind = dict(self.destination)
        tries = [asdict(each) for each in self.tries]
        return {"task": Task.PROBE.value, **asdict(self), "destination": of_kind, **of_kind, "tries": tries}

    @classmethod
    def decode(cls, payload: bytes) -> Self | None:
        """What the function answered; None if that is no answer to a probe. A newer function may answer more."""
        try:
            facts = json.loads(payload)
            if task_in(facts) is not Task.PROBE:
                return None
            # Functions that knew buckets alone tell what they know of one beside all else.
            of_bucket = {name: value for name, value in facts.items() if name.startswith("target_")}
            known = {"destination": of_bucket, **_known(cls, facts)}
            return cls(**{**known, "tries": tuple(map(_try_of, facts["tries"]))})
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
            return None


def _try_of(facts: Mapping[str, Any]) -> Try:
    verdict = facts["verdict"]
    return Try(**{**_known(Try, facts), "verdict": Verdict(verdict if verdict in tuple(Verdict) else Verdict.UNKNOWN)})


def _known(kind: Any, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {field.name: facts[field.name] for field in fields(kind) if field.name in facts}
