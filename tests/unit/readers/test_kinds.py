"""Each kind of reader outside AWS: whose tokens, what must stand in them, and who that is in words."""

from typing import Any

import pytest

from data_exports.names import DatasetName, InvalidNameError, pull_role_of
from data_exports.readers.kinds import READER_KINDS, AnyReader, reader_of
from tests.estates import (
    AZURE_READER,
    CLUSTER_READER,
    GOOGLE_READER,
    READERS_OUTSIDE_AWS,
    TENANT,
    TRANSFER_READER,
    WORKFLOW_READER,
)

OBJECT = "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5"
EKS = "oidc.eks.eu-west-2.amazonaws.com/id/0123456789ABCDEF0123456789ABCDEF"
GITHUB = "token.actions.githubusercontent.com"


def of_azure(**changes: str) -> AnyReader:
    return reader_of({"azure": AZURE_READER.declaration["azure"] | changes})


def at_github(subject: str) -> AnyReader:
    return reader_of({"oidc": {**WORKFLOW_READER.declaration["oidc"], "subject": subject}})


@pytest.mark.parametrize(
    ("reader", "provider", "conditions"),
    [
        (
            GOOGLE_READER,
            None,
            {
                "accounts.google.com:aud": "117203498723049872304",
                "accounts.google.com:oaud": "https://exports.example.gov.uk",
                "accounts.google.com:sub": "117203498723049872304",
            },
        ),
        (TRANSFER_READER, None, {"accounts.google.com:sub": "104320958746283910576"}),
        (
            AZURE_READER,
            f"sts.windows.net/{TENANT}/",
            {f"sts.windows.net/{TENANT}/:aud": "api://exports", f"sts.windows.net/{TENANT}/:sub": OBJECT},
        ),
        (
            of_azure(version="2", audience=OBJECT.upper()),
            f"login.microsoftonline.com/{TENANT}/v2.0",
            {
                f"login.microsoftonline.com/{TENANT}/v2.0:aud": OBJECT,
                f"login.microsoftonline.com/{TENANT}/v2.0:sub": OBJECT,
            },
        ),
        (
            CLUSTER_READER,
            EKS,
            {f"{EKS}:aud": "sts.amazonaws.com", f"{EKS}:sub": "system:serviceaccount:reports:loader"},
        ),
        (
            WORKFLOW_READER,
            GITHUB,
            {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:example/reports:environment:prod"},
        ),
    ],
    ids=lambda each: each.kind if hasattr(each, "kind") else "",
)
def test_what_must_stand_in_its_tokens(reader: AnyReader, provider: str | None, conditions: dict[str, str]) -> None:
    assert (reader.provider, dict(reader.conditions)) == (provider, conditions)


def test_who_it_is_in_words() -> None:
    assert [reader.label for reader in READERS_OUTSIDE_AWS] == [
        "Google's service account reader@reports.iam.gserviceaccount.com (unique id 117203498723049872304)",
        "Google's Storage Transfer Service (subject 104320958746283910576)",
        f"Azure's principal {OBJECT} of tenant {TENANT}",
        f"the service account reports/loader of the cluster https://{EKS}",
        f"the holder of a token of https://{GITHUB} for repo:example/reports:environment:prod",
    ]


@pytest.mark.parametrize("reader", READERS_OUTSIDE_AWS, ids=lambda reader: reader.kind)
def test_what_declares_it_makes_it_again(reader: AnyReader) -> None:
    assert reader_of(reader.declaration) == reader
    assert set(READER_KINDS) == {each.kind for each in READERS_OUTSIDE_AWS}


@pytest.mark.parametrize(
    "declared",
    [
        *(None, {}, "google", {"google": None}, {"gogle": {}}, {"google": {}}, {"google_transfer": {"subject": "*"}}),
        {"google_transfer": {"subject": "104320958746283910576", "audience": "a"}},
        {**GOOGLE_READER.declaration, **TRANSFER_READER.declaration},
    ],
)
def test_anything_else_is_no_reader(declared: Any) -> None:
    with pytest.raises(InvalidNameError):
        reader_of(declared)


def test_its_short_id_is_of_issuer_and_subject_alone() -> None:
    ids = [reader.short_id for reader in (*READERS_OUTSIDE_AWS, of_azure(version="2", audience=OBJECT))]
    assert ids == ["c50ba884", "584cfc40", "ed2bdc49", "19d489ef", "087740ed", "33d16063"]
    assert of_azure(audience="api://others").short_id == AZURE_READER.short_id


def test_the_role_of_a_dataset_with_a_long_name_is_told_by_a_digest() -> None:
    assert pull_role_of(DatasetName("tables"), "c50ba884") == "export_tables-pull-c50ba884"
    longest, other = DatasetName("d" * 52), DatasetName("d" * 51 + "e")
    assert len(pull_role_of(longest, "c50ba884")) == 64
    assert pull_role_of(longest, "c50ba884") != pull_role_of(other, "c50ba884")
    assert len({pull_role_of(DatasetName("d" * length), "c50ba884") for length in range(1, 53)}) == 52


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (AZURE_READER, of_azure(object=TENANT), True),
        (AZURE_READER, of_azure(version="2", audience=OBJECT), True),
        (AZURE_READER, of_azure(tenant=OBJECT), False),
        (GOOGLE_READER, TRANSFER_READER, False),
        (
            at_github("repo:example/reports:environment:prod"),
            at_github("repo:example/others:ref:refs/heads/main"),
            True,
        ),
        (
            at_github("repo:example/reports:environment:prod"),
            at_github("repo:example2/reports:environment:prod"),
            False,
        ),
        (at_github("enterprise:one"), at_github("enterprise:two"), False),
    ],
)
def test_who_decides_whom_tokens_are_of(one: AnyReader, other: AnyReader, *, is_same: bool) -> None:
    assert (one.party == other.party) == is_same
    assert (one.party_words == other.party_words) == is_same
