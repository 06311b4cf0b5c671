"""Digests of whole files, as answers tell them at no further request.

In: nothing. Out: scenarios. No effects.
"""

import base64
import hashlib
from dataclasses import replace

from data_exports.mover.rules.protocol import (
    CompleteUpload,
    Copy,
    CopyPart,
    CopyVersion,
    Current,
    HeadObject,
    Started,
    StartUpload,
)
from tests.conformance.scenarios.common import API, KEY, LARGE, PARTS, PLAIN, C, copied, part_of
from tests.conformance.steps import Ask, Scenario, Upload
from tests.model.memory_s3 import etag_of


def sha256_of(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


CRC_OF_LARGE = "CRC64NVME:92d4ieHXs7I="
DONE = tuple(map(part_of, PARTS))
IN_PARTS = replace(copied("v1", b""), destination_etag=f"{etag_of(b''.join(bytes.fromhex(p.etag) for p in DONE))}-3")

DIGESTS = (
    Scenario(
        "a copy keeps its source's checksum and tells it, as a look at the source does",
        f"{API}API_CopyObject.html",
        (
            Upload(KEY, b"A", {"x-amz-checksum-sha256": sha256_of(b"A")}),
            Ask(HeadObject(KEY, with_digest=True), Current("v1", digest=f"SHA256:{sha256_of(b'A')}")),
            Ask(Copy(KEY, etag_of(b"A")), copied("v1", b"A", f"SHA256:{sha256_of(b'A')}")),
            Ask(CopyVersion(KEY, "v1"), copied("v1", b"A", f"SHA256:{sha256_of(b'A')}")),
        ),
        frozenset({C.CHECKSUMS_OF_COPIES}),
    ),
    Scenario(
        "a copy in parts tells the CRC of the whole, whatever checksum its source has",
        f"{API}API_CompleteMultipartUpload.html",
        (
            Upload(KEY, LARGE, {"x-amz-checksum-sha256": sha256_of(LARGE)}),
            Ask(StartUpload(KEY, PLAIN), Started("u1")),
            *(Ask(CopyPart(KEY, "v1", "u1", part), part_of(part)) for part in PARTS),
            Ask(CompleteUpload(KEY, "v1", "u1", DONE), replace(IN_PARTS, digest=CRC_OF_LARGE)),
        ),
        frozenset({C.PLAIN_BUCKETS, C.CHECKSUMS_OF_PARTS}),
    ),
)
