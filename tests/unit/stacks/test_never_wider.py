"""Whatever is in the files: what is deployed lets nobody do more than the files say, read by somebody else's eyes.

Good files are mutated at random. Where they still load, every statement in every template is held against an oracle
that reads the same files with another YAML reader (PyYAML's own, without our parser, fields or models) and knows only:

- a sender writes under ``<hub>/<name>/`` and lists there, and reads the receipts of that dataset;
- a user of a pull dataset works in its bucket; an outsider reads there, and writes if `allow_push` says so;
- nobody is named whom the file does not name, no user whom `user_roles` does not cover, nobody else's bucket or key;
- where the file has an `expires`, each of these ends with that day;
- no wildcard stands anywhere but at the end of a resource, no policy variable anywhere.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from data_exports.access.sizes import with_sizes_checked
from data_exports.deploy.plan.planning import stack_of_dataset
from data_exports.estate.models import Dataset, Estate
from data_exports.stacks.stack import Surroundings
from tests.unit.estate.written import PLATFORM, PULL, PUSH, load, write_estate

FILES = {
    "exports.yaml": PLATFORM + '  accounts: {"318604275917": Prison Population Forecasting}\n',
    "push_datasets/a.yaml": PUSH + "expires: 2035-03-31\nkeep_files: false\n",
    "push_datasets/orders.yaml": PUSH.replace("name: orders", "name: orders_private"),
    "pull_datasets/b.yaml": PULL + "allow_push: [False]\n",
    "pull_datasets/c.yaml": PULL.replace("tables", "tables_more") + "allow_push: true\nexpires: 2034-01-01\n",
}
TEXTS = (
    "*",
    "?",
    "${aws:username}",
    "orders",
    "orders_private",
    "tables",
    "true",
    "[True]",
    "[False]",
    "'*'",
    "/",
    "../",
)
ROLES = ("alpha_user_*", "alpha_user_ana", "restricted-admin", "role/*", "user/eve", "arn:aws:iam::754256621582:root")
OTHERS = ("arn:aws:iam::318604275917:root", "mojap-hub-exports", "arn:aws:s3:::", "2040-01-01", "-", "null", "é")
LINES = ("expires: 2040-01-01\n", "allow_push: true\n", "allow_push: [True]\n", "bucket: other\n", "name: x\n")
MARKS = ("\n", "  ", "- ", "#", "&a ", "*a", "<<: ", "!!str ", "|", "---\n", "\u202e", "\x00", '"', "[", "{", ",")
PIECES = st.sampled_from([*TEXTS, *ROLES, *OTHERS, *LINES, "users: [alpha_user_eve]\n", *MARKS])
WRITES = {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"}
READS = {"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"}
OUTSIDER_WRITES = {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"}
S3 = "arn:aws:s3:::"


@st.composite
def mutated(draw: st.DrawFn) -> dict[str, str]:
    """The files, some of them with a few random slips."""
    files = dict(FILES)
    for _ in range(draw(st.integers(0, 4))):
        name = draw(st.sampled_from(sorted(files)))
        lines = files[name].splitlines(keepends=True) or [""]
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.sampled_from(["drop", "double", "take", "piece", "piece", "swap", "indent"])):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "take":  # a line of another file
                other = files[draw(st.sampled_from(sorted(files)))].splitlines(keepends=True) or [""]
                lines.insert(at, draw(st.sampled_from(other)))
            case "swap":
                lines.insert(0, lines.pop(at))
            case "indent":
                lines[at] = " " * draw(st.integers(1, 4)) + lines[at]
            case _:
                start = draw(st.integers(0, len(lines[at])))
                end = draw(st.integers(start, min(len(lines[at]), start + draw(st.sampled_from([0, 1, 8])))))
                lines[at] = lines[at][:start] + draw(PIECES) + lines[at][end:]
        files[name] = "".join(lines)
    return files


def _loaded(folder: Path, files: dict[str, str]) -> Estate | None:
    write_estate(folder)
    for name, text in files.items():
        (folder / name).write_bytes(text.encode(errors="surrogatepass"))
    return with_sizes_checked(load(folder)).estate


def _statements(estate: Estate, dataset: Dataset) -> Iterator[tuple[str, list[str], dict[str, Any]]]:
    """Kind of carrier, roles that carry it, statement: every one that a dataset's stack puts into IAM or S3."""
    template = json.loads(stack_of_dataset(estate, dataset, Surroundings("code/x.zip")).body)
    for resource in template["Resources"].values():
        about = resource.get("Properties", {})
        documents: list[tuple[str, list[str], dict[str, Any]]]
        match resource["Type"]:
            case "AWS::IAM::Role":
                documents = [("mover", [], each["PolicyDocument"]) for each in about["Policies"]]
            case "AWS::IAM::Policy":
                documents = [("users", about["Roles"], about["PolicyDocument"])]
            case "AWS::S3::BucketPolicy":
                documents = [("bucket", [], about["PolicyDocument"])]
            case other:
                assert not other.startswith("AWS::IAM::"), other
                continue
        for kind, roles, document in documents:
            yield from ((kind, roles, each) for each in document["Statement"] if each["Effect"] == "Allow")


