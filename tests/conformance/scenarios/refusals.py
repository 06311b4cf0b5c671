"""Refusals, buckets of somebody else, other regions.

In: nothing. Out: scenarios. No effects.
"""

from data_exports.contract.causes import Cause
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Copy,
    CopyVersion,
    Failed,
    Forbidden,
    HeadObject,
    ListVersions,
    PutReceipts,
    Removed,
    Retire,
    Started,
    StartUpload,
)
from tests.conformance.scenarios.common import API, GUIDE, KEY, NOBODYS_BUCKET, PLAIN, STRANGER, C, copied, newest
from tests.conformance.steps import (
    Arrived,
    Ask,
    HubIsNamed,
    RefuseCopies,
    Scenario,
    Upload,
)
from tests.model.memory_s3 import etag_of

_REFUSALS = (
    Scenario(
        "a recipient that refuses is told from a missing key by the listing",
        f"{API}API_CopyObject.html",
        (
            Upload(KEY, b"A"),
            RefuseCopies(),
            Ask(Copy(KEY, etag_of(b"A")), Forbidden("")),
            Ask(CopyVersion(KEY, "v1"), Forbidden("")),
            Ask(ListVersions(KEY), newest("v1", b"A", current=True)),
            Arrived(KEY, None),
        ),
        frozenset({C.BUCKET_POLICIES}),
    ),
    Scenario(
        "a target bucket that belongs to somebody else gets nothing",
        f"{GUIDE}bucket-owner-condition.html",
        (
            Upload(KEY, b"A"),
            Ask(Copy(KEY, etag_of(b"A")), Forbidden(""), {"target_account": STRANGER}),
            Ask(StartUpload(KEY, PLAIN), Forbidden(""), {"target_account": STRANGER}),
            Arrived(KEY, None),
        ),
        frozenset({C.BUCKET_OWNER}),
    ),
    Scenario(
        "a hub that belongs to somebody else is not read, nor is anything hidden in it",
        f"{GUIDE}bucket-owner-condition.html",
        (
            Upload(KEY, b"A"),
            Ask(Copy(KEY, etag_of(b"A")), Forbidden(""), {"hub_account": STRANGER}),
            Ask(HeadObject(KEY), Forbidden(""), {"hub_account": STRANGER}),
            Ask(ListVersions(KEY), Forbidden(""), {"hub_account": STRANGER}),
            Ask(Retire(KEY, etag_of(b"A")), Forbidden(""), {"hub_account": STRANGER}),
            Arrived(KEY, None),
            Ask(ListVersions(KEY), newest("v1", b"A", current=True)),
        ),
        frozenset({C.BUCKET_OWNER}),
    ),
    Scenario(
        "a log bucket that belongs to somebody else gets no receipts",
        f"{GUIDE}bucket-owner-condition.html",
        (Ask(PutReceipts("deliveries/dataset=orders/a", b"A"), Forbidden(""), {"hub_account": STRANGER}),),
        frozenset({C.BUCKET_OWNER}),
    ),
    Scenario(
        "a target bucket that does not exist is the recipient's",
        f"{API}ErrorResponses.html#ErrorCodeList",
        (
            Upload(KEY, b"A"),
            Ask(
                Copy(KEY, etag_of(b"A")),
                Failed("", Cause.RECIPIENT_BUCKET),
                {"target_bucket": NOBODYS_BUCKET},
            ),
        ),
        frozenset({C.MISSING_BUCKET}),
    ),
)

_REGIONS = (
    Scenario(
        "S3 says in which region a bucket is", f"{API}API_HeadBucket.html", (HubIsNamed(),), frozenset({C.NAMES_REGION})
    ),
    Scenario(
        "a file goes to a recipient in another region",
        f"{GUIDE}Redirects.html",
        (
            Upload(KEY, b"A"),
            Ask(Copy(KEY, etag_of(b"A")), copied("v1", b"A")),
            Arrived(KEY, b"A"),
            Ask(StartUpload(KEY, PLAIN), Started("u1")),
            Ask(AbortUpload(KEY, "u1"), Removed()),
        ),
        frozenset({C.REGIONS}),
        target_elsewhere=True,
    ),
)

REFUSALS = (*_REFUSALS, *_REGIONS)
