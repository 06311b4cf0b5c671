"""The history of a pull dataset: who read, wrote or deleted what in its bucket, as S3's access logs tell.

In: an estate's dataset and an `Aws`. Out: a `BucketHistory`, which is read once, as it streams. Effects: reads the
access-log bucket. Memory: the lines of a day.
"""

from collections.abc import Iterator
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import partial

from data_exports.aws import Aws
from data_exports.contract.receipts import Damaged
from data_exports.estate.models import Platform, PullDataset
from data_exports.names import AccountId
from data_exports.operate.access_logs import AccessRecord, read_access_records, read_log_days
from data_exports.operate.history import Wanted
from data_exports.operate.who.bucket_uses import not_logged_words
from data_exports.operate.who.requesters import requester_of


class BucketHistory:
    """Records in their order, each once; iterate over it once.

    `damaged` holds what could not be read of what was iterated over so far. Iterating raises `NotAllowedError` and
    `AwsError` when the logs cannot be read, `RefusedError` when there are none.
    """

    def __init__(
        self, platform: Platform, pull: PullDataset, aws: Aws, wanted: Wanted, account: AccountId | None = None
    ) -> None:
        self.damaged: list[Damaged] = []
        self.dataset = pull.name
        self.not_logged = ""
        """Why the logs do not tell of all the time that is asked for; known once iterated."""
        self._read = partial(read_access_records, platform, pull, aws)
        self._read_days = partial(read_log_days, platform, pull, aws)
        self._wanted = wanted
        self._account = account
        self._platform, self._pull = platform, pull

    def __iter__(self) -> Iterator[AccessRecord]:
        period, days = self._wanted.period, self._read_days()
        self.not_logged = not_logged_words(days, period.since)
        for each in self._read(days, period):
            if isinstance(each, Damaged):
                self.damaged.append(each)
            elif self._is_wanted(each):
                by = requester_of(each.requester).told(self._platform, self._pull)
                yield replace(each, by=by)

    def _is_wanted(self, record: AccessRecord) -> bool:
        wanted, requester = self._wanted, requester_of(record.requester)
        if wanted.outcomes and record.doing not in wanted.outcomes:
            return False
        if wanted.key and not (record.key == wanted.key or fnmatchcase(record.key, wanted.key)):
            return False
        if self._account and requester.account != self._account:
            return False
        if not wanted.by:
            return True
        reader = requester.reader(self._platform, self._pull)
        known = (requester.name, record.requester, *(reader.known_as if reader else ()))
        return any(fnmatchcase(each, wanted.by) for each in known)
