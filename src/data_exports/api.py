"""The same answers in Python, for notebooks and pipelines: ``data_exports.open_estate(...)``.

In: an estate's folder. Out: an `OpenEstate`, whose methods give the values that the commands print. Effects: opening
reads files only; `plan`, `history` and `status` read AWS; `send` uploads. AWS is reached the usual way, or through the
`boto3.Session` that is given. Errors are those of `data_exports.errors`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from data_exports.access.grants import Grant, grants_of
from data_exports.access.sizes import with_sizes_checked
from data_exports.errors import PartlyDoneError
from data_exports.estate.dataset_lookup import dataset_of, push_dataset_of
from data_exports.estate.findings import Finding
from data_exports.estate.loader import Loaded, find_estate, load_estate
from data_exports.estate.models import Dataset, Estate

if TYPE_CHECKING:
    import boto3

    from data_exports.aws import Aws
    from data_exports.deploy.plan.planning import Plan
    from data_exports.operate.follow import Followed
    from data_exports.operate.history import HistoryEntry
    from data_exports.operate.status import Status

DEFAULT_TIMEOUT_SECONDS = 15 * 60


def open_estate(path: str | Path = ".", *, session: "boto3.Session | None" = None) -> "OpenEstate":
    """The estate in this folder, or in its nearest parent that has an ``exports.yaml``.

    Mistakes in the declarations raise nothing yet: `OpenEstate.check` lists them. Raises `UsageError` when there is no
    estate.
    """
    folder = find_estate(Path(path))
    return OpenEstate(folder, with_sizes_checked(load_estate(folder)), session)


@dataclass(frozen=True)
class OpenEstate:
    """An estate as it was when it was opened; what the commands answer, as values."""

    folder: Path
    loaded: Loaded
    session: "boto3.Session | None" = None

    @property
    def estate(self) -> Estate:
        """The declarations. Raises `DeclarationError`, which lists every mistake."""
        return self.loaded.require()

    def dataset(self, name: str) -> Dataset:
        """The dataset of this name. Raises `UsageError`."""
        return dataset_of(self.estate, name)

    def check(self) -> tuple[Finding, ...]:
        """Every mistake and every warning, sorted by place; needs no AWS."""
        from data_exports.reviews.checking import check_reviews_in

        on_record = check_reviews_in(self.folder, self.loaded, datetime.now(UTC).date())
        return tuple(sorted([*self.loaded.findings, *on_record]))

    def grants(self) -> tuple[Grant, ...]:
        """Every access that the declarations give, sorted; needs no AWS."""
        return grants_of(self.estate)

    def plan(self) -> "Plan":
        """What deploying would change now. Raises `AwsError`, or `RefusedError` for credentials of another account."""
        from data_exports.deploy.prepare import prepare

        return prepare(self.estate, self._aws).plan

    def send(
        self,
        files: str | Path | Iterable[str | Path],
        dataset: str,
        *,
        prefix: str = "",
        wait: bool = False,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
    ) -> "tuple[Followed, ...]":
        """Upload files, and folders with everything in them; with `wait` until each is settled, or the time is up.

        Gives one value for each upload, in the order of their keys: `is_delivered` says whether it has arrived, and
        `receipt` why not. `prefix` is put between the dataset's own prefix and the file's name. Raises `RefusedError`
        when the caller may not send, `PartlyDoneError` when some files could not be uploaded.
        """
        from data_exports.operate.follow import Followed, follow
        from data_exports.operate.send import SendListener, check_sender, send
        from data_exports.operate.sources import read_sources

        push, platform = push_dataset_of(self.estate, dataset), self.estate.platform
        paths = [Path(files)] if isinstance(files, str | Path) else [Path(each) for each in files]
        sources = read_sources(paths, push.prefix, below=prefix)
        check_sender(platform, push, self._aws)
        sent = send(platform, push, self._aws, sources.files, listener=SendListener())
        if sent.failed:
            reasons = "\n".join(f"  {each.source.path}: {each.reason}" for each in sent.failed)
            raise PartlyDoneError(
                f"{len(sent.failed)} of {len(sources.files)} files were not uploaded:\n{reasons}",
                next_step="send those files again",
            )
        uploads = [(each.source.key, each.version_id) for each in sent.uploaded]
        if not wait:
            return tuple(Followed(*upload, None) for upload in uploads)
        return follow(platform, push, self._aws, uploads, since=sent.began_at, timeout_seconds=timeout_seconds)

    def status(self, *datasets: str) -> "Status":
        """How these datasets stand, or all: deployed, waiting, given up, arrived, ending.

        What could not be read is in its `notes`. Raises `AwsError` or `RefusedError` when nothing can be said.
        """
        from data_exports.operate.status import status_of

        return status_of(self.estate, self._aws, [self.dataset(name) for name in datasets])

    def history(
        self,
        dataset: str,
        *,
        key: str = "",
        by: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        outcomes: Sequence[str] = (),
    ) -> "list[HistoryEntry]":
        """What became of the dataset's uploads, in the order in which it was recorded, repeats dropped.

        `key` and `by` may be patterns (``*`` and ``?``). Damaged receipts are left out. Raises `AwsError`, or
        `RefusedError` when nothing is deployed.
        """
        from data_exports.operate.history import Wanted, history_of
        from data_exports.operate.receipts import Period

        wanted = Wanted(Period(_in_utc(since), _in_utc(until)), key, by, tuple(outcomes))
        return list(history_of(self.estate.platform, push_dataset_of(self.estate, dataset), self._aws, wanted))

    @cached_property
    def _aws(self) -> "Aws":
        from data_exports.aws import Aws

        return Aws(self.estate.platform.region, session=self.session)


def _in_utc(moment: datetime | None) -> datetime | None:
    """A moment without a time zone is taken for UTC."""
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
