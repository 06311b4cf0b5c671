"""A status of a full hub: what it says, and how many requests it makes."""

import io
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from data_exports.contract.keys import card_key_of
from data_exports.deploy.deployed import Deployed
from data_exports.deploy.plan.planning import plan_deploy
from data_exports.estate.models import Estate
from data_exports.estate.promises import parse_promise
from data_exports.names import KEEPER_SETTINGS, DatasetName, RoleName
from data_exports.operate.queues import QueueFigures
from data_exports.operate.status import DatasetStatus, Status, status_of
from data_exports.operate.traffic import Deliveries, HubBacklog
from data_exports.stacks.card import card_of
from data_exports.stacks.code import mover_code
from data_exports.stacks.keeper_settings import keeper_settings_of
from data_exports.stacks.stack import Surroundings
from data_exports.views.status import changed_since, render_change, render_status, status_as_data
from tests.aws_answers import AwsAnswers, refusal
from tests.estates import PLATFORM, estate_of, pull, push
from tests.json_data import json_data
from tests.unit.operate.receipt_log import Log, file_at, line, packed

NOW = datetime(2031, 3, 31, 12, tzinfo=UTC)


class World:
    """AWS with everything of an estate deployed; counts its requests by operation."""

    is_local = True

    class meta:  # noqa: N801 - as a client has it
        endpoint_url = "https://sqs.eu-west-1.amazonaws.com"

    def __init__(self, estate: Estate, files: dict[str, bytes]) -> None:
        self.asked: Counter[str] = Counter()
        self.log = Log(files, page=1000)
        self.keeper_is_told: bytes | None = keeper_settings_of(estate, NOW.date()).encode()
        self.pushes = estate.push_datasets
        self.users = sorted({user for dataset in estate.datasets() for user in dataset.users})
        code = mover_code()
        around = Surroundings(
            code_key=code.key,
            missing_roles=frozenset(self.users[:1]),
            require_tls=False,
        )
        self.stacks = [
            {
                "StackName": step.stack.name,
                "StackId": step.stack.name,
                "StackStatus": "UPDATE_COMPLETE",
                "Tags": [{"Key": key, "Value": value} for key, value in step.stack.tags],
            }
            for step in plan_deploy(estate, Deployed(), around).steps
            if step.stack
        ]

    def caller(self) -> tuple[str, str]:
        self.asked["GetCallerIdentity"] += 1
        return PLATFORM.account, "arn:aws:sts::593291632749:assumed-role/operator/o"

    def client(self, service: str) -> "World":
        return self

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)

    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
        return {"Stacks": [each for each in self.stacks if each["StackName"] == StackName]}

    def get_role(self, **_: Any) -> Any:
        return {"Role": {"RoleId": "AROA"}}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        self.asked["GetQueueAttributes"] += 1
        return {"Attributes": dict.fromkeys(AttributeNames, "0")}

    def list_objects_v2(self, **_: Any) -> Any:
        self.asked["ListObjectsV2"] += 1
        return {}

    def get_role_policy(self, **_: Any) -> Any:
        self.asked["GetRolePolicy"] += 1
        return {"PolicyDocument": {}}

    def get_bucket_policy(self, **_: Any) -> Any:
        self.asked["GetBucketPolicy"] += 1
        return {"Policy": "{}"}

    def get_bucket_versioning(self, **_: Any) -> Any:
        self.asked["GetBucketVersioning"] += 1
        return {"Status": "Enabled"}

    def get_bucket_notification_configuration(self, **_: Any) -> Any:
        self.asked["GetBucketNotification"] += 1
        rules = [[{"Name": "prefix", "Value": str(each.prefix)}] for each in self.pushes]
        return {"QueueConfigurations": [{"Filter": {"Key": {"FilterRules": rule}}} for rule in rules]}

    def get_object(self, *, ExpectedBucketOwner: str, Bucket: str, Key: str) -> Any:  # noqa: N803
        self.asked["GetObject"] += 1
        if Key == KEEPER_SETTINGS:
            if self.keeper_is_told is None:
                raise refusal("NoSuchKey")
            return {"Body": io.BytesIO(self.keeper_is_told)}
        return self.log.get_object(Bucket="hub-log", Key=Key)


