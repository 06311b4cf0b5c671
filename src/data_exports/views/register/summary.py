"""What a register holds and lacks, for people and for programs.

In: a `Register` and the files that were written of it. Out: text, and values for JSON. Effects: none.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from data_exports.errors import DeclarationError, ExportsError, PartlyDoneError
from data_exports.estate.findings import Finding
from data_exports.names import AccountId
from data_exports.text import counted, size_words
from data_exports.views.register.facts import Register


@dataclass(frozen=True, slots=True)
class RegisterData:
    """What was built, where, and what could not be read.

    With errors in the declarations it shows the last commit, or where that holds some, too, what other files declare.
    """

    folder: Path
    account: AccountId | None
    """Whom alone it is for."""
    commit: str | None
    exports: int
    pages: int
    files: int
    size_bytes: int
    largest_page: str
    largest_page_bytes: int
    names_people: bool
    not_read: Sequence[str]
    findings: Sequence[Finding]


ASKING = "asking AWS: the first time, adding up the receipts of 90 days takes minutes where there are many"


def register_as_data(register: Register, folder: Path, sizes: Mapping[str, int]) -> RegisterData:
    """What was built there of it."""
    pages = {path: size for path, size in sizes.items() if path.endswith(".html")}
    largest = max(pages, key=lambda path: pages[path])
    return RegisterData(
        folder=folder,
        account=register.account,
        commit=register.commit.commit_id if register.commit else None,
        exports=len(register.exports),
        pages=len(pages),
        files=len(sizes),
        size_bytes=sum(sizes.values()),
        largest_page=largest,
        largest_page_bytes=pages[largest],
        names_people=register.account is None,
        not_read=register.gaps,
        findings=register.findings,
    )


def render_built(register: Register, sizes: Mapping[str, int]) -> str:
    """What was built, and whom it names."""
    built = f"{counted(len(register.exports), 'export')} in {counted(len(sizes), 'file')}"
    return f"{built}, {size_words(sum(sizes.values()))}; {_warning(register)}"


def _warning(register: Register) -> str:
    if register.account is None:
        return "they name people and accounts: show them only to those who may know"
    return f"they name nobody but {register.account} and this platform, unless a description or paperwork does"


def problem_of(register: Register) -> ExportsError | None:
    """What keeps the pages from showing all that there is now, if anything does."""
    if register.findings:
        shown = "the last commit" if register.is_last_commit else "what the other files declare"
        return DeclarationError(
            f"{counted(len(register.findings), 'error')} in the declarations: the pages show {shown}, and them",
            next_step="mend them, then see `exports check`",
        )
    if register.gaps:
        return PartlyDoneError("\n".join(["the pages say what could not be read:", *register.gaps]))
    return None
