"""The handover for readers outside AWS: who gets a letter, what it says for each kind, and what other forms hold."""

import re
from datetime import date
from typing import Any

import pytest

from data_exports.errors import RefusedError, UsageError
from data_exports.estate.models import PullDataset
from data_exports.operate.handover.changes import Change, FactChange, changes_for
from data_exports.operate.handover.halves import Half, Reading, TokenReading, halves_of, owner_of
from data_exports.readers.kinds import reader_of
from data_exports.readers.sftp import SftpAddress, sftp_reader_of
from data_exports.views.handover.changes import change_letter_of
from data_exports.views.handover.cloudformation import cloudformation_of
from data_exports.views.handover.data import handover_as_data
from data_exports.views.handover.letter import letter_of
from data_exports.views.handover.terraform import terraform_of
from tests import ssh_keys
from tests.estates import (
    AZURE_READER,
    CLUSTER_READER,
    GOOGLE_READER,
    READER,
    READERS_OUTSIDE_AWS,
    SFTP_READER,
    WORKFLOW_READER,
    estate_of,
    pull,
)
from tests.json_data import json_data

LISTS = pull("lists", outsiders=(), identities=READERS_OUTSIDE_AWS)
AZURE_2 = reader_of(
    {
        "azure": {
            "tenant": "1b9e6a52-0f3d-4c57-9d0e-2f6b7a81c394",
            "object": "8f2c11aa-6d4e-4b0f-8a57-90c1d2e3f4a5",
            "audience": "77777777-6d4e-4b0f-8a57-90c1d2e3f4a5",
            "version": "2",
        }
    }
)


def oidc(issuer: str, subject: str, audience: str = "sts.amazonaws.com") -> Any:
    return reader_of({"oidc": {"issuer": issuer, "subject": subject, "audience": audience}})


def halves(dataset: PullDataset) -> tuple[Half, ...]:
    return halves_of(estate_of(dataset), dataset)


def letter_to(reader: Any, **fields: Any) -> str:
    (half,) = halves(pull("lists", outsiders=(), identities=(reader,), **fields))
    return letter_of(half)


def on_one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_each_reader_has_a_letter_of_its_own_after_those_to_accounts() -> None:
    found = halves(pull("lists", outsiders=(READER,), identities=READERS_OUTSIDE_AWS))
    assert [owner_of(half) for half in found] == ["754256621582", None, None, None, None, None]
    assert isinstance(found[0], Reading)
    assert [half.reader for half in found if isinstance(half, TokenReading)] == list(READERS_OUTSIDE_AWS)
    with_account = halves_of(estate_of(LISTS), LISTS)
    assert len(with_account) == 5
    with pytest.raises(UsageError, match="has no handover for account '754256621582'"):
        halves_of(estate_of(LISTS), LISTS, account="754256621582")


@pytest.mark.parametrize("reader", READERS_OUTSIDE_AWS)
def test_a_letter_says_who_gets_in_where_until_when_and_whom_to_ask(reader: Any) -> None:
    letter = letter_to(reader, expires=date(2031, 3, 31), allow_push=True)
    role = f"arn:aws:iam::593291632749:role/export_lists-pull-{reader.short_id}"
    assert letter.startswith("Subject: Data export lists: how to read and write s3://mojap-lists from outside AWS\n\n")
    assert f"    issuer (iss):       {reader.issuer}\n    subject (sub):      {reader.subject}\n" in letter
    assert (f"    audience (aud):     {reader.audience}\n" in letter) is bool(reader.audience)
    assert f"The role is:\n\n    {role}\n" in letter
    assert letter.count(role) == 2
    assert "the last day is 2031-03-31, in UTC" in letter
    assert "Tell us (exports@example.gov.uk) the time" in letter
    assert "`exports " not in letter
    prose = [line for line in letter.splitlines() if not line.startswith(" " * 4) and "`" not in line]
    assert [line for line in prose if len(line) > 100] == []