class Pages:
    def __init__(self, world: World, operation: str) -> None:
        self.world, self.operation = world, operation

    def paginate(self, **arguments: Any) -> Any:
        asked = self.world.asked
        match self.operation:
            case "describe_stacks":
                for start in range(0, len(self.world.stacks), 100):
                    asked["DescribeStacks"] += 1
                    yield {"Stacks": self.world.stacks[start : start + 100]}
            case "list_roles":
                asked["ListRoles"] += 1
                yield {"Roles": [{"RoleName": user} for user in self.world.users[1:]]}
            case "list_event_source_mappings":
                asked["ListEventSourceMappings"] += 1
                yield {"EventSourceMappings": [{"State": "Enabled"}]}
            case "list_buckets":
                asked["ListBuckets"] += 1
                yield {"Buckets": []}
            case "list_objects_v2" if "Delimiter" in arguments:
                asked["ListObjectsV2"] += 1
                yield {}
            case "list_objects_v2":
                asked["ListObjectsV2"] += 1
                arguments.pop("ExpectedBucketOwner")
                yield from self.world.log.paginate(**arguments | {"Bucket": "hub-log"})


def full_hub() -> Estate:
    users = [RoleName(f"alpha_user_{number}") for number in range(200)]
    pushes = [push(f"push{number}", users=(users[number], users[-1])) for number in range(100)]
    pulls = [pull(f"pull{number}", users=(users[number],)) for number in range(150)]
    return estate_of(*pushes, *pulls)


def test_a_full_hub_takes_less_than_a_thousand_requests_and_what_is_left_out_is_said() -> None:
    estate = full_hub()
    recent = "2031-03-31T11:00:00.500Z"
    file = file_at("20310331T110000Z").replace("dataset=hearings", "dataset=push7")
    world = World(estate, {file: packed(line(delivered_at=recent, recorded_at=recent))})
    status = status_of(estate, world, now=NOW)  # type: ignore[arg-type]
    assert world.asked == {
        "GetCallerIdentity": 1,
        "DescribeStacks": 3,  # 253 stacks, 100 a page
        "ListRoles": 1,
        "GetQueueAttributes": 200,
        "ListObjectsV2": 100 + 100 + 99,  # the hub; the last day's receipts; the days of those that had none
        "GetObject": 1 + 1,  # receipts; what the keeper is told
        "ListEventSourceMappings": 100,  # what access and delivery rest on, from here
        "GetBucketPolicy": 150,
        "GetBucketVersioning": 1,
        "GetBucketNotification": 1,
        "ListBuckets": 1,
    }
    assert {row.state for row in status.datasets} == {"as declared"}
    assert (status.at, status.notes) == (NOW, ())
    by_name = {row.name: row for row in status.datasets}
    assert by_name[DatasetName("push7")].deliveries == Deliveries(
        datetime(2031, 3, 31, 11, 0, 0, 500_000, tzinfo=UTC), 1, 3, is_partial=False
    )
    missing = [row.name for row in status.datasets if row.missing_roles]
    assert missing == ["push0", "pull0"]
    text = render_status(status, PLATFORM).splitlines()
    assert text[0].endswith(
        "100 push and 150 pull datasets, foundation as declared, access-logs as declared, hub as declared"
    )
    assert "248 other datasets: as declared, nothing waits long, none is given up" in text
    assert "! push0: no such role: alpha_user_0" in text
    assert len(text) < 12
    assert len(render_status(status, PLATFORM, every_row=True).splitlines()) > 250
    left_out = "350 policies of users, which `exports drift` looks at"
    assert text[-1] == f"not looked at: {left_out}"
    assert json_data(status_as_data(status))["left_out"] == left_out


