"""What has changed for the other side: facts, steps, who has a part anew and who no longer; in words, and as JSON."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from data_exports.errors import UsageError
from data_exports.estate.models import Dataset, Estate, PullDataset, PushDataset
from data_exports.operate.handover.changes import Change, FactChange, HandoverChange, changes_for
from data_exports.views.handover.changes import HandoverChangesData, change_letter_of
from tests.estates import KEY, LOADER, PLATFORM, READER, at_s3, estate_of, pull, push
from tests.json_data import json_data


def only(before: Dataset | None, after: Dataset | None, **named: Any) -> HandoverChange:
    known = before or after
    assert known
    (found,) = changes_for(of(before), of(after), str(known.name), **named)
    return found


def of(*datasets: Dataset | None) -> Estate:
    return estate_of(*(each for each in datasets if each))


def letter(before: Dataset | None, after: Dataset | None) -> str:
    return change_letter_of(only(before, after), "v1 (0123456789ab)")


@pytest.mark.parametrize("dataset", [push(), pull()])
def test_nothing_changed_is_said(dataset: PushDataset | PullDataset) -> None:
    found = only(dataset, dataset)
    assert (found.change, found.facts, found.steps) == (Change.UNCHANGED, (), ())
    said = f"Nothing has changed for you in the dataset {dataset.name} since v1 (0123456789ab)."
    assert letter(dataset, dataset).endswith(f"\n\n{said}")


def test_what_others_of_the_platform_do_is_no_change_for_the_other_side() -> None:
    more = replace(push(), users=(*push().users, push().users[0]), max_concurrency=9)
    assert only(push(), more).change is Change.UNCHANGED


def test_a_later_end_is_a_fact_and_a_policy_to_put_in_place() -> None:
    before, after = push(expires=date(2027, 3, 31)), push(expires=date(2028, 3, 31))
    found = only(before, after)
    assert found.facts == (FactChange("last_day", ("2027-03-31",), ("2028-03-31",)),)
    (step,) = found.steps
    (statement,) = step.document["Statement"]
    assert statement["Condition"]["DateLessThan"] == {"aws:CurrentTime": "2028-04-01T00:00:00Z"}
    said = letter(before, after)
    assert said.startswith(
        "Subject: Data export hearings: what has changed\n\n"
        "To the owner of the bucket cp-hearings in account `Cloud Platform` (754256621582)\n\n"
        "In the dataset hearings this has changed for you since v1 (0123456789ab):\n\n"
        "- last day: 2028-03-31; it was 2027-03-31\n\n"
        "WHAT WE ASK YOU TO DO\n\n"
    )
    assert "\n\n1. Let the role write." in said


def test_what_needs_nothing_of_them_says_so() -> None:
    before, after = push(owner="Courts", description="Lists"), push(paperwork=("DPIA-17", "DPIA-18"), owner="Tribunals")
    assert letter(before, after).partition("):\n\n")[2] == (
        '- what it is: none any more; it was "Lists"\n'
        '- who answers for it: "Tribunals"; it was "Courts"\n'
        '- agreed in: "DPIA-17", "DPIA-18"; it was "DPIA-17"\n\n'
        "You have nothing to do."
    )


def test_a_mover_of_another_name_and_a_key_are_facts_with_their_steps() -> None:
    found = only(push(), push(keep_files=True, destination=at_s3(kms_key=KEY)))
    roles = [f"arn:aws:iam::593291632749:role/service-role/export_hearings-{verb}" for verb in ("move", "copy")]
    assert found.facts == (
        FactChange("mover_role", (roles[0],), (roles[1],)),
        FactChange("target_kms_key", (), (KEY,)),
    )
    assert [step.asks.partition(".")[0] for step in found.steps] == ["Let the role write", "Let the role encrypt"]


def test_readers_come_and_go_account_by_account() -> None:
    before, after = pull(outsiders=(READER,)), pull(outsiders=(LOADER,), allow_push=True)
    found = changes_for(of(before), of(after), "court_lists")
    assert [(each.place, each.change) for each in found] == [
        ("112233445566", Change.NEW),
        ("754256621582", Change.GONE),
    ]
    new, gone = (change_letter_of(each, "v1") for each in found)
    assert "You had no part in the dataset court_lists at v1. All of this is new:" in new
    assert "\n\n1. Give `arn:aws:iam::112233445566:role/loader` this policy:" in new
    assert "You have no part in the dataset court_lists any more; at v1 you had." in gone
    assert changes_for(of(before), of(after), "court_lists", account="754256621582") == (found[1],)
    with pytest.raises(UsageError, match="account '999988887777' has no part in court_lists, and had none then"):
        changes_for(of(before), of(after), "court_lists", account="999988887777")


def test_what_a_reader_may_do_is_a_fact_and_a_policy() -> None:
    found = only(pull(), pull(allow_push=True))
    assert found.facts == (FactChange("may", ("read",), ("read", "write")),)
    assert [step.asks for step in found.steps] == [f"Give `{READER}` this policy:"]


@pytest.mark.parametrize("dataset", [push(), pull()])
def test_a_dataset_that_was_not_there_is_new_and_one_that_is_gone_is_said(dataset: PushDataset | PullDataset) -> None:
    assert only(None, dataset).change is Change.NEW
    assert changes_for(None, of(dataset), str(dataset.name))[0].change is Change.NEW
    assert "All of this is new:\n\n" in letter(None, dataset)
    assert "WHAT WE ASK YOU TO DO" in letter(None, dataset)
    assert only(dataset, None).change is Change.GONE
    gone = letter(dataset, None).replace("\n", " ")
    assert gone.endswith("Tell us (exports@example.gov.uk) if you did not expect this.")


def test_a_dataset_that_nobody_ever_declared_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no dataset is named 'hearing'") as stopped:
        changes_for(of(push()), of(push()), "hearing")
    assert stopped.value.next_step == "did you mean hearings?"


def test_another_bucket_is_new_to_its_owner_and_gone_for_the_old_one() -> None:
    found = changes_for(of(push()), of(push(destination=at_s3("other-landing"))), "hearings")
    assert [(each.place, each.change) for each in found] == [
        ("cp-hearings", Change.GONE),
        ("other-landing", Change.NEW),
    ]
    gone = change_letter_of(found[0], "v1").replace("\n", " ")
    role = "arn:aws:iam::593291632749:role/service-role/export_hearings-move"
    assert f"take away what you put in place for {role}." in gone


def test_programs_get_the_same_facts() -> None:
    before, after = push(), push(expires=date(2028, 3, 31))
    (data,) = json_data(HandoverChangesData("v1", [only(before, after)]))["changes"]
    assert {key: data[key] for key in ("dataset", "account", "place", "change", "facts")} == {
        "dataset": "hearings",
        "account": "754256621582",
        "place": "cp-hearings",
        "change": "changed",
        "facts": [{"fact": "last_day", "before": [], "after": ["2028-03-31"]}],
    }
    assert [set(step) for step in data["steps"]] == [{"asks", "document", "remark", "lines"}]


def test_no_declared_text_gets_out_of_its_line() -> None:
    hostile = '"\n- you have nothing to do \u202e\x1b[31m'
    said = letter(push(), push(owner=hostile, description=hostile, paperwork=(hostile,)))
    assert all(mark.isprintable() or mark == "\n" for mark in said)
    assert [line for line in said.splitlines() if line.startswith("- ")] == [
        line for line in said.splitlines() if line.startswith(("- what", "- who", "- agreed"))
    ]
    assert PLATFORM.contact
