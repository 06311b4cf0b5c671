"""What one delivery asks of S3, in which order, and the receipts it leaves. The races are explored in tests/model."""

from dataclasses import replace
from functools import partial

import pytest

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.delivery import MOST_SETTLE_ROUNDS
from data_exports.mover.rules.hub_version import HubVersion
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
    Reply,
    Retire,
    Retired,
    Versioning,
    Versions,
    WriteReceipts,
    Written,
)
from data_exports.mover.rules.together import refuse
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload
from tests.unit.mover.rules.playing import play_delivery

KEY = "orders/a"
UPLOAD = Upload("hub", KEY, "v1", "e1", 10, "AWS:AROA:alice", "2026-11-02T09:00:00.000Z", 1, received_before=False)
AGAIN = replace(UPLOAD, receive_count=2, received_before=True)
MOVE = Rules("orders", "hub", keep_files=False, largest_copy_bytes=1000, capabilities=CAPABILITIES)
KEEP = replace(MOVE, keep_files=True)
NEWER = HubVersion("v2", "e2", 20, "2026-11-02T09:30:00.000Z")
OWN = HubVersion("v1", "e1", 10, "2026-11-02T09:00:00.000Z")
COPIED = Copied("v1", "t1", "te", "2026-11-02T10:00:00.000Z")
COPIED_NEWER = Copied("v2", "t2", "te", "2026-11-02T10:00:00.000Z")
NOTHING_LEFT = Versions(None, current=False)
PROVEN: list[Reply] = [NOTHING_LEFT, Gone()]  # that it is not there is asked for by its id
ON, OFF = Versioning(is_on=True), Versioning(is_on=False)
REFUSED = Forbidden("the copy is refused (AccessDenied)")

DELIVERED = Receipt(
    key=KEY,
    version_id="v1",
    etag="e1",
    size_bytes=10,
    uploaded_by="AWS:AROA:alice",
    uploaded_at="2026-11-02T09:00:00.000Z",
    outcome=Outcome.DELIVERED,
    delivered_at="2026-11-02T10:00:00.000Z",
    destination_version="t1",
    destination_etag="te",
    receive_count=1,
)
SUPERSEDED = Receipt(
    key=KEY,
    version_id="v1",
    etag="e1",
    size_bytes=10,
    uploaded_by="AWS:AROA:alice",
    uploaded_at="2026-11-02T09:00:00.000Z",
    outcome=Outcome.SUPERSEDED,
    receive_count=1,
)
CANCELLED = replace(SUPERSEDED, outcome=Outcome.CANCELLED)
DELIVERED_NEWER = Receipt(
    key=KEY,
    version_id="v2",
    etag="e2",
    size_bytes=20,
    uploaded_by=None,
    uploaded_at="2026-11-02T09:30:00.000Z",
    outcome=Outcome.DELIVERED,
    delivered_at="2026-11-02T10:00:00.000Z",
    destination_version="t2",
    destination_etag="te",
    receive_count=1,
)


UNWELL = Failed("S3 is unwell", Cause.CREDENTIALS)  # passing, and nothing that seconds would cure


def failed(reason: str, cause: Cause) -> Receipt:
    return replace(SUPERSEDED, outcome=Outcome.FAILED, reason=reason, cause=cause)


play = partial(play_delivery, upload=UPLOAD, rules=MOVE)


def test_an_upload_is_copied_recorded_and_retired() -> None:
    asked, result = play([COPIED, Written(), ON, Retired()])
    assert asked == [Copy(KEY, "e1"), WriteReceipts((DELIVERED,)), ReadVersioning(), Retire(KEY, "e1")]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_a_receipt_holds_the_digests_that_the_copy_told() -> None:
    told = "CRC64NVME:rosUhgp5mIg="
    asked, _ = play([replace(COPIED, digest=told), Written(), ON, Retired()])
    assert asked[1] == WriteReceipts((replace(DELIVERED, digest=told),))


def test_with_keep_files_the_upload_stays_and_is_looked_at() -> None:
    asked, result = play([COPIED, Current("v1"), Written()], rules=KEEP)
    assert asked == [Copy(KEY, "e1"), HeadObject(KEY), WriteReceipts((DELIVERED,))]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_an_overtaken_upload_is_superseded_with_a_receipt() -> None:
    asked, result = play([Overtaken(), Written()])
    assert asked == [Copy(KEY, "e1"), WriteReceipts((SUPERSEDED,))]
    assert result == DeliveryResult(Outcome.SUPERSEDED)