def test_what_the_keeper_lacks_is_told_with_the_command_that_writes_it() -> None:
    promising, silent = estate_of(push(due=parse_promise("daily by 06:00 UTC"))), estate_of(push())
    far, near = datetime(2032, 11, 2, tzinfo=UTC), datetime(2032, 11, 2, 0, 0, 1, tzinfo=UTC)
    gone, damaged, short = (
        "what the keeper is told is gone: nobody hears of ends and of missed deliveries",
        "what the keeper is told is not as a deployment writes it: nobody hears of ends and of missed deliveries",
        "when deliveries are due is known up to 2033-01-01 only: after that nobody hears of a missed one",
    )
    written = keeper_settings_of(promising, NOW.date()).encode()
    for estate, told, now, said in (
        (promising, written, far, ()),
        (promising, written, near, (short,)),
        (silent, written, near, ()),
        (silent, None, NOW, (gone,)),
        (silent, b"[]", NOW, (damaged,)),
        (silent, b'{"horizon": "soon"}', NOW, (damaged,)),
        (silent, b"\xff", NOW, (damaged,)),
    ):
        world = World(estate, {})
        world.keeper_is_told = told
        status = status_of(estate, world, now=now)  # type: ignore[arg-type]
        assert status.to_renew == said
        text = render_status(status, PLATFORM)
        assert [line for line in text.splitlines() if "exports deploy" in line] == [
            f"! {each}: exports deploy" for each in said
        ]
        assert json_data(status_as_data(status))["to_renew"] == list(said)
        before = replace(status, to_renew=())
        assert changed_since(before, status) is bool(said)
        assert all(f"! {each}: exports deploy" in render_change(before, status) for each in said)


def test_of_a_keeper_that_is_not_deployed_or_not_asked_for_nothing_is_told_and_a_refusal_is() -> None:
    estate = estate_of(push())
    world = World(estate, {})
    world.keeper_is_told = None
    assert status_of(estate, world, estate.push_datasets, now=NOW).to_renew == ()  # type: ignore[arg-type]
    world.stacks = [each for each in world.stacks if each["StackName"] != "exports-foundation"]
    assert status_of(estate, world, now=NOW).to_renew == ()  # type: ignore[arg-type]

    class Closed(World):
        def get_object(self, *, Key: str, **_: Any) -> Any:  # noqa: N803
            raise refusal("AccessDenied")

    status = status_of(estate, Closed(estate, {}), now=NOW)  # type: ignore[arg-type]
    assert (status.to_renew, len(status.notes)) == ((), 1)
    assert status.notes[0].startswith("what the keeper is told: not known: ")


def test_of_few_users_each_policy_is_looked_at() -> None:
    ana, ben = RoleName("alpha_user_ana"), RoleName("alpha_user_ben")
    estate = estate_of(push("orders", users=(ana, ben)), pull("lists", users=(ben,)))
    world = World(estate, {})
    status = status_of(estate, world, now=NOW)  # type: ignore[arg-type]
    assert (world.asked["GetRolePolicy"], status.left_out) == (3, "")


class ToSender(World):
    """The same to a sender of the first dataset, with no right but those that senders have."""

    def caller(self) -> tuple[str, str]:
        return PLATFORM.account, f"arn:aws:sts::{PLATFORM.account}:assumed-role/alpha_user_0/local"

    def describe_stacks(self, **_: Any) -> Any:
        raise refusal("AccessDenied")

    def get_object(self, **asked: Any) -> Any:
        if asked["Key"] in self.log.files:
            return super().get_object(**asked)
        raise refusal("NoSuchKey")

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803
        if not QueueUrl.endswith("push0-DLQ"):
            raise refusal("AccessDenied")
        return {"Attributes": dict.fromkeys(AttributeNames, "1")}


def test_a_sender_is_told_of_the_own_dataset_and_what_was_not_looked_at() -> None:
    estate = full_hub()
    own, other = estate.push_datasets[:2]
    status = status_of(estate, ToSender(estate, {}), [own], now=NOW)  # type: ignore[arg-type]
    (found,) = status.datasets
    assert (found.queues, found.waiting) == (QueueFigures(None, None, 2), HubBacklog(0, None, is_partial=False))
    assert (status.notes, status.not_for_senders) == ((), ("what is deployed", "how much is in the queue of push0"))
    assert render_status(status, PLATFORM).splitlines()[-1] == (
        "not looked at, because senders may not: what is deployed; how much is in the queue of push0"
    )
    data = json_data(status_as_data(status))
    assert data["not_for_senders"] == ["what is deployed", "how much is in the queue of push0"]
    both = status_of(estate, ToSender(estate, {}), [own, other], now=NOW)  # type: ignore[arg-type]
    assert both.not_for_senders == ()
    denied = "not known: alpha_user_0 may not do sqs:GetQueueAttributes on queue"
    assert both.notes == (
        "what is deployed: not known: alpha_user_0 may not do cloudformation:DescribeStacks on the stacks",
        f"how much is in the queue of push0: {denied} export_push0",
        f"the queues of push1: {denied} export_push1-DLQ",
    )


