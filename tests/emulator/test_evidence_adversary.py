"""What somebody may do to a deployed log, or to receipts, with every right: each is found, and named for what it is.

Real objects on the local AWS, the deployed notary, and `exports verify` as people run it. The adversary is the
account's root, whom the local AWS holds to no bucket's policy; AWS would: whoever writes there has to change it first.
"""

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from data_exports.contract.keys import RECEIPTS
from data_exports.deploy.evidence_keys import read_keys
from data_exports.estate.loader import load_estate
from data_exports.evidence.entries import HEAD, LOGGED, Entry, EntryKind, entry_in
from data_exports.evidence.heads import Head, head_in
from data_exports.evidence.merkle import leaf_hash
from data_exports.evidence.tiles import ENTRIES, TILE_WIDTH, bundle_of, entries_in, tile_path
from data_exports.local.emulator import LocalAws
from data_exports.names import NOTARY, notary_role_arn_of
from data_exports.notary.notary import Notarised, _folder, _sum_of, notarise
from data_exports.notary.places import AwsNotaryPlaces
from data_exports.operate.verifying import verify
from data_exports.stacks.stack import HUB_TAG
from tests.emulator.deploying import ground_of
from tests.emulator.logged import Logged, deploy_logged
from tests.emulator.steps import Steps, allow, policy_of, wait_until
from tests.evidence_places import KilledError, Signer

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("evidence")]

EXTRA = "exports-push-extra"
Told = tuple[str, str, str]


@dataclass
class Attacked:
    """A log of two heads: 300 receipts and five stacks before the first; before the second three receipts in `key`."""

    logged: Logged
    key: str = ""
    receipts: bytes = b""
    heads: list[Path] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.s3 = self.logged.ground.client("s3")
        self.log, self.evidence = str(self.logged.ground.platform.log_bucket), self.logged.bucket
        self.logged.run("evidence", "key")
        self.logged.add_receipts(300, "a")
        self._log_and_keep()
        self.key, self.receipts = self.logged.add_receipts(3, "b")
        self._log_and_keep()
        self._files = self._files_there()
        ids = self.ids_there()
        self._versions = {key: [(each, self._body(key, each)) for each in ids[key]] for key in ids}

    def _log_and_keep(self) -> None:
        self.logged.notarise()
        self.heads.append(self.logged.folder.parent / f"head-{len(self.heads)}")
        self.logged.run("verify", "--keep", str(self.heads[-1]))

    def told(self, *words: str, code: int = 1) -> list[Told]:
        """What `exports verify` finds: kind, where, what."""
        found = json.loads(self.logged.run("verify", "--json", *words, code=code).stdout)
        return [(each["kind"], each["where"], each["what"]) for each in found["deviations"]]

    def told_here(self) -> list[Told]:
        """The same, without a process of its own."""
        estate = load_estate(self.logged.folder).require()
        found = verify(estate, self.logged.ground.aws, read_keys(self.logged.folder))
        return [(each.kind.value, each.where, each.what) for each in found.deviations]

    def put(self, key: str, body: bytes) -> str:
        """Write a file of the evidence; its version."""
        return str(self.s3.put_object(Bucket=self.evidence, Key=key, Body=body)["VersionId"])

    def get(self, key: str) -> bytes:
        return self._body(key)

    def put_receipts(self, *lines: bytes) -> None:
        """Other lines in the second file of receipts."""
        self.logged.put_receipts(self.key, gzip.compress(b"".join(line + b"\n" for line in lines)))

    @property
    def lines(self) -> list[bytes]:
        return gzip.decompress(self.receipts).splitlines()

    @property
    def newest_leaves(self) -> tuple[str, list[bytes]]:
        """The bundle at the end, by its path, and its leaves."""
        size = head_in(self.heads[-1].read_bytes(), read_keys(self.logged.folder)).size
        path = f"tile/entries/{size // 256:03}.p/{size % 256}"
        return path, entries_in(self.get(path), size % 256)

    def forget(self, key: str, identifiers: Iterable[str]) -> None:
        """Delete versions of a file for good, as whoever may bypass the lock can."""
        if doomed := [{"Key": key, "VersionId": each} for each in identifiers]:
            self.s3.delete_objects(Bucket=self.evidence, Delete={"Objects": doomed}, BypassGovernanceRetention=True)

    def put_back(self) -> None:
        """All objects as they were; of a file that has lost a version, all versions anew."""
        ground = self.logged.ground
        ground.client("cloudformation").delete_stack(StackName=EXTRA)
        wait_until(lambda: EXTRA not in ground.statuses())
        for key in set(self._files_there()) - set(self._files):
            self.s3.delete_object(Bucket=self.log, Key=key)
        for key, body in self._files.items():
            self.s3.put_object(Bucket=self.log, Key=key, Body=body)
        there = self.ids_there()
        for key in there | self._versions:
            ids, was = there.get(key, []), dict(self._versions.get(key, []))
            is_whole = set(was) <= set(ids)
            self.forget(key, [each for each in ids if each not in was or not is_whole])
            if not is_whole:
                self._versions[key] = [(self.put(key, body), body) for body in was.values()]

    def _files_there(self) -> dict[str, bytes]:
        listed = self.s3.list_objects_v2(Bucket=self.log, Prefix=RECEIPTS).get("Contents", [])
        return {each["Key"]: self.s3.get_object(Bucket=self.log, Key=each["Key"])["Body"].read() for each in listed}

    def ids_there(self) -> dict[str, list[str]]:
        """The versions of each file of the evidence, the oldest first, and its deletions."""
        found: dict[str, list[str]] = {}
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.evidence):
            for each in page.get("DeleteMarkers", []) + page.get("Versions", []):
                found.setdefault(each["Key"], []).insert(0, each["VersionId"])
        return found

    def _body(self, key: str, version: str | None = None) -> bytes:
        where = {"Bucket": self.evidence, "Key": key} | ({"VersionId": version} if version else {})
        body: bytes = self.s3.get_object(**where)["Body"].read()
        return body


