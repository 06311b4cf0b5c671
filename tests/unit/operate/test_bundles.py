"""Bundles of evidence: what they prove of honest logs, and what of any that somebody changed."""

import base64
import gzip
import hashlib
import io
import json
import re
import shutil
import stat
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_exports.contract.receipts import LARGEST_FILE_BYTES
from data_exports.errors import RefusedError, UsageError
from data_exports.evidence.checking import Deviation, DeviationKind
from data_exports.evidence.entries import HEAD
from data_exports.evidence.heads import Head, head_in
from data_exports.operate.bundles.checking import BundleVerification, keys_of_bundle, verify_bundle
from data_exports.operate.bundles.layout import UnreadableBundleError, facts_in
from data_exports.operate.bundles.packing import opened_bundle
from tests.estates import pull
from tests.evidence_bundles import (
    ORDERS,
    facts_of,
    files_in,
    forged,
    log_of_three,
    make_bundle,
    run,
    verified,
    write_packed,
)
from tests.evidence_places import NOW, Kept, MemoryPlaces, Signer

TAMPERED, MISSING, UNREAD = DeviationKind.TAMPERED, DeviationKind.MISSING, DeviationKind.UNREAD
KEYS = [Signer().verifier]
PROVEN = ("receipts.jsonl", "leaves.txt", "proof.bin", "checkpoint")


def facts(found: BundleVerification) -> tuple[int, int, int, bool, tuple[Deviation, ...]]:
    return found.receipts, found.files, found.deployments, found.has_whole_log, found.deviations


def whats(found: BundleVerification) -> list[str]:
    return [f"{each.kind}: {each.where}: {each.what}" for each in found.deviations]


def joined(text: bytes) -> bytes:
    """The text without its layout."""
    return b" ".join(text.split())


# --- honest ----------------------------------------------------------------------------------------------------------


def test_a_bundle_proves_the_receipts_and_deployments_of_its_dataset_and_tells_of_nobody_else(tmp_path: Path) -> None:
    places, _ = log_of_three()
    collected = make_bundle(places, tmp_path / "b.zip")
    found = verified(tmp_path / "b.zip", KEYS)
    assert facts(found) == (5, 2, 2, False, ())
    assert (found.size, found.outcomes, found.late_files) == (26, {"delivered": 5}, 0)
    assert [each.facts["metadata"]["DataExports"]["declaration"]["users"] for each in collected.records] == [
        ["alpha_user_ana"],
        ["alpha_user_eve"],
    ]
    whole = b"".join(files_in(tmp_path / "b.zip").values())
    assert b"lists" not in whole
    assert b"alpha_user_bob" not in whole


def test_with_the_whole_log_every_leaf_is_there_and_no_hash_beside(tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip", has_whole_log=True)
    assert facts(verified(tmp_path / "b.zip", KEYS)) == (5, 2, 2, True, ())
    packed = files_in(tmp_path / "b.zip")
    assert packed["proof.bin"] == b""
    assert packed["leaves.txt"].count(b"\n") == 26


def test_the_same_content_is_the_same_bytes_and_nothing_is_written_over(tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip")
    (tmp_path / "again").mkdir()
    make_bundle(places, tmp_path / "again" / "b.zip")
    body = (tmp_path / "b.zip").read_bytes()
    assert (tmp_path / "again" / "b.zip").read_bytes() == body
    with pytest.raises(UsageError, match="there is a file of this name"):
        make_bundle(places, tmp_path / "b.zip")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "b.zip"]
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("since", "until", "receipts", "deployments"),
    [
        (None, NOW + timedelta(hours=1), 3, 1),
        (NOW + timedelta(hours=1), None, 2, 2),
        (NOW + timedelta(hours=2), None, 2, 1),
        (NOW + timedelta(hours=2, seconds=1), None, 0, 1),
        (NOW, NOW + timedelta(days=1), 5, 2),
        (None, NOW, 0, 0),
    ],
)
def test_a_period_holds_its_receipts_and_the_deployments_in_force(
    since: datetime | None, until: datetime | None, receipts: int, deployments: int, tmp_path: Path
) -> None:
    places, _ = log_of_three()
    asked = facts_of(since=since, until=until)
    make_bundle(places, tmp_path / "b.zip", asked)
    found = verified(tmp_path / "b.zip", KEYS)
    assert (found.receipts, found.deployments, found.deviations) == (receipts, deployments, ())
    make_bundle(places, tmp_path / "whole.zip", asked, has_whole_log=True)
    whole = verified(tmp_path / "whole.zip", KEYS)
    assert (whole.receipts, whole.deployments, whole.deviations) == (receipts, 2, ())


