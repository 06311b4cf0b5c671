"""The receipts as a table that Athena answers from, at any size: a Glue database and one table.

In: the platform. Effects: adds the two to the template. Nothing has to register partitions: Athena works out from a
query's own conditions where to look (partition projection). `dataset` is an injected column, so a query names its
datasets, also ones that are no longer declared; `date` is a range of days.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from typing import Any

from troposphere import Template
from troposphere.glue import Column, Database, DatabaseInput, SerdeInfo, StorageDescriptor, Table, TableInput

from data_exports.contract import receipts
from data_exports.contract.keys import RECEIPTS, receipts_days_of
from data_exports.estate.models import Platform
from data_exports.stacks.stack import add_dependencies

DATABASE = "data_exports"
TABLE = "receipts"
FIRST_DAY = "2025-01-01"
"""Before it there are no receipts."""

_NUMBERS = {"size_bytes": "bigint", "receive_count": "int"}

PARTITIONS: tuple[tuple[str, str], ...] = (("dataset", "string"), ("date", "string"))
TABLE_COLUMNS = tuple(
    (name, _NUMBERS[name] if name in receipts.NUMBERS else "string")
    for name in receipts.COLUMNS
    if name not in dict(PARTITIONS)
)
"""What a receipt tells. Times are ISO 8601: `from_iso8601_timestamp` reads them. New columns come last; the SerDe finds
each by its name, so that in receipts without it it is null: https://docs.aws.amazon.com/athena/latest/ug/openx-json-serde.html
https://docs.aws.amazon.com/athena/latest/ug/handling-schema-updates-chapter.html"""


def add_receipts_table(template: Template, platform: Platform) -> None:
    """Add database and table; lines that cannot be read count as rows of nulls, not as errors."""
    database = template.add_resource(
        Database(
            "ReceiptsDatabase",
            CatalogId=str(platform.account),
            DatabaseInput=DatabaseInput(Name=DATABASE, Description="Data exports: what was delivered to whom"),
        )
    )
    table = template.add_resource(
        Table(
            "ReceiptsTable",
            CatalogId=str(platform.account),
            DatabaseName=DATABASE,
            TableInput=TableInput(
                Name=TABLE,
                Description="One row for each receipt; drop repeats by key, version_id and outcome",
                TableType="EXTERNAL_TABLE",
                Parameters=_projection(platform),
                PartitionKeys=columns_of(PARTITIONS),
                StorageDescriptor=StorageDescriptor(
                    Columns=columns_of(TABLE_COLUMNS),
                    Location=f"s3://{platform.log_bucket}/{RECEIPTS}",
                    InputFormat="org.apache.hadoop.mapred.TextInputFormat",
                    OutputFormat="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    Compressed=True,
                    SerdeInfo=SerdeInfo(
                        SerializationLibrary="org.openx.data.jsonserde.JsonSerDe",
                        Parameters={"ignore.malformed.json": "true"},
                    ),
                ),
            ),
        )
    )
    add_dependencies(table, database)


def _projection(platform: Platform) -> dict[str, str]:
    return {
        "EXTERNAL": "TRUE",
        "classification": "json",
        "compressionType": "gzip",
        "projection.enabled": "true",
        "projection.dataset.type": "injected",
        "projection.date.type": "date",
        "projection.date.format": "yyyy-MM-dd",
        "projection.date.range": f"{FIRST_DAY},NOW+1DAY",
        "storage.location.template": f"s3://{platform.log_bucket}/{receipts_days_of('${dataset}')}${{date}}/",
    }


def columns_of(named: tuple[tuple[str, str], ...]) -> list[Any]:
    """Columns of a table, by name and type."""
    return [Column(Name=name, Type=kind) for name, kind in named]
