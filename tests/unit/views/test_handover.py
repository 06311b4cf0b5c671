"""The handover in its four forms: what it says is what the grants need, and declared texts stay texts."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import hcl2
import pytest
import yaml

from data_exports.access.handover import outsider_policy, route_of
from data_exports.errors import RefusedError, UsageError
from data_exports.estate.models import Dataset, PullDataset, PushDataset
from data_exports.local.world import bucket_of, s3_destination_of
from data_exports.names import AccountRootArn, RoleArn, UserArn
from data_exports.operate.handover.halves import AttachTo, Half, Reading, Receiving, halves_of, owner_of
from data_exports.views.handover.cloudformation import cloudformation_of
from data_exports.views.handover.data import handover_as_data
from data_exports.views.handover.letter import letter_of
from data_exports.views.handover.terraform import terraform_of
from tests.estates import FULL, KEY, LOADER, PLATFORM, READER, at_s3, estate_of, pull, push
from tests.json_data import json_data
from tests.unit.stacks.linted import cfn_lint_on

SSO = RoleArn(
    "arn:aws:iam::754256621582:role/aws-reserved/sso.amazonaws.com/eu-west-2/AWSReservedSSO_x_0123456789abcdef"
)
USER = UserArn("arn:aws:iam::754256621582:user/old/loader")
WHOLE = AccountRootArn("arn:aws:iam::754256621582:root")
EVERY_KIND = pull("mixed", outsiders=(READER, SSO, USER, WHOLE))
HOSTILE = '"}\n*/ # ${file("x")} %{ if true } \\ $${y} --- : | &a *a !!python \u2028 <script>'


def halves(dataset: Dataset, *others: Dataset, account: str = "") -> tuple[Half, ...]:
    return halves_of(estate_of(dataset, *others), dataset, account=account)


def facts_of(found: Half) -> Any:
    (facts,) = json_data(handover_as_data([found]))["handovers"]
    return facts


def half(dataset: Dataset, *others: Dataset) -> Half:
    (only,) = halves(dataset, *others)
    return only


def push_named(name: str) -> PushDataset:
    return next(each for each in FULL.push_datasets if each.name == name)


def plain(parsed: Any) -> Any:
    """What a Terraform file holds, as plain values; its strings have JSON's escapes."""
    if isinstance(parsed, dict):
        return {plain(key): plain(value) for key, value in parsed.items() if not str(key).startswith("__")}
    if isinstance(parsed, list):
        return [plain(each) for each in parsed]
    is_string = isinstance(parsed, str) and parsed.startswith('"')
    return json.loads(parsed) if is_string else parsed


def terraform(of: Half) -> dict[str, Any]:
    parsed: dict[str, Any] = plain(hcl2.loads(terraform_of(of)))
    return parsed


def test_a_push_dataset_is_handed_over_to_the_owner_of_its_bucket() -> None:
    found = half(push("hearings"), push("outcomes"), push("elsewhere", destination=at_s3("other-bucket")))
    assert isinstance(found, Receiving)
    assert (owner_of(found), found.theirs.facts.bucket_policy_also_serves) == ("754256621582", ("outcomes",))
    assert found.mover_role == "arn:aws:iam::593291632749:role/service-role/export_hearings-move"
    assert (found.theirs.facts.arrives_under, found.theirs.probe_object) == (
        "s3://cp-hearings/hearings/",
        "s3://cp-hearings/hearings/.exports-probe",
    )
    assert [each["Sid"] for each in found.theirs.facts.statements] == ["ReceiveHearings"]
    assert [each["Sid"] for each in found.theirs.facts.bucket_policy["Statement"]] == [
        "ReceiveHearings",
        "ReceiveOutcomes",
    ]