def test_an_overtaken_upload_that_was_received_before_is_settled() -> None:
    again = replace(DELIVERED_NEWER, receive_count=2)
    asked, result = play(
        [
            Overtaken(),
            Versions(NEWER, current=True),
            COPIED_NEWER,
            Versions(NEWER, current=True),
            Written(),
            ON,
            Retired(),
        ],
        upload=AGAIN,
    )
    assert asked == [
        Copy(KEY, "e1"),
        ListVersions(KEY),
        CopyVersion(KEY, "v2"),
        ListVersions(KEY),
        WriteReceipts((again, replace(SUPERSEDED, receive_count=2))),
        ReadVersioning(),
        Retire(KEY, "e2"),
    ]
    assert result == DeliveryResult(Outcome.SUPERSEDED)


def test_a_repeated_event_delivers_the_hidden_upload_again() -> None:
    asked, result = play(
        [Gone(), Versions(OWN, current=False), COPIED, Versions(OWN, current=False), Written()],
    )
    assert asked == [
        Copy(KEY, "e1"),
        ListVersions(KEY),
        CopyVersion(KEY, "v1"),
        ListVersions(KEY),
        WriteReceipts((DELIVERED,)),
    ]
    assert result == DeliveryResult(Outcome.DELIVERED)


@pytest.mark.parametrize("overtaken", [Overtaken(), Gone()])
def test_an_upload_overtaken_at_its_retire_is_settled(overtaken: Reply) -> None:
    asked, result = play(
        [
            COPIED,
            Written(),
            ON,
            overtaken,
            Versions(NEWER, current=True),
            COPIED_NEWER,
            Versions(NEWER, current=True),
            Written(),
            ON,
            Retired(),
        ]
    )
    assert asked == [
        Copy(KEY, "e1"),
        WriteReceipts((DELIVERED,)),
        ReadVersioning(),
        Retire(KEY, "e1"),
        ListVersions(KEY),
        CopyVersion(KEY, "v2"),
        ListVersions(KEY),
        WriteReceipts((DELIVERED_NEWER,)),
        ReadVersioning(),
        Retire(KEY, "e2"),
    ]
    assert result == DeliveryResult(Outcome.DELIVERED)


@pytest.mark.parametrize("seen", [Current("v2"), Gone(), Forbidden("403")])
def test_with_keep_files_an_upload_that_is_not_the_current_one_is_settled(seen: Reply) -> None:
    asked, result = play(
        [COPIED, seen, Versions(NEWER, current=True), COPIED_NEWER, Versions(NEWER, current=True), Written()],
        rules=KEEP,
    )
    assert asked == [
        Copy(KEY, "e1"),
        HeadObject(KEY),
        ListVersions(KEY),
        CopyVersion(KEY, "v2"),
        ListVersions(KEY),
        WriteReceipts((DELIVERED, DELIVERED_NEWER)),
    ]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_an_upload_that_the_copy_of_an_equal_newer_one_covers_is_superseded() -> None:
    newer = replace(DELIVERED_NEWER, etag="e1", size_bytes=10, uploaded_at=None)
    asked, result = play([COPIED_NEWER, Written(), ON, Retired()])
    assert asked == [Copy(KEY, "e1"), WriteReceipts((newer, SUPERSEDED)), ReadVersioning(), Retire(KEY, "e1")]
    assert result == DeliveryResult(Outcome.SUPERSEDED)


def test_an_upload_whose_versions_were_removed_is_cancelled() -> None:
    asked, result = play([Gone(), Versions(None, current=False), Gone(), Written()])
    assert asked == [Copy(KEY, "e1"), ListVersions(KEY), HeadObject(KEY, "v1"), WriteReceipts((CANCELLED,))]
    assert result == DeliveryResult(Outcome.CANCELLED)


