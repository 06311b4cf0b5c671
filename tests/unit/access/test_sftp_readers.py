"""Readers by SFTP among the accesses: what they may do, who gains and loses in words, and whose key is another."""

import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import pytest

from data_exports.access.accesses import accesses_of
from data_exports.access.changes import AccessChanges, changes_between
from data_exports.access.grants import Role, grants_of, grants_of_pull
from data_exports.access.kinds import Kind, Mark
from data_exports.access.sentences import plain, sentence_of_new_account, statements_of
from data_exports.estate.models import PullDataset
from data_exports.operate.who.holdings import Question, find_holdings, holdings_of
from data_exports.readers.sftp import SftpReader, sftp_reader_of
from data_exports.reviews.digests import digest_of_access
from data_exports.views.who import render_holdings
from tests import ssh_keys
from tests.estates import PLATFORM, SFTP_READER, estate_of, pull
from tests.ssh_keys import FINGERPRINTS

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
KEY, OTHER_KEY = FINGERPRINTS[ssh_keys.ED25519], FINGERPRINTS[ssh_keys.OTHER]
ROLE = f"export_tables-pull-{SFTP_READER.short_id}"


def tables(*readers: SftpReader, **changes: Any) -> PullDataset:
    return pull("tables", **{"outsiders": (), "users": (), "sftp_readers": readers or (SFTP_READER,), **changes})


def with_keys(*keys: str) -> SftpReader:
    return sftp_reader_of({"name": "meridian", "keys": list(keys)})


def between(before: list[PullDataset], after: list[PullDataset]) -> AccessChanges:
    return changes_between(grants_of(estate_of(*before)), grants_of(estate_of(*after)), moment=NOW)


def told(found: AccessChanges) -> list[tuple[tuple[Kind, ...], tuple[Mark, ...], str]]:
    return [(each.kinds, each.marks, plain(each.sentence)) for each in statements_of(found)]


def rights_of(dataset: PullDataset) -> dict[str, tuple[str, ...]]:
    return {grant.resource: grant.actions for grant in grants_of_pull(PLATFORM, dataset)}


def test_a_reader_lists_and_reads_this_bucket_through_a_role_of_its_own() -> None:
    assert rights_of(tables()) == {
        "arn:aws:s3:::mojap-tables": ("s3:ListBucket",),
        "arn:aws:s3:::mojap-tables/*": ("s3:GetObject", "s3:GetObjectVersion"),
    }
    (access,) = accesses_of(grants_of(estate_of(tables())))
    assert (access.role, access.reader, access.account) == (Role.SFTP, SFTP_READER, None)
    assert access.principal == f"arn:aws:iam::593291632749:role/{ROLE}"
    assert (access.where, access.reads, access.writes, access.is_outside) == ("s3://mojap-tables", True, False, True)
    assert access.ssh_keys == {KEY}


def test_with_allow_push_it_adds_files_under_incoming_and_deletes_none() -> None:
    dataset = tables(allow_push=True, expires=date(2031, 3, 31))
    assert rights_of(dataset) == rights_of(tables()) | {
        "arn:aws:s3:::mojap-tables/incoming/*": ("s3:AbortMultipartUpload", "s3:PutObject")
    }
    assert {grant.until for grant in grants_of_pull(PLATFORM, dataset)} == {datetime(2031, 4, 1, tzinfo=UTC)}
    (access,) = accesses_of(grants_of(estate_of(dataset)))
    assert (access.writes, access.where_written) == (True, "s3://mojap-tables/incoming/")


def test_each_is_new_like_an_account_and_named_by_its_key() -> None:
    found = between([pull()], [pull(), tables(allow_push=True, paperwork=("A",))])
    assert told(found) == [
        (
            (Kind.GAINS,),
            (Mark.WRITE, Mark.NEW_ACCOUNT, Mark.READ),
            (
                "may read s3://mojap-tables and add files under s3://mojap-tables/incoming/: "
                f'by SFTP meridian (SSH key {KEY}) (paperwork "A")'
            ),
        )
    ]
    assert [plain(sentence_of_new_account(each, {})) for each in found.new_accounts] == [
        "whoever holds the SSH keys of meridian through tables"
    ]


@pytest.mark.parametrize("keys", [(ssh_keys.OTHER,), (ssh_keys.ED25519, ssh_keys.OTHER)])
def test_another_key_is_shown_as_access_that_somebody_gains_and_needs_no_consent(keys: tuple[str, ...]) -> None:
    other = with_keys(*keys)
    found = between([tables(paperwork=("A",))], [tables(other, paperwork=("A",))])
    shown = ", ".join(other.fingerprints)
    assert told(found) == [
        (
            (Kind.CHANGED,),
            (Mark.READ,),
            (
                f"may read s3://mojap-tables (before: by SFTP meridian (SSH key {KEY})): by SFTP meridian "
                f'(SSH key{"s" * (len(keys) > 1)} {shown}) (paperwork "A")'
            ),
        )
    ]
    assert (found.new_accounts, found.widened) == ((), ())


def test_a_key_fewer_is_shown_and_marked_as_no_gain() -> None:
    found = between([tables(with_keys(ssh_keys.ED25519, ssh_keys.OTHER))], [tables()])
    ((kinds, marks, sentence),) = told(found)
    assert (kinds, marks) == ((Kind.CHANGED,), (Mark.NO_PAPERWORK,))
    assert f"(before: by SFTP meridian (SSH keys {OTHER_KEY}, {KEY}))" in sentence


def test_the_order_of_keys_means_nothing() -> None:
    one, other = (ssh_keys.ED25519, ssh_keys.OTHER), (ssh_keys.OTHER, ssh_keys.ED25519)
    found = between([tables(with_keys(*one))], [tables(with_keys(*other))])
    assert found.is_empty


def test_readers_whose_keys_change_have_a_line_each() -> None:
    second = dataclasses.replace(with_keys(ssh_keys.RSA_2048), name=sftp_reader_of(_calder(ssh_keys.RSA_2048)).name)
    before = [tables(SFTP_READER, second)]
    after = [tables(with_keys(ssh_keys.OTHER), sftp_reader_of(_calder(ssh_keys.ECDSA_256)))]
    assert len(told(between(before, after))) == 2


def _calder(key: str) -> dict[str, object]:
    return {"name": "calder", "keys": [key]}


def test_a_review_that_looked_at_another_key_looked_at_another_access() -> None:
    (one,), (other,) = (
        accesses_of(grants_of(estate_of(tables(reader)))) for reader in (SFTP_READER, with_keys(ssh_keys.OTHER))
    )
    assert digest_of_access(one) != digest_of_access(other)


@pytest.mark.parametrize("name", ["meridian", KEY, ROLE])
def test_who_finds_a_reader_by_name_key_and_role(name: str) -> None:
    found = find_holdings(holdings_of(estate_of(tables(allow_push=True))), Question(who=name), now=NOW)
    assert render_holdings(found, PLATFORM, now=NOW).splitlines() == [
        f"by SFTP meridian (SSH key {KEY}), through {ROLE}",
        "  as reader by SFTP of pull dataset tables, no end, NO PAPERWORK",
        "    read s3://mojap-tables/",
        "    write s3://mojap-tables/incoming/",
    ]