def test_a_pull_dataset_is_handed_over_account_by_account() -> None:
    dataset = pull("case_notes", outsiders=(READER, LOADER))
    first, second = halves(dataset)
    assert [
        (owner_of(each), [r.arn for r in each.readers]) for each in (first, second) if isinstance(each, Reading)
    ] == [
        ("112233445566", [LOADER]),
        ("754256621582", [READER]),
    ]
    assert halves(dataset, account="112233445566") == (first,)
    assert isinstance(first, Reading)
    assert first.readers[0].policy == outsider_policy(estate_of(dataset), dataset, LOADER)


def test_an_account_without_a_part_in_the_dataset_is_a_usage_error_that_names_those_that_have() -> None:
    with pytest.raises(UsageError, match="no handover for account '999988887777'") as stopped:
        halves(pull("case_notes", outsiders=(READER, LOADER)), account="999988887777")
    assert stopped.value.next_step == "its other side is: 112233445566, 754256621582"
    with pytest.raises(UsageError, match="leave --account out"):
        halves(push(destination=at_s3(account=None)), account="999988887777")


def test_each_kind_of_outsider_has_the_thing_its_policy_is_put_on() -> None:
    found = half(EVERY_KIND)
    assert isinstance(found, Reading)
    assert [reader.attach_to for reader in found.readers] == [
        AttachTo.ITSELF,
        AttachTo.PERMISSION_SET,
        AttachTo.ITSELF,
        AttachTo.OWN_CHOICE,
    ]


@pytest.mark.parametrize("name", ["hearings", "prison_moves", "sealed-files"])
def test_terraform_holds_the_very_policies_and_attaches_them_only_on_the_owners_word(name: str) -> None:
    dataset = push_named(name)
    (found,) = halves_of(FULL, dataset)
    parsed = terraform(found)
    settings = {key: value for block in parsed["locals"] for key, value in block.items()}
    route = route_of(FULL, dataset)
    wanted: dict[str, Any] = {f"export_{name}_bucket_policy": route.policy}
    if s3_destination_of(dataset).kms_key:
        wanted[f"export_{name}_key_statements"] = list(route.statements["Encrypt"])
    assert settings == wanted
    assert [set(each) for each in parsed["variable"]] == [
        {f"export_{name}_bucket_has_no_other_policy"},
        {f"export_{name}_bucket_has_no_other_lifecycle_rules"},
    ]
    assert not any("default" in body for each in parsed["variable"] for body in each.values())
    policy, lifecycle = (body[f"export_{name}"] for each in parsed["resource"] for body in each.values())
    assert policy == {
        "count": f"${{var.export_{name}_bucket_has_no_other_policy ? 1 : 0}}",
        "bucket": "cp-hearings",
        "policy": f"${{jsonencode(local.export_{name}_bucket_policy)}}",
    }
    assert lifecycle["rule"][0]["filter"] == [{"prefix": f"{name}/"}]


def test_terraform_attaches_to_roles_and_users_and_leaves_the_rest_to_the_owner() -> None:
    found = half(EVERY_KIND)
    parsed = terraform(found)
    assert isinstance(found, Reading)
    settings = {key: value for block in parsed["locals"] for key, value in block.items()}
    assert settings == {f"export_mixed_{n}_policy": reader.policy for n, reader in enumerate(found.readers, start=1)}
    assert parsed["resource"] == [
        {
            "aws_iam_role_policy": {
                "export_mixed_1": {
                    "name": "pull-mixed",
                    "role": "irsa-reader",
                    "policy": "${jsonencode(local.export_mixed_1_policy)}",
                }
            }
        },
        {
            "aws_iam_user_policy": {
                "export_mixed_3": {
                    "name": "pull-mixed",
                    "user": "loader",
                    "policy": "${jsonencode(local.export_mixed_3_policy)}",
                }
            }
        },
    ]


