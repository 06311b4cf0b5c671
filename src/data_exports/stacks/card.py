"""A dataset's card: what its senders need to know of it, for those who have no clone of the declarations.

In: the platform and a push dataset, or a card's text. Out: the text; the estate of that one dataset. Effects: none. The
card lies beneath the receipts in the log bucket, where only the dataset's own senders and the platform's operators may
read, and it tells of no other dataset. It holds what declarations hold, and the loader of declarations reads it: what
somebody else put there is found out as any other mistake.
"""

import json
from dataclasses import replace
from pathlib import Path

from data_exports.estate.file_kinds import PLATFORM_FILE, PUSH
from data_exports.estate.findings import Place
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.names import DatasetName
from data_exports.stacks.stack import declaration_of, plain_of
from data_exports.stacks.written import NOWHERE, WrittenDataset, by_field_name, load_written


class UnreadableCardError(ValueError):
    """The card does not tell what the dataset is; `str()` says why."""


def card_of(platform: Platform, push: PushDataset) -> str:
    """The text of a dataset's card; the same bytes for equal declarations."""
    named = {platform.account, push.destination.account}
    settings = {
        "account": platform.account,
        "region": platform.region,
        "hub_bucket": platform.hub_bucket,
        "pull_bucket_prefix": platform.pull_bucket_prefix,
        "user_roles": push.users,  # the patterns would tell of others
        "accounts": {account: name for account, name in platform.account_names if account in named},
        "large_file_mib": platform.large_file_mib,
        "recovery_days": platform.recovery_days,
    }
    card = {"platform": plain_of(settings), "dataset": plain_of(by_field_name(declaration_of(push), PUSH))}
    return json.dumps(card, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def estate_of_card(text: str, name: DatasetName) -> Estate:
    """The estate of this dataset alone, as its card tells. Raises `UnreadableCardError`."""
    try:
        card = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableCardError(f"it is no JSON: {error}") from error
    if not isinstance(card, dict):
        raise UnreadableCardError("it is no JSON object")
    written = WrittenDataset(PUSH, name, card.get("dataset"))
    try:
        loaded = load_written(card.get("platform"), [written])
    except ValueError as error:
        raise UnreadableCardError(str(error)) from error
    if loaded.estate is None:
        first = loaded.errors[0]
        raise UnreadableCardError(f"{first.place.path.relative_to(NOWHERE)}: {first.message}")
    (push,) = loaded.estate.push_datasets
    if push.name != name:
        raise UnreadableCardError(f"it is of the dataset {push.name}")
    platform = replace(loaded.estate.platform, place=Place(Path(PLATFORM_FILE)))
    return Estate(platform, (replace(push, place=Place(written.path)),), ())
