"""Readers with an SSH key: deployed, let in by real SFTP to one bucket alone, and gone without a trace."""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncssh
import pytest

from data_exports.deploy.drift.difference import ByHand, DifferenceKind
from data_exports.deploy.drift.finding import read_drift
from data_exports.deploy.plan.consents import Consent
from data_exports.deploy.prepare import prepare
from data_exports.deploy.removal.destroy import destroy, read_destruction
from data_exports.deploy.sftp_server import read_sftp_server
from data_exports.estate.models import Estate, PullDataset
from data_exports.local.emulator import LocalAws
from data_exports.names import AccountId
from data_exports.operate.who.bucket_uses import read_pull_uses
from data_exports.readers.sftp import SftpName, SftpReader
from data_exports.readers.ssh_keys import SshPublicKey
from data_exports.views.plan import render_plan
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.sftp_client import SftpClient, key_named, public_text
from tests.estates import pull, push

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("sftp")]

DENIED = "SFTPPermissionDenied"


def reader(name: str, *keys: str) -> SftpReader:
    """A reader whose keys are of these names."""
    return SftpReader(SftpName(name), tuple(SshPublicKey(public_text(key_named(key))) for key in keys))


@dataclass
class Served:
    """An account with pull datasets that have readers by SFTP."""

    ground: Ground
    estate: Estate

    def changed(self, *datasets: PullDataset, **platform: Any) -> Estate:
        """The estate with other pull datasets."""
        self.estate = self.ground.estate(push(), *datasets, **{"sftp": True, **platform})
        return self.estate

    def plan(self) -> str:
        """What deploying would do, as people read it."""
        return render_plan(prepare(self.estate, self.ground.aws).plan, self.estate.platform)

    def deploy(self, allow: Collection[Consent] = ()) -> dict[str, str]:
        """What became of each stack that was not unchanged."""
        result = self.ground.deploy(self.estate, allow=allow)
        assert result.is_complete, [outcome.reason for outcome in result.outcomes]
        return {each.name: str(each.result) for each in result.outcomes if str(each.result) != "unchanged"}

    def client(self, user: str, key: str) -> SftpClient:
        """Somebody with a key of this name who logs in as this user."""
        server = read_sftp_server(self.ground.aws)
        assert server is not None
        return SftpClient(self.ground, server.server_id, user, key_named(key))

    def put(self, dataset: str, key: str, body: bytes = b"a,b\n") -> None:
        """A file in a dataset's bucket."""
        bucket = f"{self.ground.platform.pull_bucket_prefix}{dataset}"
        self.ground.client("s3").put_object(Bucket=bucket, Key=key, Body=body)


LISTS = pull("lists", sftp_readers=(reader("meridian", "meridian"), reader("calder", "calder", "calder-2")))
NOTES = pull("notes", outsiders=(), sftp_readers=(reader("tarn@example.org", "tarn"),), allow_push=True)
PLAIN = pull("plain")


@pytest.fixture(scope="module")
def served(local_aws: LocalAws) -> Served:
    number = uuid.uuid4().int % 10**11 + 10**11
    ground = ground_of(local_aws, AccountId(f"{number:012d}"), f"s-{uuid.uuid4().hex[:8]}")
    estate = ground.estate(push(), LISTS, NOTES, PLAIN, sftp=True)
    ground.make_users_of(estate)
    served = Served(ground, estate)
    served.deploy()
    served.put("lists", "2031/court lists.csv", b"case,day\n1,2\n")
    served.put("notes", "note.txt", b"n")
    return served


def test_a_reader_sees_and_reads_the_datasets_bucket_and_nothing_else(served: Served) -> None:
    for client in (served.client("meridian", "meridian"), served.client("calder", "calder-2")):
        assert client.names("/") == ["2031"]
        assert client.read("/2031/court lists.csv") == b"case,day\n1,2\n"
        assert client.read("/../../note.txt") == "SFTPNoSuchFile"
        assert client.write("/2031/new.csv") == DENIED
        assert client.write("/incoming/new.csv") == DENIED
        assert client.do(lambda sftp: sftp.remove("/2031/court lists.csv")) == DENIED
    assert served.client("tarn@example.org", "tarn").names("/") == ["note.txt"]


