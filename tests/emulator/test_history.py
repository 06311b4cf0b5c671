"""`exports history` on the deployed example: what people see of deliveries that really happened."""

import base64
import csv
import hashlib
import io
import json
import shutil
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from data_exports.local.clients import client
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import EXAMPLE, Person, owner_of
from tests.emulator.steps import wait_until

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

ANNIKA = "alpha_user_annika-lindqvist"


@pytest.fixture(scope="module")
def owner(operated_example: DeployedEstate) -> Person:
    """The owner, once two files of court_outcomes were delivered, one of them by name of a formula."""
    stage = operated_example.stage
    push = stage.push("court_outcomes")
    hub, sender = operated_example.estate.platform.hub_bucket, stage.as_user(push.users[0])
    for name in ("history/one.csv", "history/=two.txt"):
        sender.put_object(Bucket=hub, Key=f"{push.prefix}{name}", Body=b"12345")
    wanted = {f"{push.prefix}history/one.csv", f"{push.prefix}history/=two.txt"}
    wait_until(lambda: {each.key for each in stage.receipts(push) if each.outcome == "delivered"} >= wanted)
    return owner_of(operated_example)


def test_a_delivery_is_told_with_its_sender_in_words(owner: Person) -> None:
    done = owner.run("history", "court_outcomes", "--key", "history/*.csv", "--since", "1d")
    assert (done.code, done.err) == (0, done.err)
    heading, entry = done.lines
    assert heading.split() == ["recorded", "(UTC)", "outcome", "size", "key,", "by", "whom"]
    assert entry[21:] == f"delivered        5 B  court_outcomes/history/one.csv  by {ANNIKA}"


def test_json_is_one_object_a_line_with_every_field(owner: Person) -> None:
    done = owner.run("history", "court_outcomes", "--key", "history/one.csv", "--json")
    (facts,) = [json.loads(line) for line in done.lines]
    told = {name: facts[name] for name in ("dataset", "key", "outcome", "size_bytes", "uploaded_by_role", "reason")}
    assert told == {
        "dataset": "court_outcomes",
        "key": "court_outcomes/history/one.csv",
        "outcome": "delivered",
        "size_bytes": 5,
        "uploaded_by_role": ANNIKA,
        "reason": None,
    }


def test_csv_has_a_heading_and_a_row_for_each(owner: Person) -> None:
    done = owner.run("history", "court_outcomes", "--csv", "--by", ANNIKA, "--key", "history/*")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert {row["key"] for row in rows} == {"court_outcomes/history/one.csv", "court_outcomes/history/=two.txt"}
    assert {row["outcome"] for row in rows} == {"delivered"}


def test_a_file_in_hand_is_that_of_its_receipt_and_an_altered_one_is_not(owner: Person, tmp_path: Path) -> None:
    (file := tmp_path / "one.csv").write_bytes(b"12345")
    done = owner.run("verify", "--file", str(file), "court_outcomes", "--json")
    found = json.loads(done.out)
    assert (done.code, found["size_bytes"], found["sha256"]) == (0, 5, hashlib.sha256(b"12345").hexdigest())
    by = {each["key"]: (each["matched_by"], each["is_proof"], each["digest"]) for each in found["matches"]}
    crc = f"CRC32:{base64.b64encode(zlib.crc32(b'12345').to_bytes(4, 'big')).decode()}"  # what boto3 uploads with
    for name in ("history/one.csv", "history/=two.txt"):
        assert by[f"court_outcomes/{name}"] == (["CRC32", "etag", "destination_etag"], False, crc)
    assert "no proof against forgery" in owner.run("verify", "--file", str(file)).out

    file.write_bytes(b"12346")
    done = owner.run("verify", "--file", str(file), "court_outcomes")
    assert done.code == 1
    assert "NO RECEIPT FITS: of " in done.out
    assert "of this name, of this size, of other content: delivered " in done.out
    assert owner.run("verify", "court_outcomes").code == 2
    assert owner.run("verify", "--file", str(tmp_path)).code == 2


