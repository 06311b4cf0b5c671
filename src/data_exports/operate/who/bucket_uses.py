"""Who used a pull dataset's bucket, by S3's access logs, held against who may.

In: an `Aws`, a platform, a pull dataset, and since when to look. Out: a `Use` for everybody who may, and for everybody
who did. Effects: reads the access-log bucket. The logs are S3's best effort and hours late: whoever is not in them has
most likely not used the bucket, and whoever is has.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from data_exports.aws import Aws
from data_exports.contract.receipts import Damaged
from data_exports.errors import RefusedError
from data_exports.estate.models import Platform, PullDataset
from data_exports.names import AccountRootArn, Outsider
from data_exports.operate.access_logs import AccessRecord, Doing, read_access_records, read_log_days
from data_exports.operate.receipts import Period
from data_exports.operate.who.requesters import Requester, requester_of
from data_exports.operate.who.uses import Use, Uses
from data_exports.text import counted

NO_LOGS = "S3 has written no access log of it yet"
LOGS_BEGIN = "its access logs begin on {:%Y-%m-%d}"
NOT_KEPT = "no access logs are kept: `exports deploy` sets them up"


@dataclass(slots=True)
class _Count:
    """What one principal did."""

    requests: int = 0
    reads: int = 0
    writes: int = 0
    deletes: int = 0
    bytes_read: int = 0
    last: datetime | None = None
    """When data was read, written or deleted; listings are apart: a job that only lists uses nothing."""
    last_listing: datetime | None = None

    def note(self, record: AccessRecord) -> None:
        self.requests += 1
        if record.doing is Doing.LISTED:
            self.last_listing = max(filter(None, [self.last_listing, record.at]))
        else:
            self.last = max(filter(None, [self.last, record.at]))
        if record.doing is Doing.READ:
            self.reads += 1
            self.bytes_read += record.moved_bytes
        self.writes += record.doing is Doing.WROTE
        self.deletes += record.doing is Doing.DELETED


@dataclass(slots=True)
class BucketUse:
    """Who used a bucket: by principals that may, and others by what the logs call them."""

    by_principal: dict[Outsider, _Count] = field(default_factory=dict)
    others: dict[str, _Count] = field(default_factory=dict)
    damaged: list[Damaged] = field(default_factory=list)
    not_logged: str = ""
    """Why the logs do not tell of all the time that was asked for; ``""`` when they do."""

    @property
    def why_not_known(self) -> str:
        """Why somebody who is not in the logs may have used it nevertheless, besides S3's own limits."""
        return f"{counted(len(self.damaged), 'line')} of logs could not be read" if self.damaged else self.not_logged

    def count(self, found: Iterable[AccessRecord | Damaged], platform: Platform) -> None:
        """Take records in; what S3 refused is no use."""
        for each in found:
            if isinstance(each, Damaged):
                self.damaged.append(each)
            elif each.doing is not Doing.REFUSED:
                self._count_of(requester_of(each.requester), platform).note(each)

    def _count_of(self, requester: Requester, platform: Platform) -> _Count:
        fitting = [each for each in self.by_principal if requester.is_of(each)]
        if fitting:  # a role of its own comes before its whole account
            return self.by_principal[min(fitting, key=lambda each: isinstance(each, AccountRootArn))]
        return self.others.setdefault(requester.words(platform), _Count())


def read_bucket_use(platform: Platform, pull: PullDataset, aws: Aws, *, since: datetime) -> BucketUse:
    """Who used the dataset's bucket since then. Raises `NotAllowedError` and `AwsError`."""
    readers = (pull.role_arn_of(each, platform) for each in pull.readers)
    people = [*(platform.user_role_arn(user) for user in pull.users), *pull.outsiders, *readers]
    use = BucketUse({each: _Count() for each in people})
    try:
        days = read_log_days(platform, pull, aws)
        use.count(read_access_records(platform, pull, aws, days, Period(since)), platform)
    except RefusedError:
        use.not_logged = NOT_KEPT
        return use
    use.not_logged = not_logged_words(days, since)
    return use


def not_logged_words(days: Sequence[date], since: datetime | None) -> str:
    """Why logs of these days do not tell of all the time since then; ``""`` when they do."""
    if not days:
        return NO_LOGS
    if (
        since is None or days[0] >= since.astimezone(UTC).date()
    ):  # at which hour of its first day they begin nobody knows
        return LOGS_BEGIN.format(days[0])
    return ""


def read_pull_uses(platform: Platform, pull: PullDataset, aws: Aws, *, since: datetime) -> Uses:
    """Who used the dataset since then, and who may and did not. Raises `NotAllowedError` and `AwsError`."""
    use = read_bucket_use(platform, pull, aws, since=since)
    return Uses(pull.name, tuple(_uses_of(platform, pull, use)), tuple(use.damaged))


def _uses_of(platform: Platform, pull: PullDataset, use: BucketUse) -> Iterator[Use]:
    names = dict.fromkeys(map(str, pull.users))
    labels = {str(pull.role_arn_of(each, platform)): each.label for each in pull.readers}
    for principal, count in use.by_principal.items():
        role = principal.rpartition("/")[2]
        name = role if role in names and principal not in pull.outsiders else labels.get(principal, str(principal))
        yield _use(pull, name, count, is_granted=True, why="" if count.requests else use.why_not_known)
    for name, count in sorted(use.others.items()):
        yield _use(pull, name, count, is_granted=False, why="")


def _use(pull: PullDataset, who: str, count: _Count, *, is_granted: bool, why: str) -> Use:
    return Use(
        pull.name,
        who,
        is_granted,
        None,
        None,
        why,
        requests=count.requests,
        reads=count.reads,
        writes=count.writes,
        deletes=count.deletes,
        bytes_read=count.bytes_read,
        last_request=count.last,
        last_listing=count.last_listing,
    )
