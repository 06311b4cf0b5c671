"""What the copy of a large file asks of S3, in which order, over one run and several. Races: see tests/model."""

from dataclasses import replace
from functools import partial

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.contract.settings import MIB, USUAL_PART_BYTES
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.hub_version import HubVersion
from data_exports.mover.rules.large import (
    MOST_BEGINNINGS,
    MOST_TRIES_TO_REMOVE,
    part_bytes_of,
    parts_of,
)
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Checkpoint,
    Checkpoints,
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyParts,
    Current,
    Failed,
    FindUploads,
    Forbidden,
    Gone,
    HeadObject,
    ListVersions,
    NoUpload,
    OutOfTime,
    Part,
    PartsDone,
    ReadAttributes,
    ReadCheckpoints,
    ReadVersioning,
    RemoveCheckpoint,
    Removed,
    Reply,
    Request,
    Retire,
    Retired,
    SaveCheckpoint,
    Started,
    StartUpload,
    Uploads,
    Versioning,
    Versions,
    WriteReceipts,
    Written,
)
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload
from tests.unit.mover.rules.playing import play_delivery

KEY = "orders/large"
UPLOAD = Upload("hub", KEY, "v1", "e1-2", 25, "AWS:AROA:alice", "2026-11-02T09:00:00.000Z", 1, received_before=False)
AGAIN = replace(UPLOAD, receive_count=2, received_before=True)
MOVE = Rules("orders", "hub", keep_files=False, largest_copy_bytes=20, capabilities=CAPABILITIES, part_bytes=10)
PARTS = (Part(1, 0, 9), Part(2, 10, 19), Part(3, 20, 24))
DONE = (CopiedPart(1, "p1"), CopiedPart(2, "p2"), CopiedPart(3, "p3"))
ATTRIBUTES = Attributes((("content-type", "text/csv"),))
BEGUN = Checkpoint(KEY, "v1", "u1", 25, 10)
OWN = HubVersion("v1", "e1-2", 25, "2026-11-02T09:00:00.000Z")
NEWER = HubVersion("v2", "e2", 20, "2026-11-02T09:30:00.000Z")
NEWER_LARGE = HubVersion("v2", "e2-3", 30, "2026-11-02T09:30:00.000Z")
STILL_NEWEST, OVERTAKEN = Versions(OWN, current=True), Versions(NEWER, current=True)
COPIED = Copied("v1", "t1", "te-3", "2026-11-02T10:00:00.000Z")
NONE_FOUND = Checkpoints(())

DELIVERED = Receipt(
    key=KEY,
    version_id="v1",
    etag="e1-2",
    size_bytes=25,
    uploaded_by="AWS:AROA:alice",
    uploaded_at="2026-11-02T09:00:00.000Z",
    outcome=Outcome.DELIVERED,
    delivered_at="2026-11-02T10:00:00.000Z",
    destination_version="t1",
    destination_etag="te-3",
    receive_count=1,
)
NOT_DELIVERED = replace(DELIVERED, delivered_at=None, destination_version=None, destination_etag=None)


def not_delivered(outcome: Outcome, reason: str | None = None, cause: Cause | None = None) -> Receipt:
    return replace(NOT_DELIVERED, outcome=outcome, reason=reason, cause=cause)


def copied_up_to(number: int) -> Checkpoint:
    return replace(BEGUN, copied=DONE[:number])


play = partial(play_delivery, upload=UPLOAD, rules=MOVE)


ON = Versioning(is_on=True)
LOOK = HeadObject(KEY, with_digest=True)
BEGINNING: list[Reply] = [Current("v1"), NONE_FOUND, ATTRIBUTES, Started("u1"), Written()]
ASKED_TO_BEGIN: list[Request] = [
    LOOK,
    ReadCheckpoints(KEY, "v1"),
    ReadAttributes(KEY, "v1"),
    StartUpload(KEY, ATTRIBUTES),
    SaveCheckpoint(BEGUN),
    CopyParts(KEY, "v1", "u1", PARTS),
]


