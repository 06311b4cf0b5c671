"""What somebody may have done to the log or to receipts: each is found, and taken for what it is."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from data_exports.evidence.checking import Deviation, DeviationKind, heads_kept_by
from data_exports.evidence.entries import HEAD
from data_exports.evidence.heads import Head
from data_exports.evidence.merkle import leaf_hash
from data_exports.evidence.notes import signed_note
from data_exports.evidence.tiles import bundle_of, entries_in
from data_exports.notary.notary import notarise
from tests.evidence_places import NOW, Kept, MemoryPlaces, Signer, check_of

TAMPERED = DeviationKind.TAMPERED


def run(places: MemoryPlaces) -> bytes:
    notarise(places, places.signer.verifier, places.now)
    places.wait()
    return places.evidence[HEAD].body


def logged() -> tuple[MemoryPlaces, str, bytes]:
    """A log of two runs; the second file of receipts, of three lines; and the head between."""
    places = MemoryPlaces()
    places.add_receipts("orders", 300)
    places.deploy("exports-push-orders", {"users": ["alpha_user_ana"]})
    first = run(places)
    key = places.add_receipts("orders", 3)
    run(places)
    assert check_of(places, since=first) == []
    return places, key, first


def rewritten(places: MemoryPlaces, key: str, change: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = change(gzip.decompress(places.receipts[key].body).splitlines())
    places.receipts[key].body = gzip.compress(b"".join(line + b"\n" for line in lines))


def test_a_changed_byte_of_a_receipt_is_told_by_file_and_line() -> None:
    places, key, _ = logged()
    rewritten(places, key, lambda lines: [lines[0], lines[1].replace(b"orders/1.csv", b"orders/7.csv"), lines[2]])
    assert check_of(places) == [Deviation(TAMPERED, f"{key} line 2", "it is not the line that was logged")]


def test_a_removed_line_and_an_added_one_are_told() -> None:
    places, key, _ = logged()
    rewritten(places, key, lambda lines: lines[:2])
    assert check_of(places) == [Deviation(TAMPERED, key, "it has 2 lines, 3 were logged")]
    rewritten(places, key, lambda lines: [*lines, lines[0], lines[0]])
    assert check_of(places)[-1] == Deviation(TAMPERED, key, "it has 4 lines, 3 were logged")


def test_lines_that_were_packed_anew_are_the_same_lines() -> None:
    places, key, _ = logged()
    rewritten(places, key, lambda lines: lines)
    assert check_of(places) == []


def test_a_file_that_is_no_file_of_receipts_any_more_is_told() -> None:
    places, key, _ = logged()
    places.receipts[key].body = b"gone"
    assert check_of(places) == [Deviation(TAMPERED, key, "it is another file than the one that was logged")]


def test_a_removed_file_is_told() -> None:
    places, key, _ = logged()
    del places.receipts[key]
    assert check_of(places) == [Deviation(TAMPERED, key, "it was logged, and is gone")]


def test_an_added_file_is_new_whatever_its_name_says_and_once_it_waits_the_notary_is_behind() -> None:
    places, _, _ = logged()
    key = places.add_receipts("orders", 1, NOW - timedelta(days=40), "added")
    assert check_of(places) == [Deviation(DeviationKind.NOT_LOGGED, key, "the notary's next run takes it")]
    places.wait(4)
    (found,) = check_of(places)
    assert (found.kind, found.where) == (DeviationKind.BEHIND, key)


def test_a_file_that_the_notary_must_have_seen_and_has_not_logged_is_told() -> None:
    places, _, _ = logged()
    key = places.add_receipts("orders", 1, NOW, "hidden")
    places.receipts[key].written_at = NOW - timedelta(hours=1)
    what = "it was there at the notary's last run, and is not in the log"
    assert check_of(places) == [Deviation(TAMPERED, key, what)]


@pytest.mark.parametrize("path", ["tile/0/000", "tile/0/001.p/52", "tile/1/000.p/1", "tile/0/001.p/47"])
def test_a_changed_tile_is_told_also_of_a_head_before_the_last(path: str) -> None:
    places, _, _ = logged()
    body = places.evidence[path].body
    places.evidence[path].body = body[:-1] + bytes([body[-1] ^ 1])
    assert check_of(places) == [Deviation(TAMPERED, path, "it is not what the entries make")]
    del places.evidence[path]
    assert check_of(places) == [Deviation(TAMPERED, path, "it is gone")]


def test_a_changed_entry_is_told_by_its_number_and_taken_for_no_change_of_a_receipt_a_tile_or_a_head() -> None:
    places, _, _ = logged()
    path = "tile/entries/000"
    bundle = places.evidence[path]
    leaves = entries_in(bundle.body, 256)
    assert b'"line":7,' in leaves[9]
    whole = [*leaves]
    for number, (was, put) in {9: (b'"line":7,', b'"line":9,'), 11: (b'"line":9,', b'"line":7,')}.items():
        leaves[number] = leaves[number].replace(was, put)
    bundle.body = bundle_of(leaves)
    assert check_of(places) == [
        Deviation(TAMPERED, path, f"leaf {number} is not the one whose hash was signed") for number in (9, 11)
    ]
    bundle.body = bundle_of([*whole[:3], b"{}", *whole[4:]])
    assert [(each.where, each.what[:4]) for each in check_of(places)] == [("leaf 3", "no n"), (path, "leaf")]


def test_a_changed_entry_with_the_hashes_to_go_with_it_is_told_by_every_head_that_signs_another() -> None:
    places, _, first = logged()
    bundle, tile = places.evidence["tile/entries/000"], places.evidence["tile/0/000"]
    leaves = entries_in(bundle.body, 256)
    leaves[9] = leaves[9].replace(b'"line":7,', b'"line":9,')
    bundle.body, tile.body = bundle_of(leaves), b"".join(map(leaf_hash, leaves))
    found = check_of(places, since=first)
    assert {each.where for each in found if each.what.startswith("the first ")} == {HEAD, "the old head"}
    assert all(each.kind is TAMPERED for each in found)


def test_a_bundle_that_is_gone_is_told_by_its_name_and_nothing_that_it_held_is_taken_for_added() -> None:
    places, _, _ = logged()
    del places.evidence["tile/entries/001.p/52"]
    (found,) = check_of(places)
    assert found == Deviation(TAMPERED, "tile/entries/001.p/52", "it is gone; what follows in the log cannot be judged")
    del places.evidence["tile/entries/000"]
    assert [each.where for each in check_of(places)] == ["tile/entries/000"]


def test_a_record_that_no_entry_tells_of_is_told_unless_it_belongs_to_what_comes_next() -> None:
    places, _, _ = logged()
    for base, kind in ((303, TAMPERED), (309, TAMPERED), (308, DeviationKind.NOT_LOGGED)):
        path = f"deployments/exports-push-lists/{base:016}-0123456789abcdef.json"
        places.evidence[path] = Kept(b"{}", places.now)
        assert [(each.kind, each.where) for each in check_of(places)] == [(kind, path)]
        del places.evidence[path]
    places.evidence[path] = Kept(b"{}", NOW - timedelta(days=1))
    assert [each.kind for each in check_of(places)] == [DeviationKind.BEHIND]


def test_a_changed_record_of_a_deployment_is_told() -> None:
    places, _, _ = logged()
    (path,) = (key for key in places.evidence if key.startswith("deployments/"))
    places.evidence[path].body = places.evidence[path].body.replace(b"alpha_user_ana", b"alpha_user_bob")
    assert check_of(places) == [Deviation(TAMPERED, path, "it is not what was logged")]


def test_an_old_head_put_back_shows_among_the_versions_and_by_a_head_that_was_kept() -> None:
    places, _, first = logged()
    last = places.evidence[HEAD].body
    places.evidence[HEAD] = Kept(first, NOW, [first, last])
    assert [each.what for each in check_of(places)] == ["the log went back from 308 leaves to 303"]
    places.evidence[HEAD] = Kept(first, NOW)
    assert next((each.where, each.what) for each in check_of(places, since=last)) == (
        "the old head",
        "it signs 308 leaves, and the log has 303: it was cut off, or is another",
    )


def test_a_forked_log_is_told_by_a_head_that_was_kept() -> None:
    _places, _, first = logged()
    other = MemoryPlaces()
    key = other.add_receipts("orders", 300)
    rewritten(other, key, lambda lines: [lines[0].replace(b"orders/0.csv", b"orders/9.csv"), *lines[1:]])
    other.deploy("exports-push-orders", {"users": ["alpha_user_ana"]})
    run(other)
    other.add_receipts("orders", 3)
    run(other)
    assert check_of(other) == []
    del other.evidence["tile/0/001.p/47"]  # nothing of this log rests on it, but the head that was kept
    other.evidence[HEAD].older.clear()
    (found,) = check_of(other, since=first)
    assert (found.kind, found.where) == (TAMPERED, "the old head")
    assert found.what.startswith("the first 303 leaves are not those that it signs")


def test_a_head_by_another_key_and_one_that_was_deleted_are_told() -> None:
    places, _, _ = logged()
    kept = places.evidence[HEAD]
    other = Signer(2)
    forged = Head(308, bytes(32), other.verifier).encode(other.sign)
    places.evidence[HEAD] = Kept(forged, NOW, [*kept.older, kept.body])
    assert [each.what for each in check_of(places)] == ["no key that is known has signed it"]


def test_a_head_that_the_key_signed_over_another_log_is_told() -> None:
    places, _, _ = logged()
    kept = places.evidence[HEAD]
    forged = Head(308, bytes(32), places.signer.verifier).encode(places.signer.sign)
    places.evidence[HEAD] = Kept(forged, NOW, [*kept.older, kept.body])
    (found,) = check_of(places)
    assert (found.where, found.what) == (
        HEAD,
        "the first 308 leaves are not those that it signs (root 0000000000000000…)",
    )


def test_a_clock_that_went_back_is_told() -> None:
    places, _, _ = logged()
    places.now = NOW - timedelta(days=2)
    places.add_receipts("orders", 1, NOW, "later")
    run(places)
    assert [each.what for each in check_of(places)] == ["the clock of the notary went back to 2031-03-29T12:00:00Z"]


DAY = 24


def kept_for(days: int | None) -> tuple[MemoryPlaces, str]:
    """A log of a platform that keeps receipts for so long, and a file in it, which is logged an hour later."""
    places = MemoryPlaces()
    places.deploy_platform(days)
    key = places.add_receipts("orders", 3)
    places.wait()
    run(places)
    return places, key


def test_what_a_rule_has_deleted_is_expired_and_a_day_sooner_it_is_tampering() -> None:
    places, key = kept_for(30)
    del places.receipts[key]
    places.wait(30 * DAY - 3)
    assert check_of(places) == [Deviation(TAMPERED, key, "it was logged, and is gone")]
    places.wait(1)
    what = "1 file of 2031-03-31 to 2031-03-31: receipts_days was 30 as it was deployed"
    assert check_of(places) == [Deviation(DeviationKind.EXPIRED, "deliveries/dataset=orders", what)]


def test_what_is_deployed_counts_and_not_what_is_said_or_deployed_later() -> None:
    for days in (None, 400):
        places, key = kept_for(days)
        del places.receipts[key]
        places.wait(40 * DAY)
        assert [each.kind for each in check_of(places)] == [TAMPERED]
        places.deploy_platform(30)
        assert [each.kind for each in check_of(places)] == [TAMPERED]  # not logged: nobody knows of it
        run(places)
        assert [each.kind for each in check_of(places)] == [DeviationKind.EXPIRED]


def test_a_rule_that_is_no_more_takes_what_was_old_enough_while_it_was_in_force_alone() -> None:
    places, old = kept_for(30)
    places.wait(20 * DAY)
    young = places.add_receipts("orders", 1)
    run(places)
    places.wait(15 * DAY)
    places.deploy_platform(None)
    run(places)
    places.wait(90 * DAY)
    del places.receipts[old], places.receipts[young]
    assert [(each.kind, each.where) for each in check_of(places)] == [
        (TAMPERED, young),
        (DeviationKind.EXPIRED, "deliveries/dataset=orders"),
    ]


def test_a_record_of_whatever_shape_says_nothing_of_receipts() -> None:
    for metadata in (None, "text", {"DataExports": "text"}, {"DataExports": {"platform": {"receipts_days": "30"}}}):
        places, key = kept_for(None)
        stack, _ = places.templates["exports-foundation"]
        places.templates["exports-foundation"] = (
            replace(stack, changed_at=places.now.isoformat()),
            {"Metadata": metadata},
        )
        run(places)
        del places.receipts[key]
        places.wait(90 * DAY)
        assert [each.kind for each in check_of(places)] == [TAMPERED]


def test_two_logs_that_were_shown_are_told_by_the_heads_that_a_witness_keeps() -> None:
    places, _, first = logged()
    last = places.evidence[HEAD].body
    other = MemoryPlaces()
    other.add_receipts("orders", 310)
    shown = run(other)
    witness = {"s3://their/2031-03-30": first, "s3://their/2031-03-31": last, "s3://their/2031-04-01": shown}
    heads, findings = heads_kept_by(witness, [places.signer.verifier])
    assert findings == []
    assert check_of(places, kept={name: heads[name] for name in list(heads)[:2]}) == []
    (found,) = check_of(places, kept=heads)
    assert (found.kind, found.where) == (TAMPERED, "s3://their/2031-04-01")
    assert found.what.startswith("it signs 312 leaves, and the log has 308")
    run(places)
    places.add_receipts("orders", 9)
    run(places)
    (found,) = check_of(places, kept=heads)
    assert found.what.startswith("the first 312 leaves are not those that it signs")
    assert found.what.endswith("whoever keeps it was shown another log")
    assert [each.what for each in check_of(places)] == []


def test_a_head_of_the_witness_that_nobody_who_is_known_has_signed_is_told_by_where_it_lies() -> None:
    places, _, _ = logged()
    stranger = Signer(2)
    forged = Head(3, bytes(32), stranger.verifier).encode(stranger.sign)
    changed = places.evidence[HEAD].body.replace(b"\n308\n", b"\n307\n")
    heads, findings = heads_kept_by({"a": forged, "b": changed}, [places.signer.verifier])
    assert heads == {}
    assert findings == [
        Deviation(TAMPERED, "a", "whoever keeps it was given this: no key that is known has signed it"),
        Deviation(TAMPERED, "b", "whoever keeps it was given this: its signature is not of this text"),
    ]


def test_what_does_not_say_that_it_is_a_head_of_this_log_is_no_tampering() -> None:
    signer, other = Signer(), Signer(2, "another-evidence.s3.eu-west-1.amazonaws.com")
    of_another = Head(3, bytes(32), other.verifier).encode(other.sign)
    no_head = signed_note("a text\n", signer.verifier, signer.sign)
    kept = {"a": b"\xff", "b": b"readme", "c": of_another, "d": no_head, "e": of_another + b"x" * 10_000}
    heads, findings = heads_kept_by(kept, [signer.verifier])
    assert heads == {}
    assert findings == [
        Deviation(DeviationKind.UNREAD, "a", "it is no text"),
        Deviation(DeviationKind.UNREAD, "b", "it is no signed note"),
        Deviation(DeviationKind.UNREAD, "c", "it is the head of another log"),
        Deviation(DeviationKind.UNREAD, "d", "it is no head: origin, size and root, a line each"),
        Deviation(DeviationKind.UNREAD, "e", "it is no head: it has more than 10,000 bytes"),
    ]
