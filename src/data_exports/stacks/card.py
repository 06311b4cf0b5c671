"""A dataset's card: what its senders need to know of it, for those who have no clone of the declarations.

In: the platform and a push dataset, or a card's text. Out: the text; the estate of that one dataset. Effects: none. The
card lies beneath the receipts in the log bucket, where only the dataset's own senders and the platform's operators may
read, and it tells of no other dataset. It holds what declarations hold, and the loader of declarations reads it: what
somebody else put there is found out as any other mistake.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_exports.estate.file_kinds import PLATFORM, PLATFORM_FILE, PUSH, FileKind
from data_exports.estate.findings import Place
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.names import DatasetName
from data_exports.stacks.stack import declaration_of, plain_of

_NOWHERE = Path("/dev/null")
"""No folder, so that nothing of anybody's lies in it."""


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
    names = {field.attribute: field.name for field in PUSH.fields}
    declaration = {names.get(attribute, attribute): value for attribute, value in declaration_of(push).items()}
    card = {"platform": plain_of(settings), "dataset": plain_of(declaration)}
    return json.dumps(card, sort_keys=True, indent=1, ensure_ascii=False) + "\n"


def estate_of_card(text: str, name: DatasetName) -> Estate:
    """The estate of this dataset alone, as its card tells. Raises `UnreadableCardError`."""
    try:
        card = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableCardError(f"it is no JSON: {error}") from error
    if not isinstance(card, dict):
        raise UnreadableCardError("it is no JSON object")
    path = Path(PUSH.folder, f"{name}.yaml")
    texts = {
        _NOWHERE / PLATFORM_FILE: _text({"platform": _known(card.get("platform"), PLATFORM)}),
        _NOWHERE / path: _text(_known(card.get("dataset"), PUSH)),
    }
    loaded = load_estate(_NOWHERE, proposed=texts)
    if loaded.estate is None:
        first = loaded.errors[0]
        raise UnreadableCardError(f"{first.place.path.relative_to(_NOWHERE)}: {first.message}")
    (push,) = loaded.estate.push_datasets
    if push.name != name:
        raise UnreadableCardError(f"it is of the dataset {push.name}")
    platform = replace(loaded.estate.platform, place=Place(Path(PLATFORM_FILE)))
    return Estate(platform, (replace(push, place=Place(path)),), ())


def _known(found: object, kind: FileKind[Any]) -> Mapping[str, Any]:
    """The fields that this version knows: a later one may write more."""
    if not isinstance(found, dict):
        raise UnreadableCardError(f"it tells of no {kind.name}")
    return {field.name: found[field.name] for field in kind.fields if field.name in found}


def _text(declaration: Mapping[str, Any]) -> str:
    return json.dumps(declaration, ensure_ascii=False)