@pytest.mark.parametrize(
    ("size_bytes", "part_bytes", "parts"),
    [
        (5 * MIB + 1, USUAL_PART_BYTES, 1),
        (256 * MIB + 1, USUAL_PART_BYTES, 5),
        (5 * 1024 * MIB, USUAL_PART_BYTES, 80),
        (10_000 * USUAL_PART_BYTES, USUAL_PART_BYTES, 10_000),
        (10_000 * USUAL_PART_BYTES + 1, 65 * MIB, 9_847),
        (10**12, 96 * MIB, 9_935),
        (50 * 10**12, 4_769 * MIB, 9_999),
        (50_000 * 1024 * MIB, 5 * 1024 * MIB, 10_000),
    ],
)
def test_parts_grow_with_the_file_so_that_ten_thousand_suffice(size_bytes: int, part_bytes: int, parts: int) -> None:
    assert part_bytes_of(size_bytes, CAPABILITIES) == part_bytes
    assert len(parts_of(size_bytes, part_bytes)) == parts


@pytest.mark.parametrize("size_bytes", [21, 25, 29, 30])
def test_parts_hold_every_byte_once(size_bytes: int) -> None:
    parts = parts_of(size_bytes, 10)
    assert [part.number for part in parts] == [1, 2, 3]
    assert [byte for part in parts for byte in range(part.first_byte, part.last_byte + 1)] == list(range(size_bytes))


def test_a_large_file_is_copied_in_parts_and_then_recorded_and_retired_like_any_other() -> None:
    asked, result = play([*BEGINNING, PartsDone(DONE), STILL_NEWEST, COPIED, Removed(), Written(), ON, Retired()])
    assert asked == [
        *ASKED_TO_BEGIN,
        ListVersions(KEY),
        CompleteUpload(KEY, "v1", "u1", DONE),
        RemoveCheckpoint(copied_up_to(3)),
        WriteReceipts((DELIVERED,)),
        ReadVersioning(),
        Retire(KEY, "e1-2"),
    ]
    assert result == DeliveryResult(Outcome.DELIVERED)


SENT = "CRC64NVME:rosUhgp5mIg= SHA256:FeKw09MmTw7z8F5Iz5aVvrlBdTzAxv9C4aG2w0a9rXw="


@pytest.mark.parametrize("checkpoints", [NONE_FOUND, Checkpoints((copied_up_to(2),))], ids=["one run", "the last run"])
@pytest.mark.parametrize(
    ("sent", "arrived", "digest"),
    [
        (SENT, "CRC64NVME:rosUhgp5mIg=", SENT),
        ("CRC32C:yZRlqg==", "CRC64NVME:rosUhgp5mIg=", "CRC32C:yZRlqg== CRC64NVME:rosUhgp5mIg="),
        (SENT, "", SENT),
        ("", "CRC64NVME:rosUhgp5mIg=", "CRC64NVME:rosUhgp5mIg="),
        ("", "", None),
    ],
)
def test_a_receipt_holds_the_senders_digests_beside_those_of_the_copy(
    checkpoints: Checkpoints, sent: str, arrived: str, digest: str | None
) -> None:
    begin = BEGINNING[2:] if checkpoints is NONE_FOUND else []
    parts = DONE if checkpoints is NONE_FOUND else DONE[2:]
    replies = [Current("v1", digest=sent), checkpoints, *begin, PartsDone(parts), STILL_NEWEST]
    asked, result = play([*replies, replace(COPIED, digest=arrived), Removed(), Written(), ON, Retired()])
    assert asked[0] == LOOK
    assert asked[-3] == WriteReceipts((replace(DELIVERED, digest=digest),))
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_a_copy_that_is_not_the_upload_is_a_failure_and_stays_in_sight() -> None:
    begin = [Current("v1", digest=SENT), *BEGINNING[1:], PartsDone(DONE), STILL_NEWEST]
    asked, result = play([*begin, replace(COPIED, digest="CRC64NVME:AAAAAAAAAAA="), Removed(), Written()])
    reason = (
        "the copy is not the upload: its CRC64NVME is AAAAAAAAAAA= instead of rosUhgp5mIg=. It will be copied again"
    )
    assert asked[-1] == WriteReceipts((not_delivered(Outcome.FAILED, reason, Cause.FAULT),))
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.FAULT)


