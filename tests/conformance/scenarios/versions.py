"""Copies, listings, deletes, and what has the version id `null`.

In: nothing. Out: scenarios. No effects.
"""

from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import (
    Copy,
    CopyVersion,
    Current,
    Gone,
    HeadObject,
    ListVersions,
    Overtaken,
    ReadAttributes,
    ReadVersioning,
    Retire,
    RetireAll,
    Retired,
    Versioning,
    Versions,
)
from tests.conformance.scenarios.common import (
    API,
    DESCRIBED,
    GUIDE,
    KEY,
    NEVER,
    OTHER,
    SUSPENDED,
    C,
    copied,
    newest,
    null,
)
from tests.conformance.steps import (
    Arrived,
    Ask,
    Delete,
    EachOf,
    Missing,
    RemoveVersions,
    Scenario,
    SetVersioning,
    Upload,
)
from tests.model.memory_s3 import etag_of

_COPIES = (
    Scenario(
        "the current version is copied if its ETag is the one named",
        f"{API}API_CopyObject.html",
        (
            Upload(KEY, b"A"),
            Upload(KEY, b"B"),
            Ask(Copy(KEY, etag_of(b"A")), Overtaken()),
            Arrived(KEY, None),
            Ask(Copy(KEY, etag_of(b"B")), copied("v2", b"B")),
            Arrived(KEY, b"B"),
        ),
        frozenset({C.CONDITIONAL_COPY}),
    ),
    Scenario(
        "a copy names the newest of equal versions",
        f"{API}API_CopyObject.html",
        (Upload(KEY, b"A"), Upload(KEY, b"A"), Ask(Copy(KEY, etag_of(b"A")), copied("v2", b"A"))),
        frozenset({C.COPY_NAMES_VERSION}),
    ),
    Scenario(
        "an empty file is a file",
        f"{API}API_CopyObject.html",
        (Upload(KEY, b""), Ask(Copy(KEY, etag_of(b"")), copied("v1", b"")), Arrived(KEY, b"")),
    ),
    Scenario(
        "a later copy takes the place of an earlier one",
        f"{GUIDE}Welcome.html#ConsistencyModel",
        (
            Upload(KEY, b"A"),
            Ask(CopyVersion(KEY, "v1"), copied("v1", b"A")),
            Upload(KEY, b"BB"),
            Ask(CopyVersion(KEY, "v2"), copied("v2", b"BB")),
            Arrived(KEY, b"BB"),
        ),
    ),
    Scenario(
        "nothing is copied from under a delete marker",
        f"{GUIDE}DeleteMarker.html",
        (
            Upload(KEY, b"A"),
            Delete(KEY),
            Ask(Copy(KEY, etag_of(b"A")), Missing()),
            Ask(Copy("orders/never-there", etag_of(b"A")), Missing()),
            Arrived(KEY, None),
        ),
    ),
    Scenario(
        "a version is copied from under a marker and a newer version",
        f"{GUIDE}DeleteMarker.html",
        (
            Upload(KEY, b"A"),
            Upload(KEY, b"B"),
            Delete(KEY),
            Ask(CopyVersion(KEY, "v1"), copied("v1", b"A")),
            Arrived(KEY, b"A"),
        ),
    ),
    Scenario(
        "a version that was removed cannot be copied",
        f"{GUIDE}DeletingObjectVersions.html",
        (
            Upload(KEY, b"A"),
            RemoveVersions(KEY),
            Ask(CopyVersion(KEY, "v1"), Missing()),
            Ask(HeadObject(KEY, "v1"), Missing()),
            Ask(ListVersions(KEY), Versions(None, current=False)),
        ),
        frozenset({C.LISTING_ENCODING}),
    ),
    Scenario(
        "what describes a file comes along with its copy",
        f"{API}API_CopyObject.html",
        (
            Upload(KEY, b"A", DESCRIBED),
            Ask(Copy(KEY, etag_of(b"A")), copied("v1", b"A")),
            Arrived(KEY, b"A", DESCRIBED),
            Upload(KEY, b"B"),
            Ask(CopyVersion(KEY, "v1"), copied("v1", b"A")),
            Arrived(KEY, b"A", DESCRIBED),
            Ask(CopyVersion(KEY, "v2"), copied("v2", b"B")),
            Arrived(KEY, b"B"),
        ),
    ),
    Scenario(
        "the tags of the version that is copied come along",
        f"{GUIDE}object-tagging.html",
        (
            Upload(KEY, b"A", {"x-amz-tagging": "class=official&odd%20name=a%2Bb%2Fc"}),
            Upload(KEY, b"B", {"x-amz-tagging": "class=secret"}),
            Ask(CopyVersion(KEY, "v1"), copied("v1", b"A")),
            Arrived(KEY, b"A", {"x-amz-tagging": "class=official&odd%20name=a%2Bb%2Fc"}),
            Ask(Copy(KEY, etag_of(b"B")), copied("v2", b"B")),
            Arrived(KEY, b"B", {"x-amz-tagging": "class=secret"}),
        ),
        frozenset({C.TAGS_OF_A_VERSION}),
    ),
)