def late_since(due: str, *receipts: tuple[str, str], **changes: Any) -> datetime | None:
    """Since when a dataset with this promise is late at `NOW`; of each receipt the moment, and the outcome."""
    files = {
        file_at(re.sub("[-:]", "", moment)): packed(
            line(outcome=outcome, delivered_at=moment if outcome == "delivered" else None, recorded_at=moment)
        )
        for moment, outcome in receipts
    }
    estate = estate_of(push(due=parse_promise(due), **changes))
    (found,) = status_of(estate, World(estate, files), now=NOW).datasets  # type: ignore[arg-type]
    return found.late_since


def test_a_promised_delivery_is_late_until_the_day_has_one() -> None:
    due = "daily by 06:00 Europe/London"
    at = datetime(2031, 3, 31, 5, tzinfo=UTC)
    assert late_since(due, ("2031-03-30T22:59:59Z", "delivered")) == at  # 23:59:59 the day before
    assert late_since(due, ("2031-03-30T23:00:00Z", "delivered")) is None
    assert late_since(due, ("2031-03-31T11:00:00Z", "delivered")) is None  # late, and here
    assert late_since(due, ("2031-03-31T04:00:00Z", "failed")) == at
    assert late_since(due) == at
    assert late_since("daily by 13:01 Europe/London", ("2031-03-30T12:30:00Z", "delivered")) is None  # 12:01 UTC
    assert late_since("daily by 13:00 Europe/London", ("2031-03-30T12:30:00Z", "delivered")) == NOW
    assert late_since(due, no_delivery_on=(date(2031, 3, 31),)) == datetime(2031, 3, 30, 5, tzinfo=UTC)
    assert late_since(due, expires=date(2031, 3, 30)) is None


def test_what_failed_since_does_not_hide_a_delivery() -> None:
    failures = [(f"2031-03-31T10:00:{second:02}Z", "failed") for second in range(15)]
    weekly = "weekly on Saturday by 09:00 UTC"
    assert late_since(weekly, ("2031-03-29T08:00:00Z", "delivered"), *failures) is None
    assert late_since(weekly, ("2031-03-28T23:00:00Z", "delivered"), *failures) == datetime(2031, 3, 29, 9, tzinfo=UTC)


def test_a_sender_is_told_by_the_card_whether_the_dataset_is_deployed_as_declared() -> None:
    estate = full_hub()
    own = estate.push_datasets[0]

    def state_by(card: bytes | None) -> str:
        files = {} if card is None else {card_key_of(own.name): card}
        (found,) = status_of(estate, ToSender(estate, files), [own], now=NOW).datasets  # type: ignore[arg-type]
        return found.state

    card = card_of(PLATFORM, own)
    assert state_by(card.encode()) == "as declared"
    assert state_by(card_of(PLATFORM, replace(own, keep_files=True)).encode()) == "different"
    assert state_by(card.replace("push0", "push1").encode()) == "not known"
    assert state_by(b"\xff") == "not known"
    assert state_by(None) == "not known"


def row(**changes: Any) -> DatasetStatus:
    return replace(DatasetStatus(DatasetName("hearings"), "push", "as declared"), **changes)


def test_what_deserves_a_look_is_said() -> None:
    def concerns(**changes: Any) -> tuple[str, ...]:
        return row(**changes).concerns(NOW)

    assert concerns() == ()
    assert concerns(state="blocked", reason="CloudFormation is at work on it") == (
        "blocked: CloudFormation is at work on it",
    )
    assert concerns(queues=QueueFigures(1, 2, 3)) == ("3 dead letters: exports failures hearings",)
    assert concerns(queues=QueueFigures(1, 2, 0)) == ()
    old = NOW - timedelta(minutes=16)
    assert concerns(waiting=HubBacklog(1, old, is_partial=False)) == (
        "a file has waited 16 min: exports failures hearings may tell why",
    )
    assert concerns(waiting=HubBacklog(1, NOW + timedelta(hours=1), is_partial=False)) == ()
    assert concerns(expires=date(2031, 3, 30)) == ("its access ended on 2031-03-30",)
    assert concerns(expires=date(2031, 3, 31)) == ("its access ends on 2031-03-31",)
    assert concerns(expires=date(2031, 6, 1)) == ()
    assert concerns(late_since=datetime(2031, 3, 31, 5, tzinfo=UTC)) == (
        "late since 2031-03-31 05:00:00 UTC: no delivery is known",
    )
    assert concerns(
        late_since=datetime(2031, 3, 31, 5, tzinfo=UTC),
        deliveries=Deliveries(NOW - timedelta(days=2), 0, 0, is_partial=False),
    ) == ("late since 2031-03-31 05:00:00 UTC: the last delivery came 2 d ago",)
    assert concerns(missing_roles=(RoleName("a"), RoleName("b"))) == ("no such role: a, b",)