def test_a_promise_is_kept_by_a_delivery_of_its_day_and_broken_without_one(owner: Person, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, folder := tmp_path / "estate")
    west = datetime.now(UTC).hour - 12  # of Greenwich, where it is about noon: no midnight comes while this runs
    for name, indent in (("court_outcomes", ""), ("probation_caseload", " ")):
        with (folder / "push_datasets" / f"{name}.yaml").open("a", encoding="utf-8") as file:
            file.write(f"\n{indent}due: daily by 00:01 Etc/GMT{west:+}\n")  # one of the files ends without a line end
    promising = replace(owner, folder=folder)
    kept, broken = (promising.run("status", name, "--json") for name in ("court_outcomes", "probation_caseload"))
    assert (kept.code, broken.code) == (0, 0), (kept.err, broken.err)
    (row,) = json.loads(kept.out)["datasets"]
    assert row["late_since"] is None
    (row,) = json.loads(broken.out)["datasets"]
    late = datetime.fromisoformat(row["late_since"])
    assert timedelta(hours=10) < datetime.now(UTC) - late < timedelta(hours=14)
    assert f"late since {late:%Y-%m-%d %H:%M:%S} UTC: no delivery is known" in row["concerns"]


def test_a_repeated_receipt_is_told_once_and_a_damaged_one_is_counted(
    owner: Person, operated_example: DeployedEstate
) -> None:
    platform = operated_example.estate.platform
    s3, log = client(operated_example.local, "s3", account=platform.account), platform.log_bucket
    prefix = "deliveries/dataset=court_outcomes/"
    before = owner.run("history", "court_outcomes").out
    first = s3.list_objects_v2(Bucket=log, Prefix=f"{prefix}date=")["Contents"][0]["Key"]
    again, torn = f"{prefix}date=2036-01-01/20360101T000000Z-repeat.jsonl.gz", f"{prefix}date=2036-01-01/torn"
    s3.copy_object(Bucket=log, Key=again, CopySource={"Bucket": log, "Key": first})
    s3.put_object(Bucket=log, Key=torn, Body=b"no receipts")
    try:
        done = owner.run("history", "court_outcomes")
    finally:
        s3.delete_object(Bucket=log, Key=again)
        s3.delete_object(Bucket=log, Key=torn)
    assert (done.code, done.out) == (0, before)
    assert f"warning: 1 damaged receipt was skipped\n  {torn}: it is no gzip file" in done.err


def test_an_empty_history_is_said_and_no_error(owner: Person) -> None:
    done = owner.run("history", "court_outcomes", "--until", "2026-01-01")
    assert (done.code, done.out) == (0, "")
    assert "no receipts: nothing was delivered, or nothing like this" in done.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["court_hearing"], 2, "did you mean court_hearings?"),
        (["court_hearings", "--since", "yesterday"], 2, "write for example 7d"),
        (["court_hearings", "--outcome", "lost"], 2, "one of delivered, superseded, cancelled, failed"),
        (["court_hearings", "--csv", "--json"], 2, "--csv and --json exclude each other"),
        (["court_hearings", "--since", "1d", "--until", "2d"], 2, "--until is not after --since"),
    ],
)
def test_what_cannot_be_answered_is_said_with_a_next_step(
    owner: Person, words: list[str], code: int, said: str
) -> None:
    done = owner.run("history", *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_the_receipts_are_a_table_that_athena_can_query(operated_example: DeployedEstate) -> None:
    platform = operated_example.estate.platform
    glue = client(operated_example.local, "glue", account=platform.account)
    table = glue.get_table(DatabaseName="data_exports", Name="receipts")["Table"]
    assert table["StorageDescriptor"]["Location"] == f"s3://{platform.log_bucket}/deliveries/"
    assert table["Parameters"]["projection.dataset.type"] == "injected"
