"""Who used what they were granted: nobody is accused of what is not known."""

import io
import json
from datetime import UTC, datetime
from typing import Any

from data_exports.operate.who.uses import Uses, read_uses
from data_exports.views.who import render_uses
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, push
from tests.unit.operate.receipt_log import file_at, line, packed

SINCE = datetime(2031, 1, 1, tzinfo=UTC)
ANA, BEN = "alpha_user_ana", "alpha_user_Ben-Two"
IDS = {ANA: "AROAANA", BEN: "AROABEN"}


def uses(*lines: Any, recorded: dict[str, str] | None = None, **answers: Any) -> Uses:
    def role(*, RoleName: str) -> Any:  # noqa: N803
        return {"Role": {"RoleId": IDS[RoleName]}}

    def body(*, Key: str, **_: Any) -> Any:  # noqa: N803
        if Key == "roles/ids.json":
            return refusal("NoSuchKey") if recorded is None else {"Body": io.BytesIO(json.dumps(recorded).encode())}
        return {"Body": io.BytesIO(packed(*lines))}

    listed = [{"Contents": [{"Key": file_at("20310330T090001")}]}]
    aws = AwsAnswers({"get_role": role, "list_objects_v2": listed, "get_object": body, **answers})
    return read_uses(PLATFORM, push(), aws, since=SINCE)


def said(found: Uses) -> list[tuple[str, bool | None, bool, int | None, str]]:
    return [(use.who, use.is_granted, use.is_unused, use.uploads, use.why_not_known) for use in found.uses]


def test_an_upload_counts_once_however_many_receipts_tell_of_it_and_is_of_whom_any_of_them_names() -> None:
    found = uses(
        line(outcome="failed", delivered_at=None),
        line(uploaded_by=None),
        line("hearings/b.csv", version_id="v2", uploaded_by=None),
        line("hearings/b.csv", version_id="v2", outcome="superseded"),
    )
    assert said(found) == [(ANA, True, False, 2, ""), (BEN, True, True, 0, "")]
    assert found.is_whole


def test_a_version_null_is_told_by_what_is_in_it_and_by_its_key() -> None:
    found = uses(
        line(version_id="null"),
        line(version_id="null", etag="e2"),
        line("hearings/b.csv", version_id="null"),
        line(version_id="null", outcome="superseded"),
    )
    assert said(found)[0] == (ANA, True, False, 3, "")


def test_while_an_upload_is_of_nobody_known_nobodys_grant_is_called_unused() -> None:
    untold = "of 2 uploads it cannot be told whose they are"
    found = uses(line("hearings/b.csv", uploaded_by=None), line(uploaded_by="AWS:AROAOLD:ben"))
    assert said(found) == [
        (ANA, True, False, 0, untold),
        (BEN, True, False, 0, untold),
        ("AROAOLD:ben", None, False, 1, "the id of a role that no deployment has recorded"),
        ("somebody whom S3 did not name", None, False, 1, "no receipt tells"),
    ]
    assert not found.is_whole
    lines = render_uses(found, since=SINCE).splitlines()
    assert lines[1:3] == [
        f"  alpha_user_ana                 not known: {untold}",
        f"  alpha_user_Ben-Two             not known: {untold}",
    ]
    doubt = "; whether it is a sender is not known: "
    assert [line.partition(doubt)[2] for line in lines[3:]] == [
        "the id of a role that no deployment has recorded",
        "no receipt tells",
    ]


def test_a_role_that_was_made_again_is_known_by_what_deployments_have_recorded() -> None:
    found = uses(line(uploaded_by="AWS:AROAOLD:ben"), recorded={"AROAOLD": BEN, "AROALEFT": "alpha_user_left"})
    assert said(found) == [(ANA, True, True, 0, ""), (BEN, True, False, 1, "")]


def test_who_is_known_and_no_sender_is_told_so_and_leaves_no_doubt() -> None:
    by = ("AWS:AROALEFT:x", "AWS:AIDAUSER", "593291632749")
    lines = [line(f"hearings/{each}", uploaded_by=each) for each in by]
    found = uses(*lines, recorded={"AROALEFT": "alpha_user_left"})
    assert said(found) == [
        (ANA, True, True, 0, ""),
        (BEN, True, True, 0, ""),
        ("593291632749", False, False, 1, ""),
        ("AIDAUSER", False, False, 1, ""),
        ("alpha_user_left", False, False, 1, ""),
    ]
    assert found.is_whole


def test_what_is_recorded_and_is_no_name_of_a_role_is_left_aside() -> None:
    found = uses(line(), recorded={"AROAX": "not a name/", "AROAY": 3})  # type: ignore[dict-item]
    assert said(found) == [(ANA, True, False, 1, ""), (BEN, True, True, 0, "")]


def test_while_a_receipt_cannot_be_read_it_may_be_of_anybody() -> None:
    unread = "1 receipt could not be read"
    found = uses(line(), "no object")
    assert said(found) == [(ANA, True, False, 1, ""), (BEN, True, False, 0, unread)]
    assert not found.is_whole


def test_of_two_receipts_of_an_upload_the_one_that_tells_who_counts() -> None:
    known, unknown = line(outcome="failed"), line(uploaded_by="AWS:AROAOLD:x")
    for lines in ((known, unknown), (unknown, known)):
        assert said(uses(*lines)) == [(ANA, True, False, 1, ""), (BEN, True, True, 0, "")]
