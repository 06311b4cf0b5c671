"""The batch engine: how many calls a batch costs, in which order, and that deliveries do not hurt each other."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any

from data_exports.contract.causes import Cause
from data_exports.contract.receipts import Outcome, Receipt, receipts_file
from data_exports.mover.batch import Batch
from data_exports.mover.places.s3.destination import CAPABILITIES
from data_exports.mover.rules.delivery import Steps, deliver
from data_exports.mover.rules.protocol import (
    Call,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    Failed,
    HeadObject,
    ListVersions,
    PutReceipts,
    ReadVersioning,
    Retire,
    RetireAll,
    StoreAnswer,
)
from data_exports.mover.rules.together import deliver_together
from data_exports.mover.rules.uploads import DeliveryResult, Rules, Upload
from tests.model.memory_s3 import HUB, MemoryStore

MOVE = Rules("orders", HUB, keep_files=False, largest_copy_bytes=1000, capabilities=CAPABILITIES, part_bytes=10)
NUMBERS = count(1)
DELIVERED = DeliveryResult(Outcome.DELIVERED)


def file_of(receipts: Sequence[Receipt]) -> tuple[str, bytes]:
    now = datetime(2026, 11, 2, tzinfo=UTC)
    return receipts_file(
        receipts, dataset="orders", destination="s3://t", mover_version="1", now=now, identifier=str(next(NUMBERS))
    )


def uploaded(store: MemoryStore, key: str, body: bytes = b"A") -> Upload:
    store.memory = store.memory.upload(key, body)
    stored = store.memory.hub_key(key).versions[-1]
    return Upload(HUB, key, stored.version_id, stored.etag, len(body), None, None, 1, received_before=False)


def run(
    store: MemoryStore, uploads: Sequence[Upload], *, may_start_copies: Callable[[], bool] = lambda: True
) -> list[DeliveryResult]:
    deliveries, follows = deliver_together(uploads, MOVE)
    return Batch(deliveries, store, receipts_file=file_of, may_start_copies=may_start_copies, follows=follows).run()


def test_no_deliveries_cost_nothing() -> None:
    store = MemoryStore()
    assert (run(store, []), store.calls) == ([], [])


def test_a_thousand_files_cost_a_thousand_copies_one_file_of_receipts_and_ten_deletes() -> None:
    store = MemoryStore()
    uploads = [uploaded(store, f"orders/{number}") for number in range(1000)]
    assert run(store, uploads) == [DELIVERED] * 1000
    assert [type(call) for call in store.calls] == [Copy] * 1000 + [PutReceipts, ReadVersioning] + [RetireAll] * 10
    assert len(store.memory.receipts()) == 1000


class Watched(MemoryStore):
    """Notes what is asked and when an answer is waited for."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.events: list[str] = []

    def send(self, call: Call, tag: int) -> None:
        self.events.append(type(call).__name__)
        super().send(call, tag)

    def wait(self) -> tuple[int, StoreAnswer]:
        self.events.append("wait")
        return super().wait()


def test_keys_are_retired_a_hundred_a_call_and_all_calls_at_once() -> None:
    store = Watched()
    assert run(store, [uploaded(store, f"orders/{number}") for number in range(250)]) == [DELIVERED] * 250
    assert [len(call.retires) for call in store.calls if isinstance(call, RetireAll)] == [100, 100, 50]
    assert store.events[-6:] == ["RetireAll"] * 3 + ["wait"] * 3


class RefusesOne(MemoryStore):
    """Answers the second of several deletes with a failure."""

    def send(self, call: Call, tag: int) -> None:
        second = isinstance(call, RetireAll) and len(self.asked(RetireAll)) == 1
        self.refusals = {RetireAll: Failed("unwell")} if second else {}
        super().send(call, tag)


def test_one_failed_delete_fails_its_own_deliveries_alone() -> None:
    store = RefusesOne()
    results = run(store, [uploaded(store, f"orders/{number}") for number in range(250)])
    failed = DeliveryResult(Outcome.FAILED, "unwell", Cause.UNWELL)
    assert results == [DELIVERED] * 100 + [failed] * 100 + [DELIVERED] * 50
    in_sight = [key for key, content in store.memory.hub if content.current]
    assert sorted(in_sight) == sorted(f"orders/{number}" for number in range(100, 200))


def test_a_key_that_xml_cannot_carry_is_retired_by_a_call_of_its_own() -> None:
    store = MemoryStore()
    odd = uploaded(store, "orders/\x01")
    assert run(store, [uploaded(store, "orders/a"), odd]) == [DELIVERED] * 2
    assert [type(call) for call in store.calls] == [Copy, Copy, PutReceipts, ReadVersioning, Retire, RetireAll]
    assert store.memory.hub_key("orders/\x01").current is None


def test_a_repeated_event_in_one_batch_costs_nothing() -> None:
    store = MemoryStore()
    upload = uploaded(store, "orders/a")
    assert run(store, [upload, upload]) == [DeliveryResult(Outcome.IGNORED), DELIVERED]
    assert [type(call) for call in store.calls] == [Copy, PutReceipts, ReadVersioning, RetireAll]


