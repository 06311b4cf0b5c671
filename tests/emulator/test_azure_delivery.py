"""The mover in a function of the local AWS delivers to Azure's stand-in, by tokens, with IAM enforced, over HTTP."""

import hashlib
import json
import os
import signal
import sys
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from random import Random
from subprocess import CompletedProcess, run
from typing import Any

import pytest

from data_exports.contract.digests import digests_in
from data_exports.contract.federation import AZURE_AUDIENCE
from data_exports.contract.settings import AzureSettings
from data_exports.contract.tasks import Verdict
from data_exports.local.clients import session_of
from data_exports.local.clouds.declared import BlobContainer, EntraApplication, RoleAssignment
from data_exports.local.clouds.faults import InjectedFault
from data_exports.local.clouds.running import start_clouds
from data_exports.mover.places.azure.destination import AZURE_CAPABILITIES
from tests.emulator.killed_mover import PART_BYTES
from tests.emulator.other_clouds import CLIENT, DATA_ACTIONS, STORAGE_ACCOUNT, TENANT, blob_condition
from tests.emulator.outside_movers import OutsideMover, facts_of, let_in_by_letter, outside_mover, refuse_tokens
from tests.emulator.steps import ACCOUNT, Steps
from tests.estates import at_azure

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.emulator

KEY, LARGE = "orders/2026/a b.csv", b"0123456789abcdef" * 1_300_000
DELIVERED = "delivered"


@pytest.fixture
def mover(steps: Steps) -> OutsideMover:
    """A mover whose recipient did what our letter says, for a container of its own."""
    made = outside_mover(steps, AZURE_AUDIENCE)
    container = made.settings.hub_bucket
    there = at_azure(storage_account=STORAGE_ACCOUNT, container=container, tenant=TENANT, client=CLIENT)
    let_in_by_letter(made, there)
    return made.told(_settings(container))


def _settings(container: str) -> AzureSettings:
    return AzureSettings(storage_account=STORAGE_ACCOUNT, container=container, tenant=TENANT, client=CLIENT)


def _container(name: str, actions: tuple[str, ...] = DATA_ACTIONS, **changed: bool) -> BlobContainer:
    assignment = RoleAssignment(CLIENT, actions, blob_condition(name))
    return BlobContainer(STORAGE_ACCOUNT, name, TENANT, (assignment,), **changed)


def stored(mover: OutsideMover, key: str = KEY) -> bytes | None:
    place = f"{STORAGE_ACCOUNT}/{mover.settings.hub_bucket}"
    found = start_clouds(mover.steps.local).stored("blobs", place, key)
    return found[1] if found else None


def test_files_small_and_large_arrive_whole_and_newer_ones_take_their_place(mover: OutsideMover) -> None:
    small, large = mover.upload(KEY, b"first"), mover.upload("orders/large", LARGE, ContentType="text/plain")
    receipts = mover.deliver(small, large)
    assert {facts_of(each) for each in receipts} == {(KEY, DELIVERED, ""), ("orders/large", DELIVERED, "")}
    assert {each["destination"] for each in receipts} == {_settings(mover.settings.hub_bucket).uri}
    assert all(each["digest"] and each["destination_etag"] for each in receipts)
    (digest,) = [digests_in(each["digest"]) for each in receipts if each["key"] == KEY]
    assert b64decode(digest["SHA256"]) == hashlib.sha256(b"first").digest()
    arrived = stored(mover, "orders/large")
    assert arrived is not None
    assert (stored(mover), hashlib.sha256(arrived).digest()) == (b"first", hashlib.sha256(LARGE).digest())
    newer = mover.deliver(mover.upload(KEY, b"second"))
    while facts_of(newer[0])[1] != DELIVERED:  # a newer one waits until Azure's clock has gone on
        assert newer[0]["cause"] == "conflict"
        newer = mover.deliver(mover.upload(KEY, b"second"))
    assert stored(mover) == b"second"


REFUSED = [
    ("another role", "recipient_denied"),
    ("gone", "recipient_bucket"),
    ("firewall", "recipient_denied"),
]


@pytest.mark.parametrize(("what", "cause"), REFUSED)
def test_what_the_recipient_does_not_let_it_do_is_a_failure_of_theirs(
    mover: OutsideMover, what: str, cause: str
) -> None:
    name = mover.settings.hub_bucket
    changed = {
        "another role": _container(name, (DATA_ACTIONS[0].replace("add/action", "read"),)),
        "gone": _container(name, exists=False),
        "firewall": _container(name, firewall=True),
    }[what]
    start_clouds(mover.steps.local).declare(changed)
    assert [facts_of(each) for each in mover.deliver(mover.upload(KEY, b"1"))] == [(KEY, "failed", cause)]
    assert stored(mover) is None
    start_clouds(mover.steps.local).declare(_container(name))
    assert [facts_of(each) for each in mover.deliver(mover.upload(KEY, b"2"))] == [(KEY, DELIVERED, "")]


