"""The accesses of an estate as a review has them: a row each, under their datasets, in an order that stays.

In: an `Estate`, and when each access was last used as far as somebody has looked. Out: a `Review`, nothing decided.
Effects: none. What people read here are words for somebody who knows nothing of AWS.
"""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

from data_exports.access.accesses import Access, accesses_of
from data_exports.access.grants import Role, grants_of, grants_of_dataset
from data_exports.estate.findings import Place
from data_exports.estate.models import Dataset, Estate, Platform, PushDataset
from data_exports.readers.sftp import INCOMING, SftpReader
from data_exports.reviews.digests import digest_of_access, digest_of_accesses, short_digest
from data_exports.reviews.models import (
    BY_SFTP,
    NO_END,
    NOT_LOOKED_AT,
    OUTSIDE_AWS,
    OUTSIDE_ROLE,
    RECIPIENT,
    ROLES,
    SENDER,
    USER,
    AccessRow,
    Review,
    ReviewedDataset,
)

RowId = tuple[str, str, str]
"""Dataset, role and who: what makes an access of a review, and one of the declarations, one and the same."""

ROLE_WORDS = {
    Role.MOVER: RECIPIENT,
    Role.SENDER: SENDER,
    Role.PULL_USER: USER,
    Role.OUTSIDER: OUTSIDE_ROLE,
    Role.FEDERATED: OUTSIDE_AWS,
    Role.SFTP: BY_SFTP,
}


def review_of_estate(
    estate: Estate,
    path: Path,
    *,
    today: date,
    due: date | None = None,
    last_uses: Mapping[RowId, str] | None = None,
) -> Review:
    """A review of every access of the estate, which is to be kept in the file `path`."""
    place = Place(path)
    datasets = (_reviewed(estate.platform, dataset, last_uses or {}, place) for dataset in estate.datasets())
    return Review(
        platform=estate.platform.name_of_account(estate.platform.account),
        started=today,
        due=due,
        digest=digest_of_accesses(accesses_of(grants_of(estate))),
        datasets=tuple(datasets),
        place=place,
    )


def row_id(dataset: str, row: AccessRow) -> RowId:
    """What makes the row's access one and the same wherever it stands."""
    return (dataset, row.role, row.who)


def accesses_by_row(estate: Estate) -> dict[RowId, Access]:
    """Every access of the estate, by what a review knows it by."""
    accesses = accesses_of(grants_of(estate))
    return {(access.dataset, ROLE_WORDS[access.role], who_of(access)): access for access in accesses}


def _reviewed(platform: Platform, dataset: Dataset, last_uses: Mapping[RowId, str], place: Place) -> ReviewedDataset:
    accesses = accesses_of(grants_of_dataset(platform, dataset))
    rows = [_row(access, dataset, platform, last_uses, place) for access in accesses]
    rows.sort(key=lambda row: (ROLES.index(row.role), row.who))
    return ReviewedDataset(
        dataset=dataset.name,
        kind="push" if isinstance(dataset, PushDataset) else "pull",
        owner=dataset.owner,
        paperwork=dataset.paperwork,
        until=str(dataset.expires or NO_END),
        accesses=tuple(rows),
        place=place,
    )


def _row(
    access: Access, dataset: Dataset, platform: Platform, last_uses: Mapping[RowId, str], place: Place
) -> AccessRow:
    role = ROLE_WORDS[access.role]
    who = who_of(access)
    return AccessRow(
        who=who,
        role=role,
        account=_account(access, platform),
        may=_may(access, dataset),
        last_use=last_uses.get((dataset.name, role, who), NOT_LOOKED_AT),
        access=short_digest(digest_of_access(access)),
        place=place,
    )


def who_of(access: Access) -> str:
    """Whose access it is, as a review names them: by role name, ARN, in words, or where files are delivered to."""
    if isinstance(access.reader, SftpReader):
        return access.reader.name
    if access.reader:
        return access.reader.label
    match access.role:
        case Role.MOVER:
            return access.where
        case Role.OUTSIDER:
            return access.principal
        case _:
            return access.principal.rsplit("/", 1)[1]


def _account(access: Access, platform: Platform) -> str:
    if not access.is_outside or access.reader:
        return ""
    if access.destination:
        return " ".join(access.party_words)
    return platform.name_of_account(access.account) if access.account else "not named"


def _may(access: Access, dataset: Dataset) -> str:
    match access.role:
        case Role.MOVER:
            what = "a copy of every file" if access.keeps_files else "every file"
            return f"get {what} of {dataset.name} that is sent"
        case Role.SENDER:
            return f"send files of {dataset.name} and see what became of them"
        case Role.PULL_USER:
            return f"read, add and delete files of {dataset.name}"
        case Role.OUTSIDER | Role.FEDERATED:
            verbs = "read, add and delete" if access.writes else "read"
            return f"{verbs} files of {dataset.name}"
        case Role.SFTP:
            adds = f", and add files under {INCOMING}," if access.writes else ""
            keys = ", ".join(sorted(access.ssh_keys))
            return f"read files of {dataset.name}{adds} with the SSH key{'s' * (len(access.ssh_keys) > 1)} {keys}"
