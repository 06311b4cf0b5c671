"""The evidence's stack: opt-in, its key signs for the notary alone, its bucket is locked, its alarm hears silence."""

import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import data_exports
from data_exports.estate.evidence_lock import EvidenceLock
from data_exports.evidence.function import WITNESS_UNTOLD
from data_exports.names import AccountId
from data_exports.stacks.code import notary_code
from data_exports.stacks.evidence import evidence_stacks
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.push import push_stack
from tests.estates import PLATFORM, push
from tests.unit.stacks.all_stacks import AROUND
from tests.unit.stacks.linted import cfn_lint_on

KEPT = replace(PLATFORM, evidence=EvidenceLock(3650))
(STACK,) = evidence_stacks(KEPT, require_tls=True)
RESOURCES: dict[str, Any] = json.loads(STACK.body)["Resources"]
NOTARY = "arn:aws:iam::593291632749:role/service-role/exports-notary"


def test_a_platform_that_does_not_ask_for_it_has_none_and_its_settings_say_nothing_of_it() -> None:
    assert evidence_stacks(PLATFORM, require_tls=True) == ()
    assert "evidence" not in foundation_stack(PLATFORM, require_tls=True).body
    metadata = json.loads(foundation_stack(KEPT, require_tls=True).body)["Metadata"]["DataExports"]
    assert metadata["platform"]["evidence"] == {"lock_days": 3650, "mode": "governance"}


def test_the_bucket_is_locked_and_kept() -> None:
    bucket = RESOURCES["EvidenceBucket"]
    assert (bucket["DeletionPolicy"], bucket["Properties"]["BucketName"]) == ("Retain", "mojap-hub-exports-evidence")
    assert bucket["Properties"]["ObjectLockEnabled"] is True
    assert bucket["Properties"]["ObjectLockConfiguration"] == {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 3650}},
    }
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    (stack,) = evidence_stacks(replace(PLATFORM, evidence=EvidenceLock(7, "compliance")), require_tls=True)
    assert '"Mode": "COMPLIANCE"' in stack.body


def test_nobody_but_the_notary_writes_into_the_bucket_whatever_a_policy_of_theirs_gives() -> None:
    *_, writes = RESOURCES["EvidenceBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert writes == {
        "Sid": "NotaryAloneWrites",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:PutObject", "s3:ReplicateDelete", "s3:ReplicateObject"],
        "Resource": "arn:aws:s3:::mojap-hub-exports-evidence/*",
        "Condition": {"ArnNotEquals": {"aws:PrincipalArn": NOTARY}},
    }


def test_the_key_signs_for_the_notary_and_for_nobody_whom_a_policy_of_the_account_names() -> None:
    key = RESOURCES["EvidenceKey"]["Properties"]
    assert (key["KeySpec"], key["KeyUsage"]) == ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY")
    administers, signs = key["KeyPolicy"]["Statement"]
    assert administers["Principal"] == {"AWS": "arn:aws:iam::593291632749:root"}
    assert not {"kms:Sign", "kms:*", "kms:CreateGrant"} & set(administers["Action"])
    assert signs["Action"] == ["kms:GetPublicKey", "kms:Sign"]
    assert signs["Condition"] == {"ArnEquals": {"aws:PrincipalArn": NOTARY}}