def test_cloudformation_holds_the_very_policies_and_is_accepted_by_cfn_lint(tmp_path: Path) -> None:
    written = []
    datasets: list[Dataset] = [*FULL.push_datasets, FULL.pull_datasets[0], EVERY_KIND]
    for number, dataset in enumerate(datasets):
        estate = FULL if dataset is not EVERY_KIND else estate_of(EVERY_KIND)
        for found in halves_of(estate, dataset):
            file = tmp_path / f"{number}-{owner_of(found)}.yaml"
            file.write_text(cloudformation_of(found))
            written.append(str(file))
    assert len(written) == 6
    assert cfn_lint_on(written) == ""
    sealed = push_named("sealed-files")
    template = yaml.safe_load(cloudformation_of(halves_of(FULL, sealed)[0]))
    assert template["Resources"]["ReceivePolicy"]["Properties"] == {
        "Bucket": "cp-hearings",
        "PolicyDocument": route_of(FULL, sealed).policy,
    }
    assert template["Metadata"]["DataExports"]["StatementsToAddToTheKeyPolicy"] == list(
        route_of(FULL, sealed).statements["Encrypt"]
    )


def test_cloudformation_says_what_is_put_in_place_by_hand() -> None:
    template = yaml.safe_load(cloudformation_of(half(EVERY_KIND)))
    by_hand = template["Metadata"]["DataExports"]["PoliciesToPutInPlaceByHand"]
    assert [(each["For"], each["AttachTo"]) for each in by_hand] == [
        (SSO, "the role's permission set"),
        (WHOLE, "roles of the account's choice"),
    ]
    assert {key: each["Type"] for key, each in template["Resources"].items()} == {
        "Reader1": "AWS::IAM::RolePolicy",
        "Reader2": "AWS::IAM::UserPolicy",
    }


@pytest.mark.parametrize("write", [terraform_of, cloudformation_of])
def test_a_form_that_could_attach_nothing_is_refused(write: Any) -> None:
    with pytest.raises(RefusedError, match="can attach nothing to what court_lists names in account 754256621582"):
        write(half(pull(outsiders=(SSO, WHOLE))))


def test_no_form_lets_a_declared_text_out_of_its_place() -> None:
    platform = replace(PLATFORM, account_names=((PLATFORM.account, HOSTILE),))
    texts: dict[str, Any] = {"description": HOSTILE, "owner": HOSTILE, "paperwork": (HOSTILE, HOSTILE)}
    calm: dict[str, Any] = {"description": "d", "owner": "o", "paperwork": ("p",)}
    for make in (push, pull):
        hostile, harmless = make(**texts), make(**calm)
        (bad,) = halves_of(estate_of(hostile, platform=platform), hostile)
        (good,) = halves_of(estate_of(harmless), harmless)
        assert terraform(bad) == terraform(good)
        assert yaml.safe_load(cloudformation_of(bad)) == yaml.safe_load(cloudformation_of(good))
        assert all(mark.isprintable() or mark == "\n" for mark in letter_of(bad) + terraform_of(bad))
        assert facts_of(bad)["description"] == HOSTILE


def test_nothing_in_a_handover_is_a_wildcard_but_keys() -> None:
    for dataset in FULL.datasets():
        for found in halves_of(FULL, dataset):
            statements = (
                found.theirs.facts.bucket_policy["Statement"]
                if isinstance(found, Receiving)
                else [each for reader in found.readers for each in reader.policy["Statement"]]
                if isinstance(found, Reading)
                else []
            )
            for statement in statements:
                assert "*" not in statement["Resource"].removesuffix("/*")
                assert not any("*" in action for action in statement["Action"])


def test_the_letter_to_a_recipient_asks_for_all_that_is_needed_and_no_more() -> None:
    dataset = push_named("sealed-files")
    letter = letter_of(halves_of(FULL, dataset)[0])
    assert letter.startswith("Subject: Data export sealed-files: please let it into your bucket cp-hearings\n")
    assert f"policy of the key\n   {KEY}" in letter or f"policy of the key {KEY}" in letter
    assert "4. Tell us the account (12 digits) that owns cp-hearings." in letter
    usual = letter_of(half(push(expires=date(2027, 3, 31), owner="Courts", description="Lists\nof hearings")))
    assert "the key" not in usual
    assert "3." not in usual
    assert '    what it is:         "Lists of hearings"\n    who answers for it: "Courts"\n' in usual
    assert "    until:              the last day is 2027-03-31, in UTC; IAM itself ends it\n" in usual


