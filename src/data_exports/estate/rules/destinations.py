"""Rules on where deliveries go: one destination, and nothing of another kind beside it."""

from collections.abc import Iterator

from data_exports.estate import fields as f
from data_exports.estate.codes import Code
from data_exports.estate.drafts import EstateDraft, PushDraft
from data_exports.estate.findings import Finding, warning


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
        there = next((field for field in f.OUTSIDE_TARGETS if field in dataset), None)
        for field in (f.TARGET_ACCOUNT, f.TARGET_KMS_KEY):
            if there and field in dataset:
                message = f"{field.name!r} is of a bucket of AWS; {there.name!r} knows nothing of it"
                yield Finding(dataset.place_of(field.name), Code.OTHER_KIND, message, "remove it")


def check_parts_fit(draft: EstateDraft) -> Iterator[Finding]:
    """What stands twice must be the same, so that a slip in one of the two is seen."""
    for dataset in draft.push:
        declared = next((found for field in f.OUTSIDE_TARGETS if (found := dataset[field])), None)
        there = dataset.part("destination")
        if declared and there and (wrong := there.contradiction):
            yield Finding(declared.value[wrong.part].place, Code.BAD_NAME, wrong.message, wrong.hint)


def check_identities_are_of_one_dataset(draft: EstateDraft) -> Iterator[Finding]:
    """Whoever acts as an identity of the recipient's may do all that it may, what is granted for others, too."""
    acting: dict[str, list[PushDraft]] = {}
    for dataset in draft.push:
        there = dataset.part("destination")
        if there and there.acts_as:
            acting.setdefault(there.acts_as, []).append(dataset)
    for who, datasets in acting.items():
        for dataset in datasets if len(datasets) > 1 else ():
            other = next(each for each in datasets if each is not dataset).place.path.name
            message = f"its mover acts as {who}, as that of {other} does: either can write what the other can"
            hint = "ask the recipient for an identity of its own for each dataset"
            yield warning(dataset.place, Code.SHARED_IDENTITY, message, hint)
