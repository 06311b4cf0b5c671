"""The files of a new estate, beside those of its datasets; pure.

In: the text of `exports.yaml`, the settings in it, and for GitHub who approves changes and where data-exports is kept;
the workflows of the example estate. Out: the text of each file, by its path in the estate.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from string import Template

from data_exports.estate.field_types import FieldType, identifier_of, list_of
from data_exports.estate.fields import ACCOUNT_ID, HUB_BUCKET, PLATFORM_FIELDS, REGION, REQUIRED, Field, Known
from data_exports.estate.file_kinds import PLATFORM_FILE, PULL, PUSH
from data_exports.names import InvalidNameError

GITHUB = ".github"
EXAMPLE_SOURCE = re.compile(r"example-org/data-exports(/[a-z]+)?@[0-9a-f]{40}(?: # v[0-9.]+)?")
"""How the example's workflows name where data-exports is kept: nowhere."""


@dataclass(frozen=True, slots=True)
class PinnedRepository:
    """Where data-exports is kept on GitHub, and at which commit it is used."""

    repository: str
    commit: str

    def __str__(self) -> str:
        return f"{self.repository}@{self.commit}"

    @property
    def requirement(self) -> str:
        """What pip installs."""
        return f"git+https://github.com/{self}"

    @property
    def docs(self) -> str:
        """Its documentation, of that commit."""
        return f"https://github.com/{self.repository}/blob/{self.commit}/docs"


_SOURCE = r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9_.-]{1,100}@[0-9a-f]{40}"
_OWNER = r"@[A-Za-z0-9][A-Za-z0-9-]{0,38}(?:/[a-z0-9][a-z0-9_.-]{0,99})?"


def parse_pinned_repository(text: str) -> PinnedRepository:
    """``owner/data-exports@<commit>``. Raises `InvalidNameError`."""
    plain = text.removeprefix("https://github.com/").replace(".git@", "@")
    if not re.fullmatch(_SOURCE, plain):
        hint = "write OWNER/REPOSITORY@COMMIT, with all 40 digits of the commit: a tag can be moved"
        raise InvalidNameError(f"{text!r} does not name a commit of a repository on GitHub", hint=hint)
    repository, _, commit = plain.rpartition("@")
    return PinnedRepository(repository, commit)


def _parse_owner(text: str) -> str:
    if not re.fullmatch(_OWNER, text):
        hint = "write one such as @example-org/data-engineering"
        raise InvalidNameError(f"{text!r} is not a team or a person of GitHub", hint=hint)
    return text


def _shown_as(field_type: FieldType[object], words: str) -> FieldType[object]:
    return FieldType(field_type.read, field_type.schema, field_type.bare, shown_as=words)


SETTINGS: Known = tuple(field for field in PLATFORM_FIELDS if not field.is_nested)
"""Those that have an option; names of accounts and tags are pairs, to be written into the file."""

CODE_OWNERS = Field(
    "code_owners",
    _shown_as(list_of(identifier_of(_parse_owner, _OWNER)), "@ORG/TEAM"),
    REQUIRED,
    "Teams on GitHub, or people, one of whom must approve each change.",
)
EXPORTS_FROM = Field(
    "exports_from",
    _shown_as(identifier_of(parse_pinned_repository, _SOURCE), "OWNER/REPO@COMMIT"),
    REQUIRED,
    "Where you keep data-exports on GitHub, at the commit that the workflows are to use.",
)
GITHUB_FIELDS: Known = (CODE_OWNERS, EXPORTS_FROM)


def files_of_new_estate(
    declaration: str,
    settings: Mapping[str, object],
    *,
    code_owners: tuple[str, ...] = (),
    source: PinnedRepository | None = None,
    workflows: Mapping[str, str],
) -> dict[str, str]:
    """The text of each file. Without code owners there are none for GitHub; ``exports.yaml`` comes last: it is done."""
    texts = {
        "README.md": _readme(settings, source, with_github=bool(code_owners)),
        f"{PUSH.folder}/README.md": "Files that are delivered to a recipient's bucket: `exports new push NAME`.\n",
        f"{PULL.folder}/README.md": "Files that outside roles may fetch: `exports new pull NAME`.\n",
    }
    if code_owners and source:
        texts[f"{GITHUB}/CODEOWNERS"] = _code_owners(code_owners)
        for name, text in sorted(workflows.items()):
            texts[f"{GITHUB}/workflows/{name}"] = EXAMPLE_SOURCE.sub(rf"{source.repository}\1@{source.commit}", text)
    return {**texts, PLATFORM_FILE: declaration}


def _readme(settings: Mapping[str, object], source: PinnedRepository | None, *, with_github: bool) -> str:
    parts = ["new_estate.md", *(["new_estate_github.md"] if with_github else [])]
    text = "".join((files(__package__) / name).read_text(encoding="utf-8") for name in parts)
    return Template(text).substitute(
        {field.name: settings[field.name] for field in (ACCOUNT_ID, REGION, HUB_BUCKET)},
        docs=source.docs if source else "",
        install=f'pip install "{source.requirement}"' if source else "exports --version    # as your team installs it",
    )


def _code_owners(owners: tuple[str, ...]) -> str:
    return (
        "# Who must approve what: one of those in the last line that fits. For it to count, turn on\n"
        '# "Require review from Code Owners" for main. Narrower lines go below, such as\n'
        f"# /{PLATFORM_FILE}    @example-org/platform-owners\n"
        f"*  {' '.join(owners)}\n"
    )