def test_with_allow_push_files_are_added_under_incoming_and_never_taken_back(served: Served) -> None:
    client = served.client("tarn@example.org", "tarn")
    assert client.write("/incoming/answer.csv", b"yes") is None
    assert client.read("/incoming/answer.csv") == b"yes"
    assert client.write("/answer.csv") == DENIED
    assert client.write("/incoming2/answer.csv") == DENIED
    assert client.do(lambda sftp: sftp.remove("/incoming/answer.csv")) == DENIED
    assert client.do(lambda sftp: sftp.rename("/incoming/answer.csv", "/incoming/b.csv")) == DENIED
    assert client.read("/incoming/answer.csv") == b"yes"


@pytest.mark.parametrize(
    ("user", "key"), [("meridian", "calder"), ("meridian", "tarn"), ("calder", "nobody"), ("root", "calder")]
)
def test_nobody_gets_in_with_another_key_or_name(served: Served, user: str, key: str) -> None:
    assert served.client(user, key).login() == "PermissionDenied"


def test_who_used_the_bucket_is_told_by_the_readers_name(served: Served) -> None:
    began = datetime.now(UTC) - timedelta(days=1)
    assert served.client("calder", "calder").read("/2031/court lists.csv") == b"case,day\n1,2\n"
    uses = read_pull_uses(served.estate.platform, LISTS, served.ground.aws, since=began)
    by_name = {use.who: use for use in uses.uses if use.is_granted}
    assert set(by_name) == {"alpha_user_ana", str(LISTS.outsiders[0]), "meridian by SFTP", "calder by SFTP"}
    assert by_name["calder by SFTP"].reads


def test_the_host_key_that_is_told_is_the_one_that_the_server_shows(served: Served) -> None:
    server = read_sftp_server(served.ground.aws)
    shown = served.client("meridian", "meridian").server_key()
    assert server is not None
    assert server.host_key == shown.get_fingerprint()
    assert server.host_name == f"{server.server_id}.server.transfer.eu-west-1.amazonaws.com"
    assert server.is_online
    changed = served.client("meridian", "meridian").pinning(asyncssh.generate_private_key("ssh-ed25519"))
    assert changed.login() == "HostKeyNotVerifiable"


def test_what_is_deployed_stays_as_it_is_and_does_not_drift(served: Served) -> None:
    served.changed(LISTS, NOTES, PLAIN)
    assert served.deploy() == {}
    report = read_drift(served.estate, served.ground.aws, counted=lambda *_: None)
    assert (report.drifts, report.not_checked) == ((), ())


def test_a_dataset_without_such_readers_has_the_same_template_in_either_estate(served: Served) -> None:
    with_sftp = prepare(served.changed(LISTS, NOTES, PLAIN), served.ground.aws).plan
    without = prepare(served.ground.estate(push(), PLAIN), served.ground.aws).plan
    bodies = [
        {step.name: step.stack.body for step in plan.steps if step.stack and step.name != "exports-foundation"}
        for plan in (with_sftp, without)
    ]
    kept = bodies[1].keys() - {"exports-access-logs"}
    assert "exports-sftp" not in kept
    assert {name: bodies[0][name] for name in kept} == {name: bodies[1][name] for name in kept}


def test_an_access_that_has_ended_is_refused_by_its_role(served: Served) -> None:
    served.changed(replace(LISTS, expires=date(2020, 1, 1)), NOTES, PLAIN)
    served.deploy()
    assert served.client("meridian", "meridian").login() == "PermissionDenied"
    served.changed(LISTS, NOTES, PLAIN)
    served.deploy([Consent.ACCOUNT])  # an access that comes back is gained anew
    assert served.client("meridian", "meridian").names("/") == ["2031"]


def test_a_new_key_is_shown_and_the_old_one_lets_in_nobody(served: Served) -> None:
    other = replace(LISTS, sftp_readers=(reader("meridian", "meridian-2"), LISTS.sftp_readers[1]))
    served.changed(other, NOTES, PLAIN)
    plan = served.plan()
    old, new = (reader("meridian", key).fingerprints[0] for key in ("meridian", "meridian-2"))
    assert f"by SFTP meridian (SSH key {new})" in plan
    assert f"(before: by SFTP meridian (SSH key {old}))" in plan
    assert "NEEDS" not in plan
    assert served.deploy() == {"exports-pull-lists": "updated"}
    assert served.client("meridian", "meridian").login() == "PermissionDenied"
    assert served.client("meridian", "meridian-2").names("/") == ["2031"]
    served.changed(LISTS, NOTES, PLAIN)
    served.deploy()


