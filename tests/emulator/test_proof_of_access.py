"""Proof of access: on the deployed example estate, everybody may do exactly what `grants_of` says.

Every user, every mover, every outsider and a stranger of each account tries every act on every resource that matters.
Outsiders and strangers hold every right that their own accounts can give, so what refuses them is the platform's side.
Readers outside AWS come with tokens of their issuers; with every wrong token, and without one, nobody gets their roles.
Who gets in by SFTP, `test_sftp` tries; here, what their roles may do. Tokens for other clouds get the movers of
recipients there, each for its own cloud.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from itertools import chain
from typing import Any

import pytest

from data_exports.access.grants import Role, grants_of
from data_exports.contract.federation import TOKEN_SECONDS
from data_exports.destinations.kinds import outside_destination_in
from data_exports.destinations.s3.bucket import BUCKET_ACTIONS
from data_exports.estate.loader import load_estate
from data_exports.estate.models import Estate, PullDataset, PushDataset
from data_exports.local.clients import LocalCredentials, client, client_as, client_with, session_of
from data_exports.local.emulator import LocalAws
from data_exports.local.folders import example_estate_folder
from data_exports.local.world import bucket_of, recipient_account_of, stranger_of
from data_exports.names import PULL_ROLE_POLICY, AccountId, DatasetName, RoleArn, RoleName, pull_bucket_of
from data_exports.parallel import map_ordered
from data_exports.readers.kinds import AnyReader, reader_of
from data_exports.readers.sftp import SftpName, SftpReader
from tests.emulator.access_probes import (
    AUDIENCE_KEY,
    OTHER_AUDIENCE,
    PRESENT,
    Act,
    Clients,
    bucket_acts,
    is_allowed,
    is_granted,
    object_acts,
    other_acts,
    queue_acts,
    right_asking,
    spots_of,
    token_acts,
)
from tests.emulator.deployed import DeployedEstate, example_deployed
from tests.emulator.reader_tokens import OTHERS, Issuers, WrongToken
from tests.emulator.steps import refusal_of
from tests.estates import (
    AZURE_READER,
    GOOGLE_READER,
    READERS_OUTSIDE_AWS,
    SFTP_READER,
    TENANT,
    WORKFLOW_READER,
    at_azure,
    at_google,
    pull,
    push,
)
from tests.prove.prove import weaker

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("access")]

REFUSED_PLAINLY = ("AccessDenied", "AccessDeniedException")
EVERYTHING = {"Effect": "Allow", "Action": ["s3:*", "sqs:*"], "Resource": "*"}


@dataclass(frozen=True)
class Proof:
    """The deployed estate with an object at every place, and every act on it."""

    deployed: DeployedEstate
    acts: tuple[Act, ...]
    principals: tuple[RoleArn, ...]
    issuers: Issuers

    @property
    def readers(self) -> dict[RoleArn, AnyReader]:
        """Each reader with tokens by its role."""
        grants = grants_of(self.deployed.estate)
        found = ((grant.principal, grant.reader) for grant in grants)
        return {RoleArn(role): reader for role, reader in found if reader and not isinstance(reader, SftpReader)}

    def session(self, role: RoleArn, token: str, **more: Any) -> LocalCredentials:
        """Credentials of a reader's role for a token."""
        sts = client(self.deployed.local, "sts", account=self.deployed.estate.platform.account)
        named = {"RoleArn": role, "RoleSessionName": "reader", "WebIdentityToken": token} | more
        made = sts.assume_role_with_web_identity(**named)["Credentials"]
        return LocalCredentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])

    def refusal(self, role: RoleArn, token: str) -> str:
        """With which code STS refuses a token; "" when it does not."""
        return refusal_of(lambda: self.session(role, token))

    def wrong_tokens(self, role: RoleArn) -> list[WrongToken]:
        return self.issuers.wrong_tokens(self.readers[role], tuple(self.readers.values()))

    def iam(self) -> Any:
        return client(self.deployed.local, "iam", account=self.deployed.estate.platform.account)

    @contextmanager
    def trusting(self, role: RoleArn, trust: Any) -> Iterator[None]:
        """With another trust, for the time of the block."""
        before = self.iam().get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
        self.iam().update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(trust))
        try:
            yield
        finally:
            self.iam().update_assume_role_policy(RoleName=role.name, PolicyDocument=json.dumps(before))

    def clients_of(self, principal: RoleArn, credentials: LocalCredentials | None = None) -> Clients:
        made: dict[str, Any] = {}
        local = self.deployed.local
        if credentials is None and (reader := self.readers.get(principal)):
            credentials = self.session(principal, self.issuers.token_of(reader))

        def of(service: str) -> Any:
            if service not in made:
                found = credentials or session_of(local, principal)
                made[service] = client_with(local, service, found)
            return made[service]

        return of

    def differences(
        self, principal: RoleArn, credentials: LocalCredentials | None = None, *, about: str = ""
    ) -> list[str]:
        """Where AWS and `grants_of` disagree about a principal; its own account's resources are its own affair.

        `about`: the beginning of the resources asked about.
        """
        grants, clients, found = grants_of(self.deployed.estate), self.clients_of(principal, credentials), []
        for act in (act for act in self.acts if act.resource.startswith(about)):
            if act.owner == principal.account != self.deployed.estate.platform.account:
                continue
            granted, allowed = is_granted(grants, principal, act), is_allowed(act, clients)
            if granted is not allowed:
                what = "is allowed but not granted" if allowed else "is granted but not allowed"
                found.append(f"{principal} {act.action} on {act.resource} prefix {act.prefix!r} {what}")
        return found


