"""Datasets and accounts by the names that people write.

In: an `Estate` and names. Out: datasets and accounts, or `UsageError` that offers the nearest name. Effects: none.
"""

from collections.abc import Sequence
from difflib import get_close_matches

from data_exports.errors import UsageError
from data_exports.estate.models import Dataset, Estate, Platform, PushDataset
from data_exports.names import AccountId, InvalidNameError
from data_exports.text import dash_in, quoted, with_hyphens


def dataset_of(estate: Estate, name: str) -> Dataset:
    """The dataset of this name. Raises `UsageError` that offers the nearest name."""
    datasets = {str(dataset.name): dataset for dataset in estate.datasets()}
    if name in datasets:
        return datasets[name]
    near = get_close_matches(with_hyphens(name), datasets, n=1)
    choice = f"did you mean {near[0]}?" if near else f"there are: {', '.join(datasets) or 'none'}"
    raise UsageError(f"no dataset is named {name!r}", next_step=advice_on_dash(name) + choice)


def advice_on_dash(name: str) -> str:
    """What to tell before the rest of an advice where the name has a dash that is no hyphen; ``""`` otherwise."""
    dash = dash_in(name)
    return f"a hyphen is typed as -, and here stands {dash}; " if dash else ""


def account_of(platform: Platform, text: str, *, option: str = "--account") -> AccountId:
    """The account of this id, or of the name that the platform's `accounts` give it. Raises `UsageError`."""
    by_name = {name.casefold(): account for account, name in platform.account_names}
    if text.casefold() in by_name:
        return by_name[text.casefold()]
    try:
        return AccountId(text)
    except InvalidNameError as error:
        names = {name.casefold(): name for _, name in platform.account_names}
        near = get_close_matches(with_hyphens(text).casefold(), names, n=1) or get_close_matches(
            text.casefold(), names, n=1
        )
        advice = "" if near and dash_in(near[0]) else advice_on_dash(text)
        choice = f"did you mean {quoted(names[near[0]])}?" if near else f"{error.hint}, or a name from `accounts`"
        message = f"{text!r} is neither an AWS account id nor one of the names in `accounts`"
        raise UsageError(message, where=option, next_step=advice + choice) from error


def push_dataset_of(estate: Estate, name: str) -> PushDataset:
    """The push dataset of this name. Raises `UsageError`, also for a pull dataset: nothing is delivered for that."""
    dataset = dataset_of(estate, name)
    if not isinstance(dataset, PushDataset):
        raise UsageError(
            f"{name} is a pull dataset: its files are read where they are, nothing is delivered",
            next_step=f"push datasets are: {', '.join(push.name for push in estate.push_datasets) or 'none'}",
        )
    return dataset


def push_datasets_of(estate: Estate, names: Sequence[str]) -> list[PushDataset]:
    """The push datasets of these names, each once; all of them when no name is given. Raises `UsageError`."""
    return [push_dataset_of(estate, name) for name in dict.fromkeys(names)] or list(estate.push_datasets)