def test_a_null_upload_that_became_a_delete_marker_while_it_was_copied_is_cancelled_and_blames_nobody() -> None:
    """Without versioning a delete puts its marker under the id `null`, and S3 refuses to copy that as invalid."""
    null = HubVersion("null", "e1", 10, "2026-11-02T09:00:00.000Z")
    upload = replace(AGAIN, version_id="null")
    refused = Failed("a marker is no source (InvalidRequest)", Cause.RECIPIENT_NOT_ACCEPTED)
    asked, result = play([Gone(), Versions(null, current=True), refused, *PROVEN, *PROVEN, Written()], upload=upload)
    assert result == DeliveryResult(Outcome.CANCELLED)
    assert asked[2] == CopyVersion(KEY, "null", "e1")


def test_a_null_upload_whose_copy_is_refused_and_that_is_still_there_fails_as_refused() -> None:
    null = HubVersion("null", "e1", 10, "2026-11-02T09:00:00.000Z")
    refused = Failed("not accepted (InvalidRequest)", Cause.RECIPIENT_NOT_ACCEPTED)
    replies: list[Reply] = [Gone(), Versions(null, current=True), refused, Versions(null, current=True), Written()]
    _, result = play(replies, upload=replace(AGAIN, version_id="null"))
    assert result == DeliveryResult(
        Outcome.FAILED, "not accepted (InvalidRequest)", Cause.RECIPIENT_NOT_ACCEPTED, under_way=False
    )


def test_an_upload_cancelled_after_its_delivery_stays_delivered() -> None:
    asked, result = play([COPIED, Written(), ON, Gone(), Versions(None, current=False), Forbidden("403")])
    assert asked[-2:] == [ListVersions(KEY), HeadObject(KEY, "v1")]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_a_version_removed_while_it_is_settled_is_left_out() -> None:
    asked, result = play([Gone(), Versions(OWN, current=False), Gone(), *PROVEN, Written()])
    assert asked[-1] == WriteReceipts((CANCELLED,))
    assert result == DeliveryResult(Outcome.CANCELLED)


def test_a_403_is_a_refusal_if_the_upload_is_there() -> None:
    asked, result = play([REFUSED, Versions(OWN, current=True), Written()])
    assert asked == [
        Copy(KEY, "e1"),
        ListVersions(KEY),
        WriteReceipts((failed(REFUSED.reason, Cause.RECIPIENT_DENIED),)),
    ]
    assert result == DeliveryResult(Outcome.FAILED, REFUSED.reason, Cause.RECIPIENT_DENIED)


@pytest.mark.parametrize("versions", [Versions(OWN, current=False), Versions(None, current=False)])
def test_a_403_is_a_404_if_nothing_is_on_top(versions: Versions) -> None:
    proof: list[Reply] = [] if versions.newest else [Gone()]
    asked, _ = play([REFUSED, versions, *proof])
    assert [type(request) for request in asked] == [Copy, ListVersions, *[HeadObject for _ in proof], ListVersions]


def test_a_403_at_the_retire_is_judged_the_same_way() -> None:
    _, refused = play([COPIED, Written(), ON, REFUSED, Versions(OWN, current=True), Written()])
    assert refused == DeliveryResult(Outcome.FAILED, REFUSED.reason, Cause.RECIPIENT_DENIED)
    hidden = Versions(OWN, current=False)
    asked, retired_by_another = play([COPIED, Written(), ON, REFUSED, hidden, hidden, COPIED, hidden, Written()])
    assert asked[3:6] == [Retire(KEY, "e1"), ListVersions(KEY), ListVersions(KEY)]
    assert retired_by_another == DeliveryResult(Outcome.DELIVERED)


def test_a_403_for_a_version_is_judged_the_same_way() -> None:
    _, refused = play([Gone(), Versions(OWN, current=False), REFUSED, Versions(OWN, current=False), Written()])
    assert refused == DeliveryResult(Outcome.FAILED, REFUSED.reason, Cause.RECIPIENT_DENIED)
    _, cancelled = play([Gone(), Versions(OWN, current=False), REFUSED, *PROVEN, *PROVEN, Written()])
    assert cancelled == DeliveryResult(Outcome.CANCELLED)


def test_a_failure_leaves_a_receipt_and_the_upload_in_the_hub() -> None:
    asked, result = play([UNWELL, Written()])
    assert asked == [Copy(KEY, "e1"), WriteReceipts((failed("S3 is unwell", Cause.CREDENTIALS),))]
    assert result == DeliveryResult(Outcome.FAILED, "S3 is unwell", Cause.CREDENTIALS)