@pytest.fixture(scope="module")
def proof(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proof]:
    """On an example of its own: whoever acts here leaves objects behind, and outsiders get every right there is."""
    example = load_estate(example_estate_folder()).require()
    users = example.pull_datasets[0].users
    more: list[PushDataset | PullDataset] = [*_with_readers(users), *_to_other_clouds(users)]
    with example_deployed(tmp_path_factory.mktemp("proof-aws"), *more) as deployed:
        local, estate = deployed.local, deployed.estate
        platform = client(local, "lambda", account=estate.platform.account)
        for mapping in platform.list_event_source_mappings()["EventSourceMappings"]:
            # The movers rest: the objects put in place here are not to be delivered.
            platform.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        acts = tuple(_acts(local, estate))
        principals = tuple(_principals(estate))
        for principal in principals:
            _let_act(local, estate, principal)
        for push in _in_s3(estate):
            _let_its_uploads_be_listed(local, push, mover=push.mover_role_arn(estate.platform))
        iam = client(local, "iam", account=estate.platform.account)
        for provider in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]:
            iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=provider["Arn"], ClientID=OTHERS)
        yield Proof(deployed, acts, principals, Issuers(local.folder))


def _with_readers(users: tuple[RoleName, ...]) -> tuple[PullDataset, ...]:
    """Who reads, who writes, too, and who could until a day that is over."""
    azure = AZURE_READER.declaration["azure"]
    of_another_tenant = reader_of({"azure": azure | {"tenant": "2c9e6a52-0f3d-4c57-9d0e-2f6b7a81c394"}})
    of_version_2 = reader_of({"azure": azure | {"version": "2", "audience": TENANT}})
    writer = replace(SFTP_READER, name=SftpName("calder"))
    reading = (*READERS_OUTSIDE_AWS, of_another_tenant, of_version_2)
    return (
        pull("reading_room", users=users, outsiders=(), identities=reading, sftp_readers=(SFTP_READER,)),
        pull(
            "drop_box", users=users, outsiders=(), identities=(GOOGLE_READER,), sftp_readers=(writer,), allow_push=True
        ),
        pull("closed_room", users=users, outsiders=(), identities=(WORKFLOW_READER,), expires=date(2025, 3, 31)),
    )


def _to_other_clouds(users: tuple[RoleName, ...]) -> tuple[PushDataset, ...]:
    return (
        push("research_archive", users=users, destination=at_azure()),
        push("research_tables", users=users, destination=at_google()),
    )


def _in_s3(estate: Estate) -> list[PushDataset]:
    return [push for push in estate.push_datasets if not outside_destination_in(push.destination)]


def _acts(local: LocalAws, estate: Estate) -> Iterator[Act]:
    spots = spots_of(estate, recipient_account_of)
    for spot in spots:
        owner = client(local, "s3", account=spot.owner)
        put = owner.put_object(Bucket=spot.bucket, Key=f"{spot.prefix}{PRESENT}", Body=b"probe")
        yield from object_acts(spot, put.get("VersionId", "null"))
    for bucket, owner in sorted({(spot.bucket, spot.owner) for spot in spots}):
        yield from bucket_acts(
            bucket,
            owner,
            [spot.prefix for spot in spots if spot.bucket == bucket and spot.prefix and not spot.is_neighbour],
        )
    sqs = client(local, "sqs", account=estate.platform.account)
    urls = {url.rsplit("/", 1)[1]: url for url in sqs.list_queues()["QueueUrls"]}
    yield from queue_acts(estate, urls)
    yield from other_acts(estate)
    yield from token_acts(estate)