def test_what_is_not_yet_logged_is_counted_and_left_out(tmp_path: Path) -> None:
    places, _ = log_of_three()
    places.add_receipts("orders", 4)
    make_bundle(places, tmp_path / "b.zip")
    found = verified(tmp_path / "b.zip", KEYS)
    assert (found.receipts, found.deviations) == (5, ())
    assert (found.facts.not_logged_files, found.facts.not_logged_receipts) == (1, 4)
    assert b"4 receipts in 1 files were not yet logged" in joined(files_in(tmp_path / "b.zip")["README.txt"])


def test_what_is_logged_and_gone_is_named_and_its_leaves_are_there(tmp_path: Path) -> None:
    places, _ = log_of_three()
    gone = next(key for key in places.receipts if "=orders" in key)
    del places.receipts[gone]
    make_bundle(places, tmp_path / "b.zip")
    found = verified(tmp_path / "b.zip", KEYS)
    assert facts(found) == (2, 1, 2, False, (Deviation(MISSING, gone, "3 lines of it are logged"),))
    assert b"were gone from the platform" in joined(files_in(tmp_path / "b.zip")["README.txt"])


def test_what_a_rule_that_is_in_the_log_had_deleted_is_told_as_that(tmp_path: Path) -> None:
    places, old = MemoryPlaces(), NOW - timedelta(days=40)
    places.deploy_platform(30, old)
    expired, gone = places.add_receipts("orders", 2, old), places.add_receipts("orders", 1)
    run(places)
    del places.receipts[expired], places.receipts[gone]
    make_bundle(places, tmp_path / "b.zip", replace(facts_of(), made_at=NOW + timedelta(hours=1)))
    found = verified(tmp_path / "b.zip", KEYS)
    assert found.deviations == (
        Deviation(DeviationKind.EXPIRED, expired, "2 lines of it are logged"),
        Deviation(MISSING, gone, "1 lines of it are logged"),
    )
    assert (found.files, found.receipts, found.facts.expired_files, found.facts.gone_files) == (0, 0, 1, 1)
    packed = files_in(tmp_path / "b.zip")
    assert b"had expired" in joined(packed["README.txt"])
    assert "deployments" not in "".join(packed)


def test_what_was_before_the_log_is_said(tmp_path: Path) -> None:
    places = MemoryPlaces()
    places.add_receipts("orders", 2, NOW - timedelta(days=2))
    run(places)
    assert make_bundle(places, tmp_path / "b.zip").late_files == 1
    assert verified(tmp_path / "b.zip", KEYS).late_files == 1
    assert b"1 files came into the log more than a day after" in joined(files_in(tmp_path / "b.zip")["README.txt"])