def test_azures_versions_need_other_applications() -> None:
    first, second = (on_one_line(letter_to(reader)) for reader in (AZURE_READER, AZURE_2))
    assert "whose Application ID URI is `api://exports`, with a service principal" in first
    assert "requestedAccessTokenVersion null or 1 in" in first
    assert "whose client id is `77777777-6d4e-4b0f-8a57-90c1d2e3f4a5`, with" in second
    assert "requestedAccessTokenVersion 2 in" in second
    assert "--resource '77777777-6d4e-4b0f-8a57-90c1d2e3f4a5' --query" in second


def test_a_workflow_without_an_environment_names_none() -> None:
    github = "https://token.actions.githubusercontent.com"
    letter = letter_to(oidc(github, "repo:example/reports:ref:refs/heads/main"))
    assert "\n           runs-on: ubuntu-latest\n           permissions:\n" in letter
    assert '\n           environment: "prod"\n' in letter_to(WORKFLOW_READER)


def test_what_issuers_call_things_cannot_leave_its_place() -> None:
    letter = letter_to(oidc("https://id.example.org", "it's; & (x) @all: #", "a'b&c"))
    assert "    subject (sub):      it's; & (x) @all: #\n" in letter
    workflow = letter_to(oidc("https://token.actions.githubusercontent.com", "repo:o/r:environment:a: #b", "x:#y"))
    assert '           environment: "a: #b"\n' in workflow
    assert '                 audience: "x:#y"\n' in workflow
    google = {**GOOGLE_READER.declaration["google"], "audience": "a'b&c"}
    assert """--audiences='a'"'"'b&c'\n""" in letter_to(reader_of({"google": google}))


def test_a_reader_that_may_only_read_is_not_told_how_to_write() -> None:
    assert "aws s3 cp FILE" in letter_to(GOOGLE_READER, allow_push=True)
    only = on_one_line(letter_to(GOOGLE_READER))
    assert ("aws s3 cp" in only, "you may read the bucket mojap-lists in region" in only) == (False, True)


def test_programs_get_the_same_facts() -> None:
    facts = json_data(handover_as_data(halves(LISTS)))["handovers"]
    assert [each["kind"] for each in facts] == ["pull_identity"] * 5
    azure = facts[2]
    assert {name: azure[name] for name in ("role", "bucket", "issuer", "subject", "audience", "reader")} == {
        "role": f"arn:aws:iam::593291632749:role/export_lists-pull-{AZURE_READER.short_id}",
        "bucket": "mojap-lists",
        "issuer": AZURE_READER.issuer,
        "subject": AZURE_READER.subject,
        "audience": "api://exports",
        "reader": AZURE_READER.declaration,
    }
    assert (facts[1]["audience"], facts[0]["may_write"]) == (None, False)
    assert [step["lines"][0] for step in facts[1]["steps"]] == [
        f'{{"roleArn": "{facts[1]["role"]}"}}',
        "gcloud transfer jobs create s3://mojap-lists gs://BUCKET \\",
    ]


@pytest.mark.parametrize("write", [terraform_of, cloudformation_of])
def test_there_is_nothing_to_apply_for_a_reader_outside_aws(write: Any) -> None:
    with pytest.raises(RefusedError, match="has nothing to attach for readers outside AWS, and lists has no other"):
        write(halves(LISTS)[0])


def test_a_change_is_told_to_the_reader_that_it_is_for() -> None:
    before = pull("lists", outsiders=(), identities=(GOOGLE_READER, AZURE_READER))
    renamed = reader_of(
        {"google": {**GOOGLE_READER.declaration["google"], "service_account": "new@reports.iam.gserviceaccount.com"}}
    )
    after = pull("lists", outsiders=(), identities=(renamed, CLUSTER_READER), allow_push=True)
    found = {each.place: each for each in changes_for(estate_of(before), estate_of(after), "lists")}
    assert {place: each.change for place, each in found.items()} == {
        renamed.label: Change.CHANGED,
        AZURE_READER.label: Change.GONE,
        CLUSTER_READER.label: Change.NEW,
    }
    assert found[renamed.label].facts == (
        FactChange("may", ("read",), ("read", "write")),
        FactChange("reader", (GOOGLE_READER.label,), (renamed.label,)),
    )
    gone = on_one_line(change_letter_of(found[AZURE_READER.label], "v1"))
    assert "You can no longer use the bucket; what you put in place for it may go." in gone
    new = on_one_line(change_letter_of(found[CLUSTER_READER.label], "v1"))
    assert "You had no part in the dataset lists at v1. All of this is new:" in new
    assert "serviceAccountToken" in new


