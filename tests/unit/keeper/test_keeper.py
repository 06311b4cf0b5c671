"""The keeper: each message once, at the right hour, whatever fails in between; time and places are given."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from data_exports.estate.models import Dataset
from data_exports.estate.promises import parse_promise
from data_exports.keeper.keeper import keep
from data_exports.names import KEEPER_SENT, KEEPER_SETTINGS
from data_exports.stacks.keeper_settings import keeper_settings_of
from tests.estates import PLATFORM, estate_of, pull, push

HOUR = timedelta(hours=1)
OWNED = "Courts <courts@example.gov.uk>"
DUE = parse_promise("daily by 06:00 Europe/London")


@dataclass
class World:
    """A bucket and topics in memory; what is in `breaks` fails once."""

    objects: dict[str, bytes] = field(default_factory=dict)
    told: list[tuple[str, str]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    breaks: list[str] = field(default_factory=list)

    def _break(self, what: str) -> None:
        if what in self.breaks:
            self.breaks.remove(what)
            raise OSError(what)

    def read(self, key: str) -> bytes:
        return self.objects[key]

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        yield from sorted(key for key in self.objects if key.startswith(prefix) and key > after)

    def days(self, prefix: str) -> list[str]:
        return sorted({f"{key[: key.index('/', len(prefix))]}/" for key in self.keys(prefix)})

    def note(self, key: str) -> None:
        self._break("note")
        self.objects[key] = b""

    def publish(self, topic: str, subject: str, text: str) -> None:
        name = topic.rpartition(":")[2]
        self._break(f"publish {name}")
        self.told.append((name, subject))
        self.texts.append(text)

    def declare(self, *datasets: Dataset, today: date = date(2031, 3, 1)) -> None:
        self.objects[KEEPER_SETTINGS] = keeper_settings_of(estate_of(*datasets), today).encode()

    def deliver(self, moment: str, *, outcome: str = "delivered", name: str = "hearings") -> None:
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        line = {"outcome": outcome, "delivered_at": at.isoformat(), "uploaded_by": "AWS:AROAX:ana.lopez"}
        key = f"deliveries/dataset={name}/date={at:%Y-%m-%d}/{at:%Y%m%dT%H%M%SZ}-{len(self.objects)}.jsonl.gz"
        self.objects[key] = gzip.compress(json.dumps(line).encode())

    def run(self, moment: str) -> list[tuple[str, str]]:
        """What one run tells."""
        before = len(self.told)
        self.keep(datetime.fromisoformat(moment).replace(tzinfo=UTC))
        return self.told[before:]

    def keep(self, now: datetime) -> None:
        keep(self, now, KEEPER_SETTINGS, KEEPER_SENT)


@pytest.fixture
def world() -> World:
    return World()


def hourly(world: World, first: str, last: str) -> list[tuple[str, str]]:
    now, end = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (first, last))
    before = len(world.told)
    while now <= end:
        world.keep(now)
        now += HOUR
    return world.told[before:]


@pytest.mark.parametrize("dataset", [push(expires=date(2031, 3, 31)), pull("hearings", expires=date(2031, 3, 31))])
def test_an_end_is_told_30_and_7_days_before_once_each(world: World, dataset: Dataset) -> None:
    world.declare(replace(dataset, owner=OWNED))
    said = "Export hearings: its last day is 2031-03-31"
    both = [("exports-alerts", said), ("exports-alerts-hearings", said)]
    assert world.run("2031-03-01T23:00") == []
    assert world.run("2031-03-02T00:00") == both
    assert hourly(world, "2031-03-02T01:00", "2031-03-24T23:00") == []
    assert hourly(world, "2031-03-25T00:00", "2031-04-02T00:00") == both
    assert f"Owner: {OWNED}" in world.texts[0]
    assert "For whom: alpha_user_ana" in world.texts[0]
    assert "`expires`" in world.texts[0]


def test_a_keeper_that_stood_still_or_came_late_tells_the_later_notice_alone(world: World) -> None:
    world.declare(push(expires=date(2031, 3, 31)))
    assert len(world.run("2031-03-29T12:00")) == 1
    assert world.run("2031-03-29T13:00") == []
    assert any("/ends-7/" in key for key in world.objects)


def test_an_end_that_moves_has_notices_of_its_own(world: World) -> None:
    world.declare(push(expires=date(2031, 3, 31)))
    assert len(world.run("2031-03-28T12:00")) == 1
    world.declare(push(expires=date(2031, 4, 2)))
    assert world.run("2031-03-28T13:00") == [("exports-alerts", "Export hearings: its last day is 2031-04-02")]
    world.declare(push())
    assert world.run("2031-03-28T14:00") == []


def test_a_crash_between_sending_and_noting_sends_twice_and_a_refused_message_is_sent_the_next_hour(
    world: World,
) -> None:
    world.declare(push(expires=date(2031, 3, 31), owner=OWNED), pull("lists", expires=date(2031, 3, 31)))
    world.breaks = ["note"]
    with pytest.raises(RuntimeError, match="not told, the next hour tries again"):
        world.run("2031-03-28T12:00")
    assert [name for name, _ in world.run("2031-03-28T13:00")] == ["exports-alerts"]
    assert world.run("2031-03-28T14:00") == []
    counts = {each: world.told.count(each) for each in world.told}
    assert sorted(counts.values()) == [1, 1, 2]


def test_a_topic_that_is_gone_keeps_nobody_else_from_being_told(world: World) -> None:
    world.declare(push(expires=date(2031, 3, 31), owner=OWNED))
    world.breaks = ["publish exports-alerts"]
    with pytest.raises(RuntimeError, match="exports-alerts"):
        world.run("2031-03-28T12:00")
    assert [name for name, _ in world.told] == ["exports-alerts-hearings"]
    assert [name for name, _ in world.run("2031-03-28T13:00")] == ["exports-alerts"]
    assert world.run("2031-03-28T14:00") == []


@pytest.mark.parametrize(
    ("day", "due"),
    [("2031-03-29", "06:00"), ("2031-03-30", "05:00"), ("2031-10-25", "05:00"), ("2031-10-26", "06:00")],
)
def test_a_missed_delivery_is_told_once_at_the_first_run_after_it_is_due(world: World, day: str, due: str) -> None:
    """Clocks change on 30 March and 26 October, and an hourly run comes within 75 minutes."""
    moment = datetime.fromisoformat(f"{day}T{due}")
    world.declare(push(due=DUE))
    world.deliver(f"{moment - timedelta(days=1):%Y-%m-%dT04:00}")
    for back in (1, 2, 3):  # as settled before
        world.deliver(f"{moment - timedelta(days=back):%Y-%m-%dT03:30}")
    assert world.run(f"{moment - timedelta(minutes=1):%Y-%m-%dT%H:%M}") == []
    told = world.run(f"{moment:%Y-%m-%dT%H:%M}")
    assert told == [("exports-alerts", f"Export hearings: the delivery due by {due} UTC is missed")]
    assert (
        f"Last delivery: {moment - timedelta(days=1):%Y-%m-%d} 04:00:00 UTC, uploaded by ana.lopez\n" in world.texts[-1]
    )
    assert "Senders: alpha_user_ana" in world.texts[-1]
    assert world.run(f"{moment + HOUR:%Y-%m-%dT%H:%M}") == []


@pytest.mark.parametrize(
    ("delivered", "outcome", "is_missed"),
    [
        ("2031-03-30T00:00:00", "delivered", False),
        ("2031-03-29T23:59:59", "delivered", True),
        ("2031-03-30T04:00:00", "failed", True),
        ("2031-03-30T04:00:00", "superseded", True),
    ],
)
def test_the_days_delivery_settles_it_and_a_failed_one_does_not(
    world: World, delivered: str, outcome: str, is_missed: bool
) -> None:
    world.declare(push(due=DUE))
    world.deliver("2031-03-29T04:00")
    world.deliver(delivered, outcome=outcome)
    assert bool(world.run("2031-03-30T05:15")) is is_missed
    assert world.run("2031-03-30T06:15") == []


def test_hours_without_a_run_change_nothing(world: World) -> None:
    world.declare(push(due=DUE))
    world.deliver("2031-03-30T04:00")
    assert world.run("2031-03-30T06:00") == []
    assert len(world.run("2031-04-01T16:00")) == 2  # of 31 March and of 1 April
    assert world.run("2031-04-01T17:00") == []


WEEKDAYS = parse_promise("weekdays by 06:00 UTC")
FRIDAY, MONDAY, TUESDAY = "2031-03-28", "2031-03-31", "2031-04-01"
MISSED = "Export hearings: the delivery due by 06:00 UTC is missed"


@pytest.mark.parametrize("delivered_on_friday", [True, False])
@pytest.mark.parametrize(("except_days", "last_day"), [((), FRIDAY), ((date(2031, 3, 28),), "2031-03-27")])
def test_a_keeper_that_stood_still_on_monday_tells_on_tuesday_what_was_missed(
    world: World, except_days: tuple[date, ...], last_day: str, *, delivered_on_friday: bool
) -> None:
    world.declare(push(due=WEEKDAYS, no_delivery_on=except_days))
    if delivered_on_friday:
        world.deliver(f"{last_day}T05:00")
    hourly(world, "2031-03-26T07:00", f"{FRIDAY}T20:00")
    assert hourly(world, f"{TUESDAY}T06:15", f"{TUESDAY}T09:15") == [("exports-alerts", MISSED)] * 2
    assert [
        f"One was due on {day} 06:00 UTC" in text for day, text in zip((MONDAY, TUESDAY), world.texts[-2:], strict=True)
    ] == [True] * 2


@pytest.mark.parametrize("is_new", [True, False])
def test_what_a_topic_refused_all_monday_is_told_on_tuesday(world: World, *, is_new: bool) -> None:
    world.declare(push(due=WEEKDAYS))
    if not is_new:
        world.deliver(f"{FRIDAY}T05:00")
        hourly(world, f"{FRIDAY}T06:00", f"{FRIDAY}T20:00")
    for hour in range(6, 24):
        world.breaks = ["publish exports-alerts"]
        with pytest.raises(RuntimeError, match="not told, the next hour tries again"):
            world.run(f"{MONDAY}T{hour:02}:15")
    assert hourly(world, f"{TUESDAY}T06:15", f"{TUESDAY}T09:15") == [("exports-alerts", MISSED)] * 2
    assert "One was due on 2031-03-31 06:00 UTC" in world.texts[-2]


def test_over_the_holidays_and_a_new_year_with_new_settings_the_last_due_moment_is_remembered(world: World) -> None:
    holidays = tuple(date(2031, 12, 20) + timedelta(days=number) for number in range(16))
    world.declare(push(due=WEEKDAYS, no_delivery_on=holidays))
    world.deliver("2031-12-19T05:00")
    assert hourly(world, "2031-12-19T06:00", "2031-12-19T12:00") == []
    world.declare(push(due=WEEKDAYS, no_delivery_on=holidays), today=date(2032, 1, 5))
    assert hourly(world, "2032-01-06T06:15", "2032-01-06T09:15") == [("exports-alerts", MISSED)] * 2


def test_one_damaged_entry_keeps_no_other_from_being_looked_at(world: World) -> None:
    world.declare(push(due=DUE))
    world.deliver("2031-03-30T04:00")
    settings = json.loads(world.objects[KEEPER_SETTINGS])
    (right,) = settings["datasets"]
    damaged = [None, "text", {"name": "nothing"}, {"name": ["list"], "ends": None, "dues": 7}, {**right, "dues": [[1]]}]
    world.objects[KEEPER_SETTINGS] = json.dumps({**settings, "datasets": [*damaged, right]}).encode()
    with pytest.raises(RuntimeError, match=r"None: .*text: .*nothing: .*list.*hearings: "):
        world.run("2031-03-31T06:00")
    assert [subject for _, subject in world.told] == ["Export hearings: the delivery due by 05:00 UTC is missed"]
    world.objects[KEEPER_SETTINGS] = json.dumps({"datasets": [right]}).encode()
    with pytest.raises(RuntimeError, match="horizon: KeyError"):
        world.run("2031-04-01T06:00")
    assert len(world.told) == 2


def test_of_a_new_promise_the_last_due_moment_alone_counts(world: World) -> None:
    world.declare(push(due=DUE, owner=OWNED))
    missed = "Export hearings: the delivery due by 05:00 UTC is missed"
    world.breaks = ["publish exports-alerts"]
    with pytest.raises(RuntimeError, match="exports-alerts"):
        world.run("2031-04-01T16:00")
    assert world.told == [("exports-alerts-hearings", missed)]
    assert hourly(world, "2031-04-01T17:00", "2031-04-02T04:59") == [("exports-alerts", missed)]
    assert len(world.run("2031-04-02T05:00")) == 2
    world.declare(push(due=parse_promise("daily by 12:00 UTC"), owner=OWNED))
    assert len(world.run("2031-04-02T12:00")) == 2
    assert hourly(world, "2031-04-02T13:00", "2031-04-03T11:00") == []


def test_where_the_note_of_an_earlier_moment_fails_it_is_not_told_later_either(world: World) -> None:
    world.declare(push(due=DUE))
    world.breaks = ["note"]
    with pytest.raises(RuntimeError, match="hearings"):
        world.run("2031-04-01T16:00")
    assert len(hourly(world, "2031-04-01T17:00", "2031-04-01T20:00")) == 1


def test_days_that_are_left_out_and_those_behind_the_end_are_not_missed(world: World) -> None:
    monday = date(2031, 3, 31)
    world.declare(
        push(due=parse_promise("weekdays by 06:00 UTC"), no_delivery_on=(monday,), expires=date(2031, 4, 1)),
    )
    world.deliver("2031-03-28T05:00")
    missed = [each for each in hourly(world, "2031-03-28T07:00", "2031-04-05T00:00") if "missed" in each[1]]
    assert missed == [("exports-alerts", "Export hearings: the delivery due by 06:00 UTC is missed")]
    assert any(f"{date(2031, 4, 1)}/hearings/due-" in key for key in world.objects)


def test_receipts_that_nobody_can_read_are_no_delivery(world: World) -> None:
    world.declare(push(due=DUE))
    world.deliver("2031-03-30T04:00")
    (key,) = (each for each in world.objects if each.startswith("deliveries/"))
    damaged = gzip.compress(b'{"outcome": "delivered"}\n[]\nnull\n"x"\n{"outcome": "delivered", "delivered_at": "now"}')
    endless = gzip.compress(gzip.decompress(world.objects[key]) + b"\n" + bytes(8 << 20))
    world.objects |= {
        key: b"no gzip",
        f"{key}-2": damaged,
        f"{key}-3": damaged[:20],
        f"{key}-4": b"",
        f"{key}-5": endless,
    }
    assert ("exports-alerts", "Export hearings: the delivery due by 05:00 UTC is missed") in world.run(
        "2031-03-30T05:10"
    )
    assert "Last delivery: none is known" in world.texts[-1]


def test_who_does_not_deploy_is_told_before_due_moments_run_out(world: World) -> None:
    world.declare(push(due=DUE))
    for day in range(4):
        world.deliver(f"2032-11-0{day + 1}T03:00")
    assert [each for each in world.run("2032-11-02T00:00") if "known" in each[1]] == []
    found = [each for each in hourly(world, "2032-11-02T01:00", "2032-11-02T05:00") if "known" in each[1]]
    assert found == [("exports-alerts", "Exports: due deliveries are known up to 2033-01-01")]
    world.declare(push(due=DUE), today=date(2032, 11, 2))
    assert world.run("2032-11-03T07:00") == []


def test_settings_are_the_same_all_year_and_hold_the_moments_of_two() -> None:
    estate = estate_of(push(due=DUE), pull("lists"))
    first, last = (keeper_settings_of(estate, date(2031, *day)) for day in ((1, 1), (12, 31)))
    assert first == last != keeper_settings_of(estate, date(2032, 1, 1))
    settings: dict[str, Any] = json.loads(first)
    dues = settings["datasets"][0]["dues"]
    assert (len(dues), dues[0][1], dues[-1][1]) == (
        42 + 365 + 366,
        int(datetime(2030, 11, 20, 6, tzinfo=UTC).timestamp()),
        int(datetime(2032, 12, 31, 6, tzinfo=UTC).timestamp()),
    )
    assert settings["datasets"][0]["topics"] == [f"arn:aws:sns:eu-west-1:{PLATFORM.account}:exports-alerts"]
