"""A recipient's S3 bucket as a destination: everything that is asked of one. Effects: `misfit` reads AWS."""

from collections.abc import Iterator, Sequence

from data_exports.contract.tasks import Try
from data_exports.destinations.destination import Advice, Lack, Lookup, Misfit, Route
from data_exports.destinations.half import RecipientHalf
from data_exports.destinations.s3.advice import advice_on
from data_exports.destinations.s3.bucket import S3Bucket
from data_exports.destinations.s3.half import half_of
from data_exports.destinations.s3.ownership import misfit_of
from data_exports.destinations.s3.probe import TRIES, lacks_of


class S3Destination(S3Bucket):
    """A bucket of S3; see `data_exports.destinations.destination.Destination`."""

    __slots__ = ()
    tries = TRIES

    def half(self, route: Route) -> RecipientHalf:
        """The policies of the bucket and of the key, and a lifecycle rule."""
        return half_of(self, route)

    def advice(self, cause: str, route: Route) -> Advice | None:
        """What to do about failures of a cause that is the recipient's."""
        return advice_on(cause, self, route)

    def lacks(self, tries: Sequence[Try], route: Route, *, is_ours_good: bool | None) -> Iterator[Lack]:
        """What is lacking, told from a probe's tries."""
        return lacks_of(self, tries, route, is_ours_good=is_ours_good)

    def misfit(self, lookup: Lookup, owner: str) -> Misfit | None:
        """Whether the bucket exists and is whose it should be."""
        return misfit_of(self, lookup, owner)
