"""Platforms that somebody uses without a clone: remembered in a file of their own, for them alone to read.

In: the user's configuration folder. Out: `UsedPlatform` values, by name; `UsageError` for a file that is damaged, or
cannot be written. Effects: reads and writes that file. It holds no secret: a hub's name, region and account, and the
names of the datasets that were asked for, which a shell then offers.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from data_exports.errors import UsageError
from data_exports.estate.atomic_files import write_private
from data_exports.json_values import json_as, json_value_of
from data_exports.names import AccountId, BucketName, DatasetName, InvalidNameError, Region, log_bucket_of
from data_exports.text import json_text, quoted

FILE = "platforms.json"


@json_as("name hub_bucket region account datasets")
@dataclass(frozen=True, slots=True, order=True)
class UsedPlatform:
    """A platform as its senders know it."""

    name: str
    """What the user calls it; the hub's name unless they chose another."""
    hub_bucket: BucketName
    region: Region
    account: AccountId
    datasets: tuple[DatasetName, ...] = ()
    """Those that the user has asked for, and that were there."""

    @property
    def log_bucket(self) -> BucketName:
        """Where receipts and cards lie."""
        return log_bucket_of(self.hub_bucket)


def read_platforms(folder: Path) -> tuple[UsedPlatform, ...]:
    """The platforms that are remembered there, sorted by name; none where there is no file. Raises `UsageError`."""
    path = folder / FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, getattr(error, "strerror", None) or "it is no text") from error
    try:
        return tuple(sorted(_platform_of(each) for each in json.loads(text)["platforms"]))
    except InvalidNameError as error:
        raise _unusable(path, str(error)) from error
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise _unusable(path, "it is damaged, or of another version") from error


def _platform_of(found: Any) -> UsedPlatform:
    if not isinstance(found["name"], str):
        raise TypeError
    names = (BucketName(found["hub_bucket"]), Region(found["region"]), AccountId(found["account"]))
    return UsedPlatform(found["name"], *names, tuple(DatasetName(name) for name in found["datasets"]))


def _unusable(path: Path, why: str) -> UsageError:
    next_step = "mend or remove the file, then `exports use HUB` remembers a platform anew"
    return UsageError(f"the remembered platforms cannot be read: {why}", where=str(path), next_step=next_step)


def write_platforms(folder: Path, platforms: Sequence[UsedPlatform]) -> None:
    """Remember exactly these. Raises `UsageError` when the file cannot be written."""
    text = json_text({"platforms": sorted(platforms)}, indent=1, default=json_value_of)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private(folder / FILE, f"{text}\n")
    except OSError as error:
        next_step = "set XDG_CONFIG_HOME, or HOME, to a folder of your own"
        what = f"the platform cannot be remembered: {error.strerror}"
        raise UsageError(what, where=str(folder), next_step=next_step) from error


def chosen_platform(platforms: Sequence[UsedPlatform], name: str) -> UsedPlatform:
    """The platform of this name, or the only one when no name is given. Raises `UsageError`."""
    known = ", ".join(quoted(each.name) for each in platforms)
    if name:
        found = [each for each in platforms if each.name == name]
        if not found:
            next_step = f"there are: {known}" if known else "`exports use HUB` remembers one"
            raise UsageError(f"no platform {name!r} is remembered", where="--platform", next_step=next_step)
        return found[0]
    if len(platforms) > 1:
        raise UsageError("several platforms are remembered", next_step=f"choose one with --platform: {known}")
    return platforms[0]


def with_datasets(
    platforms: Sequence[UsedPlatform], used: UsedPlatform, names: Iterable[DatasetName]
) -> list[UsedPlatform]:
    """The platforms, of which the used one has these datasets among those that were asked for."""
    datasets = tuple(sorted({*used.datasets, *names}))
    return [replace(each, datasets=datasets) if each.name == used.name else each for each in platforms]