def test_a_new_reader_needs_the_consent_that_a_new_account_needs(served: Served) -> None:
    newcomer = replace(PLAIN, sftp_readers=(reader("newcomer", "newcomer"),))
    served.changed(LISTS, NOTES, newcomer)
    assert (
        "NEEDS --allow account: it opens data to accounts that had no access before: whoever holds the SSH keys of "
        "newcomer through plain"
    ) in served.plan()
    assert served.deploy([Consent.ACCOUNT]) == {"exports-pull-plain": "updated"}
    assert served.client("newcomer", "newcomer").names("/") == []
    served.changed(LISTS, NOTES, PLAIN)
    assert served.deploy() == {"exports-pull-plain": "updated"}
    assert served.client("newcomer", "newcomer").login() == "PermissionDenied"


def test_the_server_goes_with_the_last_reader_and_the_plan_says_what_that_means(served: Served) -> None:
    before = read_sftp_server(served.ground.aws)
    served.changed(replace(LISTS, sftp_readers=()), replace(NOTES, outsiders=LISTS.outsiders, sftp_readers=()), PLAIN)
    plan = served.plan()
    assert "delete" in plan
    assert "a server that is made again has another host name and another host key" in plan
    assert served.deploy([Consent.ACCOUNT]) == {
        "exports-pull-lists": "updated",
        "exports-pull-notes": "updated",
        "exports-sftp": "deleted",
    }
    assert read_sftp_server(served.ground.aws) is None
    served.changed(LISTS, NOTES, PLAIN)
    assert "$219 a month" in served.plan()
    assert served.deploy([Consent.ACCOUNT])["exports-sftp"] == "created"
    after = read_sftp_server(served.ground.aws)
    assert before is not None
    assert after is not None
    assert after.host_key != before.host_key


def test_a_removed_dataset_takes_its_users_along_before_the_server_goes(served: Served) -> None:
    served.changed(PLAIN)
    assert served.deploy([Consent.REMOVAL, Consent.LOSS]) == {
        "exports-pull-lists": "deleted",
        "exports-pull-notes": "deleted",
        "exports-sftp": "deleted",
    }
    assert "exports-sftp" not in served.ground.statuses()
    served.changed(LISTS, NOTES, PLAIN)
    served.deploy([Consent.ACCOUNT, Consent.TAKEOVER])


def test_a_server_that_somebody_deleted_is_named_and_made_anew_as_the_next_step_says(served: Served) -> None:
    before = read_sftp_server(served.ground.aws)
    assert before is not None
    served.ground.client("transfer").delete_server(ServerId=before.server_id)
    assert read_sftp_server(served.ground.aws) is None
    report = read_drift(served.estate, served.ground.aws, counted=lambda *_: None)
    named = {(each.where, each.kind) for each in report.drifts}
    assert (named, report.not_checked) == (
        {
            ("exports-sftp", DifferenceKind.SFTP_SERVER_GONE),
            ("exports-pull-lists", DifferenceKind.SFTP_USER_GONE),
            ("exports-pull-notes", DifferenceKind.SFTP_USER_GONE),
        },
        (),
    )
    (hand,) = (each.repair for each in report.drifts if each.kind is DifferenceKind.SFTP_SERVER_GONE)
    assert isinstance(hand, ByHand)
    assert hand.next_step.startswith("take every `sftp_readers` out and `exports deploy`, then put them back")
    served.changed(replace(LISTS, sftp_readers=()), replace(NOTES, outsiders=LISTS.outsiders, sftp_readers=()), PLAIN)
    served.deploy([Consent.ACCOUNT])
    served.changed(LISTS, NOTES, PLAIN)
    served.deploy([Consent.ACCOUNT])
    assert served.client("meridian", "meridian").names("/") == ["2031"]


def test_destroying_takes_the_server_away(served: Served) -> None:
    planned = read_destruction(served.estate, served.ground.aws)
    assert destroy(served.estate, served.ground.aws, planned).is_complete
    assert served.ground.statuses() == {}
    assert json.dumps(served.ground.client("transfer").list_servers()["Servers"]) == "[]"
