"""Where a push dataset's files go: one destination of one kind, by the names of whoever gives them, and no secret."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from data_exports.estate.file_kinds import PUSH
from data_exports.estate.formatter import format_declaration
from data_exports.estate.schemas import schema_of
from data_exports.stacks.card import card_of, estate_of_card
from tests import ssh_keys
from tests.estates import at_azure, at_google
from tests.unit.estate import written

TENANT, CLIENT = "1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394", "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5"
PROVIDER = "projects/1234567/locations/global/workloadIdentityPools/moj-exports/providers/exports"
AZURE = {"storage_account": "hjresearch", "container": "incoming", "tenant": TENANT, "client": CLIENT}
GOOGLE = {"bucket": "hj-incoming", "project_number": "1234567", "provider": PROVIDER}
ACCOUNT = "exporter@hj-research.iam.gserviceaccount.com"
REST = "users: [alpha_user_ana]\npaperwork: DPIA-1\n"


def declared(**targets: object) -> str:
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in targets.items())
    return f"name: orders\n{lines}{REST}"


def said(folder: Path, text: str) -> list[str]:
    return written.said(written.write_estate(folder, push=text))


def is_valid(text: str) -> bool:
    found: Any = yaml.safe_load(text)
    return bool(jsonschema.Draft7Validator(schema_of(PUSH)).is_valid(found))


@pytest.mark.parametrize(
    ("target", "there"),
    [
        ({"target_azure": AZURE}, at_azure()),
        ({"target_azure": {**AZURE, "tenant": TENANT.upper()}}, at_azure()),
        ({"target_google": GOOGLE}, at_google()),
        ({"target_google": {**GOOGLE, "project_number": 1234567}}, at_google()),
        ({"target_google": {**GOOGLE, "service_account": ACCOUNT}}, at_google(service_account=ACCOUNT)),
    ],
)
def test_a_destination_outside_aws_is_declared_in_place_of_a_bucket(
    target: dict[str, object], there: object, tmp_path: Path
) -> None:
    text = declared(**target)
    assert said(tmp_path, text) == []
    estate = written.load(tmp_path).require()
    (push,) = estate.push_datasets
    assert push.destination == there
    assert is_valid(text)
    formatted = format_declaration(text, Path("a.yaml"), PUSH)
    assert format_declaration(formatted, Path("a.yaml"), PUSH) == formatted
    (again,) = estate_of_card(card_of(estate.platform, push), push.name).push_datasets
    assert again.destination == there


@pytest.mark.parametrize(
    ("part", "wrong", "meant"),
    [
        ("storage_account", "hj", "is not the name of an Azure storage account"),
        ("storage_account", "HjResearch", "is not the name of an Azure storage account"),
        ("storage_account", "hj-research", "is not the name of an Azure storage account"),
        ("storage_account", "a" * 25, "is not the name of an Azure storage account"),
        ("storage_account", "hjresearch.blob.core.windows.net", "is not the name of an Azure storage account"),
        ("container", "in", "is not the name of a container"),
        ("container", "in--coming", "is not the name of a container"),
        ("container", "-incoming", "is not the name of a container"),
        ("container", "Incoming", "is not the name of a container"),
        ("container", "$web", "is not the name of a container"),
        ("container", "a" * 64, "is not the name of a container"),
        ("tenant", "contoso.onmicrosoft.com", "is not a GUID"),
        ("client", "*", "is not a GUID"),
        ("bucket", "goog-incoming", "is not the name of a bucket of Google"),
        ("bucket", "my-google-bucket", "is not the name of a bucket of Google"),
        ("bucket", "my-g00gle-bucket", "is not the name of a bucket of Google"),
        ("bucket", "192.168.5.4", "is not the name of a bucket of Google"),
        ("bucket", "hj", "is not the name of a bucket of Google"),
        ("bucket", "HJ-incoming", "is not the name of a bucket of Google"),
        ("bucket", "hj..incoming", "is not the name of a bucket of Google"),
        ("bucket", "a" * 64, "is not the name of a bucket of Google"),
        ("project_number", "hj-research", "is not the number of a Google project"),
        ("provider", "exports", "is not the full name of a provider"),
        ("provider", f"https://iam.googleapis.com/{PROVIDER}", "is not the full name of a provider"),
        ("provider", PROVIDER.replace("moj-exports", "gcp-pool"), "is not the full name of a provider"),
        ("service_account", "ana@example.gov.uk", "is not the e-mail address of a Google service account"),
    ],
)
def test_a_name_that_its_store_cannot_have_is_refused_where_it_stands_and_not_repeated(
    part: str, wrong: str, meant: str, tmp_path: Path
) -> None:
    field, parts = ("target_azure", AZURE) if part in AZURE else ("target_google", GOOGLE)
    lines = "".join(f"  {name}: {json.dumps(value)}\n" for name, value in {**parts, part: wrong}.items())
    text = f"name: orders\n{field}:\n{lines}{REST}"
    (found,) = said(tmp_path, text)
    line = 3 + [*parts, part].index(part)
    assert found.startswith(f"push_datasets/a.yaml:{line}:{len(part) + 5} EX205 error: what stands here {meant}")
    assert len(wrong) < 4 or wrong not in found
    assert not is_valid(text)


def test_a_bucket_with_dots_may_be_longer(tmp_path: Path) -> None:
    name = ".".join(["a" * 60] * 3)
    assert said(tmp_path, declared(target_google={**GOOGLE, "bucket": name})) == []


@pytest.mark.parametrize(
    ("targets", "code", "message"),
    [
        ({}, "EX203", "of 'target_bucket' and 'target_azure' and 'target_google' exactly one is required"),
        (
            {"target_bucket": "orders-landing", "target_account": "754256621582", "target_google": GOOGLE},
            "EX408",
            "files cannot go to both 'target_bucket' and 'target_google'",
        ),
        (
            {"target_azure": AZURE, "target_google": GOOGLE},
            "EX408",
            "files cannot go to both 'target_azure' and 'target_google'",
        ),
        (
            {"target_account": "754256621582", "target_azure": AZURE},
            "EX409",
            "'target_account' is of a bucket of AWS; 'target_azure' knows nothing of it",
        ),
        (
            {
                "target_google": GOOGLE,
                "target_kms_key": "arn:aws:kms:eu-west-1:754256621582:key/11111111-2222-3333-4444-555555555555",
            },
            "EX409",
            "'target_kms_key' is of a bucket of AWS; 'target_google' knows nothing of it",
        ),
        ({"target_azure": {"storage_account": "hjresearch"}}, "EX203", "the required field 'container' is missing"),
        ({"target_azure": {**AZURE, "key": "x"}}, "EX202", "there is no field 'key' here"),
        ({"target_azure": "hjresearch"}, "EX201", "this must be a mapping"),
    ],
)
def test_one_destination_is_declared_whole_and_nothing_of_another_kind(
    targets: dict[str, object], code: str, message: str, tmp_path: Path
) -> None:
    found = said(tmp_path, declared(**targets))
    assert any(f" {code} error: {message}" in line for line in found), found
    assert not is_valid(declared(**targets))


@pytest.mark.parametrize(
    ("first", "second", "who"),
    [
        (
            {"target_azure": AZURE},
            {"target_azure": {**AZURE, "container": "other", "storage_account": "elsewhere"}},
            f"the application {CLIENT} of the tenant {TENANT}",
        ),
        (
            {"target_google": {**GOOGLE, "service_account": ACCOUNT}},
            {"target_google": {**GOOGLE, "bucket": "other", "service_account": ACCOUNT}},
            f"the service account {ACCOUNT}",
        ),
        ({"target_azure": AZURE}, {"target_azure": {**AZURE, "client": TENANT}}, ""),
        ({"target_google": GOOGLE}, {"target_google": GOOGLE}, ""),
        ({"target_google": {**GOOGLE, "service_account": ACCOUNT}}, {"target_google": GOOGLE}, ""),
    ],
)
def test_an_identity_that_several_datasets_movers_act_as_is_warned_of_at_each(
    first: dict[str, object], second: dict[str, object], who: str, tmp_path: Path
) -> None:
    other = declared(**second).replace("orders", "more")
    found = written.said(written.write_estate(tmp_path, push=declared(**first), push_datasets__b=other))
    assert [line.partition(" -> ")[0] for line in found] == [
        f"push_datasets/{one}.yaml:1:1 EX410 warning: its mover acts as {who}, as that of {two}.yaml does: either can "
        "write what the other can"
        for one, two in (("a", "b"), ("b", "a"))
        if who
    ]


def test_a_provider_of_another_project_is_a_slip(tmp_path: Path) -> None:
    (found,) = said(tmp_path, declared(target_google={**GOOGLE, "project_number": "7654321"}))
    assert " EX205 error: this provider is of the project 1234567, not of 7654321" in found


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        ("sv=2024-11-04&sp=rcw&sig=bm90IGEgc2VjcmV0IGJ1dCBhbiBleGFtcGxlIG9mIG9uZQ%3D%3D", "a shared access signature"),
        ("?sig=bm90IGEgc2VjcmV0IGJ1dCBhbiBleGFtcGxl&sv=2024-11-04", "a shared access signature of Azure"),
        ("DefaultEndpointsProtocol=https;AccountName=hj;AccountKey=bm90IGEgc2VjcmV0", "a key of a storage account"),
        ("A" * 43 + "b" * 43 + "==", "a key of a storage account of Azure"),
        ("abc8Q~" + "d3f_g.h~i-" * 3 + "jk", "a secret of an application of Entra"),
        ('{"type": "service_account", "private_key_id": "0123"}', "a key of a service account of Google"),
        ("GOOG1EXAMPLEEXAMPLEEXAMPLEEXAMPLE", "an HMAC key of Google Cloud Storage"),
        ("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EifQ.c2ln", "a token"),
        ("ya29.a0AfH6SMBexampleexampleexample", "a token of Google"),
        ("AKIAIOSFODNN7EXAMPLE", "an access key of AWS"),
    ],
)
@pytest.mark.parametrize("place", ["client", "comment", "description"])
def test_a_secret_is_refused_wherever_it_stands_and_stands_in_no_message(
    secret: str, what: str, place: str, tmp_path: Path
) -> None:
    text = declared(target_azure={**AZURE, **({"client": secret} if place == "client" else {})})
    text += {"comment": f"# {secret}\n", "description": f"description: {json.dumps(secret)}\n"}.get(place, "")
    (found,) = (line for line in said(tmp_path, text) if "EX217" in line)
    assert f"EX217 error: this is {what}" in found
    assert not any(piece in found for piece in (secret[:12], secret[-12:]))
    assert all(secret[-8:] not in line for line in said(tmp_path, text))


def test_public_keys_and_plain_words_are_no_secrets(tmp_path: Path) -> None:
    plain = ssh_keys.ED25519
    text = f"description: 'a design=draft of sig=1, {plain}'\n" + declared(target_azure=AZURE)
    assert said(tmp_path, text) == []
