"""What a shell offers for the word that is being typed: datasets, roles and codes, from the declarations at hand.

In: the words so far, and the estate that they name, or that is here; without one, what is remembered of platforms. Out:
names that begin so, with what they are. Effects: reads these files, never AWS. Where nothing can be read, nothing is
offered, and nothing said.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import typer

from data_exports.cli.options import configuration_folder, estate_folder
from data_exports.errors import ExportsError
from data_exports.estate.codes import Code
from data_exports.estate.drafts import DatasetDraft, EstateDraft
from data_exports.estate.fields import NAME, PULL_ARNS, PULL_IDENTITIES
from data_exports.estate.file_kinds import REVIEWS_FOLDER
from data_exports.estate.loader import is_declaration, load_estate
from data_exports.names import pull_role_of
from data_exports.operate.platforms import UsedPlatform, read_platforms

Offers = list[tuple[str, str]]
"""What may stand here, each with a word on it: shells that can, show that."""


def complete_datasets(ctx: typer.Context, incomplete: str) -> Offers:
    """The names of all datasets."""
    draft = _draft(ctx)
    return _beginning(incomplete, _names(draft.datasets) if draft else _used_names(ctx))


def complete_push_datasets(ctx: typer.Context, incomplete: str) -> Offers:
    """The names of push datasets."""
    draft = _draft(ctx)
    return _beginning(incomplete, _names(draft.push) if draft else _used_names(ctx))


def complete_files_then_push_dataset(ctx: typer.Context, incomplete: str) -> Offers:
    """The names of push datasets behind a file; before that nothing, so that the shell offers files."""
    return complete_push_datasets(ctx, incomplete) if ctx.params.get("words") else []


def complete_push_dataset_of_file(ctx: typer.Context, incomplete: str) -> Offers:
    """The names of push datasets where a file is in hand; otherwise nothing, so that the shell offers files."""
    return complete_push_datasets(ctx, incomplete) if ctx.params.get("file") else []


def complete_users(ctx: typer.Context, incomplete: str) -> Offers:
    """The roles of the platform that datasets name."""
    draft = _draft(ctx)
    return _beginning(incomplete, ((str(user.value), "user") for user in draft.users())) if draft else []


def completer_of_known(field: str) -> Callable[[typer.Context, str], Offers]:
    """What offers the values that the estate's other files hold in a field, or in a part of one."""

    def complete_known(ctx: typer.Context, incomplete: str) -> Offers:
        from data_exports.estate.new_declaration import known_values

        draft = _draft(ctx)
        known = known_values(draft).get(field, []) if draft else []
        return _beginning(incomplete, ((value, "declared elsewhere") for value in known))

    return complete_known


def complete_principals(ctx: typer.Context, incomplete: str) -> Offers:
    """Roles of the platform, and ARNs of others, that datasets name."""
    draft = _draft(ctx)
    if draft is None:
        return []
    outsiders = ((str(each.value), "outside role") for pull in draft.pull for each in pull[PULL_ARNS] or ())
    readers = (
        (pull_role_of(name.value, each.value.short_id), each.value.label)
        for pull in draft.pull
        if (name := pull[NAME])
        for each in pull[PULL_IDENTITIES] or ()
    )
    return [*complete_users(ctx, incomplete), *_beginning(incomplete, outsiders), *_beginning(incomplete, readers)]


def complete_who(ctx: typer.Context, incomplete: str) -> Offers:
    """What `who` asks about: a role or a dataset; behind ``did``, push datasets."""
    words = ctx.params.get("words") or []
    if words:
        return complete_push_datasets(ctx, incomplete) if words[0] == "did" else []
    return [*complete_principals(ctx, incomplete), *complete_datasets(ctx, incomplete)]


def complete_platforms(incomplete: str) -> Offers:
    """The platforms that are remembered."""
    return _beginning(incomplete, ((each.name, str(each.hub_bucket)) for each in _used()))


def complete_codes(incomplete: str) -> Offers:
    """The codes of findings, in the letters in which one is begun."""
    spelt = str.lower if incomplete.islower() else str
    return _beginning(incomplete, ((spelt(code), code.meaning) for code in Code))


def complete_reviews(ctx: typer.Context, incomplete: str) -> Offers:
    """The names of reviews, by their files."""
    try:
        folder = _folder(ctx) / REVIEWS_FOLDER
        names = [path.stem for path in folder.iterdir() if is_declaration(path.name)]
    except (ExportsError, OSError):
        return []
    return _beginning(incomplete, ((name, "review") for name in names))


def _used() -> tuple[UsedPlatform, ...]:
    try:
        return read_platforms(configuration_folder())
    except ExportsError:
        return ()


def _used_names(ctx: typer.Context) -> Iterator[tuple[str, str]]:
    """Without a clone: the datasets that were asked for before, of the platform that is chosen or of all."""
    chosen = ctx.params.get("platform")
    for used in _used():
        if chosen in (None, "", used.name):
            yield from ((str(name), used.name) for name in used.datasets)


def _folder(ctx: typer.Context) -> Path:
    named = ctx.params.get("estate") or os.environ.get("EXPORTS_ESTATE")
    return estate_folder(Path(named) if named else None)


def _draft(ctx: typer.Context) -> EstateDraft | None:
    try:
        return load_estate(_folder(ctx)).draft
    except (ExportsError, OSError):
        return None


def _names(drafts: Iterable[DatasetDraft]) -> Iterator[tuple[str, str]]:
    for draft in drafts:
        if name := draft[NAME]:
            yield str(name.value), draft.kind.name


def _beginning(incomplete: str, offers: Iterable[tuple[str, str]]) -> Offers:
    return sorted({offer for offer in offers if offer[0].startswith(incomplete)})