def test_with_keep_files_the_upload_stays_and_is_looked_at() -> None:
    rules = replace(MOVE, keep_files=True)
    asked, result = play(
        [*BEGINNING, PartsDone(DONE), STILL_NEWEST, COPIED, Removed(), Current("v1"), Written()], rules=rules
    )
    assert asked[-2:] == [HeadObject(KEY), WriteReceipts((DELIVERED,))]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_a_file_of_the_largest_size_for_one_copy_is_copied_at_once() -> None:
    asked, _ = play([], upload=replace(UPLOAD, size_bytes=20))
    assert asked == [Copy(KEY, "e1-2")]


def test_when_time_runs_out_the_parts_are_on_record_and_another_run_goes_on_without_a_failure() -> None:
    asked, result = play([*BEGINNING, PartsDone((DONE[1], OutOfTime())), Written()])
    assert asked == [*ASKED_TO_BEGIN, SaveCheckpoint(replace(BEGUN, copied=(DONE[1],)))]
    assert result == DeliveryResult(Outcome.UNFINISHED, "1 of 3 parts are copied", continuation=UPLOAD)


def test_the_next_run_copies_only_what_is_missing() -> None:
    found = Checkpoints((replace(BEGUN, copied=(DONE[1],)),))
    asked, result = play(
        [
            Current("v1"),
            found,
            PartsDone((DONE[2], DONE[0])),
            STILL_NEWEST,
            COPIED,
            Removed(),
            Written(),
            ON,
            Retired(),
        ],
        upload=AGAIN,
    )
    assert asked[:5] == [
        LOOK,
        ReadCheckpoints(KEY, "v1"),
        CopyParts(KEY, "v1", "u1", (PARTS[0], PARTS[2])),
        ListVersions(KEY),
        CompleteUpload(KEY, "v1", "u1", DONE),
    ]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_parts_keep_the_size_that_their_upload_began_with() -> None:
    found = Checkpoints((copied_up_to(2),))
    asked, _ = play([Current("v1"), found], upload=AGAIN, rules=replace(MOVE, part_bytes=20))
    assert asked[-1] == CopyParts(KEY, "v1", "u1", (PARTS[2],))


def test_when_time_runs_out_before_completion_the_last_part_shows_later_that_the_upload_is_open() -> None:
    asked, result = play([*BEGINNING, PartsDone(DONE), STILL_NEWEST, OutOfTime(), Written()])
    assert asked[-1] == SaveCheckpoint(copied_up_to(3))
    assert result == DeliveryResult(Outcome.UNFINISHED, "3 of 3 parts are copied", continuation=UPLOAD)
    asked, _ = play([Current("v1"), Checkpoints((copied_up_to(3),))], upload=AGAIN)
    assert asked[-1] == CopyParts(KEY, "v1", "u1", (PARTS[2],))


@pytest.mark.parametrize("done", [PartsDone((OutOfTime(),)), PartsDone((DONE[2], OutOfTime()))], ids=["none", "last"])
def test_a_run_that_brings_the_copy_no_further_has_failed(done: PartsDone) -> None:
    before: list[Reply] = [Current("v1"), Checkpoints((copied_up_to(3),))]
    saved = [Written()] if len(done.replies) > 1 else []
    _, result = play([*before, done, *saved, Written()], upload=AGAIN)
    reason = "the function's time ran out before it had copied one more of 3 parts"
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.OUT_OF_TIME)


UNREADABLE = Failed("the start: no readable answer", Cause.UNREADABLE)
MAY_BE_LEFT = "An empty upload in parts may be left at the recipient, until a lifecycle rule removes it"


@pytest.mark.parametrize(
    ("failure", "answers", "aborted", "told"),
    [
        (UNREADABLE, [Uploads(())], [], ""),
        (UNREADABLE, [Uploads(("u1", "u2")), Removed(), NoUpload()], ["u1", "u2"], ""),
        (UNREADABLE, [Uploads(("u1",)), Forbidden("no")], ["u1"], f". {MAY_BE_LEFT} (no)"),
        (UNREADABLE, [Forbidden("not granted")], [], f". {MAY_BE_LEFT} (not granted)"),
        (UNREADABLE, [Failed("unwell", Cause.UNWELL)], [], f". {MAY_BE_LEFT} (unwell)"),
        (
            Failed("silent", Cause.NO_ANSWER, under_way=True),
            [Uploads(("u1",)), Removed()],
            ["u1"],
            f". {MAY_BE_LEFT} (S3 may begin it even now)",
        ),
        (Failed("an error of its own", Cause.UNWELL), [Uploads(())], [], ""),
    ],
)
def test_what_a_start_without_a_readable_answer_may_have_begun_is_aborted_or_told(
    failure: Failed, answers: list[Reply], aborted: list[str], told: str
) -> None:
    asked, result = play([Current("v1"), NONE_FOUND, ATTRIBUTES, failure, *answers, Written()])
    assert asked[3:-1] == [
        StartUpload(KEY, ATTRIBUTES),
        FindUploads(KEY),
        *[AbortUpload(KEY, upload_id) for upload_id in aborted],
    ]
    assert result == DeliveryResult(Outcome.FAILED, f"{failure.reason}{told}", failure.cause)


