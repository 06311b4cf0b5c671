"""How the log stands, from its last head and a receipts file of each dataset, as status and the register say it."""

import io
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from data_exports.estate.commits import Commits
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.evidence.entries import HEAD
from data_exports.names import AccountId
from data_exports.notary.notary import notarise
from data_exports.operate.evidence_look import EvidenceStatus, look_at_evidence
from data_exports.operate.rights import NotAllowedError
from data_exports.operate.status import Status
from data_exports.views.register.facts import Register, register_for, register_of
from data_exports.views.register.pages import pages_of
from data_exports.views.status import changed_since, render_change, render_status, status_as_data
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, push
from tests.evidence_places import NOW, MemoryPlaces, Signer
from tests.json_data import json_data

LOG = "mojap-hub-exports-evidence.s3.eu-west-1.amazonaws.com"
WITH = replace(PLATFORM, evidence=EvidenceLock(30))
NOT_OF_IT = "its signature is not of this text"
PUSHES = (push("orders"), push("moves"))


def aws_of(places: MemoryPlaces, **answers: Any) -> AwsAnswers:
    """S3 with this log and these receipts."""

    def get(*, Bucket: str, Key: str, ExpectedBucketOwner: str) -> Any:  # noqa: N803
        assert (Bucket, ExpectedBucketOwner) == (str(PLATFORM.evidence_bucket), str(PLATFORM.account))
        kept = places.evidence.get(Key)
        if kept is None:
            raise refusal("NoSuchKey")
        return {"Body": io.BytesIO(kept.body), "LastModified": kept.written_at}

    def listed(*, Prefix: str, StartAfter: str = "", MaxKeys: int, **_: Any) -> Any:  # noqa: N803
        keys = sorted(key for key in places.receipts if key.startswith(Prefix) and key > StartAfter)[:MaxKeys]
        return {"Contents": [{"Key": key, "LastModified": places.receipts[key].written_at} for key in keys]}

    return AwsAnswers({"get_object": get, "list_objects_v2": listed, **answers})


def logged() -> MemoryPlaces:
    places = MemoryPlaces(Signer(1, LOG))
    places.add_receipts("orders", 300)
    notarise(places, places.signer.verifier, places.now)
    return places


def look(places: MemoryPlaces, **answers: Any) -> EvidenceStatus:
    return look_at_evidence(WITH, PUSHES, [Signer(1, LOG).verifier], aws_of(places, **answers))


def test_of_a_log_that_is_up_to_date_its_head_is_told() -> None:
    found = look(logged())
    assert found == EvidenceStatus(LOG, 302, NOW, Signer(1, LOG).verifier.identifier.hex(), NOW)
    assert found.words(NOW + timedelta(minutes=12)) == (
        f"Evidence: 302 leaves, last head 12 min ago by key {found.signed_by}; every receipt is logged"
    )
    assert list(found.concerns(NOW + timedelta(days=9))) == []


def test_what_came_after_the_head_waits_and_is_behind_after_three_hours() -> None:
    places = logged()
    places.wait(1)
    places.add_receipts("moves", 1)
    since = places.now
    places.wait(1)
    places.add_receipts("orders", 1)
    found = look(places)
    assert found.waiting_since == since
    assert found.words(places.now).endswith("; receipts wait since 1 h")
    assert list(found.concerns(since + timedelta(hours=3))) == []
    late = since + timedelta(hours=4)
    said = "the evidence is behind: receipts have waited 4 h for the notary: exports verify"
    assert list(found.concerns(late)) == [said]
    before, after = Status(since, (), evidence=found), Status(late, (), evidence=found)
    assert f"! {said}" in render_status(after, WITH).splitlines()
    assert changed_since(before, after)
    assert f"! {said}" in render_change(before, after).splitlines()
    assert json_data(status_as_data(after))["evidence"]["size"] == 302


def test_a_head_by_another_key_is_not_believed_and_none_is_no_fault() -> None:
    places = logged()
    other = MemoryPlaces(Signer(2, LOG), evidence={HEAD: places.evidence[HEAD]})
    other.evidence[HEAD].body = other.evidence[HEAD].body.replace(b"302", b"303")
    (said,) = look(other).concerns(NOW)
    assert said == f"the evidence: its last head is not to be believed: {NOT_OF_IT}: exports verify"
    assert look(MemoryPlaces()) == EvidenceStatus(LOG)
    assert look(MemoryPlaces()).words(NOW) == "Evidence: nothing is logged yet"


def test_whoever_may_not_look_is_told_which_right_is_lacking() -> None:
    with pytest.raises(NotAllowedError, match="s3:GetObject on mojap-hub-exports-evidence/checkpoint"):
        look(logged(), get_object=refusal("AccessDenied"), caller=("1", "arn:aws:sts::1:assumed-role/me/m"))


def test_the_first_page_of_the_register_tells_the_log_and_from_when_on_it_proves() -> None:
    estate = replace(estate_of(*PUSHES), platform=WITH)
    found = register_of(estate, Commits(), (), now=NOW + timedelta(hours=1), statuses={}, evidence=look(logged()))
    page = first_page(found)
    assert "Evidence: 302 leaves, last head 1 h ago by key" in page
    assert "The log began on" in page
    assert "receipts from before were logged as they were found then" in page
    assert "Evidence" not in first_page(register_of(estate, Commits(), (), now=NOW, statuses={}))


def test_where_heads_go_is_told_to_the_witness_and_to_no_other_recipient() -> None:
    lock = EvidenceLock(30, witness="s3://their-heads/ours/", witness_account=AccountId("754256621582"))
    estate = replace(estate_of(*PUSHES), platform=replace(PLATFORM, evidence=lock))
    assert "s3://their-heads/ours/" in first_page(register_of(estate, Commits(), (), now=NOW))
    account = estate.push_datasets[0].destination.account
    assert account is not None
    for named, is_told in ((account, True), (AccountId("112233445566"), False)):
        told = replace(estate, platform=replace(PLATFORM, evidence=replace(lock, witness_account=named)))
        page = first_page(register_for(told, Commits(), account, now=NOW))
        assert ("s3://their-heads/ours/" in page) is is_told


def first_page(register: Register) -> str:
    return dict(pages_of(register))["index.html"]
