"""What may be deployed of an estate's files, by somebody else's eyes: no parser, field, model or grant of the product.

In: the texts of the files, read by PyYAML's own reader, and the templates of datasets. Out: nothing, or an
`AssertionError` for whatever lets anybody do more than the files say. It knows only:

- a sender writes under ``<hub>/<name>/`` and lists there, and reads the receipts of that dataset;
- a mover reads and retires there, and writes under ``<name>/`` of the recipient's own bucket. Where the recipient is in
  another cloud it has no bucket of S3, and asks for tokens instead: for that recipient alone, for five minutes;
- a user of a pull dataset works in its bucket; an outsider reads there, and writes if `allow_push` says so;
- a reader outside AWS reads there in a role of its own, which tokens of this one issuer, audience and subject assume,
  or the SFTP server for this one user, who hands in files below ``incoming/`` only;
- nobody is named whom the file does not name, no user whom `user_roles` does not cover, nobody else's bucket or key;
- where the file has an `expires`, each of these ends with that day;
- no wildcard stands anywhere but at the end of a resource, no policy variable anywhere. Two exceptions are pinned:
  tokens, of which IAM knows no resource, whole; and the id of the SFTP server, which nobody knows before it is there.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import Any

import yaml

from data_exports.deploy.plan.planning import stack_of_dataset
from data_exports.estate.models import Estate
from data_exports.stacks.stack import Surroundings

WRITES = {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectTagging"}
READS = {"s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion", "s3:GetObjectVersionTagging"}
OUTSIDER_WRITES = {"s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"}
S3 = "arn:aws:s3:::"
ROLE_PROPERTIES = {
    "AssumeRolePolicyDocument",
    "Description",
    "MaxSessionDuration",
    "Path",
    "Policies",
    "RoleName",
}
"""No managed policy among them, and no second trust."""
HOUR = 3600

Document = dict[str, Any]
Allowed = dict[tuple[str, str], set[str]]
"""Resource and prefix of its keys → the actions that may be allowed."""


def as_it_is(body: str) -> str:
    """The template that the product makes."""
    return body


def check_no_wider(files: dict[str, str], estate: Estate, changed: Callable[[str], str] = as_it_is) -> None:
    """Hold everything that would be deployed against the files; templates may be `changed` before."""
    raw: dict[str, Any] = {name: yaml.load(text, yaml.BaseLoader) for name, text in files.items()}
    platform = raw["exports.yaml"]["platform"]
    by_name = {each["name"]: (path.split("/")[0], each) for path, each in raw.items() if path != "exports.yaml"}
    assert {str(dataset.name) for dataset in estate.datasets()} == set(by_name)
    for dataset in estate.datasets():
        folder, declared = by_name[str(dataset.name)]
        template = json.loads(changed(stack_of_dataset(estate, dataset, Surroundings("code/x.zip")).body))
        trusts = {} if folder == "push_datasets" else _trusts_of_readers(declared, platform)
        names = _check_roles(template, folder, declared, trusts)
        _check_sftp_users(template, declared, platform, names)
        for kind, roles, statement in _statements(template, names):
            if folder == "push_datasets" and statement["Action"] == ["sts:GetWebIdentityToken"]:
                assert _without_sid(statement) == _token_statement(declared)
                continue
            _check_statement(kind, roles, statement, folder, declared, platform)
        if folder == "push_datasets":
            asked = sum(
                statement["Action"] == ["sts:GetWebIdentityToken"] for *_, statement in _statements(template, names)
            )
            assert asked == (0 if _target_bucket(declared) else 1)


def _check_statement(
    kind: str, roles: list[str], statement: Document, folder: str, declared: Any, platform: Any
) -> None:
    _check_shape(statement)
    assert set(roles) <= set(declared["users"])
    assert all(any(fnmatchcase(role, each) for each in platform["user_roles"]) for role in roles)
    hub = S3 + platform["hub_bucket"]
    prefix = statement.get("Condition", {}).get("StringLike", {}).get("s3:prefix", "")
    if kind != "mover" or not all(_is_of_records(each, prefix, hub) for each, _ in _pairs(statement)):
        _check_end(statement, declared)
    if kind == "bucket":
        _check_principals(statement, declared, platform)
    allowed = _allowed(kind, folder, declared, platform)
    for resource, actions in _pairs(statement):
        assert actions <= allowed.get((resource, prefix), set()), (kind, resource, prefix, actions)


def _is_true(value: object) -> bool:
    return (value[0] if isinstance(value, list) else value) in {"true", "True", "TRUE"}


def _target_bucket(declared: Any) -> str:
    return str(declared.get("target_bucket") or declared.get("bucket") or "")


def _without_sid(statement: Document) -> Document:
    return {name: value for name, value in statement.items() if name != "Sid"}


def _end_of(declared: Any) -> dict[str, Any]:
    """The condition that ends an access; none where the file has no `expires`."""
    if "expires" not in declared:
        return {}
    end = date.fromisoformat(declared["expires"]) + timedelta(days=1)
    return {"DateLessThan": {"aws:CurrentTime": f"{end}T00:00:00Z"}}


# --- who carries what -------------------------------------------------------------------------------------------------


def _statements(template: Document, kinds: dict[str, str]) -> Iterator[tuple[str, list[str], Document]]:
    """Kind of carrier, roles that carry it, statement: every one that a dataset's stack puts into IAM or S3."""
    for name, resource in template["Resources"].items():
        about = resource.get("Properties", {})
        documents: list[tuple[str, list[str], Document]]
        match resource["Type"]:
            case "AWS::IAM::Role":
                documents = [(kinds[name], [], each["PolicyDocument"]) for each in about["Policies"]]
            case "AWS::IAM::Policy":
                assert not {"Groups", "Users"} & set(about)
                documents = [("users", about["Roles"], about["PolicyDocument"])]
            case "AWS::S3::BucketPolicy":
                documents = [("bucket", [], about["PolicyDocument"])]
            case other:
                assert not other.startswith("AWS::IAM::"), other
                continue
        for kind, roles, document in documents:
            yield from ((kind, roles, each) for each in document["Statement"] if each["Effect"] == "Allow")


