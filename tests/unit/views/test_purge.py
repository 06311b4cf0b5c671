"""What purging deletes, as text and as data."""

from data_exports.deploy.remote import BucketContents
from data_exports.deploy.removal.purge import Purge
from data_exports.names import BucketName, DatasetName
from data_exports.views.purge import PurgeData, render_purge
from tests.json_data import json_data

PLANNED = Purge(DatasetName("lists"), BucketName("mojap-lists"), BucketContents(1_200, 1, 3_400_000), uploads=2)


def test_everything_in_the_bucket_is_told_before_it_goes() -> None:
    assert render_purge(PLANNED) == (
        "the bucket mojap-lists of the removed dataset lists holds: "
        "1,200 versions, 3.4 MB, 1 delete marker, 2 unfinished uploads"
    )


def test_programs_hear_what_was_held_and_what_was_deleted() -> None:
    assert json_data(PurgeData(PLANNED, 1_201)) == {
        "dataset": "lists",
        "bucket": "mojap-lists",
        "versions": 1_200,
        "delete_markers": 1,
        "size_bytes": 3_400_000,
        "unfinished_uploads": 2,
        "deleted": 1_201,
    }