@pytest.mark.parametrize("cause", [Cause.THROTTLED, Cause.CONFLICT, Cause.CREDENTIALS, Cause.CLOCK])
def test_a_start_that_s3_refused_has_begun_nothing(cause: Cause) -> None:
    asked, result = play([Current("v1"), NONE_FOUND, ATTRIBUTES, Failed("refused", cause), Written()])
    assert not any(isinstance(request, FindUploads | AbortUpload) for request in asked)
    assert result == DeliveryResult(Outcome.FAILED, "refused", cause)


def test_a_function_without_time_begins_nothing() -> None:
    asked, result = play([Current("v1"), NONE_FOUND, ATTRIBUTES, OutOfTime(), Written()])
    reason = "the function's time ran out before the copy was started"
    assert asked[-1] == WriteReceipts((not_delivered(Outcome.FAILED, reason, Cause.OUT_OF_TIME),))
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.OUT_OF_TIME)


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(Failed("unwell", Cause.UNWELL), Cause.UNWELL), (Forbidden("unwell"), Cause.RECIPIENT_DENIED)],
)
def test_what_was_copied_before_a_failure_is_on_record_for_the_next_try(answer: Reply, cause: Cause) -> None:
    looks = [STILL_NEWEST] if isinstance(answer, Forbidden) else []
    asked, result = play([*BEGINNING, PartsDone((DONE[0], answer, DONE[1])), Written(), *looks, Written()])
    assert asked[len(ASKED_TO_BEGIN)] == SaveCheckpoint(copied_up_to(2))
    assert result == DeliveryResult(Outcome.FAILED, "unwell", cause)


def test_progress_is_saved_now_and_then_and_the_key_looked_at_again() -> None:
    between = CAPABILITIES.parts_between_saves
    size = 10 * (between + 1)
    upload, own = replace(UPLOAD, size_bytes=size), replace(OWN, size_bytes=size)
    first = tuple(CopiedPart(number, f"p{number}") for number in range(1, between + 1))
    asked, _ = play([*BEGINNING, PartsDone(first), Written(), Versions(own, current=True)], upload=upload)
    assert [len(request.parts) for request in asked if isinstance(request, CopyParts)] == [between, 1]
    assert asked[-3] == SaveCheckpoint(replace(BEGUN, size_bytes=size, copied=first))
    asked, result = play(
        [*BEGINNING, PartsDone(first), Written(), OVERTAKEN, Checkpoints((BEGUN,)), Removed(), Removed(), Written()],
        upload=upload,
    )
    assert result == DeliveryResult(Outcome.SUPERSEDED)
    assert asked[-3:-1] == [AbortUpload(KEY, "u1"), RemoveCheckpoint(BEGUN)]


def test_an_overtaken_upload_is_superseded_and_leaves_nothing_behind() -> None:
    asked, result = play([Current("v2"), NONE_FOUND, Written()])
    assert asked == [
        LOOK,
        ReadCheckpoints(KEY, "v1"),
        WriteReceipts((not_delivered(Outcome.SUPERSEDED),)),
    ]
    assert result == DeliveryResult(Outcome.SUPERSEDED)


def test_an_upload_overtaken_while_its_parts_were_copied_is_aborted() -> None:
    asked, result = play(
        [*BEGINNING, PartsDone(DONE), OVERTAKEN, Checkpoints((BEGUN,)), Removed(), Removed(), Written()]
    )
    assert asked[len(ASKED_TO_BEGIN) :] == [
        ListVersions(KEY),
        ReadCheckpoints(KEY, "v1"),
        AbortUpload(KEY, "u1"),
        RemoveCheckpoint(BEGUN),
        WriteReceipts((not_delivered(Outcome.SUPERSEDED),)),
    ]
    assert result == DeliveryResult(Outcome.SUPERSEDED)