def test_the_letter_to_a_reader_says_how_to_use_the_bucket_and_how_a_pods_role_is_found() -> None:
    letter = letter_of(half(EVERY_KIND))
    assert "    aws s3 sync s3://mojap-mixed/ mixed/ --region eu-west-1\n" in letter
    assert '    s3 = boto3.client("s3", region_name="eu-west-1")\n' in letter
    assert "aws s3 cp" not in letter
    assert "eks\\.amazonaws\\.com/role-arn" in letter
    assert "4. Our half lets in your account as a whole." in letter
    assert "aws s3 cp FILE s3://mojap-mixed/" in letter_of(half(replace(EVERY_KIND, allow_push=True)))


def test_every_letter_names_the_contact_and_no_program_that_its_reader_does_not_have() -> None:
    for dataset in FULL.datasets():
        for found in halves_of(FULL, dataset):
            letter = letter_of(found)
            assert "    whom to ask:        exports@example.gov.uk\n" in letter
            assert "ell us (exports@example.gov.uk)" in letter
            assert "`exports " not in letter
            assert facts_of(found)["contact"] == "exports@example.gov.uk"
            assert "# Whom to ask: exports@example.gov.uk\n" in terraform_of(found)
            if isinstance(found, Receiving):
                under = f"s3://{bucket_of(dataset)}/{dataset.name}/" if isinstance(dataset, PushDataset) else ""
                assert f"\n    aws s3 ls {under} --recursive" in letter
            else:
                assert f"\n    aws s3 ls s3://{found.bucket}/ --region eu-west-1\n" in letter
    dataset = push()
    (unnamed,) = halves_of(estate_of(dataset, platform=replace(PLATFORM, contact="")), dataset)
    nobody = letter_of(unnamed)
    assert "whom to ask" not in nobody
    assert "\nTell us when it is done. We then try" in nobody


def test_the_terraform_says_which_provider_knows_what_it_uses() -> None:
    for found in (half(push()), half(pull())):
        (block,) = terraform(found)["terraform"]
        assert block["required_providers"] == [{"aws": {"source": "hashicorp/aws", "version": ">= 4.0"}}]


def test_the_lines_of_a_letter_fit_a_mail() -> None:
    for dataset in FULL.datasets():
        prose = [
            line
            for found in halves_of(FULL, dataset)
            for line in letter_of(found).splitlines()
            if not line.startswith(" " * 4) and "arn:aws" not in line
        ]
        assert [line for line in prose if len(line) > 100] == []


def test_programs_get_the_same_facts() -> None:
    facts = facts_of(halves_of(FULL, push_named("hearings"))[0])
    assert {key: facts[key] for key in ("kind", "account", "mover_role", "target_bucket", "arrives_under")} == {
        "kind": "push",
        "account": "754256621582",
        "mover_role": "arn:aws:iam::593291632749:role/service-role/export_hearings-move",
        "target_bucket": "cp-hearings",
        "arrives_under": "s3://cp-hearings/hearings/",
    }
    pulled: PullDataset = FULL.pull_datasets[0]
    assert facts_of(halves_of(FULL, pulled, account="112233445566")[0])["readers"] == [
        {"arn": LOADER, "attach_to": "the role or user itself", "policy": outsider_policy(FULL, pulled, LOADER)}
    ]


def test_what_is_longer_than_a_line_of_the_letter_is_not_broken() -> None:
    link = f"https://example.gov.uk/{'x' * 100}"
    long = push("d" * 40, destination=at_s3("b" * 63), paperwork=(link,))
    lines = letter_of(half(long)).splitlines()
    words = {word for line in lines for word in line.split()}
    there = f"s3://{'b' * 63}/{'d' * 40}"
    assert {f'"{link}"', f"{there}/PATH,", f"{there}/.exports-probe,"} <= words