def test_the_notary_reads_receipts_and_stacks_and_adds_to_its_log() -> None:
    (policy,) = RESOURCES["NotaryRole"]["Properties"]["Policies"]
    given = [(each["Action"], each["Resource"]) for each in policy["PolicyDocument"]["Statement"]]
    log, evidence = "arn:aws:s3:::mojap-hub-exports-log", "arn:aws:s3:::mojap-hub-exports-evidence"
    place = "eu-west-1:593291632749"
    assert given == [
        (["cloudformation:DescribeStacks", "cloudformation:ListStacks"], "*"),
        (["s3:GetObject", "s3:PutObject"], f"{evidence}/*"),
        (["s3:ListBucket"], evidence),
        (["s3:ListBucket"], log),
        (["cloudformation:GetTemplate"], f"arn:aws:cloudformation:{place}:stack/exports-*"),
        (["s3:GetObject"], f"{log}/deliveries/*"),
        (["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{place}:log-group:/aws/lambda/exports-notary:*"),
    ]
    assert policy["PolicyDocument"]["Statement"][3]["Condition"] == {"StringLike": {"s3:prefix": "deliveries/*"}}


def test_it_is_called_every_hour_and_its_silence_is_heard() -> None:
    assert RESOURCES["NotaryHour"]["Properties"]["ScheduleExpression"] == "rate(1 hour)"
    assert RESOURCES["NotaryHour"]["Properties"]["Targets"][0]["Input"] == '{"task": "notarise"}'
    alarm = RESOURCES["EvidenceBehindAlarm"]["Properties"]
    assert (alarm["Period"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (3600, 3, "breaching")
    assert alarm["AlarmActions"] == ["arn:aws:sns:eu-west-1:593291632749:exports-alerts"]


def test_cfn_lint_accepts_it(tmp_path: Path) -> None:
    (tmp_path / "evidence.json").write_text(STACK.body)
    assert cfn_lint_on([str(tmp_path / "evidence.json")]) == ""


def test_the_notarys_zip_holds_what_it_needs_and_starts_without_anything_else(tmp_path: Path) -> None:
    source = Path(data_exports.__file__).parent
    modules = {path for folder in ("contract", "evidence", "notary") for path in (source / folder).rglob("*.py")}
    packed = {f"data_exports/{path.relative_to(source).as_posix()}" for path in modules}
    names = zipfile.ZipFile(io.BytesIO(notary_code().body)).namelist()
    assert set(names) == packed | {"data_exports/__init__.py"}
    file = tmp_path / "notary.zip"
    file.write_bytes(notary_code().body)
    words = [sys.executable, "-S", "-s", "-c", "import data_exports.notary.handler as handler; print(handler.__file__)"]
    done = subprocess.run(words, env={"PYTHONPATH": str(file)}, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(str(file))
    assert RESOURCES["Notary"]["Properties"]["Handler"] == "data_exports.notary.handler.on_event"


def test_receipts_are_forgotten_where_the_platform_says_so_and_nothing_differs_where_it_does_not() -> None:
    def bucket(days: int | None) -> Any:
        body = json.loads(foundation_stack(replace(PLATFORM, receipts_days=days), require_tls=True).body)
        assert body["Metadata"]["DataExports"]["platform"].get("receipts_days") == days
        return body["Resources"]["LogBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]

    (abandoned,) = bucket(None)
    forgotten = {"Id": "ForgetReceipts", "Status": "Enabled", "Prefix": "deliveries/", "ExpirationInDays": 400}
    assert bucket(400) == [forgotten, abandoned]

    def environment(days: int | None) -> Any:
        stack = push_stack(replace(PLATFORM, receipts_days=days), push(), AROUND)
        return json.loads(stack.body)["Resources"]["Mover"]["Properties"]["Environment"]["Variables"]

    assert environment(400) == environment(None) | {"RECEIPTS_DAYS": "400"}


def test_a_witness_is_one_right_more_two_variables_and_an_alarm_and_nothing_else() -> None:
    lock = EvidenceLock(3650, witness="s3://their-heads/ours/", witness_account=AccountId("112233445566"))
    (stack,) = evidence_stacks(replace(PLATFORM, evidence=lock), require_tls=True)
    found: dict[str, Any] = json.loads(stack.body)["Resources"]
    alarm = found.pop("EvidenceWitnessAlarm")
    assert (alarm["Properties"]["MetricName"], alarm["Properties"]["EvaluationPeriods"]) == (WITNESS_UNTOLD, 24)
    variables = found["Notary"]["Properties"]["Environment"]["Variables"]
    assert (variables.pop("WITNESS"), variables.pop("WITNESS_ACCOUNT")) == ("s3://their-heads/ours/", "112233445566")
    (policy,) = found["NotaryRole"]["Properties"]["Policies"]
    (right,) = (each for each in policy["PolicyDocument"]["Statement"] if each["Sid"] == "TellWitness")
    resource = "arn:aws:s3:::their-heads/ours/mojap-hub-exports-evidence/*"
    assert right == {"Sid": "TellWitness", "Effect": "Allow", "Action": ["s3:PutObject"], "Resource": resource}
    policy["PolicyDocument"]["Statement"].remove(right)
    assert found == RESOURCES
    metadata = json.loads(foundation_stack(replace(PLATFORM, evidence=lock), require_tls=True).body)["Metadata"]
    assert metadata["DataExports"]["platform"]["evidence"]["witness"] == "s3://their-heads/ours/"


def test_cfn_lint_accepts_a_witness(tmp_path: Path) -> None:
    lock = EvidenceLock(3650, witness="s3://their-heads/")
    (stack,) = evidence_stacks(replace(PLATFORM, evidence=lock), require_tls=True)
    assert "WITNESS_ACCOUNT" not in stack.body
    assert "arn:aws:s3:::their-heads/mojap-hub-exports-evidence/*" in stack.body
    path = tmp_path / "evidence.json"
    path.write_text(stack.body)
    assert cfn_lint_on([str(path)]) == ""