BUSY = Failed("another operation is under way", Cause.CONFLICT)
SILENCE = Failed("no answer", Cause.NO_ANSWER, under_way=True)


def test_a_copy_that_fails_for_a_moment_is_asked_for_again() -> None:
    asked, result = play([BUSY, BUSY, COPIED, Written(), ON, Retired()])
    assert asked[:3] == [Copy(KEY, "e1"), Copy(KEY, "e1", tries=1), Copy(KEY, "e1", tries=2)]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_a_copy_is_asked_for_six_times_at_most() -> None:
    asked, result = play([BUSY] * 6 + [Written()])
    assert [request for request in asked if isinstance(request, Copy)] == [
        Copy(KEY, "e1", tries=tries) for tries in range(6)
    ]
    assert result == DeliveryResult(Outcome.FAILED, BUSY.reason, Cause.CONFLICT)


def test_a_version_that_fails_for_a_moment_is_asked_for_again() -> None:
    asked, _ = play([Gone(), Versions(OWN, current=False), SILENCE, COPIED, Versions(OWN, current=False), Written()])
    assert asked[2:4] == [CopyVersion(KEY, "v1"), CopyVersion(KEY, "v1", tries=1)]


def test_a_copy_that_failed_may_have_been_carried_out_so_being_overtaken_is_not_the_end_of_it() -> None:
    asked, _ = play([BUSY, Overtaken()])
    assert asked[-1] == ListVersions(KEY)


@pytest.mark.parametrize("later", [[COPIED, Written(), ON, Retired()], [Gone(), *PROVEN, Written()]], ids=str)
def test_a_copy_without_an_answer_may_be_carried_out_later_however_the_delivery_ends(later: list[Reply]) -> None:
    _, result = play([SILENCE, *later])
    assert result is not None
    assert result.under_way
    _, failed_result = play([SILENCE, UNWELL, Written()])
    assert failed_result == DeliveryResult(Outcome.FAILED, UNWELL.reason, UNWELL.cause, under_way=True)


def test_what_fails_at_its_last_receive_is_given_up() -> None:
    last = replace(UPLOAD, receive_count=8, received_before=True)
    asked, result = play([UNWELL, Written()], upload=last)
    receipt = replace(failed(UNWELL.reason, UNWELL.cause), outcome=Outcome.GIVEN_UP, receive_count=8)
    assert asked[1] == WriteReceipts((receipt,))
    assert result == DeliveryResult(Outcome.GIVEN_UP, UNWELL.reason, UNWELL.cause)


SWEPT = replace(UPLOAD, swept=True)


def test_what_the_sweep_told_of_is_delivered_like_any_other() -> None:
    asked, result = play([COPIED, Written(), ON, Retired()], upload=SWEPT)
    assert (asked[0], result) == (Copy(KEY, "e1"), DeliveryResult(Outcome.DELIVERED))
    assert play([Overtaken(), Written()], upload=SWEPT)[1] == DeliveryResult(Outcome.SUPERSEDED)


@pytest.mark.parametrize("replies", [[Gone()], [REFUSED, Versions(OWN, current=False)]], ids=["404", "403 for 404"])
def test_what_is_out_of_sight_since_the_sweep_is_not_delivered_again(replies: list[Reply]) -> None:
    asked, result = play(replies, upload=SWEPT)
    assert [type(request) for request in asked] == [Copy, ListVersions][: len(replies)]
    assert result == DeliveryResult(Outcome.IGNORED)


@pytest.mark.parametrize("replies", [[Gone()], [REFUSED, Versions(OWN, current=False)], [BUSY, Gone()]])
def test_unless_an_earlier_try_may_have_written(replies: list[Reply]) -> None:
    again = replace(SWEPT, received_before=replies[0] is not BUSY)
    assert play(replies, upload=again)[0][-1] == ListVersions(KEY)


def test_a_message_that_tells_of_no_upload_has_a_receipt_without_a_key() -> None:
    steps = refuse("no event", MOVE, message_id="m1", receive_count=1)
    asked = next(steps)
    nothing = Receipt("", "", "", None, None, None, Outcome.FAILED, "no event", Cause.BAD_MESSAGE, receive_count=1)
    assert asked == WriteReceipts((replace(nothing, message_id="m1"),))
    with pytest.raises(StopIteration) as end:
        steps.send(Written())
    assert end.value.value == DeliveryResult(Outcome.FAILED, "no event", Cause.BAD_MESSAGE)


