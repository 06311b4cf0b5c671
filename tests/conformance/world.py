"""Plays scenarios in a world: an S3 with a hub, a recipient and a log bucket, and the mover's client that calls it.

In: a Scenario and a World. Out: nothing if every answer is S3's; else `DiffersError`, which says at which step.
Effects: those of the steps, in the world.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote_plus

from data_exports.contract.tasks import Try
from data_exports.mover.handler import handle_batch
from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import (
    Call,
    Copied,
    Copy,
    CopyVersion,
    Current,
    Failed,
    Forbidden,
    Gone,
    ObjectStore,
    RetiredAll,
    StoreAnswer,
)
from data_exports.mover.settings import Settings
from tests.conformance.steps import (
    Arrived,
    Ask,
    Deed,
    Delete,
    Deliver,
    EachOf,
    Expected,
    HubIsNamed,
    Logged,
    Missing,
    RefuseCopies,
    RemoveVersions,
    Scenario,
    SetVersioning,
    Step,
    Upload,
)
from tests.model.memory_s3 import etag_of
from tests.unit.mover.notifications import message, notification


class DiffersError(AssertionError):
    """This S3 does not do what S3 does."""


class World(Protocol):
    """An S3 and the mover's client. Versions and uploads in parts go by the names of scenarios."""

    may_list: bool
    settings: Settings

    def upload(self, key: str, body: bytes, headers: Mapping[str, str]) -> None: ...
    def delete(self, key: str) -> None: ...
    def remove_versions(self, key: str) -> None: ...
    def set_versioning(self, status: str) -> None: ...
    def refuse_copies(self) -> None: ...
    def ask(self, call: Call, settings: Settings) -> StoreAnswer: ...
    def store(self, settings: Settings) -> ObjectStore: ...
    def arrived(self, key: str) -> tuple[bytes, Mapping[str, str]] | None: ...
    def logged(self, key: str) -> bytes: ...
    def log_keys(self) -> Sequence[str]: ...
    def version_id(self, name: str) -> str: ...
    def version_name(self, version_id: str) -> str: ...
    def named_region(self) -> str: ...
    def probe(self, key: str) -> list[Try]: ...


def play(scenario: Scenario, world: World, *, names_copied: bool = True) -> None:
    """Do the steps one after the other. Raises DiffersError at the first answer that is not S3's.

    `names_copied`: False where a copy need not name the version that it read.
    """
    for number, step in enumerate(scenario.steps, start=1):
        try:
            difference = _difference(step, world, names_copied=names_copied)
        except DiffersError:
            raise
        except Exception as error:
            raise DiffersError(f"step {number}, {_short(step)}: {type(error).__name__}: {error}") from error
        if difference:
            raise DiffersError(f"step {number}, {_short(step)}: {difference}")


def _difference(step: Step, world: World, *, names_copied: bool) -> str:
    """Do a step. Return in which way what came of it is not what S3 does."""
    match step:
        case Ask(call, expected, changes):
            got = without_words(world.ask(call, _changed(world.settings, changes)))
            if isinstance(call, Copy | CopyVersion) and isinstance(expected, Copied) and not names_copied:
                expected = replace(expected, source_version_id=NULL)
            return "" if _is_as_expected(got, expected, world) else _told(got, expected)
        case Arrived(key, body, headers):
            return _unlike(world.arrived(key), None if body is None else (body, dict(headers)))
        case Logged(key, body):
            return _unlike(world.logged(key), body)
        case Deliver():
            return _unlike(deliver(step, world), step.receipts)
        case HubIsNamed():
            return _unlike(world.named_region(), world.settings.region)
        case _:
            _do(step, world)
            return ""


def _do(step: Deed, world: World) -> None:
    """Do what somebody else than the mover does."""
    match step:
        case Upload(key, body, headers):
            world.upload(key, body, headers)
        case Delete(key, times):
            for _ in range(times):
                world.delete(key)
        case RemoveVersions(key):
            world.remove_versions(key)
        case SetVersioning(status):
            world.set_versioning(status)
        case RefuseCopies():
            world.refuse_copies()


def _unlike(got: object, expected: object) -> str:
    return "" if got == expected else _told(got, expected)


def _changed(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """`target_…` is changed of the destination, all else of the settings themselves."""
    there = {name: value for name, value in changes.items() if name.startswith("target_")}
    rest = {name: value for name, value in changes.items() if name not in there}
    return replace(settings, destination=replace(settings.destination, **there), **rest)


def deliver(step: Deliver, world: World) -> frozenset[tuple[str, str, str, str]]:
    """Have the mover handle one batch. Return the receipts that it wrote."""
    settings = _changed(world.settings, step.changes)
    records = []
    for number, (key, version, body) in enumerate(step.uploads, start=1):
        facts = {"eTag": etag_of(body), "versionId": world.version_id(version), "size": len(body)}
        sent = notification(quote_plus(key), bucket=settings.hub_bucket, **facts)
        records.append(message(sent, message_id=f"m{number}"))
    before = set(world.log_keys())
    store = world.store(settings)
    handle_batch({"Records": records}, settings=settings, store=store, seconds_left=lambda: 60, log=lambda _: None)
    written = [name for name in world.log_keys() if name not in before and name.startswith("deliveries/")]
    lines = [json.loads(line) for name in written for line in gzip.decompress(world.logged(name)).splitlines()]
    return frozenset(
        (line["key"], world.version_name(line["version_id"]), line["outcome"], line.get("cause") or "")
        for line in lines
    )


def without_words(answer: StoreAnswer) -> StoreAnswer:
    """Leave out what only people read."""
    match answer:
        case Forbidden():
            return Forbidden("")
        case Failed(_, cause):
            return Failed("", cause)
        case RetiredAll(replies):
            return RetiredAll(tuple(Forbidden("") if isinstance(reply, Forbidden) else reply for reply in replies))
        case _:
            return answer


def _is_as_expected(got: StoreAnswer, expected: Expected, world: World) -> bool:
    match expected:
        case Missing(or_404):
            told = Gone() if world.may_list else Forbidden("")
            return got == told or (or_404 and got == Gone())
        case Copied(digest="") | Current(digest=""):  # only scenarios about digests tell them
            return isinstance(got, Copied | Current) and replace(got, digest="") == expected
        case EachOf(replies):
            return (
                isinstance(got, RetiredAll)
                and len(got.replies) == len(replies)
                and all(_is_as_expected(*each, world) for each in zip(got.replies, replies, strict=True))
            )
        case _:
            return got == expected


def _told(got: object, expected: object) -> str:
    return f"{_short(got)} instead of {_short(expected)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:240]} ... {text[-40:]}"