@dataclass
class NotaryHere:
    """The notary's code in this process, with its deployed role and settings: at any time, and stopped at any call."""

    attacked: Attacked
    calls: int = 0
    at: int = -1
    act: Callable[[], object] = lambda: None

    def __post_init__(self) -> None:
        ground = self.attacked.logged.ground
        steps, account = Steps(ground.local), str(ground.platform.account)
        deployed = ground.client("lambda").get_function_configuration(FunctionName=str(NOTARY))
        trust = allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{account}:root"})
        del trust["Resource"]
        ground.client("iam").update_assume_role_policy(RoleName=str(NOTARY), PolicyDocument=policy_of(trust))

        def client(service: str) -> Any:
            made = steps.as_role(service, str(notary_role_arn_of(ground.platform.account)))
            made.meta.events.register("before-send", self._count)
            return made

        self.client = cache(client)
        self.environment = deployed["Environment"]["Variables"]

    def _count(self, **_: object) -> None:
        self.calls += 1
        if self.calls - 1 == self.at:
            self.act()

    def run(self, now: datetime | None = None, *, at: int = -1, act: Callable[[], object] = lambda: None) -> Notarised:
        """One run; before its call `at`, from 0, something happens."""
        self.calls, self.at, self.act = 0, at, act
        places = AwsNotaryPlaces(self.environment, self.client)
        return notarise(places, places.verifier_key(), now or datetime.now(UTC))


def deploy_extra(attacked: Attacked, word: str) -> None:
    """A stack of the estate that is deployed, or deployed anew; `put_back` takes it away."""
    ground = attacked.logged.ground
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": word}}
    template = {"Metadata": {"DataExports": word}, "Resources": {"Topic": topic}}
    tags = [{"Key": HUB_TAG, "Value": str(ground.platform.hub_bucket)}]
    cloudformation = ground.client("cloudformation")
    change = cloudformation.update_stack if EXTRA in ground.statuses() else cloudformation.create_stack
    change(StackName=EXTRA, TemplateBody=json.dumps(template), Tags=tags)
    wait_until(lambda: ground.statuses()[EXTRA].endswith("_COMPLETE"))


