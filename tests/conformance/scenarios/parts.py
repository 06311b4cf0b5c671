"""Uploads in parts, checkpoints and receipts.

In: nothing. Out: scenarios. No effects.
"""

from data_exports.mover.rules.hub_version import NULL
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Checkpoint,
    Checkpoints,
    CompleteUpload,
    Copied,
    CopiedPart,
    CopyPart,
    FindUploads,
    NoUpload,
    Overtaken,
    PutReceipts,
    ReadAttributes,
    ReadCheckpoints,
    RemoveCheckpoint,
    Removed,
    SaveCheckpoint,
    Started,
    StartUpload,
    Uploads,
    Written,
)
from tests.conformance.scenarios.common import API, DESCRIBED, GUIDE, KEY, LARGE, MIB, NEVER, PARTS, PLAIN, C, part_of
from tests.conformance.steps import (
    Arrived,
    Ask,
    Logged,
    Scenario,
    Upload,
)
from tests.model.memory_s3 import TIME, etag_of

_PARTS = (
    Scenario(
        "a version is copied in parts, below a newer one",
        f"{API}API_UploadPartCopy.html",
        (
            Upload(KEY, LARGE),
            Upload(KEY, b"B"),
            Ask(StartUpload(KEY, PLAIN), Started("u1")),
            *(Ask(CopyPart(KEY, "v1", "u1", part), part_of(part)) for part in PARTS),
            Arrived(KEY, None),
            Ask(
                CompleteUpload(KEY, "v1", "u1", tuple(part_of(part) for part in PARTS)),
                Copied("v1", None, f"{etag_of(b''.join(bytes.fromhex(part_of(part).etag) for part in PARTS))}-3", TIME),
            ),
            Arrived(KEY, LARGE),
        ),
        frozenset({C.PLAIN_BUCKETS}),
    ),
    Scenario(
        "what describes a version is read, and given to the upload in parts",
        f"{API}API_CreateMultipartUpload.html",
        (
            Upload(KEY, LARGE, {**DESCRIBED, "x-amz-tagging": "class=official"}),
            Upload(KEY, b"B"),
            Ask(
                ReadAttributes(KEY, "v1"),
                Attributes(tuple(sorted({**DESCRIBED, "x-amz-tagging": "class=official"}.items()))),
            ),
            Ask(
                StartUpload(KEY, Attributes(tuple({**DESCRIBED, "x-amz-tagging": "class=official"}.items()))),
                Started("u1"),
            ),
            *(Ask(CopyPart(KEY, "v1", "u1", part), part_of(part)) for part in PARTS),
            Ask(
                CompleteUpload(KEY, "v1", "u1", tuple(part_of(part) for part in PARTS)),
                Copied("v1", None, f"{etag_of(b''.join(bytes.fromhex(part_of(part).etag) for part in PARTS))}-3", TIME),
            ),
            Arrived(KEY, LARGE, {**DESCRIBED, "x-amz-tagging": "class=official"}),
        ),
        frozenset({C.PLAIN_BUCKETS}),
    ),
    Scenario(
        "a part of a null is copied if its ETag is the one named",
        f"{API}API_UploadPartCopy.html",
        (
            Upload(KEY, LARGE),
            Ask(StartUpload(KEY, PLAIN), Started("u1")),
            Ask(CopyPart(KEY, NULL, "u1", PARTS[0], etag_of(b"B")), Overtaken()),
            Ask(CopyPart(KEY, NULL, "u1", PARTS[0], etag_of(LARGE)), part_of(PARTS[0])),
            Ask(AbortUpload(KEY, "u1"), Removed()),
        ),
        frozenset({C.CONDITIONAL_PARTS}),
        versioning=NEVER,
    ),
    Scenario(
        "an aborted upload in parts is gone, with its parts",
        f"{API}API_AbortMultipartUpload.html",
        (
            Upload(KEY, LARGE),
            Ask(StartUpload(KEY, PLAIN), Started("u1")),
            Ask(CopyPart(KEY, "v1", "u1", PARTS[0]), part_of(PARTS[0])),
            Ask(AbortUpload(KEY, "u1"), Removed()),
            Ask(CopyPart(KEY, "v1", "u1", PARTS[1]), NoUpload()),
            Ask(CompleteUpload(KEY, "v1", "u1", (part_of(PARTS[0]),)), NoUpload()),
            Ask(AbortUpload(KEY, "u1"), NoUpload()),
            Arrived(KEY, None),
        ),
        frozenset({C.ABORT_IS_FINAL}),
    ),
    Scenario(
        "the mover finds the uploads in parts that it has begun",
        f"{API}API_ListMultipartUploads.html",
        (
            Ask(FindUploads(KEY), Uploads(())),
            Ask(StartUpload(KEY, PLAIN), Started("u1")),
            Ask(StartUpload(f"{KEY}-longer", PLAIN), Started("u2")),
            Ask(FindUploads(KEY), Uploads(("u1",))),
            Ask(AbortUpload(KEY, "u1"), Removed()),
            Ask(FindUploads(KEY), Uploads(())),
        ),
        frozenset({C.INITIATORS}),
    ),
)

_BEGUN = Checkpoint(KEY, "v1", "u1", len(LARGE), 5 * MIB)
_GONE_ON = Checkpoint(KEY, "v1", "u1", len(LARGE), 5 * MIB, (CopiedPart(1, "e1"),))
_LOG = (
    Scenario(
        "receipts are stored as they are",
        f"{API}API_PutObject.html",
        (
            Ask(PutReceipts("deliveries/dataset=orders/date=2026-11-02/a.jsonl.gz", b"\x1f\x8b zipped"), Written()),
            Logged("deliveries/dataset=orders/date=2026-11-02/a.jsonl.gz", b"\x1f\x8b zipped"),
        ),
    ),
    Scenario(
        "checkpoints are kept, written over and removed",
        f"{GUIDE}Welcome.html#ConsistencyModel",
        (
            Ask(ReadCheckpoints(KEY, "v1"), Checkpoints(())),
            Ask(SaveCheckpoint(_BEGUN), Written()),
            Ask(SaveCheckpoint(_GONE_ON), Written()),
            Ask(ReadCheckpoints(KEY, "v1"), Checkpoints((_GONE_ON,))),
            Ask(RemoveCheckpoint(_GONE_ON), Removed()),
            Ask(RemoveCheckpoint(_GONE_ON), Removed()),
            Ask(ReadCheckpoints(KEY, "v1"), Checkpoints(())),
        ),
    ),
)

PARTS_AND_LOG = (*_PARTS, *_LOG)
