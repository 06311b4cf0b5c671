"""Where things lie: an upload in the hub, what the mover writes to the log bucket, what a probe leaves.

In: a dataset's name, and times. Out: keys and what they begin with. No effects. Policies, listings and Athena's table
are made of the same words.

A file of receipts lies under `deliveries/dataset=<name>/date=YYYY-MM-DD/`, which Athena reads as partitions, and its
name begins with the time at which it was written. S3 lists names in order, so a period costs one listing that begins at
its first second.
"""

from datetime import UTC, date, datetime

RECEIPTS = "deliveries/"
CHECKPOINTS = "checkpoints/"
SWEEP_NOTES = "sweep.jsonl.gz"
_TIME = "%Y%m%dT%H%M%SZ"


def hub_prefix_of(dataset: str) -> str:
    """Where in the hub a dataset's senders write."""
    return f"{dataset}/"


def probe_key_of(dataset: str) -> str:
    """The one object that a probe may leave with the recipient; see `data_exports.mover.tasks.probe`."""
    return f"{hub_prefix_of(dataset)}.exports-probe"


def receipts_prefix_of(dataset: str) -> str:
    """Where in the log bucket a dataset's receipts are written."""
    return f"{RECEIPTS}dataset={dataset}/"


def card_key_of(dataset: str) -> str:
    """Where a dataset's card lies: what its senders need to know of it, beside the receipts that they may read.

    It comes before every day, and readers of receipts leave it out; `data_exports.stacks.card` tells what it holds.
    """
    return f"{receipts_prefix_of(dataset)}card.json"


def checkpoints_prefix_of(dataset: str) -> str:
    """Where in the log bucket a dataset's mover notes how far it has come with what takes it several runs."""
    return f"{CHECKPOINTS}dataset={dataset}/"


def sweep_notes_key_of(dataset: str) -> str:
    """What one sweep leaves for the next."""
    return f"{checkpoints_prefix_of(dataset)}{SWEEP_NOTES}"


def head_key_of(folder: str, evidence_bucket: str, day: str) -> str:
    """Where a witness of the evidence keeps the head of a day; its folder is empty, or ends with a slash."""
    return f"{folder}{evidence_bucket}/{day}"


def receipts_key_of(dataset: str, written_at: datetime, identifier: str) -> str:
    """A file of receipts. The identifier keeps apart those of one second."""
    return f"{receipts_from(dataset, written_at)}-{identifier}.jsonl.gz"


def receipts_from(dataset: str, moment: datetime) -> str:
    """What comes before the key of every file of receipts that is written in this second or later."""
    moment = moment.astimezone(UTC)
    return f"{receipts_days_of(dataset)}{moment:%Y-%m-%d}/{moment:{_TIME}}"


def receipts_days_of(dataset: str) -> str:
    """What the folder of each day begins with; the day and a slash follow."""
    return f"{receipts_prefix_of(dataset)}date="


def time_in(receipts_key: str) -> datetime | None:
    """When a file of receipts was written, in whole seconds; None when its name does not say."""
    try:
        return datetime.strptime(receipts_key.rsplit("/", 1)[-1].partition("-")[0], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def day_in(dataset: str, receipts_folder: str) -> date | None:
    """The day of a folder of receipts; None when its name does not say."""
    try:
        return date.fromisoformat(receipts_folder.removeprefix(receipts_days_of(dataset)).rstrip("/"))
    except ValueError:
        return None