def _principals(estate: Estate) -> Iterator[RoleArn]:
    platform = estate.platform
    users = {platform.user_role_arn(user) for dataset in estate.datasets() for user in dataset.users}
    movers = {push.mover_role_arn(platform) for push in estate.push_datasets}
    outsiders = {each for pull in estate.pull_datasets for each in pull.outsiders if isinstance(each, RoleArn)}
    accounts = {each.account for each in outsiders} | {recipient_account_of(push) for push in _in_s3(estate)}
    strangers = {stranger_of(estate, account) for account in accounts | {platform.account}}
    now = datetime.now(UTC)
    live = {grant for grant in grants_of(estate) if grant.reader and (grant.until is None or grant.until > now)}
    readers = {RoleArn(grant.principal) for grant in live}
    yield from sorted(users | movers | outsiders | strangers | readers)


def _let_act(local: LocalAws, estate: Estate, principal: RoleArn) -> None:
    """Let the test act as a mover or for a user by SFTP, and give people of other accounts all that these can give."""
    iam = client(local, "iam", account=principal.account)
    is_by_sftp = any(grant.role is Role.SFTP and grant.principal == principal for grant in grants_of(estate))
    if principal.path == "/service-role/" or is_by_sftp:
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{principal.account}:root"}}
        document = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
        iam.update_assume_role_policy(RoleName=principal.name, PolicyDocument=json.dumps(document))
    elif principal.account != estate.platform.account:
        document = {"Version": "2012-10-17", "Statement": [EVERYTHING]}
        iam.put_role_policy(RoleName=principal.name, PolicyName="everything", PolicyDocument=json.dumps(document))


def _let_its_uploads_be_listed(local: LocalAws, push: PushDataset, *, mover: RoleArn) -> None:
    """Give the one right that the handover leaves to the recipient's choice."""
    s3, bucket = client(local, "s3", account=recipient_account_of(push)), str(bucket_of(push))
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    policy["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": str(mover)},
            "Action": list(BUCKET_ACTIONS),
            "Resource": bucket_of(push).arn,
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def test_everybody_may_do_exactly_what_the_grants_say(proof: Proof) -> None:
    found = map_ordered(proof.differences, proof.principals, at_once=4)
    assert list(chain.from_iterable(found)) == []


def test_the_proof_tries_enough_to_mean_something(proof: Proof) -> None:
    grants = grants_of(proof.deployed.estate)
    tried = [(principal, act) for principal in proof.principals for act in proof.acts]
    granted = {(principal, act.action) for principal, act in tried if is_granted(grants, principal, act)}
    wanted = {
        (grant.principal, action)
        for grant in grants
        if isinstance(grant.principal, RoleArn) and (grant.until is None or grant.until > datetime.now(UTC))
        for action in grant.actions
        if grant.is_of_aws and not action.startswith("logs:")
    }
    assert granted == wanted
    assert len(tried) > 5_000


def test_a_policy_that_gives_more_than_the_grants_is_caught(proof: Proof) -> None:
    estate, local = proof.deployed.estate, proof.deployed.local
    hub, push = estate.platform.hub_bucket, estate.push_datasets[0]
    sender = estate.platform.user_role_arn(push.users[0])
    iam = client(local, "iam", account=AccountId(estate.platform.account))
    extra = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{hub.arn}/{push.prefix}*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [extra]})
    iam.put_role_policy(RoleName=sender.name, PolicyName="too-much", PolicyDocument=document)
    try:
        found = proof.differences(sender)
    finally:
        iam.delete_role_policy(RoleName=sender.name, PolicyName="too-much")
    resource = f"{hub.arn}/{push.prefix}{PRESENT}"
    assert found == [f"{sender} s3:GetObject on {resource} prefix None is allowed but not granted"]


def test_a_mover_gets_tokens_of_its_recipients_cloud_alone(proof: Proof) -> None:
    estate, tried = proof.deployed.estate, 0
    for each in estate.push_datasets:
        role = each.mover_role_arn(estate.platform)
        conditions = [
            grant.conditions for grant in grants_of(estate) if (grant.principal, grant.resource) == (role, "*")
        ]
        sts = proof.clients_of(role)("sts")
        for audience in (value for _, key, value in chain(*conditions) if key == AUDIENCE_KEY and value != "false"):
            right = right_asking(audience)
            assert refusal_of(lambda: sts.get_web_identity_token(**right)) == ""  # noqa: B023 - at once
            for changed in (
                {"Audience": [OTHER_AUDIENCE]},
                {"Audience": [audience, OTHER_AUDIENCE]},
                {"DurationSeconds": TOKEN_SECONDS + 1},
                {"SigningAlgorithm": "ES384"},
            ):
                tried += 1
                assert refusal_of(lambda: sts.get_web_identity_token(**right | changed)) in REFUSED_PLAINLY  # noqa: B023
    assert tried == 8