def test_an_upload_overtaken_between_two_runs_is_aborted_before_the_newer_one_is_written() -> None:
    asked, result = play(
        [Current("v2"), OVERTAKEN, Checkpoints((copied_up_to(2),)), Removed(), Removed()], upload=AGAIN
    )
    assert asked[:5] == [
        LOOK,
        ListVersions(KEY),
        ReadCheckpoints(KEY, "v1"),
        AbortUpload(KEY, "u1"),
        RemoveCheckpoint(copied_up_to(2)),
    ]
    assert type(asked[5]).__name__ == "CopyVersion"
    assert result is None


def test_a_cancelled_upload_is_aborted() -> None:
    nothing = Versions(None, current=False)
    asked, result = play(
        [Gone(), nothing, Gone(), Checkpoints((copied_up_to(2),)), Removed(), Removed(), Written()], upload=AGAIN
    )
    assert asked[3:6] == [ReadCheckpoints(KEY, "v1"), AbortUpload(KEY, "u1"), RemoveCheckpoint(copied_up_to(2))]
    assert result == DeliveryResult(Outcome.CANCELLED)


def test_parts_that_the_recipient_lets_nobody_remove_hold_up_nothing_and_are_told() -> None:
    _, result = play([Current("v2"), Checkpoints((BEGUN,)), Forbidden("the recipient refuses"), Written()])
    reason = "parts of it may be left at the recipient: the recipient refuses"
    assert result == DeliveryResult(Outcome.SUPERSEDED, reason)


def test_parts_that_cannot_be_removed_now_bring_the_message_back() -> None:
    _, result = play([Current("v2"), Checkpoints((BEGUN,)), Failed("unwell"), Written()])
    reason = "parts of it may be left at the recipient: unwell"
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.UNWELL)


def test_a_large_newer_version_is_left_to_a_message_of_its_own() -> None:
    small = replace(UPLOAD, size_bytes=5, received_before=True)
    newest = Versions(NEWER_LARGE, current=True)
    _, result = play([Gone(), newest, Written()], upload=small)
    going_on = Upload("hub", KEY, "v2", "e2-3", 30, None, NEWER_LARGE.last_modified, None, received_before=True)
    assert result == DeliveryResult(Outcome.SUPERSEDED, continuation=going_on)


def test_an_upload_that_has_vanished_from_the_recipient_begins_anew() -> None:
    vanished: list[Reply] = [PartsDone((NoUpload(),)), NoUpload(), Removed()]
    asked, _ = play([Current("v1"), Checkpoints((copied_up_to(2),)), *vanished, NONE_FOUND], upload=AGAIN)
    assert asked[3:] == [
        AbortUpload(KEY, "u1"),
        RemoveCheckpoint(copied_up_to(2)),
        ReadCheckpoints(KEY, "v1"),
        ReadAttributes(KEY, "v1"),
    ]
    again = [NONE_FOUND, ATTRIBUTES, Started("u1"), Written(), *vanished]
    _, result = play([Current("v1"), *again * MOST_BEGINNINGS, Written()])
    reason = f"the upload in parts vanished {MOST_BEGINNINGS} times from the recipient. Somebody removes it"
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.CONFLICT)


def test_of_several_uploads_of_one_version_one_is_completed_and_the_others_are_removed() -> None:
    other = replace(BEGUN, upload_id="u2")
    found = Checkpoints((copied_up_to(2), other))
    asked, _ = play(
        [Current("v1"), found, PartsDone((DONE[2],)), STILL_NEWEST, COPIED, Removed(), Removed(), Removed()],
        upload=AGAIN,
    )
    assert asked[5:8] == [RemoveCheckpoint(copied_up_to(3)), AbortUpload(KEY, "u2"), RemoveCheckpoint(other)]


