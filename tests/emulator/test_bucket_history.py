"""What left by pull: S3's access logs of the deployed example's pull buckets, told by `history` and `who did`."""

import csv
import io
import json
from dataclasses import replace

import pytest

from data_exports.names import RoleArn
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import Person, owner_of
from tests.emulator.steps import refusal_of

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

USER, READER = "alpha_user_priya-raman", "bail-research"


@pytest.fixture(scope="module")
def owner(operated_example: DeployedEstate) -> Person:
    """The owner, once a user wrote a file of bail_research, and its reader read it, and wanted more than that."""
    stage = operated_example.stage
    pull = stage.pull("bail_research")
    bucket = str(pull.bucket(operated_example.estate.platform))
    stage.as_user(pull.users[0]).put_object(Bucket=bucket, Key="tables/one two.csv", Body=b"12345")
    (reader,) = pull.outsiders
    assert isinstance(reader, RoleArn)
    s3 = stage.as_role(reader)
    assert s3.get_object(Bucket=bucket, Key="tables/one two.csv")["Body"].read() == b"12345"
    assert refusal_of(lambda: s3.put_object(Bucket=bucket, Key="tables/mine.csv", Body=b"1")) == "AccessDenied"
    return owner_of(operated_example)


def test_history_tells_who_wrote_and_read_what_and_what_was_refused(owner: Person) -> None:
    done = owner.run("history", "bail_research", "--key", "tables/*")
    assert done.code == 0, done.err
    heading, *lines = done.lines
    assert heading.split() == ["recorded", "(UTC)", "outcome", "size", "key,", "by", "whom"]
    assert [line[21:] for line in lines] == [
        f"wrote            5 B  tables/one two.csv  by {USER}",
        f'read             5 B  tables/one two.csv  by {READER} of "Health and Justice Research" (871026394550)',
        f'refused            -  tables/mine.csv  by {READER} of "Health and Justice Research" (871026394550)',
    ]
    assert "S3's access logs" in done.err
    assert "the last day may not be whole" in done.err


def test_what_is_asked_for_is_shown_alone(owner: Person) -> None:
    def told(*words: str) -> list[str]:
        return [line.split()[2] for line in owner.run("history", "bail_research", *words).lines[1:]]

    assert set(told("--outcome", "read")) == {"read"}
    assert set(told("--by", READER)) >= {"read", "refused"}
    assert "wrote" not in told("--by", READER)
    assert told("--until", "2031-01-01", "--since", "2030-01-01") == []
    assert told("--key", "nothing*") == []


def test_reads_are_found_without_a_name_and_since_when_there_are_logs_is_said(owner: Person) -> None:
    done = owner.run("history", "--outcome", "read", "--key", "tables/*")
    assert [line.split()[2] for line in done.lines[1:]] == ["read"]
    assert "bail_research: its access logs begin on " in done.err
    assert "court_outcomes" not in done.out


def test_json_and_csv_hold_every_field(owner: Person) -> None:
    done = owner.run("history", "bail_research", "--outcome", "read", "--json")
    facts = json.loads(done.lines[0])
    assert {name: facts[name] for name in ("schema", "dataset", "outcome", "key", "bytes_sent", "status")} == {
        "schema": "data-exports/access/1",
        "dataset": "bail_research",
        "outcome": "read",
        "key": "tables/one two.csv",
        "bytes_sent": 5,
        "status": 200,
    }
    assert facts["requester"].startswith(f"arn:aws:sts::871026394550:assumed-role/{READER}/")
    rows = list(csv.DictReader(io.StringIO(owner.run("history", "bail_research", "--outcome", "read", "--csv").out)))
    assert {key: str(value or "") for key, value in facts.items() if key != "schema"} == rows[0]


