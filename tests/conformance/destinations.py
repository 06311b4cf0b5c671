"""What every kind of destination has to do, whatever its protocol: the suite that each of them runs.

In: a world, whose recipient is of the kind. Out: nothing if it does; else an AssertionError. Effects: those of the
calls, in the world. What the kind calls its versions and contents is its own; that it calls them so again is not.
"""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic, sleep

from data_exports.contract.causes import Cause
from data_exports.contract.tasks import Verdict
from data_exports.mover.rules.protocol import (
    AbortUpload,
    Attributes,
    Call,
    CompleteUpload,
    Copied,
    CopiedPart,
    Copy,
    CopyPart,
    CopyVersion,
    Failed,
    FindUploads,
    Forbidden,
    Gone,
    NoUpload,
    Overtaken,
    Part,
    Removed,
    Started,
    StartUpload,
    StoreAnswer,
    Uploads,
)
from tests.conformance.scenarios.common import DESCRIBED, KEY, LARGE, OTHER, PARTS
from tests.conformance.steps import Deliver
from tests.conformance.world import World, deliver
from tests.model.memory_s3 import etag_of
from tests.patience import PATIENCE_SECONDS

A, B = b"the first upload", b"a newer one"
_DELIVERED = "delivered"
_SOON_AGAIN = (Cause.CONFLICT, Cause.THROTTLED)


def ask(world: World, call: Call) -> StoreAnswer:
    return world.ask(call, world.settings)


def copied(world: World, call: Copy | CopyVersion | CompleteUpload) -> str:
    """The version of the hub that is at the recipient now; the answer names the content there."""
    reply = written(world, call)
    assert isinstance(reply, Copied), reply
    assert reply.destination_etag
    return reply.source_version_id


def written(world: World, call: Copy | CopyVersion | CompleteUpload) -> StoreAnswer:
    """What is answered to a write; a kind may want a moment between two: the rules try again as well.

    Azure tells writes apart by whole seconds, and Google takes one of a name in a second:
    https://cloud.google.com/storage/quotas#objects
    """
    reply, until = ask(world, call), monotonic() + PATIENCE_SECONDS
    while isinstance(reply, Failed) and reply.cause in _SOON_AGAIN and monotonic() < until:
        sleep(0.1)
        reply = ask(world, call)
    return reply


def begun(world: World) -> str:
    started = ask(world, StartUpload(KEY, Attributes(tuple(DESCRIBED.items()))))
    assert isinstance(started, Started), started
    return started.upload_id


def part_copied(world: World, upload_id: str, part: Part) -> CopiedPart:
    reply = ask(world, CopyPart(KEY, "v1", upload_id, part))
    assert isinstance(reply, CopiedPart), reply
    assert reply.number == part.number
    assert reply.etag
    return reply


def the_current_version_arrives_whole_with_what_describes_it(world: World) -> None:
    world.upload(KEY, A, DESCRIBED)
    assert copied(world, Copy(KEY, etag_of(A))) == "v1"
    assert world.arrived(KEY) == (A, DESCRIBED)
    assert world.arrived(OTHER) is None


def a_stale_copy_is_refused_and_writes_nothing(world: World) -> None:
    world.upload(KEY, A, {})
    world.upload(KEY, B, {})
    assert ask(world, Copy(KEY, etag_of(A))) == Overtaken()
    assert world.arrived(KEY) is None


def what_is_hidden_is_not_copied_but_by_its_version(world: World) -> None:
    world.upload(KEY, A, {})
    world.delete(KEY)
    assert isinstance(ask(world, Copy(KEY, etag_of(A))), Gone | Forbidden)
    assert world.arrived(KEY) is None
    assert copied(world, CopyVersion(KEY, "v1")) == "v1"
    assert world.arrived(KEY) == (A, {})


def the_last_write_counts(world: World) -> None:
    world.upload(KEY, A, {"x-amz-meta-old": "1"})
    copied(world, Copy(KEY, etag_of(A)))
    world.upload(KEY, B, {})
    copied(world, Copy(KEY, etag_of(B)))
    assert world.arrived(KEY) == (B, {})
    copied(world, CopyVersion(KEY, "v1"))
    assert world.arrived(KEY) == (A, {"x-amz-meta-old": "1"})


def an_upload_in_parts_shows_nothing_before_it_is_whole(world: World) -> None:
    world.upload(KEY, LARGE, {})
    world.upload(KEY, B, {})  # parts are those of the version, whatever is on top of it
    upload_id = begun(world)
    parts = tuple(part_copied(world, upload_id, part) for part in reversed(PARTS))
    assert world.arrived(KEY) is None
    assert copied(world, CompleteUpload(KEY, "v1", upload_id, parts[::-1])) == "v1"
    assert world.arrived(KEY) == (LARGE, DESCRIBED)
    assert isinstance(found := ask(world, FindUploads(KEY)), Uploads | Forbidden)
    assert found == Uploads(()) or isinstance(found, Forbidden)