_LOOKS = (
    Scenario(
        "the listing tells the newest version and whether a marker hides it",
        f"{API}API_ListObjectVersions.html",
        (
            Upload(KEY, b"A"),
            Ask(ListVersions(KEY), newest("v1", b"A", current=True)),
            Delete(KEY, times=2),
            Ask(ListVersions(KEY), newest("v1", b"A", current=False)),
            Upload(KEY, b"BB"),
            Ask(ListVersions(KEY), newest("v2", b"BB", current=True)),
        ),
    ),
    Scenario(
        "a listing of what is only the beginning of keys says that there is no such key",
        f"{API}API_ListObjectVersions.html#API_ListObjectVersions_RequestSyntax",
        (Upload(KEY, b"A"), Ask(ListVersions("orders/a"), Versions(None, current=False))),
        frozenset({C.LISTING_ENCODING}),
    ),
    Scenario(
        "a version is found below more delete markers than a page of the listing holds",
        f"{API}API_ListObjectVersions.html",
        (
            Upload(KEY, b"A"),
            Delete(KEY, times=205),
            Ask(ListVersions(KEY), newest("v1", b"A", current=False)),
        ),
    ),
    Scenario(
        "a HEAD tells the current version, and of a version whether it is there",
        f"{API}API_HeadObject.html",
        (
            Upload(KEY, b"A"),
            Upload(KEY, b"B"),
            Ask(HeadObject(KEY), Current("v2")),
            Ask(HeadObject(KEY, "v1"), Current("v1")),
            Delete(KEY),
            Ask(HeadObject(KEY), Missing()),
            Ask(HeadObject(KEY, "v1"), Current("v1")),
        ),
    ),
)

_DELETES = (
    Scenario(
        "one key is retired on condition",
        f"{GUIDE}conditional-deletes.html",
        (
            Upload(KEY, b"A"),
            Ask(Retire(KEY, etag_of(b"B")), Overtaken()),
            Ask(ListVersions(KEY), newest("v1", b"A", current=True)),
            Ask(Retire(KEY, etag_of(b"A")), Retired()),
            Ask(ListVersions(KEY), newest("v1", b"A", current=False)),
        ),
        frozenset({C.CONDITIONAL_DELETE}),
    ),
    Scenario(
        "a condition on the ETag is not met by what a delete marker hides, nor by nothing",
        f"{GUIDE}conditional-deletes.html",
        (
            Upload(KEY, b"A"),
            Delete(KEY),
            Ask(Retire(KEY, etag_of(b"A")), Missing(or_404=True)),
            Ask(Retire("orders/never-there", etag_of(b"A")), Missing(or_404=True)),
        ),
        frozenset({C.CONDITIONAL_DELETE, C.CONDITION_BELOW_MARKER}),
    ),
    Scenario(
        "a batch of retires is answered key by key",
        f"{API}API_DeleteObjects.html",
        (
            Upload(KEY, b"A"),
            Upload(OTHER, b"A"),
            Upload(OTHER, b"B"),
            Ask(
                RetireAll((Retire(KEY, etag_of(b"A")), Retire(OTHER, etag_of(b"A")))),
                EachOf((Retired(), Overtaken())),
            ),
            Ask(ListVersions(KEY), newest("v1", b"A", current=False)),
            Ask(ListVersions(OTHER), newest("v3", b"B", current=True)),
        ),
        frozenset({C.CONDITIONAL_DELETES}),
    ),
    Scenario(
        "in a batch no condition is met by what a delete marker hides, nor by nothing",
        f"{API}API_DeleteObjects.html",
        (
            Upload(KEY, b"A"),
            Delete(KEY),
            Ask(
                RetireAll((Retire(KEY, etag_of(b"A")), Retire("orders/never-there", etag_of(b"A")))),
                EachOf((Missing(or_404=True), Missing(or_404=True))),
            ),
        ),
        frozenset({C.CONDITIONAL_DELETES}),
    ),
)

