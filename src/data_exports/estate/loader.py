"""A folder → its `Estate`, or everything that is wrong with it. Reads files, changes nothing.

The pipeline: `declaration_file` (bytes → nodes) → `drafts` (nodes → drafts) → `rules` (drafts → findings) → models.
"""

import gc
import os
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

from data_exports.errors import DeclarationError, UsageError
from data_exports.estate.codes import Code
from data_exports.estate.declaration_file import linked, parse_declaration, read_declaration, unreadable
from data_exports.estate.drafts import Draft, EstateDraft, draft_of
from data_exports.estate.file_kinds import PLATFORM, PLATFORM_FILE, PULL, PUSH, FileKind
from data_exports.estate.findings import Finding, FindingCollector, Place, Severity
from data_exports.estate.models import Estate, Platform
from data_exports.estate.rules import check_estate
from data_exports.limits import DECLARATION_BYTES
from data_exports.names import InvalidNameError

FOLDERS = (PUSH.folder, PULL.folder)
DECLARATION_SUFFIXES = (".yaml", ".yml")
_ASIDE = (".", "README")
"""How the names begin of what may lie beside declarations."""

M = TypeVar("M")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a folder holds; `estate` is ``None`` exactly when a finding is an error. Findings are sorted by place."""

    estate: Estate | None
    findings: tuple[Finding, ...]
    draft: EstateDraft | None = None
    """Every value that could be read, with its place."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop every command which needs the estate."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are only said."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.WARNING)

    def readable(self) -> Estate | None:
        """What is declared by files without an error; None where ``exports.yaml`` lacks what all of it needs."""
        if self.estate is not None:
            return self.estate
        if not self.draft or not self.draft.platform or not _is_usable(self.draft.platform.model()):
            return None
        wrong = {error.place.path for error in self.errors}
        push = tuple(each for each in self.draft.push if each.place.path not in wrong)
        pull = tuple(each for each in self.draft.pull if each.place.path not in wrong)
        return _estate_of(EstateDraft(self.draft.platform, push, pull))

    def require(self) -> Estate:
        """The estate. Raises `DeclarationError` that lists every error."""
        if self.estate is not None:
            return self.estate
        count = len(self.errors)
        listed = "\n".join(str(error) for error in self.errors)
        message = f"{count} error{'s' * (count != 1)} in the declarations\n{listed}"
        raise DeclarationError(message, next_step="mend them, then see `exports check`")


def find_estate(start: Path) -> Path:
    """`start`, or its nearest parent, that holds ``exports.yaml``. Raises `UsageError`."""
    for folder in (start, *start.absolute().parents):
        # A dangling link counts: what is wrong with it is for the loader to say.
        if os.path.lexists(folder / PLATFORM_FILE):
            return folder
    raise UsageError(
        f"no {PLATFORM_FILE} here or in any parent folder",
        where=str(start),
        next_step="go to an estate's folder, or name it with --estate; `exports init` makes a new one",
    )


@contextmanager
def _collections_paused() -> Iterator[None]:
    """No garbage collections meanwhile: nodes and drafts hold no cycles, and each collection goes through all of them.

    A sixth of the time that 10,000 files take. https://docs.python.org/3/library/gc.html#gc.disable
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@_collections_paused()
def load_estate(folder: Path, *, today: date | None = None, proposed: Mapping[Path, str] | None = None) -> Loaded:
    """Read and check everything below `folder`; `today` (UTC, unless given) decides what has expired.

    `proposed` holds texts of files that are not there yet. Never raises for what files hold or how they are kept: that
    is in the findings.
    """
    report = FindingCollector()
    read = _Reader(proposed or {}, report)
    platform = read.one(folder / PLATFORM_FILE, PLATFORM)
    draft = EstateDraft(
        platform,
        tuple(read.all_in(folder, PUSH)),
        tuple(read.all_in(folder, PULL)),
    )
    report.findings.extend(_missing_folders(folder))
    report.findings.extend(_strays(folder))
    report.findings.extend(check_estate(draft, today or datetime.now(UTC).date()))
    findings = tuple(sorted(set(report.findings)))
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Loaded(None, findings, draft)
    return Loaded(_estate_of(draft), findings, draft)


def _estate_of(draft: EstateDraft) -> Estate:
    return Estate(
        _whole(draft.platform.model() if draft.platform else None),
        tuple(sorted((_whole(dataset.model()) for dataset in draft.push), key=lambda dataset: dataset.name)),
        tuple(sorted((_whole(dataset.model()) for dataset in draft.pull), key=lambda dataset: dataset.name)),
    )


def _is_usable(platform: Platform | None) -> bool:
    """Whether everything that every dataset needs of it is there, and has a name in AWS."""
    try:
        return platform is not None and bool(platform.log_bucket)
    except InvalidNameError:
        return False


def _whole(model: M | None) -> M:
    # A dataset that went missing here would look like one to take down.
    if model is None:
        raise AssertionError("a draft without errors has every required value")
    return model


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads files of one estate, and collects what is wrong with them."""

    proposed: Mapping[Path, str]
    report: FindingCollector

    def one(self, path: Path, kind: FileKind[M]) -> Draft[M] | None:
        """The draft of one file."""
        if path in self.proposed:
            mapping, findings = parse_declaration(self.proposed[path], path)
        else:
            mapping, findings = read_declaration(path)
        self.report.findings.extend(findings)
        return draft_of(kind, mapping, self.report) if mapping else None

    def all_in(self, estate: Path, kind: FileKind[M]) -> Iterator[Draft[M]]:
        """The drafts of a folder's files."""
        subfolder = estate / kind.folder
        there = declarations_in(subfolder, self.report)
        added = [path for path in self.proposed if path.parent == subfolder and path not in there]
        self.report.findings.extend(_colliding(sorted([*there, *added])))
        for path in (*there, *added):
            drafted = self.one(path, kind)
            if drafted is not None:
                yield drafted


