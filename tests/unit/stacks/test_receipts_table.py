"""The table that Athena reads has the fields that the mover writes; the queries in the guide name no others."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

from data_exports.contract.receipts import receipts_file
from data_exports.stacks.access_logs import ACCESS_DATABASE
from data_exports.stacks.foundation import foundation_stack
from data_exports.stacks.receipts_table import DATABASE, PARTITIONS, TABLE, TABLE_COLUMNS
from tests.estates import PLATFORM

GUIDE = Path(__file__).parents[3] / "docs" / "operate.md"


def test_the_tables_columns_are_those_of_deployed_tables_and_the_new_ones_behind_them() -> None:
    assert TABLE_COLUMNS == (
        ("key", "string"),
        ("version_id", "string"),
        ("etag", "string"),
        ("size_bytes", "bigint"),
        ("uploaded_by", "string"),
        ("uploaded_at", "string"),
        ("outcome", "string"),
        ("reason", "string"),
        ("cause", "string"),
        ("delivered_at", "string"),
        ("target_bucket", "string"),
        ("target_version_id", "string"),
        ("target_etag", "string"),
        ("receive_count", "int"),
        ("message_id", "string"),
        ("mover_version", "string"),
        ("recorded_at", "string"),
        ("destination", "string"),
        ("destination_version", "string"),
        ("destination_etag", "string"),
        ("digest", "string"),
    )


def test_partitions_are_found_where_the_mover_writes() -> None:
    table = json.loads(foundation_stack(PLATFORM, require_tls=True).body)["Resources"]["ReceiptsTable"]["Properties"]
    found = table["TableInput"]
    template = found["Parameters"]["storage.location.template"]
    key, _ = receipts_file(
        [],
        dataset="hearings",
        destination="s3://b",
        mover_version="1",
        now=datetime(2031, 3, 31, tzinfo=UTC),
        identifier="",
    )
    place = template.replace("${dataset}", "hearings").replace("${date}", "2031-03-31")
    assert f"s3://{PLATFORM.log_bucket}/{key}".startswith(place)
    assert [each["Name"] for each in found["PartitionKeys"]] == ["dataset", "date"] == [name for name, _ in PARTITIONS]
    assert (table["DatabaseName"], found["Name"]) == (DATABASE, TABLE) == ("data_exports", "receipts")


def test_the_queries_people_copy_name_columns_that_exist() -> None:
    queries = re.findall(r"^```sql\n(.*?)^```", GUIDE.read_text(), flags=re.MULTILINE | re.DOTALL)
    queries = [query for query in queries if ACCESS_DATABASE not in query]
    assert len(queries) >= 4
    known = {name for name, _ in (*TABLE_COLUMNS, *PARTITIONS)} | {DATABASE, "row_number"}
    for query in queries:
        told = re.sub(r"--.*|'[^']*'", "", query)
        own = set(re.findall(r"\bAS ([a-z_]+)", told))
        named = set(re.findall(r"\b([a-z][a-z0-9]*_[a-z_0-9]*|key|etag|outcome|reason|dataset)\b(?! *\()", told))
        assert named - known - own == set(), query
        assert f"FROM {DATABASE}.{TABLE}" in query
        assert "dataset IN (" in query  # an injected partition has to be named