@pytest.fixture(scope="module")
def deployed(local_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> Attacked:
    folder = tmp_path_factory.mktemp("attacked")
    found = Attacked(deploy_logged(ground_of(local_aws, "135792468013", "attacked"), folder / "estate"))
    assert found.told(code=0) == []
    return found


@pytest.fixture
def attacked(deployed: Attacked) -> Iterator[Attacked]:
    yield deployed
    deployed.put_back()
    assert deployed.told_here() == []


def tampered(*found: tuple[str, str]) -> list[Told]:
    return [("tampered", *each) for each in found]


# --- receipts ---------------------------------------------------------------------------------------------------------


def test_a_changed_byte_of_a_receipt(attacked: Attacked) -> None:
    first, second, third = attacked.lines
    attacked.put_receipts(first, second.replace(b"orders/1", b"orders/7"), third)
    said = attacked.logged.run("verify", code=1).stdout
    assert "TAMPERED WITH: this is not as it was logged: 1\n" in said
    assert f"  {attacked.key} line 2: it is not the line that was logged" in said
    assert attacked.told() == tampered((f"{attacked.key} line 2", "it is not the line that was logged"))


def test_a_removed_line(attacked: Attacked) -> None:
    attacked.put_receipts(*attacked.lines[:2])
    assert attacked.told() == tampered((attacked.key, "it has 2 lines, 3 were logged"))


def test_a_deleted_file(attacked: Attacked) -> None:
    attacked.s3.delete_object(Bucket=attacked.log, Key=attacked.key)
    assert attacked.told() == tampered((attacked.key, "it was logged, and is gone"))


def test_an_added_file_is_new_until_the_notary_should_have_seen_it(attacked: Attacked) -> None:
    hidden, _ = attacked.logged.add_receipts(1, "hidden")
    assert attacked.told(code=0) == [("not yet logged", hidden, "the notary's next run takes it")]
    note = f"{LOGGED}{_folder(hidden)}/{0:016}-1-{_sum_of([hidden]):016x}"
    attacked.put(note, json.dumps([hidden]).encode())
    deploy_extra(attacked, "something else")
    assert NotaryHere(attacked).run(datetime.now(UTC) + timedelta(minutes=10)).added == 2
    assert attacked.told() == tampered((hidden, "it was there at the notary's last run, and is not in the log"))


def test_what_cannot_be_read_is_not_taken_for_tampering(attacked: Attacked) -> None:
    steps, account = Steps(attacked.logged.ground.local), str(attacked.logged.ground.platform.account)
    barred = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{attacked.log}/{attacked.key}"}
    role = steps.role(allow("*", "*"), barred, account=account, name="barred")
    keys = steps.client("sts", account).assume_role(RoleArn=role, RoleSessionName="verifies")["Credentials"]
    attacked.logged.keys = {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }
    try:
        ((kind, where, _),) = attacked.told(code=4)
    finally:
        attacked.logged.keys = {}
    assert (kind, where) == ("cannot be read", attacked.key)


# --- the log's files --------------------------------------------------------------------------------------------------


def test_a_changed_tile(attacked: Attacked) -> None:
    tile = attacked.get("tile/0/000")
    attacked.put("tile/0/000", tile[:-1] + bytes([tile[-1] ^ 1]))
    assert attacked.told() == tampered(("tile/0/000", "it is not what the entries make"))


def test_a_changed_tile_of_entries(attacked: Attacked) -> None:
    path, leaves = attacked.newest_leaves
    (number,) = (each for each, leaf in enumerate(leaves) if b'"line":2,' in leaf and attacked.key.encode() in leaf)
    leaves[number] = leaves[number].replace(b'"line":2,', b'"line":3,')
    attacked.put(path, bundle_of(leaves))
    assert attacked.told() == tampered((path, f"leaf {256 + number} is not the one whose hash was signed"))


def test_a_changed_tile_of_entries_with_all_hashes_over_it(attacked: Attacked) -> None:
    path, leaves = attacked.newest_leaves
    leaves[-1] = leaves[-1].replace(b'"line":3,', b'"line":4,')
    attacked.put(path, bundle_of(leaves))
    tile = f"tile/0/001.p/{len(leaves)}"
    attacked.put(tile, b"".join(map(leaf_hash, leaves)))
    found = attacked.told("--since", str(attacked.heads[1]))
    assert {where for _, where, what in found if what.startswith(f"the first {256 + len(leaves)} leaves are not")} == {
        HEAD,
        str(attacked.heads[1]),
    }
    assert {kind for kind, *_ in found} == {"tampered"}
    assert not {where for _, where, _ in found} & {path, str(attacked.heads[0])}


def test_a_record_of_a_deployment_that_hides_what_is_deployed(attacked: Attacked) -> None:
    path = f"deployments/exports-push-orders/{7:016}-0123456789abcdef.json"
    attacked.put(path, b"{}")
    assert attacked.told() == tampered((path, "it is there, and is not in the log"))


# --- heads ------------------------------------------------------------------------------------------------------------


def test_an_old_head_put_back_among_its_versions_and_without_them(attacked: Attacked) -> None:
    first, second = (head_in(each.read_bytes(), read_keys(attacked.logged.folder)) for each in attacked.heads)
    attacked.put(HEAD, attacked.heads[0].read_bytes())
    ((kind, where, what),) = attacked.told()
    assert (kind, what) == ("tampered", f"the log went back from {second.size} leaves to {first.size}")
    assert where.startswith(f"{HEAD}, written ")

    attacked.forget(HEAD, attacked.ids_there()[HEAD][1:])
    assert attacked.told(code=0) == [("not yet logged", attacked.key, "the notary's next run takes it")]
    assert attacked.told("--since", str(attacked.heads[0]), code=0) != []
    said = f"it signs {second.size} leaves, and the log has {first.size}: it was cut off, or is another"
    assert attacked.told("--since", str(attacked.heads[1]))[0] == ("tampered", str(attacked.heads[1]), said)


def test_a_forked_log_that_the_notary_itself_signed(attacked: Attacked) -> None:
    for key, ids in attacked.ids_there().items():
        attacked.forget(key, ids)
    attacked.put_receipts(attacked.lines[0].replace(b"orders/0", b"orders/9"), *attacked.lines[1:])
    attacked.logged.notarise()
    assert attacked.told(code=0) == []
    sizes = [head_in(each.read_bytes(), read_keys(attacked.logged.folder)).size for each in attacked.heads]
    assert attacked.logged.notarise()["size"] == sizes[1] - 1  # one run, where there were two
    ((kind, where, what),) = attacked.told("--since", str(attacked.heads[0]))
    assert (kind, where) == ("tampered", str(attacked.heads[0]))
    assert what.startswith(f"the first {sizes[0]} leaves are not those that it signs (root ")


def test_a_head_that_another_key_signed(attacked: Attacked) -> None:
    head = head_in(attacked.heads[1].read_bytes(), read_keys(attacked.logged.folder))
    stranger = Signer(9, head.key.name)
    attacked.put(HEAD, Head(head.size, head.root, stranger.verifier).encode(stranger.sign))
    ((kind, where, what),) = attacked.told()
    assert (kind, what) == ("tampered", "no key that is known has signed it")
    assert where.startswith(f"{HEAD}, written ")


def test_a_clock_set_back(attacked: Attacked) -> None:
    attacked.logged.add_receipts(1, "later")
    back = datetime.now(UTC) - timedelta(days=2)
    NotaryHere(attacked).run(back)
    assert attacked.told() == tampered(("the log", f"the clock of the notary went back to {back:%Y-%m-%dT%H:%M:%SZ}"))


# --- honest, whatever happens -----------------------------------------------------------------------------------------


def add_news(attacked: Attacked, number: int) -> None:
    """A file of receipts, and a stack that was deployed anew."""
    attacked.logged.add_receipts(2, f"news-{number}")
    deploy_extra(attacked, f"news {number}")


def check_logged_once(attacked: Attacked, news: int) -> None:
    """Each receipt, each file and each deployment of the news stands in the log once; nothing else is found."""
    assert attacked.told(code=0) == []
    head = head_in(attacked.get(HEAD), read_keys(attacked.logged.folder))
    entries = list[Entry]()
    for start in range(0, head.size, TILE_WIDTH):
        width = min(TILE_WIDTH, head.size - start)
        entries += map(entry_in, entries_in(attacked.get(tile_path(ENTRIES, start // TILE_WIDTH, width)), width))
    things = [(each.kind, each.file or each.record, each.line) for each in entries if each.kind is not EntryKind.RUN]
    told = Counter(things)
    assert set(told.values()) == {1}
    assert sum(each.kind is EntryKind.RECEIPT for each in entries) == 303 + 2 * news
    assert sum(each.stack == EXTRA for each in entries) == news


def calls_of_a_run(attacked: Attacked, notary: NotaryHere) -> int:
    add_news(attacked, 0)
    assert notary.run().added == 5
    assert notary.calls > 25
    return notary.calls


def killed() -> None:
    raise KilledError


def test_killed_at_each_call_nothing_is_lost_logged_twice_or_told(attacked: Attacked) -> None:
    notary = NotaryHere(attacked)
    calls = calls_of_a_run(attacked, notary)
    for at in range(calls):
        add_news(attacked, at + 1)
        with pytest.raises(KilledError):
            notary.run(at=at, act=killed)
        assert at % 3 or {kind for kind, *_ in attacked.told_here()} <= {"not yet logged"}
        notary.run()
    check_logged_once(attacked, calls + 1)


def test_two_at_once_wherever_one_overtakes_the_other_log_each_once(attacked: Attacked) -> None:
    one, other = NotaryHere(attacked), NotaryHere(attacked)
    calls = calls_of_a_run(attacked, one)
    moments = range(0, calls, 2)
    for number, at in enumerate(moments, start=1):
        add_news(attacked, number)
        one.run(at=at, act=other.run)
    check_logged_once(attacked, len(moments) + 1)