def test_of_many_uploads_of_one_key_in_one_batch_the_newest_alone_is_copied() -> None:
    store = MemoryStore()
    uploads = [uploaded(store, "orders/a", b"%d" % number) for number in range(1000)]
    assert run(store, uploads) == [DeliveryResult(Outcome.SUPERSEDED)] * 999 + [DELIVERED]
    assert [type(call) for call in store.calls] == [Copy, PutReceipts, ReadVersioning, RetireAll, PutReceipts]
    assert len({receipt["version_id"] for receipt in store.memory.receipts()}) == 1000


def test_messages_in_another_order_cost_one_refused_copy_each_until_the_newest_comes() -> None:
    store = MemoryStore()
    older, newer = uploaded(store, "orders/a", b"A"), uploaded(store, "orders/a", b"B")
    assert run(store, [newer, older]) == [DELIVERED, DeliveryResult(Outcome.SUPERSEDED)]
    assert len(store.asked(Copy)) == 2


def test_if_the_first_of_a_key_fails_the_others_are_delivered_by_themselves() -> None:
    store = MemoryStore()
    older, newer = uploaded(store, "orders/a", b"A"), replace(uploaded(store, "orders/a", b"B"), etag="")
    failed, superseded = run(store, [older, newer])[1], run(store, [older, newer])[0]
    assert (failed.outcome, failed.cause, superseded) == (
        Outcome.FAILED,
        Cause.BAD_MESSAGE,
        DeliveryResult(Outcome.SUPERSEDED),
    )


def test_keys_do_not_wait_for_each_other() -> None:
    store = MemoryStore()
    pairs = [[uploaded(store, f"orders/{number}", body) for body in (b"A", b"B")] for number in range(3)]
    assert (
        run(store, [upload for pair in pairs for upload in pair]) == [DeliveryResult(Outcome.SUPERSEDED), DELIVERED] * 3
    )
    assert len(store.asked(Copy, RetireAll)) == 4


def test_two_uploads_of_a_key_in_one_batch_leave_the_newer_one_at_the_recipient() -> None:
    store = MemoryStore()
    older, newer = uploaded(store, "orders/a", b"A"), uploaded(store, "orders/a", b"B")
    assert run(store, [newer, older]) == [DELIVERED, DeliveryResult(Outcome.SUPERSEDED)]
    delivered = store.memory.delivered("orders/a")
    assert delivered is not None
    assert delivered.body == b"B"


class OneAtATime(MemoryStore):
    """Counts how many calls are under way at once."""

    most = 0

    def send(self, call: Call, tag: int) -> None:
        super().send(call, tag)
        self.most = max(self.most, len(self._answers))


def test_calls_under_way_are_bounded() -> None:
    store = OneAtATime(capabilities=replace(CAPABILITIES, calls_at_once=8))
    run(store, [uploaded(store, f"orders/{number}") for number in range(30)])
    assert store.most == 8


def broken() -> Steps:
    yield HeadObject("orders/x")
    raise ZeroDivisionError("a fault of ours")


def test_an_error_inside_one_delivery_fails_that_one_alone() -> None:
    store = MemoryStore()
    deliveries = [broken(), deliver(uploaded(store, "orders/a"), MOVE)]
    results = Batch(deliveries, store, receipts_file=file_of).run()
    assert results == [
        DeliveryResult(Outcome.FAILED, "unexpected ZeroDivisionError: a fault of ours", Cause.FAULT, under_way=True),
        DELIVERED,
    ]


class RefusesToSend(MemoryStore):
    def send(self, call: Call, tag: int) -> None:
        if (isinstance(call, Copy) and call.key == "orders/bad") or (isinstance(call, RetireAll) and not call.retires):
            raise ValueError("no such header")
        super().send(call, tag)


def test_a_call_that_cannot_be_made_fails_its_delivery_alone() -> None:
    store = RefusesToSend()
    results = run(store, [uploaded(store, "orders/bad"), uploaded(store, "orders/a")])
    assert results == [
        DeliveryResult(Outcome.FAILED, "the call could not be made: ValueError: no such header", Cause.FAULT),
        DELIVERED,
    ]


def test_without_receipts_nothing_is_retired_and_every_delivery_fails() -> None:
    store = MemoryStore(refusals={PutReceipts: Failed("no room")})
    results = run(store, [uploaded(store, f"orders/{number}") for number in range(3)])
    reason = "the receipt could not be written: no room; this failure has no receipt: no room"
    assert results == [DeliveryResult(Outcome.FAILED, reason, Cause.UNWELL)] * 3
    assert store.asked(RetireAll, Retire) == []
    assert all(content.current for _, content in store.memory.hub)


def test_a_failed_delete_fails_the_deliveries_and_leaves_a_receipt_of_that() -> None:
    store = MemoryStore(refusals={RetireAll: Failed("unwell")})
    uploads = [uploaded(store, f"orders/{number}") for number in range(2)]
    assert run(store, uploads) == [DeliveryResult(Outcome.FAILED, "unwell", Cause.UNWELL)] * 2
    assert len(store.asked(PutReceipts)) == 2