def _check_roles(template: Document, folder: str, declared: Any, trusts: dict[str, Document]) -> dict[str, str]:
    """Every role, by its name in the template: what it is for. Each reader has one, and nobody else."""
    kinds = {}
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        about = resource["Properties"]
        assert set(about) <= ROLE_PROPERTIES
        assert about.get("MaxSessionDuration", HOUR) <= HOUR
        (trust,) = map(_without_sid, about["AssumeRolePolicyDocument"]["Statement"])
        if folder == "push_datasets":
            service = {"Service": "lambda.amazonaws.com"}
            assert trust == {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service}
            kinds[name] = "mover"
        else:
            assert about["RoleName"].startswith(f"export_{declared['name']}-pull-")
            kinds[name] = (
                next(kind for kind, expected in trusts.items() if expected == trust) if trust in trusts.values() else ""
            )
            assert kinds[name], trust
    assert sorted(kinds.values()) == (["mover"] if folder == "push_datasets" else sorted(trusts))
    return kinds


def _trusts_of_readers(declared: Any, platform: Any) -> dict[str, Document]:
    """Each reader that the file names, as ``kind number``, and the one statement by which its role lets it in."""
    found = {}
    for number, entry in enumerate(declared.get("pull_identities", [])):
        ((kind, parts),) = entry.items()
        host, pinned = _tokens_of(kind, parts)
        known = host if host == "accounts.google.com" else f"arn:aws:iam::{platform['account']}:oidc-provider/{host}"
        found[f"{kind} {number}"] = {
            "Effect": "Allow",
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": {"Federated": known},
            "Condition": {"StringEquals": {f"{host}:{key}": value for key, value in pinned.items()}}
            | _end_of(declared),
        }
    for number, entry in enumerate(declared.get("sftp_readers", [])):
        user = f"arn:aws:transfer:{platform['region']}:{platform['account']}:user/*/{entry['name']}"
        found[f"sftp {number}"] = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "transfer.amazonaws.com"},
            "Condition": {
                "ArnLike": {"aws:SourceArn": user},
                "StringEquals": {"aws:SourceAccount": platform["account"]},
            }
            | _end_of(declared),
        }
    return found


