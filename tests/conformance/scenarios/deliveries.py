"""Whole deliveries: the mover's rules and its client together.

In: nothing. Out: scenarios. No effects.
"""

from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import (
    Checkpoints,
    ListVersions,
    ReadCheckpoints,
)
from tests.conformance.scenarios.common import API, GUIDE, KEY, LARGE, OTHER, SUSPENDED, C, newest
from tests.conformance.steps import (
    Arrived,
    Ask,
    Delete,
    Deliver,
    RefuseCopies,
    RemoveVersions,
    Scenario,
    SetVersioning,
    Upload,
)


def told(key: str, version: str, outcome: str, cause: str = "") -> tuple[str, str, str, str]:
    return key, version, outcome, cause


DELIVERIES = (
    Scenario(
        "a batch is delivered: overwritten, superseded, empty, and told of twice",
        f"{GUIDE}notification-content-structure.html",
        (
            Upload(KEY, b"old"),
            Upload(KEY, b"new", {"content-type": "text/csv"}),
            Upload(OTHER, b""),
            Deliver(
                ((KEY, "v1", b"old"), (KEY, "v2", b"new"), (OTHER, "v3", b"")),
                frozenset(
                    {told(KEY, "v1", "superseded"), told(KEY, "v2", "delivered"), told(OTHER, "v3", "delivered")}
                ),
            ),
            Arrived(KEY, b"new", {"content-type": "text/csv"}),
            Arrived(OTHER, b""),
            Ask(ListVersions(KEY), newest("v2", b"new", current=False)),
            Ask(ListVersions(OTHER), newest("v3", b"", current=False)),
            Deliver(
                ((KEY, "v2", b"new"), (OTHER, "v3", b"")),
                frozenset({told(KEY, "v2", "delivered"), told(OTHER, "v3", "delivered")}),
            ),
            Arrived(KEY, b"new", {"content-type": "text/csv"}),
        ),
        frozenset({C.COPY_NAMES_VERSION, C.VERSIONING_STATUS, C.CONDITIONAL_COPY}),
    ),
    Scenario(
        "a file that is kept is delivered and stays in sight",
        f"{API}API_HeadObject.html",
        (
            Upload(KEY, b"A"),
            Deliver(((KEY, "v1", b"A"),), frozenset({told(KEY, "v1", "delivered")}), {"keep_files": True}),
            Arrived(KEY, b"A"),
            Ask(ListVersions(KEY), newest("v1", b"A", current=True)),
        ),
        frozenset({C.COPY_NAMES_VERSION}),
    ),
    Scenario(
        "an upload that was removed is cancelled",
        f"{GUIDE}DeletingObjectVersions.html",
        (
            Upload(KEY, b"A"),
            RemoveVersions(KEY),
            Deliver(((KEY, "v1", b"A"),), frozenset({told(KEY, "v1", "cancelled")})),
            Arrived(KEY, None),
        ),
        frozenset({C.LISTING_ENCODING}),
    ),
    Scenario(
        "a large file is delivered in parts",
        f"{GUIDE}mpuoverview.html",
        (
            Upload(KEY, LARGE, {"content-type": "text/csv", "x-amz-meta-author": "alice"}),
            Deliver(((KEY, "v1", LARGE),), frozenset({told(KEY, "v1", "delivered")})),
            Arrived(KEY, LARGE, {"content-type": "text/csv", "x-amz-meta-author": "alice"}),
            Ask(ListVersions(KEY), newest("v1", LARGE, current=False)),
            Ask(ReadCheckpoints(KEY, "v1"), Checkpoints(())),
        ),
        frozenset({C.VERSIONING_STATUS}),
    ),
    Scenario(
        "an upload of a suspended hub is delivered, stays, and is retired once versioning is on",
        f"{GUIDE}VersioningWorkflows.html",
        (
            SetVersioning(SUSPENDED),
            Upload(KEY, b"A"),
            Deliver(
                ((KEY, NULL, b"A"),),
                frozenset({told(KEY, NULL, "delivered"), told(KEY, NULL, "failed", "hub_not_versioned")}),
            ),
            Arrived(KEY, b"A"),
            Ask(ListVersions(KEY), newest(NULL, b"A", current=True)),
            SetVersioning("Enabled"),
            Deliver(((KEY, NULL, b"A"),), frozenset({told(KEY, NULL, "delivered")})),
            Ask(ListVersions(KEY), newest(NULL, b"A", current=False)),
        ),
        frozenset({C.VERSIONING_STATUS}),
    ),
    Scenario(
        "an upload that a delete destroyed while versioning was suspended is cancelled",
        f"{GUIDE}DeletingObjectsfromVersioningSuspendedBuckets.html",
        (
            SetVersioning(SUSPENDED),
            Upload(KEY, b"A"),
            Delete(KEY),
            Deliver(((KEY, NULL, b"A"),), frozenset({told(KEY, NULL, "cancelled")})),
            Arrived(KEY, None),
        ),
        frozenset({C.SUSPENDED_DELETES, C.MARKERS_BY_ID, C.LISTING_ENCODING}),
    ),
    Scenario(
        "a recipient that refuses is told, and the file stays",
        f"{GUIDE}troubleshoot-403-errors.html",
        (
            Upload(KEY, b"A"),
            RefuseCopies(),
            Deliver(((KEY, "v1", b"A"),), frozenset({told(KEY, "v1", "failed", "recipient_denied")})),
            Arrived(KEY, None),
            Ask(ListVersions(KEY), newest("v1", b"A", current=True)),
        ),
        frozenset({C.BUCKET_POLICIES}),
    ),
)
