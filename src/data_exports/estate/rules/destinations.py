"""Rules on where deliveries go: one destination, and nothing of another kind beside it."""

from collections.abc import Iterator

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft
from data_exports.estate.findings import Finding


def check_one_destination(draft: EstateDraft) -> Iterator[Finding]:
    """Files go to one place; with two, nobody can tell which one counts."""
    for dataset in draft.push:
        named = [field.name for field in f.TARGET_FIELDS if field in dataset]
        for other in named[1:]:
            message = f"files cannot go to both {named[0]!r} and {other!r}"
            hint = "keep one of the two; a second recipient is a second dataset"
            yield Finding(dataset.place_of(other), Code.TWO_TARGETS, message, hint)


def check_nothing_of_another_kind(draft: EstateDraft) -> Iterator[Finding]:
    """An account of AWS, or a key of KMS, means nothing to another cloud: what it was to hold would not be held."""
    for dataset in draft.push:
        there = next((field for field in (f.TARGET_AZURE, f.TARGET_GOOGLE) if field in dataset), None)
        for field in (f.TARGET_ACCOUNT, f.TARGET_KMS_KEY):
            if there and field in dataset:
                message = f"{field.name!r} is of a bucket of AWS; {there.name!r} knows nothing of it"
                yield Finding(dataset.place_of(field.name), Code.OTHER_KIND, message, "remove it")


def check_providers_project(draft: EstateDraft) -> Iterator[Finding]:
    """The project is named twice, so that a slip in one of the two is seen."""
    for dataset in draft.push:
        if there := dataset[f.TARGET_GOOGLE]:
            provider, number = there.value["provider"], there.value["project_number"]
            if provider.value.project_number != number.value:
                message = f"this provider is of the project {provider.value.project_number}, not of {number.value}"
                hint = "write the number of the project that the provider is in under `project_number`"
                yield Finding(provider.place, Code.BAD_NAME, message, hint)