def test_lines_that_are_no_receipts_and_files_that_are_none_are_proven_as_such(tmp_path: Path) -> None:
    places = MemoryPlaces()
    key = places.add_receipts("orders", 2)
    good = gzip.decompress(places.receipts[key].body)
    places.receipts[key].body = gzip.compress(b"no json\n" + good + b"\xff\xfe last")
    other = places.add_receipts("orders", 1, identifier="b")
    places.receipts[other].body = b"no gzip"
    too_large = places.add_receipts("orders", 1, identifier="c")
    places.receipts[too_large].body = gzip.compress(good * (LARGEST_FILE_BYTES // len(good) + 1))
    run(places)
    made = make_bundle(places, tmp_path / "b.zip")
    found = verified(tmp_path / "b.zip", KEYS)
    assert (facts(found), found.outcomes) == ((4, 3, 0, True, ()), {"damaged": 2, "delivered": 2})
    assert (made.outcomes, len(made.shown)) == ({"damaged": 2, "delivered": 2}, 2)
    assert len(files_in(tmp_path / "b.zip")["receipts.jsonl"].splitlines()) == 4


def test_a_pull_dataset_has_its_deployments_and_no_receipts(tmp_path: Path) -> None:
    places = MemoryPlaces()
    lists = pull("court_lists")
    places.deploy(lists.stack_name, {"name": "court_lists", "pull_arns": ["arn"]})
    run(places)
    make_bundle(places, tmp_path / "b.zip", facts_of(lists, kind="pull"), dataset=lists)
    assert facts(verified(tmp_path / "b.zip", KEYS)) == (0, 0, 1, True, ())
    assert b"AWS writes them with best effort" in joined(files_in(tmp_path / "b.zip")["README.txt"])


def test_receipts_that_would_be_taken_for_a_bomb_are_put_into_no_bundle(tmp_path: Path) -> None:
    places = MemoryPlaces()
    for each in "ab":
        key = places.add_receipts("orders", 1, identifier=each)
        places.receipts[key].body = gzip.compress(each.encode() * 40_000_000)
    run(places)
    with pytest.raises(RefusedError, match="nobody would open this bundle: it would unpack to 80,0"):
        make_bundle(places, tmp_path / "b.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_stack_that_is_gone_is_in_the_bundle(tmp_path: Path) -> None:
    places, _ = log_of_three()
    del places.templates["exports-push-orders"]
    run(places)
    assert [each.facts["status"] for each in make_bundle(places, tmp_path / "b.zip").records][-1] == "removed"
    assert verified(tmp_path / "b.zip", KEYS).deployments == 3


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int]]:
    steps = st.tuples(st.sampled_from(["orders", "lists", "deploy", "run", "late"]), st.integers(0, 40))
    return draw(st.lists(steps, min_size=1, max_size=14))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(history=histories(), has_whole_log=st.booleans())
@pytest.mark.hypothesis
def test_nothing_false_is_found_over_honest_histories(
    history: list[tuple[str, int]], has_whole_log: bool, tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path, ignore_errors=True)
    tmp_path.mkdir()
    places, logged, waiting, heads = MemoryPlaces(), 0, 0, list[bytes]()
    for number, (step, size) in enumerate(history):
        if step == "run":
            run(places)
            logged, waiting = logged + waiting, 0
            heads += [places.evidence[HEAD].body] if HEAD in places.evidence else []
        elif step == "deploy":
            places.deploy("exports-push-orders", {"name": "orders", "number": number})
        else:
            at = NOW - timedelta(days=size) if step == "late" else None
            places.add_receipts("lists" if step == "lists" else "orders", size, at, f"n{number}")
            waiting += 0 if step == "lists" else size
    if HEAD not in places.evidence:
        return
    make_bundle(places, tmp_path / "b.zip", has_whole_log=has_whole_log, kept=heads)
    found = verified(tmp_path / "b.zip", KEYS, {"mine": heads[0]})
    assert (found.receipts, found.facts.not_logged_receipts, found.deviations) == (logged, waiting, ())
    assert found.heads == len(heads) + 1


# --- changed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("has_whole_log", [False, True])
def test_a_changed_line_is_told_by_its_place_here_and_in_the_log(has_whole_log: bool, tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip", has_whole_log=has_whole_log)
    key = sorted(key for key in places.receipts if "=orders" in key)[0]
    changed = forged(
        tmp_path / "b.zip", "receipts.jsonl", lambda body: body.replace(b"orders/1.csv", b"orders/7.csv", 1)
    )
    assert whats(verified(changed, KEYS)) == [
        "tampered: receipts.jsonl line 2: it is no line that these leaves tell of",
        f"tampered: {key} line 2: it is logged, and not in receipts.jsonl",
    ]


def test_a_removed_line_is_told_and_so_is_its_leaf_that_was_removed_with_it(tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip")
    key = sorted(key for key in places.receipts if "=orders" in key)[0]

    def without_second(body: bytes) -> bytes:
        return b"".join(line for number, line in enumerate(body.splitlines(keepends=True)) if number != 1)

    removed = forged(tmp_path / "b.zip", "receipts.jsonl", without_second)
    assert whats(verified(removed, KEYS)) == [f"tampered: {key} line 2: it is logged, and not in receipts.jsonl"]
    files_ = files_in(removed)
    leaves = files_["leaves.txt"].splitlines(keepends=True)
    at = next(number for number, leaf in enumerate(leaves) if b'"line":2' in leaf)
    files_["leaves.txt"] = b"".join(leaves[:at] + leaves[at + 1 :])
    number = int(leaves[at].partition(b" ")[0])
    proof = [files_["proof.bin"][each : each + 32] for each in range(0, len(files_["proof.bin"]), 32)]
    hidden = hashlib.sha256(b"\0" + leaves[at].partition(b" ")[2].removesuffix(b"\n")).digest()
    for place in range(len(proof) + 1):
        files_["proof.bin"] = b"".join([*proof[:place], hidden, *proof[place:]])
        said = whats(verified(write_packed(tmp_path / f"{number}-{place}.zip", files_), KEYS))
        assert f"tampered: leaves.txt: {key}: 2 of its lines are logged, and their leaves are not here" in said


def without_last_file(path: Path, *, rebuilt: bool) -> Path:
    """The bundle without the second file of receipts, as if it had never been; with a proof that fits, or not."""
    places, _ = log_of_three()
    if rebuilt:  # whoever holds the log can do so: of this dataset only the first file is asked for
        make_bundle(places, path, replace(facts_of(), until=NOW + timedelta(hours=1)))
        files_ = files_in(path)
        told = json.loads(files_["bundle.json"])
        files_["bundle.json"] = json.dumps({**told, "until": None}).encode()
        return write_packed(path.with_name("less.zip"), files_)
    make_bundle(places, path, has_whole_log=True)
    files_ = files_in(path)
    files_["receipts.jsonl"] = b"".join(files_["receipts.jsonl"].splitlines(keepends=True)[:3])
    return write_packed(path.with_name("less.zip"), files_)


def test_that_nothing_was_left_out_is_proven_with_the_whole_log_alone(tmp_path: Path) -> None:
    found = verified(without_last_file(tmp_path / "a.zip", rebuilt=True), KEYS)
    assert (found.receipts, found.deviations, found.has_whole_log) == (3, (), False)
    found = verified(without_last_file(tmp_path / "b.zip", rebuilt=False), KEYS)
    assert [each.what for each in found.deviations] == ["it is logged, and not in receipts.jsonl"] * 2


def test_a_file_that_is_said_to_be_gone_though_it_is_not_is_still_named(tmp_path: Path) -> None:
    path = without_last_file(tmp_path / "b.zip", rebuilt=False)
    key = re.findall(r"deliveries/dataset=orders[^\"]*", files_in(path)["leaves.txt"].decode())[-1]
    lied = forged(path, "bundle.json", lambda body: json.dumps({**json.loads(body), "gone": [key]}).encode())
    assert whats(verified(lied, KEYS)) == [f"not in the bundle: {key}: 2 lines of it are logged"]


def test_a_changed_record_one_that_no_leaf_tells_of_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip")
    files_ = files_in(tmp_path / "b.zip")
    first, second = sorted(name for name in files_ if name.startswith("deployments/"))
    changed = {**files_, first: files_[first].replace(b"alpha_user_ana", b"alpha_user_bob")}
    changed["deployments/exports-push-orders/added.json"] = changed.pop(second)
    assert whats(verified(write_packed(tmp_path / "c.zip", changed), KEYS)) == [
        f"tampered: {first}: it is not what was logged",
        f"tampered: {second}: it is logged, and not in the bundle",
        "tampered: deployments/exports-push-orders/added.json: no leaf here tells of it",
    ]


def test_leaves_that_no_notary_wrote_and_a_proof_that_does_not_fit_prove_nothing(tmp_path: Path) -> None:
    places, _ = log_of_three()
    path = tmp_path / "b.zip"
    make_bundle(places, path)
    nothing = "with proof.bin these leaves are not in the log that checkpoint signs: nothing here is proven"
    for change in (lambda body: body[:-32], lambda body: body + bytes(32), lambda body: body + b"x", bytes.swapcase):
        assert nothing in [each.what for each in verified(forged(path, "proof.bin", change), KEYS).deviations]
    spaced = forged(path, "leaves.txt", lambda body: body.replace(b'{"at"', b'{ "at"', 1))
    assert "was written by no notary" in whats(verified(spaced, KEYS))[0]
    twice = forged(path, "leaves.txt", lambda body: body.splitlines(keepends=True)[0] + body)
    assert "leaf 0 does not follow leaf 0" in whats(verified(twice, KEYS))[0]
    behind = forged(
        path, "leaves.txt", lambda body: body + b'99 {"at":"2031-03-31T12:00:00Z","files":1,"kind":"run"}\n'
    )
    assert "leaf 99 is behind the 26 that checkpoint signs" in whats(verified(behind, KEYS))[0]
    for text in (b"x {}\n", b"01 {}\n", b"9" * 5000 + b" {}\n", b"\n", b"-1 {}\n"):
        odd = forged(path, "leaves.txt", lambda body, text=text: text + body)  # type: ignore[misc]
        assert whats(verified(odd, KEYS))[0] == "tampered: leaves.txt: line 1 has no number of a leaf"
    for leaf in (
        b"[" * 60_000,
        b'{"file":"f","kind":"file","lines":%d,"sha256":"%s"}' % (10**9, b"0" * 64),
        b'{"file":"f","kind":"file","lines":-1,"sha256":"%s"}' % (b"0" * 64),
        b'{"kind":"file","file":"x","lines":%s,"sha256":"00"}' % (b"9" * 5000),
        b"\xff",
        b"nul",
    ):
        odd = forged(path, "leaves.txt", lambda body, leaf=leaf: body + b"24 " + leaf + b"\n")  # type: ignore[misc]
        assert any(" was written by no notary: " in each for each in whats(verified(odd, KEYS))), leaf


def test_a_head_by_another_key_and_of_another_log_is_told(tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip")
    (found,) = verified(tmp_path / "b.zip", [Signer(2).verifier]).deviations
    assert (found.kind, found.where, found.what) == (
        TAMPERED,
        HEAD,
        "no key that is known has signed it: nothing here is proven",
    )
    other = Signer(1, "another.s3.eu-west-1.amazonaws.com")
    head = head_in(places.evidence[HEAD].body, KEYS)
    of_another = Head(head.size, head.root, other.verifier).encode(other.sign)
    path = forged(tmp_path / "b.zip", HEAD, lambda _: of_another)
    assert whats(verified(path, [other.verifier])) == [
        "tampered: checkpoint: it is of the log another.s3.eu-west-1.amazonaws.com"
    ]


def test_a_head_that_somebody_kept_is_compared_or_said_not_to_be(tmp_path: Path) -> None:
    places, first = log_of_three()
    path, head, sign = tmp_path / "b.zip", head_in(first, KEYS), places.signer.sign
    make_bundle(places, path, kept=[first])
    found = verified(path, KEYS, {"mine": first})
    assert (found.heads, found.deviations) == (2, ())
    lied = Head(head.size, bytes(32), head.key).encode(sign)
    assert whats(verified(path, KEYS, {"mine": lied})) == [
        "tampered: mine: the first 13 leaves of this log are not those that it signs"
    ]
    plain = tmp_path / "plain.zip"
    make_bundle(places, plain)
    (said,) = verified(plain, KEYS, {"mine": first}).deviations
    assert (said.kind, said.where) == (UNREAD, "mine")
    assert "cannot be compared" in said.what
    assert verified(plain, KEYS, {"mine": places.evidence[HEAD].body}).heads == 1
    (said,) = verified(plain, KEYS, {"mine": replace(head, size=27).encode(sign)}).deviations
    assert (said.kind, said.what) == (UNREAD, "it signs 27 leaves, and this bundle ends at 26: ask for a newer one")
    whole = tmp_path / "whole.zip"
    make_bundle(places, whole, has_whole_log=True)
    assert verified(whole, KEYS, {"mine": first}).heads == 1
    by_nobody = Head(head.size, head.root, Signer(2).verifier).encode(Signer(2).sign)
    assert whats(verified(whole, KEYS, {"mine": by_nobody})) == [
        "tampered: mine: whoever keeps it was given this: no key that is known has signed it"
    ]


def test_a_changed_file_that_nobody_signed_is_told_by_the_list_of_digests_alone(tmp_path: Path) -> None:
    places, _ = log_of_three()
    make_bundle(places, tmp_path / "b.zip")
    files_ = files_in(tmp_path / "b.zip")
    files_["letters/1.txt"] = b"another letter"
    files_["added"] = b""
    del files_["verify.go"]
    changed = write_packed(tmp_path / "c.zip", files_, sums=False)
    assert whats(verified(changed, KEYS)) == [
        "tampered: added: it is not the file that SHA256SUMS lists",
        "tampered: letters/1.txt: it is not the file that SHA256SUMS lists",
        "tampered: verify.go: SHA256SUMS lists it, and it is not in the bundle",
    ]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("honest")
    places, first = log_of_three()
    make_bundle(places, folder / "own.zip", kept=[first])
    make_bundle(places, folder / "whole.zip", has_whole_log=True)
    return folder


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.hypothesis
def test_any_byte_that_is_changed_is_found_even_where_all_digests_are_made_to_fit(
    data: st.DataObject, honest: Path
) -> None:
    path = honest / data.draw(st.sampled_from(["own.zip", "whole.zip"]))
    files_ = files_in(path)
    proven = [
        name for name in files_ if files_[name] and (name in PROVEN or name.startswith(("deployments/", "heads/")))
    ]
    name = data.draw(st.sampled_from(proven))
    at = data.draw(st.integers(0, len(files_[name]) - 1))
    other = data.draw(st.integers(1, 255))
    body = bytearray(files_[name])
    body[at] ^= other
    found = verified(write_packed(honest / "changed.zip", {**files_, name: bytes(body)}), KEYS)
    assert found.of_kind(TAMPERED), f"{name} byte {at}: {files_[name][at]:#x} became {body[at]:#x}"


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.hypothesis
def test_any_byte_of_any_file_that_is_changed_is_found(data: st.DataObject, honest: Path) -> None:
    files_ = files_in(honest / "own.zip")
    name = data.draw(st.sampled_from(sorted(name for name in files_ if files_[name])))
    at, other = data.draw(st.integers(0, len(files_[name]) - 1)), data.draw(st.integers(1, 255))
    body = bytearray(files_[name])
    body[at] ^= other
    changed = write_packed(honest / "any.zip", {**files_, name: bytes(body)}, sums=False)
    try:
        assert verified(changed, KEYS).of_kind(TAMPERED)
    except UnreadableBundleError:
        assert name == "bundle.json"


def test_the_making_refuses_what_is_not_as_it_was_logged(tmp_path: Path) -> None:
    def refused(change: Callable[[MemoryPlaces], object], **given: list[bytes]) -> str:
        places, _ = log_of_three()
        change(places)
        with pytest.raises(RefusedError) as caught:
            make_bundle(places, tmp_path / "b.zip", **given)  # type: ignore[arg-type]
        assert list(tmp_path.iterdir()) == []
        return f"{caught.value.where}: {caught.value.what}"

    def a_line(places: MemoryPlaces) -> None:
        key = sorted(key for key in places.receipts if "=orders" in key)[0]
        text = gzip.decompress(places.receipts[key].body).replace(b"orders/1.csv", b"orders/7.csv")
        places.receipts[key].body = gzip.compress(text)

    def an_entry(places: MemoryPlaces) -> None:
        (bundle,) = (key for key in places.evidence if key.startswith("tile/entries/000.p/26"))
        places.evidence[bundle].body = places.evidence[bundle].body.replace(b'"line":4', b'"line":5')

    def a_record(places: MemoryPlaces) -> None:
        key = sorted(key for key in places.evidence if key.startswith("deployments/exports-push-orders"))[0]
        places.evidence[key].body += b" "

    assert refused(a_line).endswith(" line 2: it is not the line that was logged")
    assert refused(an_entry) == "checkpoint: the first 26 leaves of the log are not those that it signs"
    assert refused(a_record).endswith("it is not what was logged")
    assert refused(lambda places: places.evidence.pop("tile/entries/000.p/26")) == "tile/entries/000.p/26: it is gone"
    assert refused(lambda places: places.evidence.pop(HEAD)).endswith("the log holds nothing yet")
    forked = Signer()
    lied = Head(13, bytes(32), forked.verifier).encode(forked.sign)
    assert refused(lambda _: None, kept=[lied]) == "kept 0: the first 13 leaves of the log are not those that it signs"
    longer = Head(27, bytes(32), forked.verifier).encode(forked.sign)
    assert refused(lambda _: None, kept=[longer]) == "kept 0: it signs 27 leaves, and the log has 26"
    other = Signer(2)
    by_another = Head(26, bytes(32), other.verifier).encode(other.sign)
    assert "no key that is known" in refused(lambda places: places.evidence.update({HEAD: Kept(by_another, NOW)}))


# --- by Python alone -------------------------------------------------------------------------------------------------


def by_python(path: Path) -> tuple[int, str]:
    program = path.with_name("verify.py")
    program.write_bytes((files("data_exports.views.bundle") / "assets" / "verify.py.txt").read_bytes())
    words = [sys.executable, "-I", str(program), str(path), str(KEYS[0])]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["own.zip", "whole.zip"])
def test_the_program_in_the_bundle_believes_it(name: str, honest: Path) -> None:
    said = "5 receipts and 2 deployments are in the log of 26 leaves that "
    assert by_python(honest / name) == (0, f"{said}{KEYS[0].name} has signed\n")


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("receipts.jsonl", lambda body: body.replace(b"orders/1", b"orders/7", 1), "1 lines of receipts.jsonl are not"),
        ("leaves.txt", lambda body: body.replace(b'"line":2', b'"line":3', 1), "the leaves are not in the log"),
        ("leaves.txt", lambda body: body.splitlines(keepends=True)[1] + body, "the leaves are in no order"),
        ("proof.bin", lambda body: body + bytes(32), "the proof does not fit the leaves"),
        ("checkpoint", lambda body: body.replace(b"\n26\n", b"\n27\n"), "the key has not signed the head"),
        ("checkpoint", lambda body: body[:-9] + b"AAAAAAA=\n", "the key has not signed the head"),
        (
            "deployments/exports-push-orders/0000000000000000-",
            lambda body: body.replace(b"alpha_user_ana", b"alpha_user_bob"),
            "a deployment is not",
        ),
    ],
)
def test_the_program_in_the_bundle_does_not_believe_what_was_changed(
    name: str, change: Callable[[bytes], bytes], said: str, honest: Path
) -> None:
    (whole_name,) = (each for each in files_in(honest / "own.zip") if each.startswith(name))
    code, text = by_python(forged(honest / "own.zip", whole_name, change))
    assert (code, text[: len("NOT PROVEN: ") + len(said)]) == (1, f"NOT PROVEN: {said}")


# --- hostile zips ----------------------------------------------------------------------------------------------------


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, body in members:
            packed.writestr(name, body)
    return path


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted(path: Path) -> Path:
    body = bytearray(zipped(path, ("bundle.json", b"{}")).read_bytes())
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = body.index(magic) + offset
        body[at : at + 2] = struct.pack("<H", 1)
    path.write_bytes(body)
    return path


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b""), "it is no whole zip file"),
        (lambda path: path.write_bytes(b"PK\x05\x06" + b"\xff" * 18), "it is no whole zip file"),
        (lambda path: zipped(path, ("../x", b"")), 'a file called "../x", which no bundle does'),
        (lambda path: zipped(path, ("/etc/passwd", b"")), 'called "/etc/passwd"'),
        (lambda path: zipped(path, ("a/../b", b"")), 'called "a/../b"'),
        (lambda path: zipped(path, ("C:\\x", b"")), "which no bundle does"),
        (lambda path: zipped(path, ("a\x1b[31mb", b"")), 'called "a\\x1b[31mb"'),
        (lambda path: zipped(path, ("a\u202eb", b"")), 'called "a\\u202eb"'),
        (lambda path: zipped(path, ("folder/", b"")), 'called "folder/"'),
        (lambda path: zipped(path, (link("checkpoint"), b"/etc/passwd")), '"checkpoint" in it is no plain file'),
        (lambda path: zipped(path, ("a", b"1"), ("a", b"2")), '"a" is in it twice'),
        (lambda path: zipped(path, ("receipts.jsonl", bytes(200_000_000))), "it would unpack to 200,000,000 bytes"),
        (encrypted, "packed or encrypted in a way that no bundle is"),
        (lambda path: zipped(path, ("README.txt", b"")), "bundle.json: the bundle lacks this file"),
        (lambda path: zipped(path, ("bundle.json", b"{")), "bundle.json: it is no JSON"),
        (lambda path: zipped(path, ("bundle.json", b"[" * 100_000)), "bundle.json: it is no JSON"),
        (lambda path: zipped(path, ("bundle.json", b"[]")), "it does not say what a bundle says: version"),
        (lambda path: zipped(path, ("bundle.json", b'{"version":1}')), "it does not say what a bundle says: dataset"),
        (
            lambda path: zipped(path, ("bundle.json", facts_of().encode().replace(b'"until"', b'"untie"'))),
            "it does not say what a bundle says: until",
        ),
        (lambda path: zipped(path, ("bundle.json", b'{"version":2}')), "it was made by a newer program"),
        (lambda path: zipped(path, ("bundle.json", b'{"version":%s}' % (b"9" * 5000))), "bundle.json: it is no JSON"),
    ],
)
def test_what_is_no_bundle_is_one_error_and_nothing_is_unpacked(
    make: Callable[[Path], object], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "b.zip"
    make(path)
    with pytest.raises(UnreadableBundleError) as caught:
        verified(path, KEYS)
    assert said in caught.value.what
    assert caught.value.what.startswith("the bundle cannot be read, so nothing is proven: ")
    assert (caught.value.where, caught.value.exit_code, caught.value.kind) == (str(path), 4, "unreadable")
    assert [each.name for each in tmp_path.iterdir()] == ["b.zip"]


def test_a_bundle_that_was_cut_off_or_damaged_on_its_way_is_no_bundle(honest: Path, tmp_path: Path) -> None:
    body = (honest / "own.zip").read_bytes()
    for size in (10, len(body) // 2, len(body) - 1):
        (tmp_path / "cut.zip").write_bytes(body[:size])
        with pytest.raises(UnreadableBundleError, match="no whole zip file"):
            verified(tmp_path / "cut.zip", KEYS)
    at = zipfile.ZipFile(io.BytesIO(body)).getinfo("receipts.jsonl").header_offset + 99
    (tmp_path / "bad.zip").write_bytes(body[:at] + bytes([body[at] ^ 255]) + body[at + 1 :])
    with pytest.raises(UnreadableBundleError, match=r"receipts\.jsonl: it is damaged"):
        verified(tmp_path / "bad.zip", KEYS)
    with pytest.raises(UsageError, match="it cannot be opened: No such file"):
        verified(tmp_path / "none.zip", KEYS)
    with pytest.raises(UsageError, match="it cannot be opened: Is a directory"):
        verified(tmp_path, KEYS)


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.hypothesis
def test_any_bytes_are_a_bundle_or_one_error(data: st.DataObject, honest: Path) -> None:
    body = bytearray((honest / "own.zip").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(body) - 1))
        body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    path = honest / "any-bytes.zip"
    path.write_bytes(body)
    try:
        found = verified(path, KEYS)
    except UnreadableBundleError:
        return
    assert found.deviations or (found.receipts, found.deployments) == (5, 2)


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("leaves.txt", lambda body: body + b"26 " + b"x" * 70_000, "leaves.txt: a line in it has more than 65,555"),
        ("checkpoint", lambda body: body + b"\n" * 10_000, "checkpoint: it has more than 10,000 bytes"),
        ("heads/1", lambda body: body * 50, "heads/1: it has more than 10,000 bytes"),
        ("evidence-keys.txt", lambda body: body * 2_000, "evidence-keys.txt: it has more than 100,000 bytes"),
    ],
)
def test_what_would_keep_whoever_verifies_at_it_is_not_read(
    name: str, change: Callable[[bytes], bytes], said: str, honest: Path
) -> None:
    path = forged(honest / "own.zip", name, change)
    with opened_bundle(path) as bundle, pytest.raises(UnreadableBundleError, match=re.escape(said)):
        verify_bundle(bundle, keys_of_bundle(bundle))


