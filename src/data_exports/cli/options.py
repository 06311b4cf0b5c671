"""What commands share: the options with one meaning everywhere, and the way to the estate they act on.

::

    def status(*, estate: EstateOption = None, as_json: JsonOption = False) -> None:
        declared = open_estate(estate)
"""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from data_exports.access.sizes import with_sizes_checked
from data_exports.cli.output import seen_from, write_progress
from data_exports.errors import UsageError
from data_exports.estate.dataset_lookup import account_of, dataset_of, push_dataset_of, push_datasets_of
from data_exports.estate.file_kinds import PLATFORM_FILE, FileKind
from data_exports.estate.findings import Finding
from data_exports.estate.loader import Loaded, find_estate, kind_of, load_estate
from data_exports.estate.models import Estate
from data_exports.text import counted

if TYPE_CHECKING:
    from data_exports.deploy.plan.plan_data import PlanFindings

__all__ = [
    "EstateOption",
    "FindingsBefore",
    "JsonOption",
    "YesOption",
    "account_of",
    "dataset_of",
    "estate_folder",
    "load",
    "open_estate",
    "plan_findings_of",
    "push_dataset_of",
    "push_datasets_of",
    "unread_words",
    "write_left_out",
]

EstateOption = Annotated[
    Path | None,
    typer.Option(
        "--estate",
        metavar="DIR",
        envvar="EXPORTS_ESTATE",
        help="Folder with exports.yaml. Default: this folder, or the nearest parent that has one.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the same facts as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]

FindingsBefore = tuple[Finding, ...]
"""The findings that there were before, with paths from the estate's folder."""


def estate_folder(given: Path | None) -> Path:
    """The folder of ``--estate``, which must hold ``exports.yaml`` itself; otherwise the nearest from here up.

    Raises `UsageError`.
    """
    if given is None:
        return find_estate(Path.cwd())
    if not given.is_dir():
        what = "this is no folder" if given.exists() else "no such folder"
        raise UsageError(what, where=str(given), next_step="give --estate the folder of exports.yaml")
    # A folder given by name is meant: a parent's estate instead could be another platform's.
    if find_estate(given) != given:
        raise UsageError(
            f"no {PLATFORM_FILE} in this folder", where=str(given), next_step="give --estate the folder of exports.yaml"
        )
    return given


def declaration_at(path: Path, given: Path | None) -> tuple[Path, FileKind[Any]]:
    """The estate's folder and the kind of a declaration that is named by its path. Raises `UsageError`.

    The estate is that of `given`, otherwise the nearest from the file up: as it is written, so that a link is taken for
    where it lies.
    """
    whole, folder = place_in_estate(path, given)
    kind = kind_of(whole, estate=folder)
    if kind is None:
        next_step = "name exports.yaml, or files in push_datasets or pull_datasets"
        raise UsageError("this is no declaration of the estate", where=str(path), next_step=next_step)
    return folder, kind


def place_in_estate(path: Path, given: Path | None) -> tuple[Path, Path]:
    """The whole path, and the estate's folder: that of `given`, otherwise the nearest from the path up."""
    whole = Path(os.path.normpath(path.absolute()))
    return whole, Path(os.path.normpath((estate_folder(given) if given else find_estate(whole.parent)).absolute()))


def exclude(**given: bool) -> None:
    """Refuse two options of which either says what is printed, and how. Raises `UsageError`."""
    both = [option for option, is_given in given.items() if is_given]
    if len(both) > 1:
        raise UsageError(f"{both[0]} and {both[1]} exclude each other", next_step="give one of them")


def write_left_out(names: Iterable[str]) -> None:
    """Where one account is asked about: say of which exports nobody can tell whether they go to it."""
    if unknown := ", ".join(dict.fromkeys(names)):
        write_progress(f"left out, as whose account they go to is not declared (target_account): {unknown}")


def unread_words(unread: Sequence[str]) -> str:
    """How many datasets could not be read, and why, a line each."""
    return "\n".join([f"{counted(len(unread), 'dataset')} could not be read:", *(f"  {each}" for each in unread)])


def open_estate(given: Path | None) -> Estate:
    """The estate a command acts on; its warnings are the matter of ``check`` and ``plan``.

    Raises `UsageError` when there is none, `DeclarationError` with every error when it cannot be used.
    """
    return load(given).require()


def load(given: Path | None) -> Loaded:
    """The estate, and all that can be found wrong with it without AWS. Raises `UsageError` when there is none."""
    return with_sizes_checked(load_estate(estate_folder(given)))


def plan_findings_of(
    loaded: Loaded, folder: Path, before: FindingsBefore = (), *, start: Path | None = None
) -> "PlanFindings":
    """The findings as a plan shows them: with paths from `start` (here), those apart that were there `before`."""
    from data_exports.deploy.plan.plan_data import PlanFindings

    known = {_facts_of(finding, Path()) for finding in before}
    old = [_facts_of(finding, folder) in known for finding in loaded.findings]
    shown = [seen_from(start or Path.cwd(), finding) for finding in loaded.findings]
    return PlanFindings(
        new=tuple(finding for finding, is_old in zip(shown, old, strict=True) if not is_old),
        known=tuple(finding for finding, is_old in zip(shown, old, strict=True) if is_old),
    )


def _facts_of(finding: Finding, folder: Path) -> tuple[str, str, str]:
    """What makes two findings the same; lines move when others are added above."""
    return (os.path.relpath(finding.place.path, folder), str(finding.code), finding.message)


def configuration_folder() -> Path:
    """Where the user's own settings lie: ``XDG_CONFIG_HOME``, or the system's usual place. Raises `UsageError`."""
    return _own_folder("XDG_CONFIG_HOME", ".config")


def cache_folder() -> Path:
    """Where lies what can be made anew: ``XDG_CACHE_HOME``, or the system's usual place. Raises `UsageError`."""
    return _own_folder("XDG_CACHE_HOME", ".cache")


def _own_folder(variable: str, usual: str) -> Path:
    """The folder that the variable names; a relative path in it is none.

    https://specifications.freedesktop.org/basedir-spec/latest/
    """
    named = os.environ.get(variable, "")
    if Path(named).is_absolute():
        return Path(named) / "data-exports"
    try:
        home = Path.home()
    except RuntimeError as error:  # HOME is not set, and the system knows no user of this number
        raise UsageError("there is no home folder", next_step=f"set HOME, or {variable}") from error
    return home / usual / "data-exports"