# --- readers outside AWS ----------------------------------------------------------------------------------------------


def live_readers(proof: Proof) -> list[RoleArn]:
    return [role for role in proof.principals if role in proof.readers]


def test_a_readers_role_opens_to_its_own_token_alone(proof: Proof) -> None:
    tried, wrong = 0, []
    for role in live_readers(proof):
        assert proof.refusal(role, proof.issuers.token_of(proof.readers[role])) == ""
        for token in proof.wrong_tokens(role):
            tried += 1
            if (code := proof.refusal(role, token.text)) not in token.codes:
                wrong.append(f"{proof.readers[role].label}, token {token.kind}: {code or 'taken'}")
    assert wrong == []
    assert tried > 250


def test_without_a_token_nobody_takes_on_a_readers_role(proof: Proof) -> None:
    local, estate = proof.deployed.local, proof.deployed.estate
    others = {stranger.account for stranger in proof.principals if stranger.account != estate.platform.account}
    administrators = [_administrator(local, account) for account in (estate.platform.account, *sorted(others))]
    roots = [client(local, "sts", account=account) for account in (estate.platform.account, *sorted(others))]
    callers = [*roots, *(client_as(local, "sts", each) for each in administrators)]
    assert len(callers) > 4
    for role in proof.readers:
        for caller in callers:
            named = {"RoleArn": role, "RoleSessionName": "probe"}
            assert refusal_of(lambda: caller.assume_role(**named)) in REFUSED_PLAINLY  # noqa: B023 - at once
            assert refusal_of(lambda: caller.assume_role_with_web_identity(**named, WebIdentityToken="none")) == (  # noqa: B023
                "InvalidIdentityToken"
            )


def _administrator(local: LocalAws, account: str) -> RoleArn:
    iam, name = client(local, "iam", account=account), "administrator"
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    rights = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=rights)
    return RoleArn(arn)


def test_what_a_session_is_called_and_asks_for_brings_nothing_more(proof: Proof) -> None:
    everything = json.dumps({"Version": "2012-10-17", "Statement": [{**EVERYTHING, "Action": "*"}]})
    for role in live_readers(proof)[:2]:
        token = proof.issuers.token_of(proof.readers[role])
        named = {"RoleSessionName": "administrator", "Policy": everything}
        assert proof.differences(role, proof.session(role, token, **named)) == []


def test_after_the_end_a_right_token_opens_nothing_and_a_session_may_nothing(proof: Proof) -> None:
    ((role, reader),) = [each for each in proof.readers.items() if each[0] not in proof.principals]
    token, iam = proof.issuers.token_of(reader), proof.iam()
    assert proof.refusal(role, token) == "AccessDenied"
    trust = iam.get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
    of_date = [wider for name, wider in weaker(trust) if name == "ThisReaderOnly aws:CurrentTime"]
    with proof.trusting(role, of_date[0]):
        session = proof.session(role, token)
    bucket = pull_bucket_of(proof.deployed.estate.platform.pull_bucket_prefix, DatasetName("closed_room")).arn
    assert proof.differences(role, session, about=bucket) == []
    rights = iam.get_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY)["PolicyDocument"]
    guards = dict(weaker(rights))
    assert set(guards) == {"ListBucket aws:CurrentTime", "UseObjects aws:CurrentTime"}
    for wider in guards.values():
        iam.put_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY, PolicyDocument=json.dumps(wider))
        assert proof.differences(role, session, about=bucket) != []
    iam.put_role_policy(RoleName=role.name, PolicyName=PULL_ROLE_POLICY, PolicyDocument=json.dumps(rights))


def test_each_condition_of_a_readers_trust_is_missed_when_it_is_left_out(proof: Proof) -> None:
    tried, unnoticed = 0, []
    for role in live_readers(proof):
        trust = proof.iam().get_role(RoleName=role.name)["Role"]["AssumeRolePolicyDocument"]
        tokens = [token for token in proof.wrong_tokens(role) if "AccessDenied" in token.codes]
        for guard, wider in weaker(trust):
            tried += 1
            with proof.trusting(role, wider):
                if all(proof.refusal(role, token.text) for token in tokens):
                    unnoticed.append(f"{role} {guard}")
    assert unnoticed == []
    assert tried == sum(len(proof.readers[role].conditions) for role in live_readers(proof)) > 15