def test_what_was_written_before_a_failure_is_on_record() -> None:
    asked, result = play([COPIED, UNWELL, Written()], rules=KEEP)
    assert asked[-1] == WriteReceipts((DELIVERED, failed("S3 is unwell", Cause.CREDENTIALS)))
    assert result == DeliveryResult(Outcome.FAILED, "S3 is unwell", Cause.CREDENTIALS)


def test_without_its_receipt_nothing_is_retired() -> None:
    reason = "the receipt could not be written: no room"
    asked, result = play([COPIED, Failed("no room"), Failed("no room")])
    assert asked == [
        Copy(KEY, "e1"),
        WriteReceipts((DELIVERED,)),
        WriteReceipts((DELIVERED, failed(reason, Cause.UNWELL))),
    ]
    assert result == DeliveryResult(Outcome.FAILED, f"{reason}; this failure has no receipt: no room", Cause.UNWELL)


@pytest.mark.parametrize(
    ("upload", "reason"),
    [
        (replace(UPLOAD, bucket="other"), "the event is about bucket 'other'; this mover serves only 'hub'"),
        (replace(UPLOAD, key="orders_private/a"), "the key is outside orders/, the only prefix this mover serves"),
        (replace(UPLOAD, key="orders"), "the key is outside orders/, the only prefix this mover serves"),
        (replace(UPLOAD, etag=""), "the event names no usable ETag (''); no copy could be tied to this upload"),
        (replace(UPLOAD, etag="*"), "the event names no usable ETag ('*'); no copy could be tied to this upload"),
    ],
)
def test_what_must_not_be_copied_is_refused_before_anything_is_asked(upload: Upload, reason: str) -> None:
    asked, result = play([Written()], upload=upload)
    receipt = failed(reason, Cause.BAD_MESSAGE)
    receipt = replace(receipt, key=upload.key, etag=upload.etag, size_bytes=upload.size_bytes)
    assert asked == [WriteReceipts((receipt,))]
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.BAD_MESSAGE)


def test_a_file_of_the_largest_size_for_one_copy_is_copied_at_once() -> None:
    asked, _ = play([], upload=replace(UPLOAD, size_bytes=1000))
    assert asked == [Copy(KEY, "e1")]


NULL_UPLOAD = replace(UPLOAD, version_id="null")
OWN_NULL = replace(OWN, version_id="null")
COPIED_NULL = replace(COPIED, source_version_id="null")
DELIVERED_NULL = replace(DELIVERED, version_id="null")
NOT_RETIRED = (
    "the file was delivered, and not taken out of sight: versioning is not on for s3://hub, so that a delete would "
    "remove it for good. Turn versioning on for the hub bucket"
)


def test_a_file_from_before_versioning_is_delivered_and_retired_like_any_other() -> None:
    asked, result = play([COPIED_NULL, Written(), ON, Retired()], upload=NULL_UPLOAD)
    assert asked == [Copy(KEY, "e1"), WriteReceipts((DELIVERED_NULL,)), ReadVersioning(), Retire(KEY, "e1")]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_a_file_from_before_versioning_that_is_kept_is_written_until_nothing_changes_across_a_write() -> None:
    seen = Versions(OWN_NULL, current=True)
    asked, result = play(
        [COPIED_NULL, Current("null", "e1", OWN.last_modified), seen, COPIED_NULL, seen, Written()],
        upload=NULL_UPLOAD,
        rules=KEEP,
    )
    assert asked == [
        Copy(KEY, "e1"),
        HeadObject(KEY),
        ListVersions(KEY),
        CopyVersion(KEY, "null", "e1"),
        ListVersions(KEY),
        WriteReceipts((DELIVERED_NULL, DELIVERED_NULL)),
    ]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_while_versioning_is_off_nothing_is_deleted_and_the_failure_names_what_is_to_be_mended() -> None:
    seen = Versions(OWN_NULL, current=True)
    asked, result = play(
        [COPIED_NULL, Written(), OFF, seen, COPIED_NULL, seen, Written(), OFF, Written()], upload=NULL_UPLOAD
    )
    failed_null = replace(failed(NOT_RETIRED, Cause.HUB_NOT_VERSIONED), version_id="null")
    assert asked == [
        Copy(KEY, "e1"),
        WriteReceipts((DELIVERED_NULL,)),
        ReadVersioning(),
        ListVersions(KEY),
        CopyVersion(KEY, "null", "e1"),
        ListVersions(KEY),
        WriteReceipts((DELIVERED_NULL,)),
        ReadVersioning(),
        WriteReceipts((failed_null,)),
    ]
    assert result == DeliveryResult(Outcome.FAILED, NOT_RETIRED, Cause.HUB_NOT_VERSIONED)