def _tokens_of(kind: str, parts: Any) -> tuple[str, dict[str, str]]:
    """The issuer as IAM names it, and what its tokens must say. GUIDs stand in Microsoft's tokens in lower case."""
    match kind:
        case "google":  # IAM's `aud` is the token's `azp`, its `oaud` the token's `aud`
            own = parts["unique_id"]
            return "accounts.google.com", {"aud": own, "oaud": parts["audience"], "sub": own}
        case "google_transfer":
            return "accounts.google.com", {"sub": parts["subject"]}
        case "azure":
            tenant, subject, audience = parts["tenant"].lower(), parts["object"].lower(), parts["audience"]
            if parts.get("version", "1") == "1":
                return f"sts.windows.net/{tenant}/", {"aud": audience, "sub": subject}
            return f"login.microsoftonline.com/{tenant}/v2.0", {"aud": audience.lower(), "sub": subject}
        case "kubernetes":
            subject = f"system:serviceaccount:{parts['namespace']}:{parts['service_account']}"
        case other:
            assert other == "oidc"
            subject = parts["subject"]
    return parts["issuer"].removeprefix("https://"), {"aud": parts["audience"], "sub": subject}


def _check_sftp_users(template: Document, declared: Any, platform: Any, kinds: dict[str, str]) -> None:
    """Each reader by SFTP logs in with the keys of the file, into this bucket, in its own role."""
    declared_readers = {
        each["name"]: (f"sftp {at}", each["keys"]) for at, each in enumerate(declared.get("sftp_readers", []))
    }
    users = [each["Properties"] for each in template["Resources"].values() if each["Type"] == "AWS::Transfer::User"]
    assert sorted(user["UserName"] for user in users) == sorted(declared_readers)
    for user in users:
        kind, keys = declared_readers[user["UserName"]]
        assert kinds[user["Role"]["Fn::GetAtt"][0]] == kind
        assert sorted(user["SshPublicKeys"]) == sorted(" ".join(key.split()[:2]) for key in keys)
        bucket = _pull_bucket(declared, platform).removeprefix(S3)
        assert user["HomeDirectoryType"] == "LOGICAL"
        assert user["HomeDirectoryMappings"] == [{"Entry": "/", "Target": f"/{bucket}"}]


# --- what may be allowed ----------------------------------------------------------------------------------------------


def _token_statement(declared: Any) -> Document:
    """What lets a mover prove who it is to the one cloud where its recipient is, in whole.

    Its audience may have several values: `ForAllValues` alone would hold for a request that names none.
    """
    if "target_azure" in declared:
        audience = "api://AzureADTokenExchange"
    else:
        audience = f"https://iam.googleapis.com/{declared['target_google']['provider']}"
    return {
        "Effect": "Allow",
        "Action": ["sts:GetWebIdentityToken"],
        "Resource": "*",
        "Condition": {
            "ForAllValues:StringEquals": {"sts:IdentityTokenAudience": audience},
            "Null": {"sts:IdentityTokenAudience": "false"},
            "NumericLessThanEquals": {"sts:DurationSeconds": "300"},
            "StringEquals": {"sts:SigningAlgorithm": "RS256"},
        }
        | _end_of(declared),
    }


def _allowed(kind: str, folder: str, declared: Any, platform: Any) -> Allowed:
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
        return _allowed_on_pull_bucket(kind, declared, platform)
    return _allowed_to_mover(name, hub, declared, platform)


def _pull_bucket(declared: Any, platform: Any) -> str:
    return S3 + str(platform["pull_bucket_prefix"]) + str(declared["name"]).replace("_", "-")


def _allowed_on_pull_bucket(kind: str, declared: Any, platform: Any) -> Allowed:
    bucket, may_write = _pull_bucket(declared, platform), _is_true(declared.get("allow_push"))
    who = kind.partition(" ")[0]
    if who == "users":
        every = {"s3:ListMultipartUploadParts", "s3:RestoreObject"} | READS | WRITES | OUTSIDER_WRITES
        return {(bucket, ""): {"s3:ListBucket", "s3:ListBucketVersions"}, (f"{bucket}/*", ""): every}
    if who == "sftp":
        incoming = {"s3:AbortMultipartUpload", "s3:PutObject"} if may_write else set()
        reads = {"s3:GetObject", "s3:GetObjectVersion"}
        return {(bucket, ""): {"s3:ListBucket"}, (f"{bucket}/*", ""): reads, (f"{bucket}/incoming/*", ""): incoming}
    whole = {"s3:ListBucket"} | ({"s3:GetBucketLocation"} if who == "google_transfer" else set())
    return {(bucket, ""): whole, (f"{bucket}/*", ""): READS | (OUTSIDER_WRITES if may_write else set())}