@pytest.mark.parametrize(
    "damaged",
    [
        replace(BEGUN, size_bytes=15, copied=DONE[:1]),
        replace(BEGUN, size_bytes=10**18, part_bytes=1),
        replace(BEGUN, part_bytes=CAPABILITIES.largest_part_bytes + 1),
        replace(BEGUN, copied=(DONE[0], DONE[0])),
        replace(BEGUN, copied=(*DONE[:2], CopiedPart(4, "p4"))),
    ],
    ids=["cut off", "never ends", "parts too large", "a part twice", "a part too many"],
)
def test_a_copy_whose_record_would_make_another_file_is_begun_anew(damaged: Checkpoint) -> None:
    damaged = replace(damaged, upload_id="u0")
    replies = [Current("v1"), Checkpoints((damaged,)), *BEGINNING[2:], PartsDone(DONE), STILL_NEWEST, COPIED]
    asked, _ = play([*replies, Removed(), Removed(), Removed()], upload=AGAIN)
    assert asked[:6] == ASKED_TO_BEGIN
    assert asked[8:11] == [RemoveCheckpoint(copied_up_to(3)), AbortUpload(KEY, "u0"), RemoveCheckpoint(damaged)]


@pytest.mark.parametrize("told", [15, 21, 34])
def test_a_file_has_as_many_bytes_as_the_hub_says_whatever_its_event_says(told: int) -> None:
    begin = [Current("v1", size_bytes=25), *BEGINNING[1:], PartsDone(DONE), STILL_NEWEST, COPIED, Removed()]
    asked, _ = play(
        [*begin, ON, Retired(), Written()],
        upload=replace(UPLOAD, size_bytes=told),
        rules=replace(MOVE, largest_copy_bytes=10),
    )
    assert asked[:6] == ASKED_TO_BEGIN
    assert asked[9] == WriteReceipts((DELIVERED,))


def test_a_copy_that_was_begun_at_another_destination_is_neither_gone_on_with_nor_aborted() -> None:
    elsewhere = replace(BEGUN, upload_id="u0", copied=DONE[:2], destination="gs://before")
    found: list[Reply] = [Current("v1"), Checkpoints((elsewhere,))]
    asked, _ = play(
        [*found, ATTRIBUTES, Started("u1"), Written(), PartsDone(DONE), STILL_NEWEST, COPIED, Removed(), Removed()]
    )
    assert asked[:6] == ASKED_TO_BEGIN
    assert asked[8:10] == [RemoveCheckpoint(copied_up_to(3)), RemoveCheckpoint(elsewhere)]
    asked, _ = play([Current("v2"), Checkpoints((elsewhere,)), Removed()])
    assert asked[1:] == [ReadCheckpoints(KEY, "v1"), RemoveCheckpoint(elsewhere), asked[-1]]


FINISHED: list[Reply] = [Current("v1"), Checkpoints((copied_up_to(2),)), PartsDone((DONE[2],)), STILL_NEWEST, COPIED]


def test_the_record_of_a_finished_copy_that_cannot_be_removed_at_once_is_removed_again() -> None:
    expired = Failed("expired", Cause.CREDENTIALS)
    asked, result = play([*FINISHED, expired, expired, Removed(), Written(), ON, Retired()], upload=AGAIN)
    assert asked[5:8] == [RemoveCheckpoint(copied_up_to(3))] * 3
    assert result == DeliveryResult(Outcome.DELIVERED)


@pytest.mark.parametrize("answer", [Failed("no room", Cause.UNWELL), Forbidden("no leave")], ids=["failed", "refused"])
def test_a_record_that_cannot_be_removed_holds_up_no_delivery_and_is_told(answer: Failed | Forbidden) -> None:
    _, result = play([*FINISHED, *[answer] * MOST_TRIES_TO_REMOVE, Written(), ON, Retired()], upload=AGAIN)
    reason = f"the record of its copy in parts is left in the log bucket: {answer.reason}"
    assert result == DeliveryResult(Outcome.DELIVERED, reason)


def test_parts_of_a_repeated_copy_are_removed_again_and_told_when_they_stay() -> None:
    other, unwell = replace(BEGUN, upload_id="u2"), Failed("unwell")
    found = [Current("v1"), Checkpoints((copied_up_to(2), other)), *FINISHED[2:], Removed()]
    asked, result = play([*found, unwell, Removed(), Removed(), Written(), ON, Retired()], upload=AGAIN)
    assert asked[6:9] == [AbortUpload(KEY, "u2"), AbortUpload(KEY, "u2"), RemoveCheckpoint(other)]
    assert result == DeliveryResult(Outcome.DELIVERED)
    _, result = play([*found, *[unwell] * MOST_TRIES_TO_REMOVE, Written(), ON, Retired()], upload=AGAIN)
    assert result == DeliveryResult(Outcome.DELIVERED, "parts of a repeated copy may be left at the recipient: unwell")