def test_what_left_for_an_account_is_pushes_and_reads_alike(owner: Person, operated_example: DeployedEstate) -> None:
    stage = operated_example.stage
    pull = stage.pull("custody_dashboard")
    bucket = str(pull.bucket(operated_example.estate.platform))
    stage.as_user(pull.users[0]).put_object(Bucket=bucket, Key="c.csv", Body=b"1")
    reader = next(each for each in pull.outsiders if isinstance(each, RoleArn))
    stage.as_role(reader).get_object(Bucket=bucket, Key="c.csv")
    done = owner.run("history", "--account", "Cloud Platform", "--json")
    assert done.code == 0, done.err
    found = [json.loads(line) for line in done.lines]
    datasets = {each["dataset"] for each in found if each["schema"] == "data-exports/access/1"}
    assert datasets == {"custody_dashboard"}
    assert {each["outcome"] for each in found if each["dataset"] == "custody_dashboard"} == {"read"}  # theirs alone
    told = {push.name for push in operated_example.estate.push_datasets if push.destination.account == "754256621582"}
    assert {each["dataset"] for each in found if each["schema"] == "data-exports/history/1"} <= told


def test_who_did_tells_of_users_and_readers(owner: Person) -> None:
    done = owner.run("who", "did", "bail_research", "--since", "1d", "--json")
    uses = {each["name"]: each for each in json.loads(done.out)["uses"]}
    reader = uses["arn:aws:iam::871026394550:role/bail-research"]
    assert (reader["is_granted"], reader["reads"], reader["bytes_read"], reader["writes"]) == (True, 1, 5, 0)
    assert (uses[USER]["writes"], uses[USER]["is_unused"], uses[USER]["uploads"]) == (1, False, None)
    text = owner.run("who", "did", "bail_research", "--since", "1d").out
    assert "arn:aws:iam::871026394550:role/bail-research  1 read (5 B), last " in text


def test_who_did_as_csv_has_a_line_for_each_person_with_what_json_has(owner: Person) -> None:
    names = ("bail_research", "court_hearings")
    done = owner.run("who", "did", *names, "--since", "1d", "--csv")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    uses = json.loads(owner.run("who", "did", *names, "--since", "1d", "--json").out)["uses"]
    assert done.code == 0, done.err
    as_text = {None: "", True: "yes", False: "no"}
    assert [
        {name: as_text[value] if isinstance(value, bool | None) else str(value) for name, value in use.items()}
        for use in uses
    ] == [{name: row[name] for name in use} for row, use in zip(rows, uses, strict=True)]
    (reader,) = [row for row in rows if row["name"] == "arn:aws:iam::871026394550:role/bail-research"]
    assert (reader["dataset"], reader["is_granted"], reader["is_unused"]) == ("bail_research", "yes", "no")
    assert (reader["uploads"], reader["reads"], reader["why_not_known"]) == ("", "1", "")


def test_who_is_not_in_logs_that_begin_later_is_not_known(owner: Person) -> None:
    done = owner.run("who", "did", "reoffending_statistics", "--since", "90d")
    assert done.code == 4
    assert "not known: its access logs begin on " in done.out or "has written no access log" in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bail_research", "--follow"], "--follow shows receipts, and bail_research is a pull dataset"),
        (
            ["bail_research", "court_outcomes", "--csv"],
            "--csv has other columns for push datasets (court_outcomes)",
        ),
        (["bail_research", "--outcome", "rad"], "of pull datasets read, wrote, deleted, listed, refused"),
        (["bail_research", "--outcome", "delivered"], "bail_research is a pull dataset, of which nothing is delivered"),
        (["court_outcomes", "--outcome", "read"], "one of delivered, superseded"),
        (["bail_reserch"], "bail_research"),
    ],
)
def test_what_cannot_be_told_is_refused(owner: Person, words: list[str], said: str) -> None:
    done = owner.run("history", *words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_whoever_may_not_read_the_logs_is_told_what_is_lacking(operated_example: DeployedEstate, owner: Person) -> None:
    platform = operated_example.estate.platform
    sender = replace(owner, role=platform.user_role_arn(operated_example.estate.push_datasets[0].users[0]))
    done = sender.run("history", "bail_research")
    assert (done.code, done.out) == (3, "")
    assert f"s3:ListBucket and s3:GetObject on {platform.access_log_bucket}/pull/" in done.err
