"""The journal: receipts, checkpoints and the sweep's notes, in the log bucket.

In: calls. Out: operations. No effects.

Checkpoints: `checkpoints/dataset=<name>/<digest of key and version>/<digest of upload id>.json`, one for each upload in
parts, so that no two runs ever write over what another one has on record.
"""

import hashlib
import json
from dataclasses import asdict
from functools import partial

from data_exports.contract.keys import checkpoints_prefix_of
from data_exports.mover.places.operation import CallStep, Operation
from data_exports.mover.places.s3.bucket import Bucket
from data_exports.mover.places.s3.error_codes import Attempt, Where
from data_exports.mover.places.s3.replies import error_reply, keys_reply, put_reply, removal_reply
from data_exports.mover.rules.protocol import (
    Checkpoint,
    Checkpoints,
    CopiedPart,
    Forbidden,
    Gone,
    PutReceipts,
    ReadCheckpoints,
    RemoveCheckpoint,
    SaveCheckpoint,
)
from data_exports.mover.wire.http_responses import Response


class Journal:
    """The log bucket, in the platform's account, as far as it is one dataset's."""

    def __init__(self, bucket: Bucket, dataset: str) -> None:
        """Take the bucket and the dataset's name."""
        self.bucket = bucket
        self._dataset = dataset
        self._saving = self._doing("keeping a checkpoint in {}")

    def put_receipts(self, call: PutReceipts) -> CallStep:
        """Store a file of receipts."""
        headers = {"content-type": "application/gzip"}
        request = self.bucket.request("PutObject", "PUT", call.key, headers=headers, body=call.body)
        return Operation(request, partial(put_reply, doing=self._doing("writing receipts to {}")))

    def read_checkpoints(self, call: ReadCheckpoints) -> CallStep:
        """List the checkpoints of a version, then read one after the other."""
        query = {"list-type": "2", "prefix": self._folder_of(call.key, call.version_id)}
        doing = self._doing("looking for checkpoints in {}")

        def read(response: Response) -> CallStep:
            names = keys_reply(response, doing=doing)
            return self._read_each(call, names, ()) if isinstance(names, tuple) else names

        return Operation(self.bucket.request("ListObjectsV2", "GET", query=query), read)

    def _read_each(self, call: ReadCheckpoints, names: tuple[str, ...], found: tuple[Checkpoint, ...]) -> CallStep:
        """Read the checkpoints of these names. One that has gone since it was listed, or is none, is left out."""
        if not names:
            return Checkpoints(found)

        def read(response: Response) -> CallStep:
            if response.status == 200:
                return self._read_each(call, names[1:], (*found, *_checkpoint_of(response.body, call)))
            reply = error_reply(response, doing=self._doing("reading a checkpoint in {}"))
            # Without leave to list the whole bucket, S3 answers 403 for what has gone.
            return self._read_each(call, names[1:], found) if isinstance(reply, Gone | Forbidden) else reply

        return Operation(self.bucket.request("GetObject", "GET", names[0]), read)

    def save_checkpoint(self, call: SaveCheckpoint) -> CallStep:
        """Write a checkpoint, in place of an older one."""
        body = json.dumps(_written(call.checkpoint)).encode()
        request = self.bucket.request("PutObject", "PUT", self._name_of(call.checkpoint), body=body)
        return Operation(request, partial(put_reply, doing=self._saving))

    def remove_checkpoint(self, call: RemoveCheckpoint) -> CallStep:
        """Remove a checkpoint."""
        request = self.bucket.request("DeleteObject", "DELETE", self._name_of(call.checkpoint))
        return Operation(request, partial(removal_reply, doing=self._saving))

    def _folder_of(self, key: str, version_id: str) -> str:
        return f"{checkpoints_prefix_of(self._dataset)}{_digest(json.dumps([key, version_id]))}/"

    def _name_of(self, checkpoint: Checkpoint) -> str:
        return f"{self._folder_of(checkpoint.key, checkpoint.version_id)}{_digest(checkpoint.upload_id)}.json"

    def _doing(self, words: str) -> Attempt:
        return Attempt(words.format(self.bucket), Where.PLATFORM)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _checkpoint_of(body: bytes, call: ReadCheckpoints) -> tuple[Checkpoint, ...]:
    """The checkpoint in a file; nothing if it holds none, or one of another version."""
    try:
        fields = json.loads(body)
        copied = tuple(CopiedPart(part["number"], part["etag"]) for part in fields.pop("copied"))
        found = Checkpoint(**fields, copied=copied)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ()
    numbers = [found.size_bytes, found.part_bytes, *(part.number for part in copied)]
    texts = [found.upload_id, found.etag, found.last_modified or "", found.destination, *(part.etag for part in copied)]
    is_sound = all(type(number) is int and number > 0 for number in numbers)
    is_sound = is_sound and (found.key, found.version_id) == (call.key, call.version_id)
    return (found,) if is_sound and all(isinstance(text, str) for text in texts) else ()


def _written(checkpoint: Checkpoint) -> dict[str, object]:
    """The checkpoint as it is kept. What a version `null` or another cloud alone has is left out of others.

    Earlier movers read those.
    """
    facts = asdict(checkpoint)
    of_some = ("etag", "last_modified", "destination")
    return {name: value for name, value in facts.items() if name not in of_some or value}
