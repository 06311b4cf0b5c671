"""When accesses were last used, by the receipts; and what nothing tells of."""

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from data_exports.errors import AwsError
from data_exports.operate.last_use import read_last_uses
from data_exports.reviews.rows import RowId
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import estate_of, pull, push
from tests.unit.operate.receipt_log import file_at, line, packed

SINCE = datetime(2031, 1, 1, tzinfo=UTC)
ESTATE = estate_of(push(), pull())
ROLE_IDS = {"alpha_user_ana": "AROAANA", "alpha_user_Ben-Two": "AROABEN"}


def uses(*lines: Any, **answers: Any) -> dict[RowId, str]:
    def role(*, RoleName: str) -> Any:  # noqa: N803
        return {"Role": {"RoleId": ROLE_IDS[RoleName]}}

    def body(**_: Any) -> Any:
        return {"Body": io.BytesIO(packed(*lines))}

    listed = [{"Contents": [{"Key": file_at("20310330T090001")}]}]
    aws = AwsAnswers({"get_role": role, "list_objects_v2": listed, "get_object": body, **answers})
    found: dict[RowId, str] = {}
    for _, of_one in read_last_uses(ESTATE, aws, since=SINCE):
        found |= of_one
    return found


def of_hearings(found: dict[RowId, str]) -> list[str]:
    rows = [("recipient", "s3://cp-hearings/hearings/"), ("sender", "alpha_user_ana"), ("sender", "alpha_user_Ben-Two")]
    return [found[("hearings", *row)] for row in rows]


def test_receipts_tell_of_senders_and_of_the_recipient_and_access_logs_of_who_reads_a_bucket() -> None:
    later = line("hearings/b.csv", uploaded_at="2031-04-02T09:00:00.000Z", delivered_at=None, outcome="failed")
    found = uses(line(), later)
    assert of_hearings(found) == ["2031-03-30", "2031-04-02", "none since 2031-01-01"]
    unknown = "not known: S3 has written no access log of it yet"
    assert {found[row] for row in found if row[0] == "court_lists"} == {unknown}


def test_a_role_that_cannot_be_looked_up_may_have_sent_what_nobody_is_known_for() -> None:
    me = {"UserId": "AROAME:me", "Arn": "arn:aws:sts::593291632749:assumed-role/me/me", "Account": "593291632749"}
    found = uses(line(), get_role=refusal("NoSuchEntity"), get_caller_identity=me)
    unknown = "not known: the role could not be looked up"
    assert of_hearings(found) == ["2031-03-30", unknown, unknown]


def test_receipts_that_cannot_be_read_are_said_where_nothing_else_is_known() -> None:
    found = uses(line(), "no object")
    damaged = "not known: 1 receipt could not be read"
    assert of_hearings(found) == ["2031-03-30", "2031-03-30", damaged]


def test_without_the_right_to_read_receipts_it_is_an_error() -> None:
    with pytest.raises(AwsError, match="s3:ListBucket"):
        uses(list_objects_v2=refusal("AccessDenied"), caller=("593291632749", "arn:aws:iam::593291632749:role/x"))