def test_a_bundle_has_so_many_heads_that_each_can_be_verified(tmp_path: Path) -> None:
    places, first = log_of_three()
    make_bundle(places, tmp_path / "a.zip", kept=[first] * 100)
    assert verified(tmp_path / "a.zip", KEYS).heads == 100
    with pytest.raises(RefusedError, match="it holds 101 heads; a bundle has at most 100"):
        make_bundle(places, tmp_path / "b.zip", kept=[first] * 101)


HOSTILE = (
    st.binary(max_size=200)
    | st.sampled_from([b"", b"\n", b"[" * 60_000, b"9" * 5_000, b"\xff" * 64, b"1 {}\n" * 50, b"0 " + b"[" * 9_000])
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode())
)


@settings(deadline=None)
@given(data=st.data())
@pytest.mark.hypothesis
def test_whatever_somebody_puts_into_a_bundle_proves_nothing_or_is_one_error(data: st.DataObject, honest: Path) -> None:
    files_ = files_in(honest / data.draw(st.sampled_from(["own.zip", "whole.zip"])))
    name = data.draw(st.sampled_from(sorted(files_)))
    body, hostile = files_[name], data.draw(HOSTILE)
    start = data.draw(st.integers(0, len(body)))
    files_[name] = body[:start] + hostile + body[data.draw(st.integers(start, len(body))) :]
    if files_[name].rstrip(b"\n") == body.rstrip(b"\n"):
        return
    path = write_packed(honest / "hostile.zip", files_)
    try:
        with opened_bundle(path) as bundle:
            found = verify_bundle(bundle, keys_of_bundle(bundle))
    except UnreadableBundleError:
        return
    nobody_signs = name not in PROVEN and not name.startswith(("deployments/", "heads/"))
    assert nobody_signs or found.deviations