def declarations_in(subfolder: Path, report: FindingCollector) -> list[Path]:
    """The files of a folder that count; a finding for every other one, but for hidden files and READMEs of text."""
    if not os.path.lexists(subfolder):
        return []
    try:
        if subfolder.is_symlink():
            report.findings.append(linked(subfolder))
            return []
        entries = sorted(subfolder.iterdir())
    except OSError as error:
        report.findings.append(unreadable(subfolder, error))
        return []
    if any(path.name == ".git" for path in entries):
        report.findings.append(linked(subfolder, "is a git repository of its own, such as a submodule"))
        return []
    for path in entries:
        if not is_declaration(path.name) and not _is_aside(path.name):
            hint = "declarations are the files that end in .yaml or .yml, right in this folder, and are not hidden"
            report.warning(Place(path), Code.NOT_COUNTED, "is not read", hint)
    return [path for path in entries if is_declaration(path.name)]


def is_declaration(name: str) -> bool:
    """Whether a file of this name in a folder of datasets is read."""
    return name.endswith(DECLARATION_SUFFIXES) and not name.startswith(_ASIDE)


def kind_of(path: Path, *, estate: Path) -> FileKind[Any] | None:
    """What a path in an estate's folder is read as; ``None`` when it is not read."""
    if path == estate / PLATFORM_FILE:
        return PLATFORM
    if not is_declaration(path.name):
        return None
    return next((kind for kind in (PUSH, PULL) if path.parent == estate / kind.folder), None)


def files_of(estate: Path) -> Iterator[tuple[Path, FileKind[Any]]]:
    """Every file that `load_estate` reads, with its kind; what cannot be listed is for `load_estate` to say."""
    yield estate / PLATFORM_FILE, PLATFORM
    for kind in (PUSH, PULL):
        for path in declarations_in(estate / kind.folder, FindingCollector()):
            yield path, kind


def _is_aside(name: str) -> bool:
    return name.startswith(_ASIDE) and not name.lower().endswith(DECLARATION_SUFFIXES)


def _colliding(paths: list[Path]) -> Iterator[Finding]:
    """Files that would be one on a file system that does not tell upper from lower case, or é from e with an accent."""
    first: dict[str, Path] = {}
    for path in paths:
        other = first.setdefault(unicodedata.normalize("NFC", path.name).casefold(), path)
        if other is not path:
            message = f"its name and {other.name!r} are one on macOS and Windows"
            yield Finding(Place(path), Code.SAME_FILE_NAME, message, "rename one of the two")


def _missing_folders(folder: Path) -> Iterator[Finding]:
    """A folder of datasets may be missing, but not by a slip of the pen, and not both."""
    missing = [name for name in FOLDERS if not os.path.lexists(folder / name)]
    others = [path.name for path in _entries(folder) if path.is_dir()]
    for name in missing:
        near = get_close_matches(name, set(others) - {*FOLDERS}, n=1, cutoff=0.8)
        if near or len(missing) == 2:
            hint = f"rename {near[0]!r} to {name!r}" if near else f"put one file per dataset into {name}/"
            yield Finding(Place(folder / name), Code.NO_DATASETS, "there is no such folder", hint, Severity.WARNING)


def _strays(folder: Path) -> Iterator[Finding]:
    """Files that read like a dataset but lie where nobody looks for one: beside the two folders, or in another one."""
    others = [path for path in _entries(folder) if path.name not in (*FOLDERS, PLATFORM_FILE)]
    beside = [inner for path in others if path.is_dir() and path.name[0] != "." for inner in _entries(path)]
    for path in [*others, *beside]:
        if path.suffix in DECLARATION_SUFFIXES and _reads_like_a_dataset(path):
            hint = f"move it to {PUSH.folder}/ or {PULL.folder}/"
            yield Finding(Place(path), Code.NOT_COUNTED, "is not read", hint, Severity.WARNING)


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []  # of a folder that counts this is said elsewhere


def _reads_like_a_dataset(path: Path) -> bool:
    try:
        if not path.is_file():  # to open a named pipe would be to wait for ever
            return False
        with path.open("rb") as file:
            start = file.read(DECLARATION_BYTES)
    except OSError:
        return False
    named = (b"bucket:", b"pull_arns:", b"pull_identities:", b"sftp_readers:")
    return b"users:" in start and any(field in start for field in named)