def a_part_of_another_content_is_refused(world: World) -> None:
    world.upload(KEY, LARGE, {})
    upload_id = begun(world)
    assert ask(world, CopyPart(KEY, "v1", upload_id, PARTS[0], etag_of(B))) == Overtaken()
    assert ask(world, AbortUpload(KEY, upload_id)) == Removed()


def an_upload_is_not_completed_with_parts_that_it_does_not_have(world: World) -> None:
    world.upload(KEY, LARGE, {})
    upload_id = begun(world)
    first = part_copied(world, upload_id, PARTS[0])
    second = replace(first, number=2)
    assert ask(world, CompleteUpload(KEY, "v1", upload_id, (first, second))) == NoUpload()
    assert world.arrived(KEY) is None
    assert ask(world, AbortUpload(KEY, upload_id)) == Removed()


def an_aborted_upload_is_gone(world: World) -> None:
    world.upload(KEY, LARGE, {})
    upload_id = begun(world)
    first = part_copied(world, upload_id, PARTS[0])
    assert ask(world, AbortUpload(KEY, upload_id)) == Removed()
    if not world.store(world.settings).capabilities.begins_uploads:
        world.upload(KEY, B, {})
        copied(world, Copy(KEY, etag_of(B)))  # what is written takes the parts away
        assert written(world, CompleteUpload(KEY, "v1", upload_id, (first,))) == NoUpload()
        assert world.arrived(KEY) == (B, {})
        return
    assert ask(world, CopyPart(KEY, "v1", upload_id, PARTS[1])) == NoUpload()
    assert ask(world, CompleteUpload(KEY, "v1", upload_id, (first,))) == NoUpload()
    assert ask(world, AbortUpload(KEY, upload_id)) == NoUpload()
    assert world.arrived(KEY) is None


def uploads_of_this_very_key_are_found(world: World) -> None:
    if isinstance(nothing := ask(world, FindUploads(KEY)), Forbidden):
        return  # a kind may not know whose uploads they are, and leaves them alone
    assert nothing == Uploads(())
    first = begun(world)
    ask(world, StartUpload(f"{KEY}-longer", Attributes(())))
    can, found = world.store(world.settings).capabilities, ask(world, FindUploads(KEY))
    assert found == Uploads((first,) if can.begins_uploads else ())


def small_and_large_files_are_delivered_by_the_rules(world: World) -> None:
    world.upload(KEY, A, {})
    world.upload(KEY, B, DESCRIBED)
    world.upload(OTHER, LARGE, DESCRIBED)
    step = Deliver(((KEY, "v1", A), (KEY, "v2", B), (OTHER, "v3", LARGE)), frozenset())
    assert deliver(step, world) == {
        (KEY, "v1", "superseded", ""),
        (KEY, "v2", _DELIVERED, ""),
        (OTHER, "v3", _DELIVERED, ""),
    }
    assert (world.arrived(KEY), world.arrived(OTHER)) == ((B, DESCRIBED), (LARGE, DESCRIBED))


def a_probe_finds_that_all_is_allowed_and_replaces_nothing(world: World) -> None:
    world.upload(KEY, A, {})
    copied(world, Copy(KEY, etag_of(A)))
    for _ in range(2):
        tries = world.probe(KEY)
        assert {each.verdict for each in tries} == {Verdict.ALLOWED}, tries
        assert world.arrived(KEY) == (A, {})


def its_limits_leave_room_for_a_plan(world: World) -> None:
    can = world.store(world.settings).capabilities
    assert 0 < can.smallest_part_bytes <= can.largest_part_bytes
    assert can.largest_part_bytes <= can.largest_file_bytes
    assert can.largest_copy_bytes > 0
    assert min(can.most_parts, can.calls_at_once, can.parts_at_once) >= 1


SUITE: tuple[Callable[[World], None], ...] = (
    the_current_version_arrives_whole_with_what_describes_it,
    a_stale_copy_is_refused_and_writes_nothing,
    what_is_hidden_is_not_copied_but_by_its_version,
    the_last_write_counts,
    an_upload_in_parts_shows_nothing_before_it_is_whole,
    a_part_of_another_content_is_refused,
    an_upload_is_not_completed_with_parts_that_it_does_not_have,
    an_aborted_upload_is_gone,
    uploads_of_this_very_key_are_found,
    small_and_large_files_are_delivered_by_the_rules,
    a_probe_finds_that_all_is_allowed_and_replaces_nothing,
    its_limits_leave_room_for_a_plan,
)
