"""The mover in a function of the local AWS delivers to Google's stand-in, by tokens, with IAM enforced, over HTTP."""

import hashlib
from dataclasses import replace

import pytest

from data_exports.contract.federation import google_audience_of
from data_exports.contract.settings import GoogleSettings
from data_exports.contract.tasks import Verdict
from data_exports.local.clouds.declared import ActingAccount, BucketBinding, CloudBucket, WorkloadProvider
from data_exports.local.clouds.running import start_clouds
from tests.emulator.other_clouds import PERMISSIONS, POOL, issuer_of, object_condition, principal_of
from tests.emulator.outside_movers import OutsideMover, facts_of, let_in_by_letter, outside_mover, refuse_tokens
from tests.emulator.steps import ACCOUNT, Steps
from tests.estates import at_google

pytestmark = pytest.mark.emulator

KEY, LARGE = "orders/2026/a b.csv", b"0123456789abcdef" * 700_000
DELIVERED = "delivered"
PROVIDER = f"{POOL}/providers/deliveries"
ACTOR = "deliverer@hj.iam.gserviceaccount.com"


@pytest.fixture
def mover(steps: Steps) -> OutsideMover:
    """A mover whose recipient did what our letter says, for a bucket of its own."""
    made = outside_mover(steps, google_audience_of(PROVIDER))
    bucket = made.settings.hub_bucket
    let_in_by_letter(made, at_google(bucket=bucket, provider=PROVIDER))
    return made.told(GoogleSettings(bucket=bucket, provider=PROVIDER))


def _bucket(name: str, member: str, permissions: tuple[str, ...] = PERMISSIONS, **changed: bool) -> CloudBucket:
    return CloudBucket(name, (BucketBinding(member, permissions, object_condition(name)),), **changed)


def stored(mover: OutsideMover, key: str = KEY) -> bytes | None:
    found = start_clouds(mover.steps.local).stored("objects", mover.settings.hub_bucket, key)
    return found[1] if found else None


def test_files_small_and_large_arrive_whole_and_newer_ones_take_their_place(mover: OutsideMover) -> None:
    small, large = mover.upload(KEY, b"first"), mover.upload("orders/large", LARGE, ContentType="text/plain")
    receipts = mover.deliver(small, large)
    assert {facts_of(each) for each in receipts} == {(KEY, DELIVERED, ""), ("orders/large", DELIVERED, "")}
    assert {each["destination"] for each in receipts} == {f"gs://{mover.settings.hub_bucket}"}
    assert all("crc32c" in each["digest"].lower() and each["destination_version"] for each in receipts)
    arrived = stored(mover, "orders/large")
    assert arrived is not None
    assert (stored(mover), hashlib.sha256(arrived).digest()) == (b"first", hashlib.sha256(LARGE).digest())
    assert [facts_of(each)[1] for each in mover.deliver(mover.upload(KEY, b"second"))] == [DELIVERED]
    assert stored(mover) == b"second"


def test_a_mover_acts_as_the_service_account_that_lets_it(mover: OutsideMover) -> None:
    name, clouds = mover.settings.hub_bucket, start_clouds(mover.steps.local)
    clouds.declare(_bucket(name, f"serviceAccount:{ACTOR}"), ActingAccount(ACTOR))
    acting = mover.told(GoogleSettings(bucket=name, provider=PROVIDER, service_account=ACTOR))
    assert [facts_of(each) for each in mover.deliver(mover.upload(KEY, b"1"))] == [(KEY, "failed", "recipient_denied")]
    refused = acting.deliver(mover.upload(KEY, b"2"))
    assert [facts_of(each) for each in refused] == [(KEY, "failed", "recipient_federation")]
    clouds.declare(ActingAccount(ACTOR, (principal_of(mover.role),)))
    let_in = mover.told(GoogleSettings(bucket=name, provider=PROVIDER, service_account=ACTOR))
    assert [facts_of(each) for each in let_in.deliver(mover.upload(KEY, b"3"))] == [(KEY, DELIVERED, "")]
    assert stored(mover) == b"3"


def test_what_the_recipient_does_not_let_it_do_is_a_failure_of_theirs(mover: OutsideMover) -> None:
    name, clouds, me = mover.settings.hub_bucket, start_clouds(mover.steps.local), principal_of(mover.role)
    clouds.declare(_bucket(name, me, ("storage.objects.get",)))
    assert [facts_of(each) for each in mover.deliver(mover.upload(KEY, b"1"))] == [(KEY, "failed", "recipient_denied")]
    clouds.declare(_bucket(name, me))
    assert [facts_of(each) for each in mover.deliver(mover.upload(KEY, b"2"))] == [(KEY, DELIVERED, "")]
    clouds.declare(_bucket(name, me, retained=True))
    (receipt,) = mover.deliver(mover.upload(KEY, b"3"))
    assert facts_of(receipt)[1:] == ("failed", "recipient_not_accepted")
    assert stored(mover) == b"2"


def test_a_bucket_that_is_not_there_is_told(mover: OutsideMover) -> None:
    elsewhere = mover.told(GoogleSettings(bucket=f"{mover.settings.hub_bucket}-no", provider=PROVIDER))
    assert [facts_of(each)[2] for each in elsewhere.deliver(mover.upload(KEY, b"1"))] == ["recipient_bucket"]


def test_without_the_accounts_federation_nothing_is_sent_and_it_is_ours_to_mend(mover: OutsideMover) -> None:
    iam = mover.steps.client("iam", ACCOUNT)
    iam.disable_outbound_web_identity_federation()
    try:
        receipts = mover.deliver(mover.upload(KEY, b"1"))
    finally:
        iam.enable_outbound_web_identity_federation()
    assert [facts_of(each) for each in receipts] == [(KEY, "failed", "hub_federation")]


def test_a_role_without_the_right_gets_no_token(mover: OutsideMover) -> None:
    refuse_tokens(mover)
    assert [facts_of(each)[2] for each in mover.deliver(mover.upload(KEY, b"1"))] == ["hub_federation"]


def test_who_is_not_let_in_by_the_provider_delivers_nothing(mover: OutsideMover) -> None:
    usual = GoogleSettings(bucket=mover.settings.hub_bucket, provider=PROVIDER)
    another = mover.told(replace(usual, provider=f"{POOL}/providers/another"))
    # Its role may ask for tokens for its own provider alone.
    assert [facts_of(each)[2] for each in another.deliver(mover.upload(KEY, b"1"))] == ["hub_federation"]
    condition = 'assertion.sub == "arn:aws:iam::593291632749:role/another"'
    clouds, issuer = start_clouds(mover.steps.local), issuer_of(mover.steps)
    clouds.declare(WorkloadProvider(PROVIDER, issuer, attribute_condition=condition))
    (receipt,) = mover.deliver(mover.upload(KEY, b"2"))
    assert facts_of(receipt) == (KEY, "failed", "recipient_federation")
    assert "eyJ" not in receipt["reason"]


def test_its_probe_tells_what_is_allowed_and_what_is_not(mover: OutsideMover) -> None:
    tries = {each.what: each.verdict for each in mover.probe().tries}
    assert set(tries.values()) == {Verdict.ALLOWED}
    assert list(tries) == ["token", "exchange", "put", "part", "overwrite"]
    create_alone = _bucket(mover.settings.hub_bucket, principal_of(mover.role), ("storage.objects.create",))
    start_clouds(mover.steps.local).declare(create_alone)
    tries = {each.what: each.verdict for each in mover.probe().tries}
    assert {what for what, verdict in tries.items() if verdict is Verdict.REFUSED} == {"part", "overwrite"}
