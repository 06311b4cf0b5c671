"""When accesses were last used, as far as anything tells: receipts of what was sent, logs of what was read.

In: an estate, an `Aws`, and since when to look. Out: words for each access. Effects: reads receipts and looks roles up.
Of pull datasets S3's access logs tell.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from data_exports.aws import Aws
from data_exports.contract.receipts import moment_of
from data_exports.errors import RefusedError
from data_exports.estate.models import Estate, Platform, PushDataset
from data_exports.operate.history import Wanted, history_of
from data_exports.operate.people import read_role_ids
from data_exports.operate.receipts import Period
from data_exports.operate.who.bucket_uses import read_bucket_use
from data_exports.operate.who.uses import UNTOLD
from data_exports.reviews.models import RECIPIENT, SENDER
from data_exports.reviews.rows import RowId, accesses_by_row
from data_exports.text import counted

Person = tuple[str, str]
"""Role, and name; of the recipient, which is one, no name."""


def read_last_uses(estate: Estate, aws: Aws, *, since: datetime) -> Iterator[tuple[str, dict[RowId, str]]]:
    """For each dataset, its name and the last use of each of its accesses. Raises `AwsError`."""
    rows = accesses_by_row(estate)
    for pull in estate.pull_datasets:
        own = {row: access.principal for row, access in rows.items() if row[0] == pull.name}
        use = read_bucket_use(estate.platform, pull, aws, since=since)
        none = (
            f"not known: {use.why_not_known}" if use.why_not_known else f"none since {since.astimezone(UTC):%Y-%m-%d}"
        )
        counts = {row: use.by_principal[principal] for row, principal in own.items()}
        yield pull.name, {row: _bucket_use_words(count.last, count.last_listing, none) for row, count in counts.items()}
    for push in estate.push_datasets:
        senders = [row for row in rows if row[0] == push.name]
        try:
            known, last, damaged, untold = _last_uses_of(estate.platform, push, aws, since)
        except RefusedError as error:
            yield push.name, dict.fromkeys(senders, f"not known: {error.what}")
            continue
        none = f"none since {since.astimezone(UTC):%Y-%m-%d}"
        none = f"not known: {counted(damaged, 'receipt')} could not be read" if damaged else none
        yield push.name, {row: _words(row, known, last, none, untold) for row in senders}


def _bucket_use_words(last: datetime | None, last_listing: datetime | None, none: str) -> str:
    if last:
        return f"{last:%Y-%m-%d}"
    return f"listed only, {last_listing:%Y-%m-%d}" if last_listing else none


def _words(row: RowId, known: set[str], last: Mapping[Person, datetime], none: str, untold: int) -> str:
    _, role, who = row
    moment = last.get((role, "" if role == RECIPIENT else who))
    if moment:
        return f"{moment.astimezone(UTC):%Y-%m-%d}"
    if role == SENDER and who not in known:
        return "not known: the role could not be looked up"
    if role == SENDER and untold:
        return f"not known: {UNTOLD.format(counted(untold, 'upload'))}"
    return none


def _last_uses_of(
    platform: Platform, push: PushDataset, aws: Aws, since: datetime
) -> tuple[set[str], dict[Person, datetime], int, int]:
    """The roles that could be looked up, and the last moment of each person.

    Then how many receipts cannot be read, and of how many uploads it cannot be told whose they are.
    """
    role_ids = read_role_ids(aws, platform, push.users)
    last: dict[Person, datetime] = {}
    told: dict[tuple[str, str], bool] = {}

    def note(who: Person, moment: datetime | None) -> None:
        if moment and (who not in last or moment > last[who]):
            last[who] = moment

    history = history_of(platform, push, aws, Wanted(Period(since)), role_ids=role_ids)
    for entry in history:
        note((RECIPIENT, ""), moment_of(entry.receipt.delivered_at))
        upload = entry.receipt.identity[:2]
        told[upload] = told.get(upload, False) or bool(entry.by and entry.by.is_known)
        if entry.by and entry.by.role:
            note((SENDER, str(entry.by.role)), moment_of(entry.receipt.uploaded_at))
    untold = sum(not each for each in told.values())
    return {str(name) for name in role_ids.values()}, last, len(history.damaged), untold