def _allowed_to_mover(name: str, hub: str, declared: Any, platform: Any) -> Allowed:
    queue = f"arn:aws:sqs:{platform['region']}:{platform['account']}:export_{name}"
    topic = f"arn:aws:sns:{platform['region']}:{platform['account']}:exports-alerts"
    kept = "copy" if _is_true(declared.get("keep_files")) else "move"
    log = f"arn:aws:logs:{platform['region']}:{platform['account']}:log-group:/aws/lambda/export_{name}-{kept}:*"
    any_of_sqs = {f"sqs:{each}Message" for each in ("Send", "Receive", "Delete")}
    any_of_sqs |= {"sqs:GetQueueAttributes", "sqs:ChangeMessageVisibility"}
    retire = set() if kept == "copy" else {"s3:DeleteObject"}
    reads = READS | {"s3:GetObjectAttributes"}
    checkpoints = {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}
    at_recipient: Allowed = {}
    if bucket := _target_bucket(declared):
        at_recipient = {
            (f"{S3}{bucket}/{name}/*", ""): WRITES | {"s3:PutObjectAcl", "s3:ListMultipartUploadParts"},
            (f"{S3}{bucket}", ""): {"s3:ListBucketMultipartUploads"},
            (declared.get("target_kms_key", "-"), ""): {"kms:Decrypt", "kms:GenerateDataKey"},
        }
    return at_recipient | {
        (f"{hub}/{name}/*", ""): reads | retire,
        (hub, f"{name}/*"): {"s3:ListBucket", "s3:ListBucketVersions"},
        (hub, ""): set() if kept == "copy" else {"s3:GetBucketVersioning"},
        (f"{hub}-log/deliveries/dataset={name}/*", ""): {"s3:GetObject", "s3:PutObject"},
        (f"{hub}-log", f"deliveries/dataset={name}/*"): {"s3:ListBucket"},
        (f"{hub}-log/checkpoints/dataset={name}/*", ""): checkpoints,
        (f"{hub}-log", f"checkpoints/dataset={name}/*"): {"s3:ListBucket"},
        (queue, ""): any_of_sqs,
        (f"{queue}-DLQ", ""): any_of_sqs,
        (log, ""): {"logs:CreateLogStream", "logs:PutLogEvents"},
        (topic, ""): {"sns:Publish"},
        (f"{topic}-{name.replace('_', '-')}", ""): {"sns:Publish"},
    }


def _is_of_records(resource: str, prefix: str, hub: str) -> bool:
    """Whether a mover needs it after the access has ended, to say so; it reaches no data."""
    is_log = resource == f"{hub}-log" or resource.startswith(f"{hub}-log/")
    return is_log or (resource == hub and bool(prefix)) or resource.split(":")[2] in {"logs", "sns", "sqs"}


def _pairs(statement: Document) -> Iterator[tuple[str, set[str]]]:
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


def _check_shape(statement: Document) -> None:
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


def _check_end(statement: Document, declared: Any) -> None:
    found = {name: value for name, value in statement.get("Condition", {}).items() if name == "DateLessThan"}
    assert found == _end_of(declared)


def _check_principals(statement: Document, declared: Any, platform: Any) -> None:
    """Named roles only, or an account that the platform lists."""
    named = statement.get("Condition", {}).get("ArnEquals", {}).get("aws:PrincipalArn")
    roots = statement["Principal"]["AWS"]
    if named:
        assert set(named) <= set(declared["pull_arns"])
        assert {root.split(":")[4] for root in roots} == {arn.split(":")[4] for arn in named}
    else:
        assert set(roots) <= set(declared["pull_arns"])
        assert {root.split(":")[4] for root in roots} <= set(platform.get("accounts", {}))