def test_nothing_is_copied_into_an_upload_that_is_not_on_record() -> None:
    asked, result = play([*BEGINNING[:-1], Failed("no room", Cause.UNWELL), Removed(), Written()])
    assert asked[:6] == [*ASKED_TO_BEGIN[:5], AbortUpload(KEY, "u1")]
    assert result == DeliveryResult(Outcome.FAILED, "the checkpoint could not be written: no room", Cause.UNWELL)


def test_parts_that_cannot_be_put_on_record_fail_the_run() -> None:
    _, result = play([*BEGINNING, PartsDone((DONE[0], OutOfTime())), Forbidden("denied"), Written()])
    assert result == DeliveryResult(
        Outcome.FAILED, "the checkpoint could not be written: denied", Cause.RECIPIENT_DENIED
    )


def test_a_file_larger_than_s3_copies_is_refused() -> None:
    upload = replace(UPLOAD, size_bytes=CAPABILITIES.largest_file_bytes + 1)
    asked, result = play([Current("v1"), Written()], upload=upload)
    reason = (
        "the file has 53,687,091,200,001 bytes; S3 copies files of up to 53,687,091,200,000 bytes. "
        "Send it in several files"
    )
    receipt = replace(not_delivered(Outcome.FAILED, reason, Cause.UPLOAD_TOO_LARGE), size_bytes=upload.size_bytes)
    assert asked[1:] == [WriteReceipts((receipt,))]
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.UPLOAD_TOO_LARGE)


NULL_UPLOAD = replace(UPLOAD, version_id="null")
TIME, LATER = "2026-11-02T09:00:00.000Z", "2026-11-02T09:30:00.000Z"
BEGUN_NULL = replace(BEGUN, version_id="null", etag="e1-2", last_modified=TIME)
CURRENT_NULL = Current("null", "e1-2", TIME)


def test_a_large_file_from_before_versioning_is_pinned_to_its_content_and_retired_like_any_other() -> None:
    still, copied = Versions(replace(OWN, version_id="null"), current=True), replace(COPIED, source_version_id="null")
    asked, result = play(
        [CURRENT_NULL, *BEGINNING[1:], PartsDone(DONE), still, copied, Removed(), Written(), ON, Retired()],
        upload=NULL_UPLOAD,
    )
    assert asked[4:6] == [SaveCheckpoint(BEGUN_NULL), CopyParts(KEY, "null", "u1", PARTS, "e1-2")]
    assert asked[-2:] == [ReadVersioning(), Retire(KEY, "e1-2")]
    assert result == DeliveryResult(Outcome.DELIVERED)


@pytest.mark.parametrize(
    "begun", [replace(BEGUN_NULL, last_modified=LATER), replace(BEGUN_NULL, etag="", last_modified=None)]
)
def test_a_copy_of_another_upload_under_the_id_null_is_not_gone_on_with(begun: Checkpoint) -> None:
    """Nor one of which an earlier version of the mover did not note whose it is."""
    asked, _ = play([CURRENT_NULL, Checkpoints((begun,))], upload=NULL_UPLOAD)
    assert asked[-1] == ReadAttributes(KEY, "null")


def test_another_content_under_the_id_null_is_superseded_by_what_took_its_place() -> None:
    other = replace(BEGUN_NULL, etag="e2-2")
    asked, result = play([Current("null", "e2-2", LATER), Checkpoints((other,)), Written()], upload=NULL_UPLOAD)
    assert [type(request).__name__ for request in asked] == ["HeadObject", "ReadCheckpoints", "WriteReceipts"]
    assert result == DeliveryResult(Outcome.SUPERSEDED)


@pytest.mark.parametrize("position", range(1, 5))
def test_a_failure_before_the_first_part_is_told(position: int) -> None:
    stopped = Failed("S3 is unwell", Cause.UNWELL)
    aborted: list[Reply] = [Uploads(())] if position == 3 else [Removed()] if position == 4 else []
    _, result = play([*BEGINNING[:position], stopped, *aborted, Written()])
    reason = "S3 is unwell" if position < 4 else "the checkpoint could not be written: S3 is unwell"
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.UNWELL)
