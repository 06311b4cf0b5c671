"""Commands that senders may use without a clone of the declarations: what they act on.

In: ``--estate``, ``--platform`` and the datasets that are named. Out: the estate, as it is declared, or of these
datasets as their cards tell. Effects: reads files; without a clone AWS, and remembers which datasets were there.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from data_exports.cli.completion import complete_platforms
from data_exports.cli.connecting import connect
from data_exports.cli.options import configuration_folder, exclude, open_estate
from data_exports.errors import UsageError
from data_exports.estate.file_kinds import PLATFORM_FILE
from data_exports.estate.loader import find_estate
from data_exports.estate.models import Estate
from data_exports.operate.platforms import UsedPlatform, chosen_platform, read_platforms, with_datasets, write_platforms

PlatformOption = Annotated[
    str,
    typer.Option(
        "--platform",
        metavar="PLATFORM",
        autocompletion=complete_platforms,
        help="Without a clone: one of those that `exports use` remembers. Default: the only one.",
        show_default=False,
    ),
]


def open_for_sender(given: Path | None, platform: str, names: Sequence[str]) -> Estate:
    """The estate that is named or that is here, or else these datasets of a platform that is remembered.

    Raises `UsageError` when there is neither, and as reading either does.
    """
    from_environment = given is not None and str(given) == os.environ.get("EXPORTS_ESTATE")
    exclude(**{"--estate": given is not None and not from_environment, "--platform": bool(platform)})
    if not platform and (given is not None or _is_in_estate()):
        return open_estate(given)
    folder = configuration_folder()
    known = read_platforms(folder)
    if not known and not platform:
        raise UsageError(
            f"no {PLATFORM_FILE} here or in any parent folder, and no platform is remembered",
            where=str(Path.cwd()),
            next_step="go to a clone of the declarations, or name it with --estate; without one: `exports use HUB` "
            "remembers a platform, by the name of its hub bucket",
        )
    used = chosen_platform(known, platform)
    if not names:
        raise UsageError("no dataset is named", next_step=f"without a clone, name the dataset of {used.name}")
    return _read(used, known, names, folder)


def _read(used: UsedPlatform, known: Sequence[UsedPlatform], names: Sequence[str], folder: Path) -> Estate:
    from data_exports.operate.cards import read_used_estate

    estate = read_used_estate(used, list(names), connect(used.region))
    new = {push.name for push in estate.push_datasets} - set(used.datasets)
    if new:
        with suppress(UsageError):  # what a shell offers is worth no error
            write_platforms(folder, with_datasets(known, used, new))
    return estate


def _is_in_estate() -> bool:
    try:
        find_estate(Path.cwd())
    except UsageError:
        return False
    return True