def test_no_copy_is_started_once_time_has_run_out_but_what_is_copied_is_finished() -> None:
    store = MemoryStore()
    uploads = [uploaded(store, f"orders/{number}") for number in range(3)]
    results = run(store, uploads, may_start_copies=lambda: len(store.asked(Copy)) < 2)
    late = DeliveryResult(Outcome.FAILED, "the function's time ran out before the copy was started", Cause.OUT_OF_TIME)
    assert results == [DELIVERED, DELIVERED, late]
    assert [content.current is None for _, content in store.memory.hub] == [True, True, False]


def test_a_mover_that_may_not_list_the_bucket_still_tells_missing_from_refused() -> None:
    """Without s3:ListBucket S3 answers 403 for what is missing. Listing the prefix's versions is a right of its own."""
    store = MemoryStore(may_list=False)
    upload = uploaded(store, "orders/a")
    assert run(store, [upload]) == [DELIVERED]
    assert run(store, [upload]) == [DELIVERED]
    assert store.memory.hub_key("orders/a").current is None


def test_settling_runs_before_the_receipts_of_the_batch_so_that_they_are_one_file() -> None:
    store = MemoryStore()
    hidden = uploaded(store, "orders/hidden")
    store.memory = store.memory.delete("orders/hidden")
    assert run(store, [hidden, uploaded(store, "orders/a")]) == [DELIVERED, DELIVERED]
    assert [type(call) for call in store.calls] == [
        *[Copy, Copy, ListVersions, CopyVersion, ListVersions],
        *[PutReceipts, ReadVersioning, RetireAll],
    ]


def test_small_files_are_recorded_and_retired_while_the_parts_of_a_large_one_are_under_way() -> None:
    store = PartsTakeLong()
    uploads = [uploaded(store, "orders/large", b"A" * 1001), uploaded(store, "orders/small")]
    assert run(store, uploads) == [DELIVERED, DELIVERED]
    kinds = [type(call).__name__ for call in store.calls]
    assert kinds.index("PutReceipts") < kinds.index("RetireAll") < kinds.index("CompleteUpload")


class PartsTakeLong(MemoryStore):
    """Answers parts only when nothing else is left to answer. Counts how many are under way at once."""

    most = 0

    def wait(self) -> tuple[int, StoreAnswer]:
        self.most = max(self.most, len([0 for _, answer in self._answers if isinstance(answer, CopiedPart)]))
        self._answers.sort(key=lambda answer: isinstance(answer[1], CopiedPart))
        return super().wait()


def test_parts_under_way_are_bounded_and_files_take_turns() -> None:
    store = PartsTakeLong()
    uploads = [uploaded(store, f"orders/{letter}", letter.encode() * 1001) for letter in "AB"]
    assert run(store, uploads) == [DELIVERED, DELIVERED]
    assert store.most == CAPABILITIES.parts_at_once
    started = [call.key for call in store.calls if isinstance(call, CopyPart)]
    later = started[CAPABILITIES.parts_at_once :][:4]
    assert later == ["orders/A", "orders/B", "orders/A", "orders/B"]


def test_once_time_has_run_out_no_part_is_started_and_what_is_copied_is_on_record() -> None:
    store = PartsTakeLong()
    upload = uploaded(store, "orders/large", b"A" * 1001)
    (result,) = run(store, [upload], may_start_copies=lambda: len(store.asked(CopyPart)) < 40)
    assert result == DeliveryResult(Outcome.UNFINISHED, "40 of 101 parts are copied", continuation=upload)
    ((_, checkpoint),) = store.memory.checkpoints
    assert sorted(part.number for part in checkpoint.copied) == list(range(1, 41))
    store.calls.clear()
    assert run(store, [replace(upload, received_before=True)]) == [DELIVERED]
    assert len(store.asked(CopyPart)) == 61


def test_after_a_part_that_fails_no_further_part_of_its_file_is_started() -> None:
    store = MemoryStore(refusals={CopyPart: Failed("denied", Cause.RECIPIENT_DENIED)})
    upload = uploaded(store, "orders/large", b"A" * 1001)
    assert run(store, [upload]) == [DeliveryResult(Outcome.FAILED, "denied", Cause.RECIPIENT_DENIED)]
    assert len(store.asked(CopyPart)) == CAPABILITIES.parts_at_once


def test_a_part_that_cannot_be_started_fails_its_file_alone() -> None:
    class Refusing(MemoryStore):
        def send(self, call: Call, tag: int) -> None:
            if isinstance(call, CopyPart) and call.part.number == 3:
                raise ValueError("no such header")
            super().send(call, tag)

    store = Refusing()
    uploads = [uploaded(store, "orders/large", b"A" * 1001), uploaded(store, "orders/small")]
    reason = "the call could not be made: ValueError: no such header"
    assert run(store, uploads) == [DeliveryResult(Outcome.FAILED, reason, Cause.FAULT), DELIVERED]
