"""What the scenarios have in common: keys, contents, and answers in short.

In: nothing. Out: scenarios. No effects.
"""

from data_exports.mover.batch import travels_in_xml
from data_exports.mover.rules.hub_version import NULL, HubVersion
from data_exports.mover.rules.protocol import (
    Attributes,
    Copied,
    CopiedPart,
    Copy,
    CopyVersion,
    Current,
    HeadObject,
    ListVersions,
    Part,
    Retire,
    RetireAll,
    Retired,
    Versions,
)
from tests.conformance.steps import (
    Arrived,
    Ask,
    Capability,
    EachOf,
    Scenario,
    Upload,
)
from tests.model.memory_s3 import TIME, etag_of

C = Capability
API = "https://docs.aws.amazon.com/AmazonS3/latest/API/"
GUIDE = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/"
PLAIN = Attributes((("content-type", "binary/octet-stream"),))
KEY, OTHER = "orders/a.csv", "orders/b.csv"
MIB = 1024 * 1024
SUSPENDED, NEVER = "Suspended", ""
NOBODYS_BUCKET = "conformance-of-nobody-0c64f3a1"
STRANGER = "111122223333"
LARGE = b"".join(bytes([letter]) * MIB for letter in b"abcdefghijk") + b"the rest"  # of no two parts the same content
PARTS = tuple(Part(n, 5 * MIB * (n - 1), min(5 * MIB * n, len(LARGE)) - 1) for n in (1, 2, 3))
DESCRIBED = {
    "cache-control": "no-store",
    "content-disposition": 'attachment; filename="a, b.csv"',
    "content-encoding": "gzip",
    "content-language": "en-GB, cy",
    "content-type": "text/csv; charset=utf-8",
    "x-amz-meta-author": "alice",
    "x-amz-meta-two-words": "two  words",
}


def copied(version: str, body: bytes, digest: str = "") -> Copied:
    return Copied(version, None, etag_of(body), TIME, digest)


def newest(version: str, body: bytes, *, current: bool) -> Versions:
    return Versions(HubVersion(version, etag_of(body), len(body), TIME), current=current)


def null(body: bytes) -> Current:
    return Current(NULL, etag_of(body), TIME)


def part_of(part: Part) -> CopiedPart:
    return CopiedPart(part.number, etag_of(LARGE[part.first_byte : part.last_byte + 1]))


def retire_of(key: str, body: bytes) -> Ask:
    """The call that the mover makes for such a key."""
    if travels_in_xml(key):
        return Ask(RetireAll((Retire(key, etag_of(body)),)), EachOf((Retired(),)))
    return Ask(Retire(key, etag_of(body)), Retired())


def goes_all_the_way(name: str, key: str, *needs: Capability) -> Scenario:
    """A key that has a longer neighbour is copied, by version, too, looked at, listed, retired and listed again."""
    steps = (
        Upload(key, b"A"),
        Upload(f"{key}-longer", b"B"),
        Ask(Copy(key, etag_of(b"A")), copied("v1", b"A")),
        Arrived(key, b"A"),
        Ask(CopyVersion(key, "v1"), copied("v1", b"A")),
        Ask(HeadObject(key), Current("v1")),
        Ask(ListVersions(key), newest("v1", b"A", current=True)),
        retire_of(key, b"A"),
        Ask(ListVersions(key), newest("v1", b"A", current=False)),
        Ask(ListVersions(f"{key}-longer"), newest("v2", b"B", current=True)),
    )
    needs_all = frozenset(needs)
    return Scenario(f"a key {name} goes all the way", f"{GUIDE}object-keys.html", steps, needs_all)