def test_without_the_accounts_federation_nothing_is_sent_and_it_is_ours_to_mend(mover: OutsideMover) -> None:
    iam = mover.steps.client("iam", ACCOUNT)
    iam.disable_outbound_web_identity_federation()
    try:
        receipts = mover.deliver(mover.upload(KEY, b"1"))
    finally:
        iam.enable_outbound_web_identity_federation()
    assert [facts_of(each) for each in receipts] == [(KEY, "failed", "hub_federation")]
    assert "aws iam enable-outbound-web-identity-federation" in receipts[0]["reason"]


def test_a_role_without_the_right_gets_no_token(mover: OutsideMover) -> None:
    refuse_tokens(mover)
    assert [facts_of(each)[2] for each in mover.deliver(mover.upload(KEY, b"1"))] == ["hub_federation"]


def test_who_is_not_let_in_at_entra_delivers_nothing(mover: OutsideMover) -> None:
    usual, nobody = _settings(mover.settings.hub_bucket), "00000000-0000-4000-8000-000000000000"
    for wrong in (replace(usual, tenant=nobody), replace(usual, client=nobody)):
        receipts = mover.told(wrong).deliver(mover.upload(KEY, b"1"))
        assert [facts_of(each) for each in receipts] == [(KEY, "failed", "recipient_federation")]
        assert "eyJ" not in receipts[0]["reason"]
    start_clouds(mover.steps.local).declare(EntraApplication(TENANT, CLIENT))
    assert [facts_of(each)[2] for each in mover.deliver(mover.upload(KEY, b"1"))] == ["recipient_federation"]


def test_a_run_that_is_killed_is_gone_on_with_and_what_is_on_record_is_not_sent_again(mover: OutsideMover) -> None:
    on_record = AZURE_CAPABILITIES.parts_between_saves
    parts, killed_after = on_record + 44, on_record + 14
    body = Random(7).randbytes(parts * PART_BYTES - 1)
    message = mover.upload("orders/killed", body)
    killed = process_of(mover, message, killed_after)
    assert (killed.returncode, killed.stdout, killed.stderr) == (-signal.SIGKILL, b"", b"")
    assert stored(mover, "orders/killed") is None
    message["attributes"]["ApproximateReceiveCount"] = "2"
    again = process_of(mover, message)
    assert (again.returncode, again.stderr) == (0, b"")
    assert sorted(json.loads(again.stdout)) == list(range(on_record + 1, parts + 1))
    arrived = stored(mover, "orders/killed")
    assert arrived is not None
    assert hashlib.sha256(arrived).digest() == hashlib.sha256(body).digest()
    checkpoints = {"Bucket": mover.settings.log_bucket, "Prefix": "checkpoints/"}
    assert mover.steps.client("s3").list_objects_v2(**checkpoints)["KeyCount"] == 0


def process_of(mover: OutsideMover, message: dict[str, Any], *killed_after: int) -> CompletedProcess[bytes]:
    """The mover in a process of its own, with what Lambda would tell it."""
    local = mover.steps.local
    keys = session_of(local, mover.role)
    told = {
        "PATH": os.environ["PATH"],
        "AWS_REGION": local.region,
        "AWS_ENDPOINT_URL": local.endpoint_url,
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
        "AWS_SESSION_TOKEN": keys.session_token,
        **start_clouds(local).variables,
        **mover.settings.to_environment(),
        **_settings(mover.settings.hub_bucket).to_environment(),
    }
    return run(
        [sys.executable, "-m", "tests.emulator.killed_mover", *map(str, killed_after)],
        input=json.dumps({"Records": [message]}).encode(),
        capture_output=True,
        cwd=ROOT,
        env=told,
        check=False,
    )


def test_an_answer_that_is_lost_is_asked_for_again(mover: OutsideMover) -> None:
    clouds = start_clouds(mover.steps.local)
    clouds.add_fault(InjectedFault("blobs", 503, "ServerBusy", times=2, retry_after=1))
    assert [facts_of(each)[1] for each in mover.deliver(mover.upload(KEY, b"1"))] in ([DELIVERED], ["failed"])
    assert [facts_of(each)[1] for each in mover.deliver(mover.upload("orders/b", b"2"))] == [DELIVERED]


def test_its_probe_tells_what_is_allowed_and_what_is_not(mover: OutsideMover) -> None:
    tries = {each.what: each.verdict for each in mover.probe().tries}
    assert set(tries.values()) == {Verdict.ALLOWED}
    assert list(tries) == ["token", "exchange", "put", "block", "overwrite"]
    add_alone = _container(mover.settings.hub_bucket, DATA_ACTIONS[:1])
    start_clouds(mover.steps.local).declare(add_alone)
    tries = {each.what: each.verdict for each in mover.probe().tries}
    assert {what for what, verdict in tries.items() if verdict is Verdict.REFUSED} >= {"block", "overwrite"}