_NULLS = (
    Scenario(
        "what was uploaded before versioning was turned on has the version id null",
        f"{GUIDE}VersioningWorkflows.html",
        (
            Ask(ReadVersioning(), Versioning(is_on=False)),
            Upload(KEY, b"A"),
            Upload(KEY, b"B"),
            Ask(HeadObject(KEY), null(b"B")),
            Ask(ListVersions(KEY), newest(NULL, b"B", current=True)),
            Ask(Copy(KEY, etag_of(b"B")), copied(NULL, b"B")),
            Ask(CopyVersion(KEY, NULL, etag_of(b"A")), Overtaken()),
            Ask(CopyVersion(KEY, NULL, etag_of(b"B")), copied(NULL, b"B")),
            Arrived(KEY, b"B"),
            Delete(KEY),
            Ask(ListVersions(KEY), Versions(None, current=False)),
        ),
        frozenset({C.VERSIONING_STATUS, C.CONDITIONAL_COPY, C.LISTING_ENCODING}),
        versioning=NEVER,
    ),
    Scenario(
        "once versioning is on, a null is a version like others",
        f"{GUIDE}manage-objects-versioned-bucket.html",
        (
            Upload(KEY, b"A"),
            SetVersioning("Enabled"),
            Ask(ReadVersioning(), Versioning(is_on=True)),
            Ask(ListVersions(KEY), newest(NULL, b"A", current=True)),
            Delete(KEY),
            Ask(ListVersions(KEY), newest(NULL, b"A", current=False)),
            Ask(CopyVersion(KEY, NULL, etag_of(b"A")), copied(NULL, b"A")),
            Upload(KEY, b"B"),
            Ask(HeadObject(KEY), Current("v2")),
            Ask(HeadObject(KEY, NULL), null(b"A")),
        ),
        frozenset({C.VERSIONING_STATUS}),
        versioning=NEVER,
    ),
    Scenario(
        "while versioning is suspended, an upload takes the place of the null and spares the others",
        f"{GUIDE}AddingObjectstoVersionSuspendedBuckets.html",
        (
            Upload(KEY, b"A"),
            SetVersioning(SUSPENDED),
            Ask(ReadVersioning(), Versioning(is_on=False)),
            Upload(KEY, b"B"),
            Upload(KEY, b"C"),
            Ask(ListVersions(KEY), newest(NULL, b"C", current=True)),
            Ask(HeadObject(KEY, "v1"), Current("v1")),
            SetVersioning("Enabled"),
            Upload(KEY, b"D"),
            Ask(HeadObject(KEY), Current("v4")),
            Ask(HeadObject(KEY, NULL), null(b"C")),
        ),
        frozenset({C.VERSIONING_STATUS, C.SUSPENDED_UPLOADS}),
    ),
    Scenario(
        "while versioning is suspended, a delete removes the null for good",
        f"{GUIDE}DeletingObjectsfromVersioningSuspendedBuckets.html",
        (
            Upload(KEY, b"A"),
            SetVersioning(SUSPENDED),
            Upload(KEY, b"B"),
            Delete(KEY),
            Ask(ListVersions(KEY), newest("v1", b"A", current=False)),
        ),
        frozenset({C.SUSPENDED_DELETES}),
    ),
    Scenario(
        "the marker that took the place of the null says that it is one, also to whoever may not list",
        f"{API}API_HeadObject.html",
        (
            Upload(KEY, b"A"),
            SetVersioning(SUSPENDED),
            Upload(KEY, b"B"),
            Delete(KEY),
            Ask(HeadObject(KEY, NULL), Gone()),
            Ask(ReadAttributes(KEY, NULL), Gone()),
            SetVersioning("Enabled"),
            Upload(KEY, b"C"),
            Ask(HeadObject(KEY, NULL), Gone()),
            SetVersioning(SUSPENDED),
            Upload(KEY, b"D"),
            Ask(HeadObject(KEY, NULL), null(b"D")),
        ),
        frozenset({C.MARKERS_BY_ID}),
    ),
)

VERSIONS = (*_COPIES, *_LOOKS, *_DELETES, *_NULLS)