def _is_true(value: object) -> bool:
    return (value[0] if isinstance(value, list) else value) in {"true", "True", "TRUE"}


def check_no_wider(files: dict[str, str], estate: Estate) -> None:
    """Hold everything that would be deployed against the oracle."""
    raw: dict[str, Any] = {name: yaml.load(text, yaml.BaseLoader) for name, text in files.items()}
    platform = raw["exports.yaml"]["platform"]
    by_name = {each["name"]: (path.split("/")[0], each) for path, each in raw.items() if path != "exports.yaml"}
    assert {str(dataset.name) for dataset in estate.datasets()} == set(by_name)
    for dataset in estate.datasets():
        folder, declared = by_name[str(dataset.name)]
        for kind, roles, statement in _statements(estate, dataset):
            _check_shape(statement)
            assert set(roles) <= set(declared["users"])
            assert all(any(fnmatchcase(role, each) for each in platform["user_roles"]) for role in roles)
            if kind != "mover":
                _check_end(statement, declared)
            if kind == "bucket":
                _check_principals(statement, declared, platform)
            prefix = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "")
            allowed = _allowed(kind, folder, declared, platform)
            for resource, actions in _pairs(statement):
                assert actions <= allowed.get((resource, prefix), set()), (kind, resource, prefix, actions)


def _pairs(statement: dict[str, Any]) -> Iterator[tuple[str, set[str]]]:
    """Each resource with the actions that its service knows: no two share a service, and no action is left."""
    actions, resources = set(statement["Action"]), statement["Resource"]
    if isinstance(resources, str):
        yield resources, actions
        return
    services = [resource.split(":")[2] for resource in resources]
    assert len(set(services)) == len(services)
    assert {action.split(":")[0] for action in actions} == set(services)
    for service, resource in zip(services, resources, strict=True):
        yield resource, {action for action in actions if action.startswith(f"{service}:")}


def _allowed(kind: str, folder: str, declared: Any, platform: Any) -> dict[tuple[str, str], set[str]]:
    """Resource and prefix of its keys → the actions that may be allowed."""
    name, hub = declared["name"], S3 + platform["hub_bucket"]
    receipts = f"deliveries/dataset={name}/*"
    if folder == "push_datasets" and kind == "users":
        return {
            (f"{hub}/{name}/*", ""): WRITES,
            (hub, f"{name}/*"): {"s3:ListBucket"},
            (f"{hub}-log/{receipts}", ""): {"s3:GetObject"},
            (f"{hub}-log", receipts): {"s3:ListBucket"},
            (f"arn:aws:sqs:{platform['region']}:{platform['account']}:export_{name}-DLQ", ""): {
                "sqs:GetQueueAttributes"
            },
        }
    if folder == "pull_datasets":
        bucket = S3 + platform["pull_bucket_prefix"] + name.replace("_", "-")
        users = {"s3:ListMultipartUploadParts", "s3:RestoreObject"} | READS | WRITES | OUTSIDER_WRITES
        outsiders = READS | (OUTSIDER_WRITES if _is_true(declared.get("allow_push")) else set())
        return {
            (bucket, ""): {"s3:ListBucket", "s3:ListBucketVersions"},
            (f"{bucket}/*", ""): users if kind == "users" else outsiders,
        }
    return _allowed_to_mover(name, hub, declared, platform)


