"""The rules of one delivery: what is asked of S3, in which order, and what each answer means.

In: one Upload, as its event tells it. Out: a DeliveryResult. In between `deliver` is a generator: it yields requests
(`protocol`) and is sent the replies. It performs no effect itself, so the very code that runs in production can be
driven through every interleaving and crash by a test.

The promise, for every key: once uploads stop, the recipient holds the newest upload, and the hub shows nothing, or with
`keep_files` the newest upload. Nothing in the hub is hidden before its receipt is on disk. The rules that keep it:

1. Copy  the current version, if it still has the ETag of the event. Another content on top (412): the upload is
         superseded, and the newer one's own event delivers that. Nothing on top (404): settle.
2. Record  what was written to the recipient, before anything is hidden.
3. Retire  the key, if it still has the ETag that was copied, and only while the hub keeps versions: a delete would be
         for good. Otherwise (412, 404, versioning off) settle.
4. Settle  write the newest version, by version id, until it is still the newest after the write, and as visible as
         before it; then retire it. A listing that shows no version is believed if the upload's own is not there.

A large file is copied in parts (`large`), which keeps the same rules: it is looked at instead of copied on condition,
and its parts are pinned to the version that was seen. It may take several runs; then, and where a large newer version
is to be settled, the result names an upload for which the function sends itself a new message (`continuation`).

A handler may die between any two steps. Its message comes back, and since the dead try may have written an old content
at any moment, a message that was received before never takes the short way out of rule 1: it settles. So does a
delivery whose own copy has failed once. And since S3 may carry out a copy that it never answered even later, perhaps
after a newer upload was delivered, the message of such a delivery comes back once more when that can no longer be, and
settles, though all went well (`DeliveryResult.under_way`).

An upload is known by version id and ETag: without versioning every upload has the version id `null`. Of equal uploads
the newest counts, too, as its metadata and tags may be others. Whoever hid the key may have written an older one.

What the rules rest on: a conditional copy and delete look at the current version alone, and a delete leaves a marker
(https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-deletes.html); a copy is not atomic: S3 may write an
old content after a newer one. Times and sequencers tell whether two uploads are one, never which is newer.
"""

from collections.abc import Generator
from dataclasses import replace

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome
from data_exports.mover.rules.hub_version import NULL, HubVersion
from data_exports.mover.rules.large import LargeCopy, abort_copies
from data_exports.mover.rules.ledger import Ledger
from data_exports.mover.rules.protocol import (
    Copied,
    Copy,
    CopyVersion,
    Current,
    Failed,
    Forbidden,
    Gone,
    HeadObject,
    ListVersions,
    Overtaken,
    ReadVersioning,
    Removed,
    Reply,
    Request,
    Retire,
    Retired,
    Unfinished,
    Versioning,
    Versions,
    WriteReceipts,
    Written,
)
from data_exports.mover.rules.same_key import SameKey
from data_exports.mover.rules.stopped import Stopped, stopped_by
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload

MOST_SETTLE_ROUNDS = 20  # a key that is overwritten faster than it is copied: let the message come back later
MOST_TRIES = 6  # of one copy within one delivery: some 8 s in all while S3 throttles, 200 s while it is silent

Steps = Generator[Request, Reply, DeliveryResult]

_UNVERSIONED = (
    "the file was delivered, and not taken out of sight: versioning is not on for s3://{}, so that a delete would "
    "remove it for good. Turn versioning on for the hub bucket"
)


class _Unfinished(Exception):  # noqa: N818 it ends this run of a delivery, and steps() turns it into a result
    """Another run has to go on; the message says how far this one has come."""


def deliver(upload: Upload, rules: Rules, same_key: SameKey | None = None) -> Steps:
    """Deliver one upload: yields requests, takes replies, returns the result. Raises nothing that S3 can cause."""
    return Delivery(upload, rules, same_key).steps()


