"""What the notary reaches at AWS: receipts, stacks, its key, and the evidence bucket.

In: the function's environment. Out: what `notary` asks for. Effects: reads; writes the evidence bucket, and signs.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from itertools import islice
from typing import Any

from data_exports.contract.keys import RECEIPTS, head_key_of
from data_exports.evidence.entries import HEAD, is_receipts_file
from data_exports.evidence.notes import VerifierKey
from data_exports.notary.notary import ReceiptsFile, StackInForce

FILES_AHEAD = 32
CONFLICT_TRIES = 8


class AwsNotaryPlaces:
    """By boto3, of which `client` gives the clients; `environment` says where."""

    def __init__(self, environment: Mapping[str, str], client: Callable[[str], Any]) -> None:
        self._environment, self._client = environment, client
        self._s3 = client("s3")
        self._receipts = {"Bucket": environment["LOG_BUCKET"], "ExpectedBucketOwner": environment["ACCOUNT"]}
        self._evidence = {"Bucket": environment["EVIDENCE_BUCKET"], "ExpectedBucketOwner": environment["ACCOUNT"]}

    def receipt_files(self, prefix: str = "") -> Iterator[ReceiptsFile]:
        """The files of receipts; cards, which lie beside them, are none."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(**self._receipts, Prefix=prefix or RECEIPTS)
        for each in (each for page in pages for each in page.get("Contents", [])):
            if is_receipts_file(each["Key"]):
                yield ReceiptsFile(each["Key"], each["LastModified"])

    def read_receipts(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes | None]]:
        """Some of them, several at once."""
        rest = iter(keys)
        with ThreadPoolExecutor(FILES_AHEAD) as pool:
            while some := list(islice(rest, FILES_AHEAD)):
                found = pool.map(lambda key: self._get(self._receipts, key), some)
                yield from ((key, answer and answer[0]) for key, answer in zip(some, found, strict=True))

    def stacks(self) -> Iterator[StackInForce]:
        """The estate's stacks as they are now. The tag says whose they are."""
        pages = self._client("cloudformation").get_paginator("describe_stacks").paginate()
        for each in (each for page in pages for each in page["Stacks"]):
            tags = {tag["Key"]: tag["Value"] for tag in each.get("Tags", [])}
            if tags.get(self._environment["HUB_TAG"]) == self._environment["HUB_BUCKET"]:
                changed = each.get("LastUpdatedTime") or each["CreationTime"]
                change_set = each.get("ChangeSetId", "").rpartition(":changeSet/")[2].partition("/")[0]
                told = each["StackName"], each["StackId"], each["StackStatus"], changed.isoformat(), change_set
                yield StackInForce(*told, digest=tags.get(self._environment.get("DIGEST_TAG", ""), ""))

    def template(self, stack_id: str) -> Any:
        """A stack's template: boto3 gives JSON as values, and any other as text."""
        return self._client("cloudformation").get_template(StackName=stack_id)["TemplateBody"]

    def keys(self, prefix: str) -> Iterator[str]:
        """What lies in the evidence bucket."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(**self._evidence, Prefix=prefix):
            yield from (each["Key"] for each in page.get("Contents", []))

    def read(self, key: str) -> tuple[bytes, str] | None:
        """A file of the evidence bucket, and its ETag."""
        return self._get(self._evidence, key)

    def write(self, key: str, body: bytes) -> None:
        """Write one. A locked bucket takes it with a checksum alone.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html
        """
        self._s3.put_object(**self._evidence, Key=key, Body=body, ChecksumAlgorithm="SHA256")

    def write_if(self, key: str, body: bytes, etag: str | None) -> bool:
        """Write one on condition. Of two at once S3 may tell one to try again.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        """
        condition = {"IfNoneMatch": "*"} if etag is None else {"IfMatch": etag}
        for number in range(CONFLICT_TRIES):
            try:
                self._s3.put_object(**self._evidence, Key=key, Body=body, ChecksumAlgorithm="SHA256", **condition)
            except self._s3.exceptions.ClientError as error:
                code = error.response["Error"]["Code"]
                if code in ("PreconditionFailed", "NoSuchKey"):
                    return False
                if code != "ConditionalRequestConflict" or number == CONFLICT_TRIES - 1:
                    raise
                time.sleep(0.1 * 2**number)
            else:
                return True
        raise AssertionError("the last try returns or raises")

    def tell_witness(self, day: date) -> str:
        """Give the witness the head in force as that of this day, unless it has one; why it did not take it, or "".

        Nothing replaces what it has: the first head of a day stays.
        """
        bucket, _, prefix = self._environment["WITNESS"].removeprefix("s3://").partition("/")
        head = self.read(HEAD)
        if head is None:
            return ""
        account = self._environment.get("WITNESS_ACCOUNT")
        owner = {"ExpectedBucketOwner": account} if account else {}
        key = head_key_of(prefix, self._environment["EVIDENCE_BUCKET"], str(day))
        try:
            self._s3.put_object(
                **owner, Bucket=bucket, Key=key, Body=head[0], ChecksumAlgorithm="SHA256", IfNoneMatch="*"
            )
        except Exception as error:  # noqa: BLE001 - whatever the way to somebody else's bucket does, the log goes on
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            return "" if code in ("PreconditionFailed", "ConditionalRequestConflict") else f"{key}: {error}"
        return ""

    def sign(self, message: bytes) -> bytes:
        """The signature by the log's key.

        https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
        """
        signed = self._client("kms").sign(
            KeyId=self._environment["KEY"], Message=message, MessageType="RAW", SigningAlgorithm="ED25519_SHA_512"
        )
        return bytes(signed["Signature"])

    def verifier_key(self) -> VerifierKey:
        """The log's key, under the log's name."""
        answer = self._client("kms").get_public_key(KeyId=self._environment["KEY"])
        return VerifierKey.of_kms(self._environment["LOG"], bytes(answer["PublicKey"]))

    def _get(self, where: Mapping[str, str], key: str) -> tuple[bytes, str] | None:
        try:
            answer = self._s3.get_object(**where, Key=key)
            return answer["Body"].read(), answer["ETag"]
        except self._s3.exceptions.NoSuchKey:
            return None