def _allowed_to_mover(name: str, hub: str, declared: Any, platform: Any) -> dict[tuple[str, str], set[str]]:
    target = S3 + (declared.get("target_bucket") or declared["bucket"])
    queue = f"arn:aws:sqs:{platform['region']}:{platform['account']}:export_{name}"
    topic = f"arn:aws:sns:{platform['region']}:{platform['account']}:exports-alerts"
    kept = "copy" if _is_true(declared.get("keep_files")) else "move"
    log = f"arn:aws:logs:{platform['region']}:{platform['account']}:log-group:/aws/lambda/export_{name}-{kept}:*"
    any_of_sqs = {f"sqs:{each}Message" for each in ("Send", "Receive", "Delete")}
    any_of_sqs |= {"sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}
    retire = set() if kept == "copy" else {"s3:DeleteObject"}
    reads = READS | {"s3:GetObjectAttributes"}
    checkpoints = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    return {
        (f"{hub}/{name}/*", ""): reads | retire,
        (hub, f"{name}/*"): {"s3:ListBucket", "s3:ListBucketVersions"},
        (hub, ""): set() if kept == "copy" else {"s3:GetBucketVersioning"},
        (f"{target}/{name}/*", ""): WRITES | {"s3:PutObjectAcl", "s3:ListMultipartUploadParts"},
        (target, ""): {"s3:ListBucketMultipartUploads"},
        (f"{hub}-log/deliveries/dataset={name}/*", ""): {"s3:GetObject", "s3:PutObject"},
        (f"{hub}-log", f"deliveries/dataset={name}/*"): {"s3:ListBucket"},
        (f"{hub}-log/checkpoints/dataset={name}/*", ""): checkpoints,
        (f"{hub}-log", f"checkpoints/dataset={name}/*"): {"s3:ListBucket"},
        (queue, ""): any_of_sqs,
        (f"{queue}-DLQ", ""): any_of_sqs,
        (log, ""): {"logs:CreateLogStream", "logs:PutLogEvents"},
        (declared.get("target_kms_key", "-"), ""): {"kms:Decrypt", "kms:GenerateDataKey"},
        (topic, ""): {"sns:Publish"},
        (f"{topic}-{name.replace('_', '-')}", ""): {"sns:Publish"},
    }


def _check_shape(statement: dict[str, Any]) -> None:
    """Wildcards only where keys end, and no policy variables."""
    resources = [resource for resource, _ in _pairs(statement)]
    conditions = statement.get("Condition", {})
    prefixes = [conditions["StringLike"]["s3:prefix"]] if "StringLike" in conditions else []
    arns = conditions.get("ArnEquals", {}).get("aws:PrincipalArn", [])
    through_s3 = {"StringEquals"} if resources[0].startswith("arn:aws:kms:") else set()
    assert set(conditions) - {"StringLike", "ArnEquals", "DateLessThan"} == through_s3
    if through_s3:  # a key is used through S3 alone
        assert conditions["StringEquals"].keys() == {"kms:ViaService"}
        assert conditions["StringEquals"]["kms:ViaService"].startswith("s3.")
    for text in (*resources, *prefixes):
        assert not set(re.sub(r"[/:]\*$", "", text)) & set("*?$"), text
    for text in (*statement["Action"], *arns, *statement.get("Principal", {}).get("AWS", [])):
        assert not set(text) & set("*?$"), text


def _check_end(statement: dict[str, Any], declared: Any) -> None:
    end = statement.get("Condition", {}).get("DateLessThan", {}).get("aws:CurrentTime")
    if "expires" in declared:
        assert end == f"{date.fromisoformat(declared['expires']) + timedelta(days=1)}T00:00:00Z"
    else:
        assert end is None


def _check_principals(statement: dict[str, Any], declared: Any, platform: Any) -> None:
    """Named roles only, or an account that the platform lists."""
    named = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn")
    roots = statement["Principal"]["AWS"]
    if named:
        assert set(named) <= set(declared["pull_arns"])
        assert {root.split(":")[4] for root in roots} == {arn.split(":")[4] for arn in named}
    else:
        assert set(roots) <= set(declared["pull_arns"])
        assert {root.split(":")[4] for root in roots} <= set(platform.get("accounts", {}))


@given(mutated())
def test_mutated_files_give_findings_or_no_wider_access_than_they_declare(files: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        estate = _loaded(Path(folder), files)
    if estate is not None:
        check_no_wider(files, estate)


def test_the_good_files_load_and_pass_so_that_the_mutations_are_of_something(tmp_path: Path) -> None:
    estate = _loaded(tmp_path, FILES)
    assert estate is not None
    check_no_wider(FILES, estate)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("push_datasets/a.yaml", "name: orders", "name: orders_other"),
        ("push_datasets/a.yaml", "expires: 2035-03-31", "expires: 2034-03-31"),
        ("push_datasets/a.yaml", "[alpha_user_ana]", "[alpha_user_ben]"),
        ("push_datasets/a.yaml", "orders-landing", "other-landing"),
        ("pull_datasets/c.yaml", "allow_push: true", "allow_push: false"),
        ("pull_datasets/c.yaml", "role/reader", "role/other"),
        ("exports.yaml", "[alpha_user_*]", "[alpha_user_b*]"),
        ("exports.yaml", "mojap-hub-exports", "mojap-hub-other"),
    ],
)
def test_the_oracle_sees_an_access_that_the_files_do_not_declare(file: str, old: str, new: str, tmp_path: Path) -> None:
    estate = _loaded(tmp_path, FILES)
    assert estate is not None
    assert old in FILES[file]
    with pytest.raises(AssertionError):
        check_no_wider({**FILES, file: FILES[file].replace(old, new)}, estate)
