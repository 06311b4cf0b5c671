"""The access logs' stack: who may write there, how long it is kept, and the table that Athena answers from."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from data_exports.estate.models import PullDataset
from data_exports.operate.access_logs import log_folder_of
from data_exports.stacks.access_logs import ACCESS_DATABASE, ACCESS_TABLE, LOG_COLUMNS, access_logs_stack
from data_exports.stacks.pull import pull_stack
from tests.access_log_lines import line
from tests.estates import PLATFORM, pull
from tests.guides import ROOT
from tests.unit.stacks.all_stacks import AROUND
from tests.unit.stacks.linted import cfn_lint_on

RESOURCES: dict[str, Any] = json.loads(access_logs_stack(PLATFORM, (), require_tls=True).body)["Resources"]


def test_s3s_log_service_alone_may_write_and_only_what_it_logs_of_our_pull_buckets() -> None:
    *_, allowed = RESOURCES["AccessLogBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert allowed == {
        "Sid": "S3WritesLogs",
        "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": "arn:aws:s3:::mojap-hub-exports-use/pull/593291632749/eu-west-1/mojap-*",
        "Condition": {
            "ArnLike": {"aws:SourceArn": "arn:aws:s3:::mojap-*"},
            "StringEquals": {"aws:SourceAccount": "593291632749"},
        },
    }


def test_logs_are_forgotten_after_more_than_a_year() -> None:
    rules = RESOURCES["AccessLogBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule] == [400]


def test_a_pull_bucket_is_logged_there_a_folder_a_day() -> None:
    bucket = json.loads(pull_stack(PLATFORM, pull(), AROUND).body)["Resources"]["Bucket"]["Properties"]
    assert bucket["LoggingConfiguration"] == {
        "DestinationBucketName": "mojap-hub-exports-use",
        "LogFilePrefix": "pull/",
        "TargetObjectKeyFormat": {"PartitionedPrefix": {"PartitionDateSource": "EventTime"}},
    }


def test_the_table_looks_where_s3_writes() -> None:
    table = RESOURCES["AccessLogTable"]["Properties"]["TableInput"]
    place = table["Parameters"]["storage.location.template"]
    place = place.replace("${bucket}", "mojap-court-lists").replace("${day}", "2031/03/31")
    assert place == f"s3://mojap-hub-exports-use/{log_folder_of(PLATFORM, pull())}2031/03/31/"
    assert [each["Name"] for each in table["StorageDescriptor"]["Columns"]] == list(LOG_COLUMNS)


def test_the_tables_pattern_takes_a_line_apart_whatever_requesters_write() -> None:
    """Athena's SerDe wants the whole line to match: https://docs.aws.amazon.com/athena/latest/ug/regex-serde.html."""
    serde = RESOURCES["AccessLogTable"]["Properties"]["TableInput"]["StorageDescriptor"]["SerdeInfo"]
    pattern = re.compile(serde["Parameters"]["input.regex"])
    assert pattern.groups == len(LOG_COLUMNS)
    for text in (
        line(version="v1"),
        line(version="v1", agent='x" y'),
        line(version="v1").replace('17 "-"', '17 "x y"'),
        line(version="v1", uri='"GET /a"x HTTP/1.1"'),
    ):
        found = pattern.fullmatch(text)
        assert found
        told = dict(zip(LOG_COLUMNS, found.groups(), strict=True))
        assert (told["operation"], told["http_status"], told["bytes_sent"]) == ("REST.GET.OBJECT", "200", "5")
        assert (told["requested_at"], told["version_id"]) == ("31/Mar/2031:09:00:01 +0000", "v1")
    copied = "- 200 - - 13538337 - - - - - s9lzHYrF= SigV4 - AuthHeader - - - -"
    assert pattern.fullmatch(
        f"79a5 mojap-x [31/Mar/2031:09:00:01 +0000] 192.0.2.3 - 3E5 REST.COPY.OBJECT_GET k {copied}"
    )
    unsigned = pattern.fullmatch(line(requester="-", uri="-", version="-").replace('"-" "aws-cli/2.31"', "- -"))
    assert unsigned


def test_the_query_that_people_copy_names_columns_that_exist() -> None:
    guide = (ROOT / "docs" / "operate.md").read_text()
    queries = re.findall(r"^```sql\n(.*?)^```", guide, flags=re.MULTILINE | re.DOTALL)
    (query,) = [each for each in queries if ACCESS_DATABASE in each]
    assert f"FROM {ACCESS_DATABASE}.{ACCESS_TABLE}" in query
    assert "bucket = " in query  # an injected partition has to be named
    told = set(re.findall(r"\b([a-z]+_[a-z_]+)\b(?! *\()", re.sub(r"'[^']*'", "", query)))
    assert told - {ACCESS_DATABASE} <= set(LOG_COLUMNS)


AUDITED = replace(PLATFORM, audit="cloudtrail")


def trail_of(*pulls: PullDataset) -> dict[str, Any]:
    found = json.loads(access_logs_stack(AUDITED, pulls, require_tls=True).body)["Resources"]["AuditTrail"]
    return dict(found["Properties"])


def test_without_audit_there_is_no_trail_and_the_datasets_change_nothing() -> None:
    assert "AuditTrail" not in RESOURCES
    assert access_logs_stack(PLATFORM, (pull(),), require_tls=True) == access_logs_stack(PLATFORM, (), require_tls=True)


def test_a_trail_records_each_request_for_a_file_of_the_hub_and_of_the_pull_buckets_alone() -> None:
    properties = trail_of(pull("case_notes"), pull("court_lists"))
    (selector,) = properties["AdvancedEventSelectors"]
    assert selector["FieldSelectors"][-1]["StartsWith"] == [
        "arn:aws:s3:::mojap-hub-exports/",
        "arn:aws:s3:::mojap-case-notes/",
        "arn:aws:s3:::mojap-court-lists/",
    ]
    kept = ("TrailName", "S3BucketName", "S3KeyPrefix", "IsLogging", "EnableLogFileValidation")
    assert [properties[name] for name in kept] == ["exports-audit", "mojap-hub-exports-use", "cloudtrail", True, True]


def test_more_buckets_than_a_trail_takes_are_recorded_by_their_prefix() -> None:
    (selector,) = trail_of(*(pull(f"d{number}") for number in range(490)))["AdvancedEventSelectors"]
    assert selector["FieldSelectors"][-1]["StartsWith"] == ["arn:aws:s3:::mojap-hub-exports/", "arn:aws:s3:::mojap-"]


def test_cfn_lint_accepts_the_trail(tmp_path: Path) -> None:
    stack = access_logs_stack(AUDITED, (pull(),), require_tls=True)
    (tmp_path / "audit.json").write_text(stack.body)
    assert cfn_lint_on([str(tmp_path / "audit.json")]) == ""