class Delivery:
    """One upload on its way. Each rule is a method, so that tests can show what breaks without it."""

    large_copy = LargeCopy

    def __init__(self, upload: Upload, rules: Rules, same_key: SameKey | None = None) -> None:
        self.upload = upload
        self.rules = rules
        self.same_key = same_key or SameKey()
        self.ledger = Ledger(upload)
        self.may_have_written = upload.received_before  # whether an old content may have been written at any moment
        self.under_way = False  # whether S3 may still carry out a copy that it never answered
        self.is_large = rules.is_too_large_for_one_copy(upload.version)
        self.may_leave_parts = self.is_large  # whether an unfinished copy of it may be at the recipient
        self.left_behind = ""  # why something may be left all the same
        self.continuation: Upload | None = None  # a large newer version that a message of its own settles
        self.uploaded_at: str | None = None  # when, by the hub's own word: it tells uploads as `null` apart

    def steps(self) -> Steps:
        """Carry the delivery through, and leave a receipt whatever happens."""
        if self.rules.is_folder_of_the_dataset(self.upload):
            return DeliveryResult(Outcome.IGNORED)
        if problem := self.rules.problem_of(self.upload):
            return (yield from self.fail(Stopped(problem, Cause.BAD_MESSAGE)))
        try:
            outcome = self.same_key.outcome_of(self.upload) or (yield from self.copy())
            yield from self.abort_unfinished_copies()
            if outcome is not Outcome.IGNORED:
                yield from self.record(outcome)
        except Stopped as stopped:
            return (yield from self.fail(stopped))
        except _Unfinished as unfinished:
            return (yield from self.pause(str(unfinished)))
        self.same_key.note_settled(self.ledger.written, self.upload)
        return DeliveryResult(outcome, self.left_behind, under_way=self.under_way, continuation=self.continuation)

    # Rule 1

    def copy(self) -> Generator[Request, Reply, Outcome]:
        """Copy the upload if it is still the current one. Return what became of it."""
        upload = self.upload
        reply = yield from self.copy_current()
        match reply:
            case Copied(version_id):
                # Not always the version of the event: a newer upload may have the same content.
                version = HubVersion(version_id, upload.etag, self.upload.size_bytes, self.uploaded_at)
                self.ledger.note_written(version, reply)
                return (yield from self.finish())
            case Overtaken() if not self.may_have_written:
                return Outcome.SUPERSEDED
            case Gone() if self.is_repeated_by_the_sweep():
                return Outcome.IGNORED
            case Overtaken() | Gone():
                # Gone, too, asks for more than a shrug: with equal contents another handler's retire may have
                # hidden an upload that nobody delivered.
                return (yield from self.settle())
            case Forbidden():
                yield from self.look_before_judging(reply)
                if self.is_repeated_by_the_sweep():
                    return Outcome.IGNORED
                return (yield from self.settle())
            case _:
                raise stopped_by(reply)

    def is_repeated_by_the_sweep(self) -> bool:
        """Tell whether to leave a key alone that is out of sight.

        Then its own event came after all, and whoever hid it answers for it. Not so if an earlier try of this very
        message may have written to the recipient.
        """
        return self.upload.swept and not self.may_have_written

    def try_copy(self, request: Copy | CopyVersion) -> Generator[Request, Reply, Reply]:
        """Ask for a copy, and once more if the failure may be over in a moment. Return the last answer.

        The repeats are not left to the transport: a copy that failed may have been carried out all the same, now or
        later, and the rules have to know.
        """
        reply = yield request
        tries = 1
        while isinstance(reply, Failed):
            self.note_failed_copy(reply)
            if tries == MOST_TRIES or not reply.cause.is_momentary:
                break
            reply = yield replace(request, tries=tries)
            tries += 1
        return reply

    def note_failed_copy(self, failure: Failed) -> None:
        """Remember that a copy failed, which may have been carried out all the same, or may be even now."""
        self.may_have_written = True
        self.under_way = self.under_way or failure.under_way

    def copy_current(self) -> Generator[Request, Reply, Reply]:
        """Copy the upload if it is still the current one, in whichever way suits its size."""
        upload = self.upload
        if not self.is_large:
            return (yield from self.try_copy(Copy(upload.key, upload.etag)))
        reply = yield HeadObject(upload.key, with_digest=True)
        match reply:
            case Current(version_id, etag, last_modified, digest) if upload.may_be(
                HubVersion(version_id, etag if version_id == NULL else upload.etag, None, None)
            ):
                self.uploaded_at = last_modified
                # Of too few bytes the parts would make a file that is cut off: the hub's word counts, not the event's.
                self.upload = replace(upload, size_bytes=reply.size_bytes or upload.size_bytes)
                version = replace(self.upload.version, last_modified=last_modified)
                return (yield from self.copy_in_parts(version, digest))
            case Current():
                return Overtaken()
            case _:
                return reply

    def copy_in_parts(self, version: HubVersion, digest: str = "") -> Generator[Request, Reply, Reply]:
        """Copy a large version, which is the upload's own. What this run does not finish goes on in another."""
        self.may_leave_parts = True
        copy = self.large_copy(self.upload.key, version, self.rules, digest=digest)
        reply = yield from copy.steps()
        self.left_behind = copy.left_behind or self.left_behind
        self.may_leave_parts = not isinstance(reply, Copied)
        if isinstance(reply, Unfinished):
            raise _Unfinished(reply.progress)
        return reply

    def abort_unfinished_copies(self) -> Generator[Request, Reply, None]:
        """Leave no parts at the recipient of an upload that will not be delivered."""
        if not self.may_leave_parts:
            return
        left = "parts of it may be left at the recipient: "
        reply = yield from abort_copies(self.upload.key, self.upload.version, self.rules.destination)
        if isinstance(reply, Forbidden):  # a recipient may take back what it granted; that holds up nothing
            self.left_behind = left + reply.reason
        elif not isinstance(reply, Removed):
            raise stopped_by(reply, left)
        self.may_leave_parts = False

    def finish(self) -> Generator[Request, Reply, Outcome]:
        """After the first copy: take the upload out of sight, or with keep_files make sure it is still the newest."""
        if self.rules.keep_files:
            done = yield from self.is_current()
        else:
            done = (yield from self.may_retire()) and (yield from self.retire(self.upload.etag))
        return self.ledger.outcome if done else (yield from self.settle())

    def is_current(self) -> Generator[Request, Reply, bool]:
        """Tell whether what was written is what the hub shows. When in doubt: no, and the versions are listed."""
        reply = yield HeadObject(self.upload.key)
        if isinstance(reply, Failed):
            raise stopped_by(reply)
        if not isinstance(reply, Current):
            return False
        return self.is_written(HubVersion(reply.version_id, reply.etag, None, reply.last_modified))

    def is_written(self, version: HubVersion) -> bool:
        """Tell whether a version is known to be what the recipient has."""
        return version.is_surely(self.ledger.written)

    # Rule 2

    def record(self, outcome: Outcome = Outcome.SUPERSEDED) -> Generator[Request, Reply, None]:
        """Have the receipts of all that was written on disk, and one for the upload itself."""
        if not self.ledger.accounted:
            self.ledger.note_not_delivered(outcome)
        yield from self.record_what_was_written()

    def record_what_was_written(self) -> Generator[Request, Reply, None]:
        """Have the receipts that are due on disk."""
        if self.ledger.due:
            reply = yield WriteReceipts(tuple(self.ledger.due))
            if not isinstance(reply, Written):
                raise stopped_by(reply, "the receipt could not be written: ")
            self.ledger.due = []

    # Rule 3

    def may_retire(self) -> Generator[Request, Reply, bool]:
        """Have the receipts on disk, then look whether the hub keeps versions: if not, a delete is for good."""
        yield from self.record()
        reply = yield ReadVersioning()
        if not isinstance(reply, Versioning):
            raise stopped_by(reply)
        return reply.is_on

    def retire(self, etag: str) -> Generator[Request, Reply, bool]:
        """Hide the key if `etag` is still on top. Return False if it is not: then the key has to be settled."""
        reply = yield Retire(self.upload.key, etag)
        match reply:
            case Retired():
                return True
            case Overtaken() | Gone():
                return False
            case Forbidden():
                yield from self.look_before_judging(reply)
                return False
            case _:
                raise stopped_by(reply)

    # Rule 4

    def settle(self) -> Generator[Request, Reply, Outcome]:
        """Write the newest version until nothing changes across a write, and retire it if it is in sight."""
        was_in_sight = True
        for _ in range(MOST_SETTLE_ROUNDS):
            versions = yield from self.list_versions()
            newest = versions.newest
            if newest is None or not self.upload.may_be(newest):
                # Before anything newer is written: an upload in parts that is aborted cannot be completed any more,
                # not even by a request of a dead try that S3 carries out late.
                yield from self.abort_unfinished_copies()
            if newest is None:
                return self.ledger.outcome if self.ledger.wrote else Outcome.CANCELLED
            if was_in_sight and not versions.current:
                self.ledger.note_interference()
            if not self.is_written(newest):
                if self.is_for_a_message_of_its_own(newest):
                    self.continuation = self.upload.of_same_key(newest)
                    return self.ledger.outcome
                was_in_sight = versions.current
                yield from self.copy_version(newest)
            elif self.rules.keep_files or not versions.current:
                return self.ledger.outcome
            elif not (yield from self.may_retire()):
                raise Stopped(_UNVERSIONED.format(self.upload.bucket), Cause.HUB_NOT_VERSIONED)
            elif (yield from self.retire(newest.etag)):
                return self.ledger.outcome
        reason = f"the key changed {MOST_SETTLE_ROUNDS} times while it was being delivered"
        raise Stopped(reason, Cause.OVERWRITTEN)

    def is_for_a_message_of_its_own(self, newest: HubVersion) -> bool:
        """Tell whether to leave a version to another message, so that only its own answers for its copy in parts."""
        return self.rules.is_too_large_for_one_copy(newest) and not self.upload.may_be(newest)

    def copy_version(self, newest: HubVersion) -> Generator[Request, Reply, None]:
        """Write one version to the recipient. If it was removed in the meantime, the next listing tells."""
        if self.rules.is_too_large_for_one_copy(newest):
            reply = yield from self.copy_in_parts(newest)
        else:
            etag = None if newest.has_an_id else newest.etag
            reply = yield from self.try_copy(CopyVersion(self.upload.key, newest.version_id, etag))
        match reply:
            case Copied():
                self.ledger.note_written(newest, reply)
            case Gone() | Overtaken():
                pass
            case _:
                may_be_gone = isinstance(reply, Forbidden) or _may_be_of_a_marker(reply, newest)
                if not may_be_gone or (yield from self.list_versions()).newest == newest:
                    raise stopped_by(reply)

    # The 403 rule

    def look_before_judging(self, refusal: Forbidden) -> Generator[Request, Reply, None]:
        """Return if nothing is on top of the key: the 403 meant 404. Otherwise it is a refusal, and the end."""
        versions = yield from self.list_versions()
        if versions.current:
            raise stopped_by(refusal)

    def list_versions(self) -> Generator[Request, Reply, Versions]:
        """Ask for the newest version of the key. That there is none has to be proven."""
        reply = yield ListVersions(self.upload.key)
        if not isinstance(reply, Versions):
            raise stopped_by(reply)
        if reply.newest is None:
            yield from self.prove_removal()
        return reply

    def prove_removal(self) -> Generator[Request, Reply, None]:
        """Return if the upload's own version is not there. If it is, the listing that shows nothing is wrong."""
        version_id = self.upload.version_id
        reply = yield HeadObject(self.upload.key, version_id)
        match reply:
            case Gone() | Forbidden():  # without s3:ListBucket S3 answers 403 to what is missing
                return
            case Current():
                reason = f"S3 lists no version of the key, but has version {version_id}. It will be tried again"
                raise Stopped(reason, Cause.UNREADABLE)
            case _:
                raise stopped_by(reply)

    # How a run ends

    def pause(self, progress: str) -> Generator[Request, Reply, DeliveryResult]:
        """End this run with the receipts still due. The upload's own follows when it is finished."""
        try:
            yield from self.record_what_was_written()
        except Stopped as stopped:
            return (yield from self.fail(stopped))
        return DeliveryResult(Outcome.UNFINISHED, progress, under_way=self.under_way, continuation=self.upload)

    def fail(self, stopped: Stopped) -> Generator[Request, Reply, DeliveryResult]:
        """Leave a receipt of the failure, with those still due. The upload stays in the hub."""
        reason, count = str(stopped), self.upload.receive_count
        last = count is not None and count >= self.rules.most_receives
        outcome = Outcome.GIVEN_UP if last else Outcome.FAILED
        self.ledger.note_not_delivered(outcome, reason, stopped.cause)
        reply = yield WriteReceipts(tuple(self.ledger.due))
        if not isinstance(reply, Written):
            reason = f"{reason}; this failure has no receipt: {stopped_by(reply)}"
        return DeliveryResult(outcome, reason, stopped.cause, self.under_way)


def _may_be_of_a_marker(failure: Reply, version: HubVersion) -> bool:
    """Tell whether the version that was to be copied may have become a delete marker, which S3 refuses as invalid.

    Without versioning a delete puts its marker under the id of what it destroys, `null`.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectsfromVersioningSuspendedBuckets.html
    """
    return isinstance(failure, Failed) and failure.cause.is_permanent and not version.has_an_id
