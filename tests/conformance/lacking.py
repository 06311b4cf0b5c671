"""What each server cannot do, and why: data.

In: nothing. Out: `LACKING`, `LACKING_ELSEWHERE`. No effects. What needs something of this is named as left out, and
fails if it holds after all.
"""

from collections.abc import Mapping

from tests.conformance.steps import Capability as C  # noqa: N817 it stands on every line

LACKING_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    # https://learn.microsoft.com/rest/api/storageservices/put-block (remarks)
    "azurite": {"an_aborted_upload_is_gone": "it keeps blocks that are not listed when the blob is written whole"},
}
"""Of servers outside AWS: checks of the suite of destinations by their functions' names."""

LACKING: Mapping[str, Mapping[C, str]] = {
    "memory": {
        C.BUCKET_OWNER: "it knows no accounts",
        C.REGIONS: "it knows no regions",
        C.NAMES_REGION: "it knows no regions",
        C.MISSING_BUCKET: "its three buckets are always there",
        C.CHECKSUMS_OF_COPIES: "it works none out",
        C.CHECKSUMS_OF_PARTS: "it works none out",
    },
    "local AWS": {
        C.INITIATORS: "it names the bucket's account",
    },
    "moto": {
        C.LISTING_ENCODING: "it leaves EncodingType out: an empty listing may be one written otherwise",
        C.VERSIONING_STATUS: "it answers GetBucketVersioningResponse instead of VersioningConfiguration",
        C.PLAIN_BUCKETS: "it names the version null when an upload in parts is completed",
        C.CONDITIONAL_COPY: "it takes no notice of x-amz-copy-source-if-match",
        C.CONDITIONAL_PARTS: "it takes no notice of x-amz-copy-source-if-match",
        C.CONDITIONAL_DELETES: "it takes no notice of ETags in DeleteObjects",
        C.SUSPENDED_DELETES: "it lists no version any more",
        C.MARKERS_BY_ID: "it answers 400 to the id null",
        C.TAGS_OF_A_VERSION: "it adds the tags to those of what was there before",
        C.LINE_ENDS: "it answers 404 to the upload",
        C.BUCKET_OWNER: "it takes no notice of x-amz-expected-bucket-owner",
        C.ABORT_IS_FINAL: "it answers 500 to a part for an upload that was aborted",
        C.INITIATORS: "it names a fixed user",
        C.CHECKSUMS_OF_COPIES: "a look at a file tells none",
    },
    "SeaweedFS": {
        C.COPY_NAMES_VERSION: "it sends no x-amz-copy-source-version-id; elsewhere the name is not looked at",
        C.LISTING_ENCODING: "it leaves EncodingType out: an empty listing may be one written otherwise",
        C.CONDITION_BELOW_MARKER: "it answers 412 where nothing is on top",
        C.SUSPENDED_UPLOADS: "it lists the older versions first",
        C.ODD_CHARACTERS: "it makes a slash of a backslash",
        C.EMPTY_NAMES: "it makes one slash of two",
        C.CONTROL_CHARACTERS: "it writes them into XML as they are",
        C.TRAILING_SLASH: "a slash at the end makes a folder",
        C.DOTS: "it refuses them: its keys are paths of files",
        C.LONG_KEYS: "its files' names are shorter",
        C.BUCKET_OWNER: "it knows no accounts",
        C.MISSING_BUCKET: "it answers InternalError",
        C.NAMES_REGION: "it knows no regions",
        C.ABORT_IS_FINAL: "it aborts twice",
        C.INITIATORS: "it knows no principals",
        C.CHECKSUMS_OF_COPIES: "a copy tells none",
        C.CHECKSUMS_OF_PARTS: "a finished upload in parts tells none",
    },
    "LocalStack": {
        C.MARKERS_BY_ID: "it answers a bare 405",
        C.CONDITIONAL_DELETE: "it answers NotImplemented to If-Match",
        C.CONDITIONAL_DELETES: "it takes no notice of ETags in DeleteObjects",
        C.BUCKET_POLICIES: "its open edition does not enforce them",
        C.BUCKET_OWNER: "it takes no notice of x-amz-expected-bucket-owner",
        C.INITIATORS: "it names a fixed user",
    },
}
