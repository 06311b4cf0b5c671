"""Rules on the names of datasets, across both folders."""

from collections.abc import Iterator

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.field_types import Located
from data_exports.estate.findings import Finding, Place
from data_exports.limits import NOTIFICATION_RULES_PER_BUCKET
from data_exports.names import DatasetName, slug_of


def _names(draft: EstateDraft) -> list[Located[DatasetName]]:
    return [name for dataset in draft.datasets if (name := dataset[f.NAME]) is not None]


def check_names_are_unique(draft: EstateDraft) -> Iterator[Finding]:
    """Prefixes, queues, roles and stacks are named after the dataset."""
    first: dict[str, Place] = {}
    for name in _names(draft):
        if name.value in first:
            message = f"the name {str(name.value)!r} is taken by {_where(first[name.value])}"
            yield Finding(name.place, Code.SAME_NAME, message, "give one of the two another name")
        first.setdefault(name.value, name.place)


def check_slugs_are_unique(draft: EstateDraft) -> Iterator[Finding]:
    """Buckets and stacks have ``-`` where names have ``_``."""
    first: dict[str, Located[DatasetName]] = {}
    for name in _names(draft):
        other = first.setdefault(slug_of(name.value), name)
        if other.value != name.value:
            message = (
                f"{str(name.value)!r} and {str(other.value)!r} of {_where(other.place)} are one name "
                "in buckets and stacks, where _ becomes -"
            )
            yield Finding(name.place, Code.SAME_SLUG, message, "give one of the two another name")


def check_number_of_push_datasets(draft: EstateDraft) -> Iterator[Finding]:
    """Each push dataset is one notification rule of the hub, and a bucket has only so many."""
    if draft.platform and len(draft.push) > NOTIFICATION_RULES_PER_BUCKET:
        place = (draft.platform[f.HUB_BUCKET] or draft.platform).place
        message = f"{len(draft.push)} push datasets; one hub bucket can notify {NOTIFICATION_RULES_PER_BUCKET}"
        hint = "remove datasets that are no longer used, or begin a second estate in another account or region"
        yield Finding(place, Code.TOO_MANY, message, hint)


def _where(place: Place) -> str:
    return f"{place.path.parent.name}/{place.path.name}:{place.line}"