def test_whoever_changed_ten_thousand_things_has_changed_enough(tmp_path: Path, honest: Path) -> None:
    path = forged(honest / "own.zip", "receipts.jsonl", lambda body: body + b"x\n" * 20_000)
    assert len(verified(path, KEYS).deviations) == 10_000


# --- for people ------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_from_elsewhere_and_shows_what_others_wrote_as_text(tmp_path: Path) -> None:
    places = MemoryPlaces()
    places.deploy("exports-push-orders", {"name": "orders", "owner": "<script>alert(1)</script>\u202e"})
    places.add_receipts("orders", 1)
    run(places)
    dataset = replace(ORDERS, paperwork=("<img src=x>",))
    make_bundle(places, tmp_path / "b.zip", dataset=dataset)
    page = files_in(tmp_path / "b.zip")["index.html"].decode()
    assert re.findall(r"<(script|img|link|iframe)", page) == []
    assert re.findall(r"(?:href|src|action)=\"(?!#)", page) == []
    assert "&lt;img src=x&gt;" in page
    assert "&lt;script&gt;" in page
    assert "\u202e" not in page
    (style,) = re.findall("<style>(.*?)</style>", page, flags=re.DOTALL)
    assert f"sha256-{base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()}" in page
    for words in ("by a CRC or an ETag: they tell of accidents", "claims", "exports verify b.zip --keys KEYS"):
        assert words in page


def test_what_a_bundle_says_of_itself_is_read_back_as_it_was_written() -> None:
    said = replace(facts_of(since=NOW), gone=("a", "b"), expired=("c",), not_logged_files=1, not_logged_receipts=2)
    assert facts_in(said.encode()) == said
