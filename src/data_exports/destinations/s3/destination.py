"""A recipient's S3 bucket as a destination: everything that is asked of one. Effects: `misfit` reads AWS."""

from data_exports.destinations.s3.advice import bucket_advice
from data_exports.destinations.s3.bucket import S3Bucket
from data_exports.destinations.s3.half import half_of
from data_exports.destinations.s3.ownership import misfit_of
from data_exports.destinations.s3.probe import TRIES, lacks_of


class S3Destination(S3Bucket):
    """A bucket of S3; see `data_exports.destinations.destination.Destination`."""

    __slots__ = ()
    tries = TRIES
    half = half_of
    advice = bucket_advice
    lacks = lacks_of
    misfit = misfit_of