ADDRESS = SftpAddress("s-0123456789abcdef0.server.transfer.eu-west-1.amazonaws.com", f"SHA256:{'x' * 43}")


def sftp_letter(*, address: SftpAddress | None = ADDRESS, **fields: Any) -> str:
    dataset = pull("lists", outsiders=(), sftp_readers=(SFTP_READER,), **fields)
    (half,) = halves_of(estate_of(dataset), dataset, server=address)
    return letter_of(half)


def test_a_reader_by_sftp_is_told_where_to_log_in_as_whom_and_by_what_the_server_is_known() -> None:
    letter = sftp_letter(expires=date(2031, 3, 31))
    assert letter.startswith(
        "Subject: Data export lists: how to read s3://mojap-lists by SFTP\n\n"
        "To the holder of the SSH key of `meridian`\n"
    )
    (key,) = SFTP_READER.fingerprints
    assert (
        f"    server:             {ADDRESS.host}, port 22\n    its host key:       {ADDRESS.host_key}\n"
        f"    user name:          meridian\n    your SSH key:       {key}\n"
    ) in letter
    assert f"    ssh-keyscan {ADDRESS.host} > export-lists.known_hosts\n" in letter
    assert letter.count(ADDRESS.host_key) == 3
    assert ("put FILE" in letter, "--inplace" in letter, "Temporary filenames" in letter) == (False, False, False)
    assert "HOST" not in letter


def test_who_may_hand_in_files_is_told_where_and_that_nothing_is_renamed() -> None:
    letter = sftp_letter(allow_push=True)
    assert "how to read s3://mojap-lists by SFTP" in letter
    assert "You may also hand in files, under incoming/." in on_one_line(letter)
    assert "echo 'put FILE incoming/FILE' | sftp -b - -i PRIVATE_KEY" in letter
    assert "    rclone copy --inplace FILE export-lists:/incoming/\n" in letter
    assert "    Temporary filenames: Disable" in letter


def test_before_there_is_a_server_its_place_is_left_open_and_that_is_said() -> None:
    letter = sftp_letter(address=None)
    assert "    server:             HOST, port 22\n    its host key:       FINGERPRINT\n" in letter
    assert "What HOST and FINGERPRINT are, we tell you when the server is there" in on_one_line(letter)


def test_programs_get_the_facts_of_a_reader_by_sftp_and_none_of_its_keys() -> None:
    dataset = pull("lists", outsiders=(), sftp_readers=(SFTP_READER,))
    for address, host in ((ADDRESS, ADDRESS.host), (None, None)):
        (facts,) = json_data(handover_as_data(halves_of(estate_of(dataset), dataset, server=address)))["handovers"]
        assert (facts["kind"], facts["user"], facts["host"]) == ("sftp_reader", "meridian", host)
        assert facts["ssh_keys"] == list(SFTP_READER.fingerprints)
        assert facts["host_key"] == (ADDRESS.host_key if address else None)


def test_another_key_is_a_change_for_the_reader_that_it_is_of() -> None:
    other = sftp_reader_of({"name": "meridian", "keys": [ssh_keys.OTHER]})
    before, after = (pull("lists", outsiders=(), sftp_readers=(each,)) for each in (SFTP_READER, other))
    (found,) = changes_for(estate_of(before), estate_of(after), "lists", server=ADDRESS)
    assert found.facts == (FactChange("ssh_keys", SFTP_READER.fingerprints, other.fingerprints),)
    assert "- ssh keys: SHA256:5FDQ" in change_letter_of(found, "v1")
    (new,) = changes_for(None, estate_of(after), "lists", server=ADDRESS)
    assert f"    server:             {ADDRESS.host}, port 22\n" in change_letter_of(new, "v1")