def test_a_row_tells_figures_and_marks_what_is_only_the_least() -> None:
    busy = row(
        queues=QueueFigures(1200, 10, 1),
        waiting=HubBacklog(1000, NOW - timedelta(hours=2), is_partial=True),
        deliveries=Deliveries(NOW - timedelta(minutes=3), 5000, 12_000_000, is_partial=True),
    )
    status = Status(NOW, (busy,), (("exports-hub", "different"),), ("the hub: not known: access denied",))
    assert render_status(status, PLATFORM).splitlines() == [
        "593291632749, eu-west-1: 1 push and 0 pull datasets, hub different",
        "",
        "dataset   kind  state        in hub  queued  flying  dead  oldest  last delivery  last day",
        "hearings  push  as declared  1,000+  1,200   10      1     2 h     3 min ago      at least 5,000 files, 12.0 MB",  # noqa: E501
        "",
        "! hearings: 1 dead letter: exports failures hearings",
        "! hearings: a file has waited 2 h: exports failures hearings may tell why",
        "? the hub: not known: access denied",
    ]
    facts = json_data(status_as_data(status))
    (dataset,) = facts["datasets"]
    assert (dataset["dataset"], dataset["queues"]) == ("hearings", json_data(QueueFigures(1200, 10, 1)))
    assert (dataset["waiting"], dataset["deliveries"]) == (json_data(busy.waiting), json_data(busy.deliveries))
    assert facts["stacks"] == [{"stack": "exports-hub", "state": "different"}]
    assert facts["not_checked"] == ["the hub: not known: access denied"]


def test_what_was_changed_by_hand_and_keeps_files_or_people_out_is_told_with_who_puts_it_back() -> None:
    class Changed(World):
        def get_role_policy(self, **_: Any) -> Any:
            raise refusal("NoSuchEntity")

        def get_bucket_policy(self, **_: Any) -> Any:
            raise refusal("NoSuchBucketPolicy")

        def get_bucket_versioning(self, **_: Any) -> Any:
            return {"Status": "Suspended"}

        def get_bucket_notification_configuration(self, **_: Any) -> Any:
            return {}

    ana = RoleName("alpha_user_ana")
    estate = estate_of(push("orders", users=(ana,)), pull("lists", users=(ana,)))
    status = status_of(estate, Changed(estate, {}), now=NOW)  # type: ignore[arg-type]
    assert [row.amiss for row in status.datasets] == [
        ("alpha_user_ana has lost its access: its policy hub-exports-push-orders is gone",),
        (
            "its bucket mojap-lists is gone, or has no policy",
            "alpha_user_ana has lost its access: its policy hub-exports-pull-lists is gone",
        ),
    ]
    assert status.amiss == (
        "the hub's versioning is Suspended: what is delivered does not leave the hub",
        "nothing tells the mover of orders of files",
    )
    assert render_status(status, PLATFORM).splitlines()[-2:] == [f"! {each}: exports repair" for each in status.amiss]


def test_a_mover_that_is_gone_not_fed_or_switched_off_is_told() -> None:
    estate = estate_of(push("orders", users=(RoleName("alpha_user_ana"),)))

    def amiss(*mappings: dict[str, str]) -> tuple[str, ...]:
        class Fed(World):
            def get_paginator(self, operation: str) -> Any:
                answer = [{"EventSourceMappings": list(mappings)}]
                pages = AwsAnswers({operation: answer}).client("lambda").get_paginator(operation)
                return pages if operation == "list_event_source_mappings" else super().get_paginator(operation)

        return status_of(estate, Fed(estate, {}), now=NOW).datasets[0].amiss  # type: ignore[arg-type]

    assert amiss({"State": "Enabled"}) == ()
    assert amiss({"State": "Disabled"}, {"State": "Enabling"}) == ()
    assert amiss({"State": "Disabled"}) == ("what feeds its mover is switched off",)
    assert amiss() == ("nothing feeds its mover",)
