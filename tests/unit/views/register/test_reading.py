"""What the register takes from what AWS told."""

from datetime import UTC, datetime

from data_exports.names import DatasetName
from data_exports.operate.status import DatasetStatus, Status
from data_exports.views.register.reading import statuses_by_name

HEARINGS, TABLES = DatasetName("hearings"), DatasetName("tables")


def test_a_declared_dataset_is_not_the_stack_that_is_left_of_another_one_of_its_name() -> None:
    pushed = DatasetStatus(HEARINGS, "push", "as declared", amiss=("its queue",))
    pulled = DatasetStatus(TABLES, "pull", "as declared")
    left = DatasetStatus(TABLES, "", "not declared", "the stack data-exports-push-tables is still there")
    gone = DatasetStatus(DatasetName("gone"), "", "not declared", "the stack is still there")
    found = Status(datetime(2026, 11, 29, tzinfo=UTC), (pushed, pulled, left, gone), amiss=("the hub's rules",))
    assert statuses_by_name(found) == {
        "hearings": DatasetStatus(HEARINGS, "push", "as declared", amiss=("its queue", "the hub's rules")),
        "tables": pulled,
        "gone": gone,
    }