def test_also_a_version_with_an_id_is_not_deleted_while_versioning_is_off() -> None:
    """An upload of equal content may have come on top of it, which a delete would destroy."""
    _, result = play([COPIED, Written(), OFF, Versions(OWN, current=True), OFF, Written()])
    assert result == DeliveryResult(Outcome.FAILED, NOT_RETIRED, Cause.HUB_NOT_VERSIONED)


def test_another_upload_under_the_id_null_is_another_upload() -> None:
    newer = replace(OWN_NULL, etag="e2", last_modified="2026-11-02T09:30:00.000Z")
    again = replace(NULL_UPLOAD, receive_count=2, received_before=True)
    asked, _ = play(
        [Overtaken(), Versions(newer, current=True), COPIED_NULL, Versions(newer, current=True)], upload=again
    )
    assert asked[2] == CopyVersion(KEY, "null", "e2")
    (delivered, superseded) = asked[-1].receipts if isinstance(asked[-1], WriteReceipts) else ()
    assert [(r.etag, r.outcome, r.uploaded_by) for r in (delivered, superseded)] == [
        ("e2", Outcome.DELIVERED, None),
        ("e1", Outcome.SUPERSEDED, "AWS:AROA:alice"),
    ]


def test_what_another_one_hid_is_written_once_more() -> None:
    """Who hid it may have written an upload of equal content and other metadata before."""
    hidden = Versions(OWN, current=False)
    asked, result = play([COPIED, Written(), ON, Gone(), hidden, COPIED, hidden, Written()])
    assert asked[4:7] == [ListVersions(KEY), CopyVersion(KEY, "v1"), ListVersions(KEY)]
    assert result == DeliveryResult(Outcome.DELIVERED)


def test_an_empty_listing_is_a_failure_that_comes_back_if_the_upload_is_there() -> None:
    asked, result = play([Gone(), NOTHING_LEFT, Current("v1"), Written()])
    reason = "S3 lists no version of the key, but has version v1. It will be tried again"
    assert asked[2:] == [HeadObject(KEY, "v1"), WriteReceipts((failed(reason, Cause.UNREADABLE),))]
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.UNREADABLE)


def test_the_empty_folder_of_the_dataset_is_no_file() -> None:
    assert play([], upload=replace(UPLOAD, key="orders/", size_bytes=0)) == ([], DeliveryResult(Outcome.IGNORED))


@pytest.mark.parametrize(("key", "size_bytes"), [("orders/sub/", 0), ("orders/", 1), ("orders//", 0), ("orders/ ", 0)])
def test_other_keys_that_look_like_folders_are_files(key: str, size_bytes: int) -> None:
    asked, _ = play([], upload=replace(UPLOAD, key=key, size_bytes=size_bytes))
    assert asked == [Copy(key, "e1")]


def test_a_key_that_never_rests_fails_and_comes_back() -> None:
    replies: list[Reply] = [Gone()]
    for number in range(MOST_SETTLE_ROUNDS):
        replies += [Versions(replace(NEWER, version_id=f"n{number}"), current=True), COPIED_NEWER]
    asked, result = play([*replies, Written()])
    assert len([request for request in asked if isinstance(request, CopyVersion)]) == MOST_SETTLE_ROUNDS
    reason = f"the key changed {MOST_SETTLE_ROUNDS} times while it was being delivered"
    assert result == DeliveryResult(Outcome.FAILED, reason, Cause.OVERWRITTEN)


def test_an_answer_that_no_rule_provides_for_fails() -> None:
    _, result = play([Retired(), Written()])
    assert result == DeliveryResult(Outcome.FAILED, "S3 answered Retired, which no rule provides for here", Cause.FAULT)
