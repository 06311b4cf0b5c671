"""The deployed notary: it logs what is delivered and deployed, it alone signs, and whoever verifies believes no AWS."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_exports.contract.change_sets import ClaimedCommit, claimed_commit
from data_exports.contract.keys import card_key_of
from data_exports.deploy.plan.consents import Consent
from data_exports.errors import RefusedError
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.evidence.entries import DEPLOYMENTS, HEAD, origin_of
from data_exports.evidence.heads import Head
from data_exports.local.clients import client
from data_exports.local.emulator import LocalAws
from data_exports.mover.settings import read_settings
from data_exports.mover.tasks.survey import Survey
from data_exports.mover.wire.signing import Credentials
from data_exports.mover.wire.transport import Transport
from data_exports.names import EVIDENCE_KEY_ALIAS, EVIDENCE_STACK, NOTARY, notary_role_arn_of
from data_exports.stacks.stack import DIGEST_TAG
from tests.emulator.deploying import Ground, ground_of
from tests.emulator.logged import EXPORTS, Logged, deploy_logged
from tests.emulator.steps import Steps, allow, policy_of, refusal_of, wait_until
from tests.estates import pull
from tests.evidence_places import Signer
from tests.guides import BLOCKS, LOCAL_AWS, consoles, run_script
from tests.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.emulator


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("log"))


@pytest.fixture
def logged(ground: Ground, tmp_path: Path) -> Logged:
    return deploy_logged(ground, tmp_path / "estate")


def test_receipts_and_deployments_are_logged_and_verified_and_what_was_changed_is_told(logged: Logged) -> None:
    assert "`exports evidence key` writes it" in logged.run("verify", code=2).stderr
    written = logged.run("evidence", "key").stdout
    assert "commit it" in written
    assert (logged.folder / "evidence-keys.txt").read_text() == written.splitlines()[0] + "\n"
    assert "commit it" not in logged.run("evidence", "key").stdout
    assert "holds nothing yet" in logged.run("verify").stdout

    assert logged.notarise()["added"] == 6  # the run, and five stacks
    key, body = logged.add_receipts(3, "a")
    kept = logged.folder / "head.txt"
    assert f"not yet logged: the notary's next run takes this: 1\n  {key}" in logged.run("verify").stdout
    assert logged.notarise()["added"] == 5
    assert logged.notarise()["added"] == 0
    done = logged.run("verify", "--keep", str(kept))
    assert "is whole, has only grown, and what is there is what it holds" in done.stdout
    assert "3 receipts in 1 file, 5 deployments" in done.stdout
    found = json.loads(logged.run("verify", "--since", str(kept), "--json").stdout)
    assert (found["size"], found["heads"], found["deviations"]) == (11, 2, [])
    stands = json.loads(logged.run("status", "--json").stdout)["evidence"]
    told = (stands["size"], stands["signed_by"], stands["waiting_since"], stands["amiss"])
    assert told == (11, found["signed_by"], None, None)
    assert stands["began"] <= stands["head_at"]

    logged.put_receipts(key, gzip.compress(gzip.decompress(body).replace(b"orders/1", b"orders/9")))
    assert f"{key} line 2: it is not the line that was logged" in logged.run("verify", code=1).stdout
    logged.put_receipts(key, body)
    s3 = logged.ground.client("s3")
    s3.delete_object(Bucket=logged.bucket, Key=HEAD)
    said = logged.run("verify", "--since", str(kept), code=1).stdout
    assert "it was deleted" in said
    assert logged.notarise() == {"task": "notarise", "size": 11, "added": 11, "behind_seconds": 0.0}
    assert "it was deleted" in logged.run("verify", "--since", str(kept), code=1).stdout


def test_the_commit_that_was_deployed_is_logged_as_whoever_deployed_claims_it(logged: Logged) -> None:
    def git(*words: str) -> str:
        of_nobody = ("-c", "user.name=-", "-c", "user.email=-", "-c", "commit.gpgSign=false")
        done = subprocess.run(
            ["git", *of_nobody, *words], cwd=logged.folder, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def claims() -> dict[str, ClaimedCommit | None]:
        logged.notarise()
        s3, found = logged.ground.client("s3"), dict[str, ClaimedCommit | None]()
        for each in s3.list_objects_v2(Bucket=logged.bucket, Prefix=DEPLOYMENTS)["Contents"]:
            record = json.loads(s3.get_object(Bucket=logged.bucket, Key=each["Key"])["Body"].read())
            found[record["stack"]] = claimed_commit(record["change_set"], record["digest"])
        return found

    assert set(claims().values()) == {None}  # no git, no commit
    declaration = logged.folder / "push_datasets" / "orders.yaml"
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "-")
    first = git("rev-parse", "HEAD")
    declaration.write_text(declaration.read_text() + "max_concurrency: 3\n")
    logged.run("deploy")
    assert claims()["exports-push-orders"] == ClaimedCommit(first, is_edited=True)
    git("commit", "--quiet", "--all", "-m", "-")
    declaration.write_text(declaration.read_text() + "due: daily by 06:00 UTC\n")
    git("commit", "--quiet", "--all", "-m", "-")
    logged.run("deploy")
    found = claims()
    assert found["exports-push-orders"] == ClaimedCommit(git("rev-parse", "HEAD"))
    assert found["exports-foundation"] is None  # nothing of it was deployed again
    logged.run("evidence", "key")
    logged.run("verify")


def test_what_the_guide_says_runs(logged: Logged) -> None:
    (block,) = [each for each in consoles(LOCAL_AWS) if each.page == "evidence.md"]
    logged.notarise()
    done = run_script(block, logged.folder, logged.environment)
    assert done.returncode == 0, done.stdout
    assert (logged.folder / "evidence-keys.txt").exists()


def test_nobody_else_signs_writes_or_deletes_and_the_notary_reaches_no_data(logged: Logged) -> None:
    logged.notarise()
    ground, steps = logged.ground, Steps(logged.ground.local)
    account = str(ground.platform.account)
    administrator = steps.role(allow("*", "*"), account=account)
    signing = {
        "KeyId": EVIDENCE_KEY_ALIAS,
        "Message": b"anything",
        "MessageType": "RAW",
        "SigningAlgorithm": "ED25519_SHA_512",
    }
    kms, s3 = steps.as_role("kms", administrator), steps.as_role("s3", administrator)
    assert refusal_of(lambda: kms.sign(**signing)) == "AccessDeniedException"
    assert refusal_of(lambda: s3.put_object(Bucket=logged.bucket, Key="keys/mine", Body=b"")) == "AccessDenied"
    (version,) = s3.list_object_versions(Bucket=logged.bucket, Prefix=HEAD)["Versions"]
    head = {"Bucket": logged.bucket, "Key": HEAD, "VersionId": version["VersionId"]}
    assert refusal_of(lambda: s3.delete_object(**head)) == "AccessDenied"

    trust = allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{account}:root"})
    del trust["Resource"]
    ground.client("iam").update_assume_role_policy(RoleName=str(NOTARY), PolicyDocument=policy_of(trust))
    notary = steps.as_role("s3", str(notary_role_arn_of(ground.platform.account)))
    hub, log = str(ground.platform.hub_bucket), str(ground.platform.log_bucket)
    for call in (
        lambda: notary.list_objects_v2(Bucket=hub),
        lambda: notary.get_object(Bucket=log, Key="keeper/settings.json"),
        lambda: notary.put_object(Bucket=log, Key="deliveries/x", Body=b""),
        lambda: notary.delete_object(Bucket=logged.bucket, Key=HEAD),
        lambda: notary.delete_object(**head),
    ):
        assert refusal_of(call) == "AccessDenied"


def test_another_key_is_told_and_what_both_have_signed_verifies_once_the_estate_keeps_both(logged: Logged) -> None:
    logged.notarise()
    logged.run("evidence", "key")
    kept = logged.folder / "head.txt"
    logged.run("verify", "--keep", str(kept))
    assert "EX805" not in logged.run("check", "--live", code=1).stdout
    logged.ground.client("cloudformation").delete_stack(StackName=EVIDENCE_STACK)
    wait_until(lambda: EVIDENCE_STACK not in logged.ground.statuses())
    logged.run("deploy")
    logged.add_receipts(3, "a")
    logged.notarise()

    said = "which does not stand in evidence-keys.txt"
    assert "EX805 warning: the log is signed by the key" in logged.run("check", "--live", code=1).stdout
    assert said in logged.run("drift", code=1).stdout
    assert "no key that is known has signed it" in logged.run("verify", code=1).stdout
    assert "1 that signed before stay in it" in logged.run("evidence", "key").stdout
    assert logged.run("drift").stdout.startswith("As deployed")
    found = json.loads(logged.run("verify", "--since", str(kept), "--json").stdout)
    assert (found["heads"], found["receipts"], found["deviations"]) == (2, 3, [])

    stranger = Signer(9, origin_of(logged.ground.platform.evidence_bucket, logged.ground.platform.region))
    forged = Head(found["size"], bytes.fromhex(found["root"]), stranger.verifier).encode(stranger.sign)
    logged.ground.client("s3").put_object(Bucket=logged.bucket, Key=HEAD, Body=forged)
    (deviation,) = json.loads(logged.run("verify", "--json", code=1).stdout)["deviations"]
    assert (deviation["kind"], deviation["what"]) == ("tampered", "no key that is known has signed it")


def test_receipts_that_a_deployed_rule_deletes_are_expired_and_their_card_stays(logged: Logged) -> None:
    logged.run("evidence", "key")
    s3, log = logged.ground.client("s3"), str(logged.ground.platform.log_bucket)
    settings = logged.folder / "exports.yaml"
    old, _ = logged.add_receipts(3, "a", datetime.now(UTC) - timedelta(days=40))
    new, _ = logged.add_receipts(2, "b")
    logged.notarise()
    settings.write_text(settings.read_text() + "  receipts_days: 30\n")
    s3.delete_object(Bucket=log, Key=old)
    assert f"{old}: it was logged, and is gone" in logged.run("verify", code=1).stdout  # declared is not deployed

    said = "it deletes receipts of what was delivered, for good: those older than 30 days, until now kept for ever"
    assert said in logged.run("deploy", code=1).stderr
    logged.run("deploy", "--allow", "forget")
    (rule, _) = s3.get_bucket_lifecycle_configuration(Bucket=log)["Rules"]
    assert (rule["Filter"], rule["Expiration"]) == ({"Prefix": "deliveries/"}, {"Days": 30})
    assert logged.run("drift").stdout.startswith("As deployed")
    logged.notarise()
    found = json.loads(logged.run("verify", "--json").stdout)["deviations"]
    assert [(each["kind"], each["where"]) for each in found] == [("expired by policy", "deliveries/dataset=orders")]
    s3.delete_object(Bucket=log, Key=new)
    assert f"{new}: it was logged, and is gone" in logged.run("verify", code=1).stdout

    where = {"Bucket": log, "Key": card_key_of("orders")}
    card = s3.get_object(**where)
    answer = logged.ground.client("lambda").invoke(FunctionName="export_orders-move", Payload=b'{"task": "sweep"}')
    assert json.loads(answer["Payload"].read())["finished"]
    assert s3.get_object(**where)["LastModified"] == card["LastModified"]
    with mover_survey(logged.ground) as survey:
        wait_until(lambda: datetime.now(UTC) - card["LastModified"] > timedelta(seconds=1))
        assert survey.renew_card(datetime.now(UTC))
    renewed = s3.get_object(**where)
    assert renewed["LastModified"] > card["LastModified"]
    assert renewed["Body"].read() == card["Body"].read()


@contextmanager
def mover_survey(ground: Ground) -> Iterator[Survey]:
    """What the sweep of the dataset sees, in this process, with the rights and the settings that are deployed."""
    role = "export_orders-move"
    trust = allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{ground.platform.account}:root"})
    del trust["Resource"]
    ground.client("iam").update_assume_role_policy(RoleName=role, PolicyDocument=policy_of(trust))
    arn = ground.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    keys = ground.client("sts").assume_role(RoleArn=arn, RoleSessionName="sweep")["Credentials"]
    found = ground.client("lambda").get_function_configuration(FunctionName=role)["Environment"]["Variables"]
    assert found["RECEIPTS_DAYS"] == "30"
    here = {"AWS_REGION": ground.local.region, "AWS_ENDPOINT_URL": ground.local.endpoint_url}
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    settings = read_settings(found | here)
    with closing(
        Transport(region=settings.region, endpoint_url=settings.endpoint_url, connections=1, credentials=credentials)
    ) as transport:
        yield Survey(settings, transport)


def test_a_witness_gets_each_days_head_which_nobody_replaces_and_the_log_is_held_against_it(
    logged: Logged, unique: Callable[[str], str], unique_account: Callable[[], str]
) -> None:
    ground, theirs, bucket = logged.ground, unique_account(), unique("heads")
    s3 = client(ground.local, "s3", account=theirs)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": ground.local.region})
    settings = logged.folder / "exports.yaml"
    place = f'witness: "s3://{bucket}/ours", witness_account: "{theirs}"'
    settings.write_text(settings.read_text().replace("{lock_days: 30}", f"{{lock_days: 30, {place}}}"))
    assert f"s3://{bucket}/ours/" in logged.run("plan").stdout
    logged.run("deploy")
    logged.run("evidence", "key")
    assert logged.notarise()["size"] > 0  # the witness lets nobody in yet, which stops nothing
    assert "access denied" in logged.run("verify", "--witness", f"s3://{bucket}/", code=3).stderr

    assert f"s3://{bucket}/ours/{logged.bucket}/YYYY-MM-DD" in logged.run("evidence", "witness").stdout
    letter = json.loads(logged.run("evidence", "witness", "--json").stdout)
    ours = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ground.platform.account}:root"}}
    reads = {**ours, "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    lists = {**ours, "Action": "s3:ListBucket", "Resource": f"arn:aws:s3:::{bucket}"}
    letter["policy"]["Statement"] += [reads, lists]
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(letter["policy"]))
    assert "the witness keeps no head there" in logged.run("verify", "--witness", f"s3://{bucket}/", code=2).stderr
    logged.notarise()
    (kept,) = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert kept["Key"].rpartition("/")[0] == f"ours/{logged.bucket}"
    head = s3.get_object(Bucket=bucket, Key=kept["Key"])["Body"].read()
    logged.add_receipts(3, "a")
    logged.notarise()
    assert s3.get_object(Bucket=bucket, Key=kept["Key"])["Body"].read() == head
    assert logged.run("drift").stdout.startswith("As deployed")

    trust = allow("sts:AssumeRole", None, Principal={"AWS": f"arn:aws:iam::{ground.platform.account}:root"})
    del trust["Resource"]
    ground.client("iam").update_assume_role_policy(RoleName=str(NOTARY), PolicyDocument=policy_of(trust))
    notary = Steps(ground.local).as_role("s3", str(notary_role_arn_of(ground.platform.account)))
    where = {"Bucket": bucket, "Key": kept["Key"]}
    for call in (
        lambda: notary.put_object(**where, Body=b"another"),
        lambda: notary.get_object(**where),
        lambda: notary.delete_object(**where),
        lambda: notary.put_object(Bucket=bucket, Key="ours/elsewhere", Body=b"", IfNoneMatch="*"),
    ):
        assert refusal_of(call) == "AccessDenied"

    heads = logged.folder / "heads"
    heads.mkdir()
    (heads / "today").write_bytes(head)
    logged.run("verify", "--witness", str(heads))
    logged.run("verify", "--witness", f"s3://{bucket}/ours/")
    (heads / "forged").write_bytes(head.replace(b"\n", b"\n1", 1))
    said = "whoever keeps it was given this: its signature is not of this text"
    assert f"{heads / 'forged'}: {said}" in logged.run("verify", "--witness", str(heads), code=1).stdout


def test_a_bucket_that_was_open_to_replication_is_closed_to_it_by_the_next_deployment(logged: Logged) -> None:
    cloudformation, s3 = logged.ground.client("cloudformation"), logged.ground.client("s3")

    def denied() -> Any:
        policy = json.loads(s3.get_bucket_policy(Bucket=logged.bucket)["Policy"])
        return next(each["Action"] for each in policy["Statement"] if each.get("Sid") == "NotaryAloneWrites")

    closed = ["s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject"]
    assert denied() == closed
    (stack,) = cloudformation.describe_stacks(StackName=EVIDENCE_STACK)["Stacks"]
    body = cloudformation.get_template(StackName=EVIDENCE_STACK)["TemplateBody"]
    template = json.loads(body) if isinstance(body, str) else body
    *_, writes = template["Resources"]["EvidenceBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    writes["Action"] = "s3:PutObject"
    tags = [{**tag, "Value": "0" * 64} if tag["Key"] == DIGEST_TAG else tag for tag in stack["Tags"]]
    cloudformation.update_stack(
        StackName=EVIDENCE_STACK, TemplateBody=json.dumps(template), Tags=tags, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    cloudformation.get_waiter("stack_update_complete").wait(
        StackName=EVIDENCE_STACK, WaiterConfig={"Delay": 1, "MaxAttempts": int(PATIENCE_SECONDS)}
    )
    assert denied() == "s3:PutObject"
    logged.run("deploy")
    assert denied() == closed
    assert logged.run("drift").stdout.startswith("As deployed")


def test_two_at_once_log_each_once(logged: Logged) -> None:
    logged.run("evidence", "key")
    for number in range(40):
        logged.add_receipts(5, f"f{number}")
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: logged.notarise(), range(3)))
    found = json.loads(logged.run("verify", "--json").stdout)
    assert (found["receipts"], found["files"], found["deviations"]) == (200, 40, [])
    assert found["size"] == 246


def test_a_lock_for_good_is_asked_about_once_and_an_estate_without_evidence_has_none(ground: Ground) -> None:
    estate = ground.estate(pull("lists"), evidence=EvidenceLock(30, "compliance"))
    ground.make_users_of(estate)
    with pytest.raises(RefusedError, match=r"locks the evidence so that nobody, AWS neither, can delete it: .*30 days"):
        ground.deploy(estate)
    assert ground.deploy(estate, allow=[Consent.COMPLIANCE]).is_complete
    s3 = ground.client("s3")
    kept = s3.get_object_lock_configuration(Bucket=str(ground.platform.evidence_bucket))["ObjectLockConfiguration"]
    assert kept["Rule"]["DefaultRetention"] == {"Mode": "COMPLIANCE", "Days": 30}
    assert ground.deploy(estate).is_complete
    longer = ground.estate(pull("lists"), evidence=EvidenceLock(31, "compliance"))
    with pytest.raises(RefusedError, match="31 days"):
        ground.deploy(longer)
    without = ground.estate(pull("lists"))
    assert ground.deploy(without).is_complete
    assert "exports-evidence" in ground.statuses()


def test_nothing_differs_after_a_deployment_and_what_is_destroyed_leaves_the_log(logged: Logged) -> None:
    logged.notarise()
    assert "Nothing to do: all 5 stacks are as declared" in logged.run("deploy").stdout
    assert logged.run("drift").stdout.startswith("As deployed: 5 stacks")
    said = logged.run("destroy", "--yes").stdout
    assert "exports-evidence" in said
    assert "exports-evidence" not in logged.ground.statuses()
    assert logged.bucket in logged.ground.buckets()


def test_a_bundle_is_made_with_few_rights_and_verified_without_aws_estate_or_network(
    logged: Logged, tmp_path: Path
) -> None:
    logged.run("evidence", "key")
    git = ("git", "-c", "user.name=Ana", "-c", "user.email=ana@example.gov.uk")
    (declaration,) = (logged.folder / "push_datasets").iterdir()
    declaration.write_text(re.sub("description: .*", "description: now in git", declaration.read_text()))
    for words in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "let Ana in"]):
        subprocess.run([*git, *words], cwd=logged.folder, check=True)
    logged.run("deploy")
    key, _ = logged.add_receipts(3, "a")
    logged.notarise()
    logged.add_receipts(2, "b")
    log, bucket = f"arn:aws:s3:::{logged.ground.platform.log_bucket}", f"arn:aws:s3:::{logged.bucket}"
    rights = (
        allow("s3:ListBucket", log, Condition={"StringLike": {"s3:prefix": "deliveries/dataset=orders/*"}}),
        allow("s3:GetObject", [f"{log}/deliveries/dataset=orders/*", f"{bucket}/*"]),
    )
    role = Steps(logged.ground.local).role(*rights, account=str(logged.ground.platform.account))
    as_auditor = logged.ground.client("sts").assume_role(RoleArn=role, RoleSessionName="auditor")["Credentials"]
    names = {"AccessKeyId": "AWS_ACCESS_KEY_ID", "SecretAccessKey": "AWS_SECRET_ACCESS_KEY"}
    given = {name: as_auditor[of] for of, name in {**names, "SessionToken": "AWS_SESSION_TOKEN"}.items()}
    out = tmp_path / "orders.zip"
    made = json.loads(replace(logged, keys=given).run("evidence", "orders", "--out", str(out), "--json").stdout)
    assert (made["receipts"], made["deployments"], made["not_logged_receipts"]) == (3, 1, 2)

    nobody = tmp_path / "elsewhere"
    nobody.mkdir()
    keys = str(shutil.copy(logged.folder / "evidence-keys.txt", nobody))
    alone = {"PATH": os.environ["PATH"], "HOME": str(nobody), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}

    def verify(*words: str) -> tuple[int, str]:
        done = subprocess.run(
            words, cwd=nobody, env=alone, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS
        )
        return done.returncode, done.stdout + done.stderr

    code, said = verify(EXPORTS, "verify", str(out), "--keys", keys)
    assert (code, said.splitlines()[0].partition(" are in the log ")[0]) == (
        0,
        "3 receipts in 1 file and 1 deployment of orders",
    )
    assert "left out, as not yet logged when the bundle was made: 2 receipts in 1 file" in said
    (program,) = (block.text for block in BLOCKS if block.page == "evidence.md" and block.language == "python")
    public = (logged.folder / "evidence-keys.txt").read_text().strip()
    code, said = verify(sys.executable, "-I", "-c", program, str(out), public)
    assert (code, said[: said.index(" are in")]) == (0, "3 receipts and 1 deployments")
    with zipfile.ZipFile(out) as packed:
        (told,) = json.loads(packed.read("commits.json"))["deployments"]
        assert b"orders/1" in packed.read("receipts.jsonl")
    assert (told["is_named_by_the_deployment"], told["has_this_declaration"], told["subject"]) == (
        True,
        True,
        "let Ana in",
    )

    whole = tmp_path / "whole.zip"
    logged.run("evidence", "bundle", "orders", "--whole-log", "--out", str(whole))
    assert "every leaf of the log is in the bundle" in verify(EXPORTS, "verify", str(whole), "--keys", keys)[1]
    s3, where = logged.ground.client("s3"), {"Bucket": str(logged.ground.platform.log_bucket), "Key": key}
    body = s3.get_object(**where)["Body"].read()
    s3.put_object(**where, Body=gzip.compress(gzip.decompress(body).replace(b"orders/1", b"orders/9")))
    changed = tmp_path / "changed.zip"
    said = logged.run("evidence", "orders", "--out", str(changed), code=1).stderr
    assert f"{key} line 2: it is not the line that was logged" in said
    assert not changed.exists()
    s3.delete_object(**where)
    assert "logged and not there any more" in logged.run("evidence", "orders", "--out", str(changed), code=4).stderr
    assert "NOT IN THE BUNDLE" in verify(EXPORTS, "verify", str(changed), "--keys", keys)[1]
