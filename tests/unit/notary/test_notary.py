"""The notary: each thing once and in order, though it is killed at each request or runs twice at once."""

import contextlib
import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from data_exports.evidence.checking import Deviation, DeviationKind
from data_exports.evidence.entries import HEAD, EntryKind
from data_exports.evidence.notes import signed_note
from data_exports.notary import notary
from data_exports.notary.notary import DamagedLogError, Notarised, notarise
from tests.evidence_places import NOW, Kept, KilledError, MemoryPlaces, Signer, check_of, leaves_of


def run(places: MemoryPlaces, **more: Callable[[], bool]) -> Notarised:
    return notarise(places, places.signer.verifier, places.now, **more)


def world(lines: int = 3) -> MemoryPlaces:
    """Something is logged; and there is news of every kind, so many lines of it."""
    places = MemoryPlaces()
    places.add_receipts("orders", 3)
    places.deploy("exports-push-orders", {"name": "orders", "users": ["alpha_user_ana"]})
    places.deploy("exports-push-old", {"name": "old"})
    run(places)
    places.wait()
    places.add_receipts("orders", lines)
    places.add_receipts("lists", 2, NOW - timedelta(hours=2), "late")
    places.deploy("exports-push-orders", {"name": "orders", "users": ["alpha_user_bo"]})
    del places.templates["exports-push-old"]
    return places


def check_each_is_logged_once(places: MemoryPlaces, lines: int = 3) -> None:
    """The log holds what there is, each once, and whoever verifies it finds nothing wrong."""
    leaves = leaves_of(places)
    receipts = Counter((each.file, each.line) for each in leaves if each.kind is EntryKind.RECEIPT)
    assert set(receipts.values()) == {1}
    assert len(receipts) == 5 + lines
    assert [each.file for each in leaves if each.kind is EntryKind.FILE].count(sorted(places.receipts)[-1]) == 1
    records = [each.stack for each in leaves if each.kind is EntryKind.DEPLOYMENT]
    assert Counter(records) == {"exports-push-orders": 2, "exports-push-old": 2}
    assert check_of(places) == []


def test_what_is_new_is_logged_in_a_fixed_order_and_once() -> None:
    places = world(300)
    assert run(places) == Notarised(size=314, added=307, behind_seconds=0.0)
    check_each_is_logged_once(places, 300)
    leaves = leaves_of(places)[-307:]
    assert [each.kind for each in leaves[:3]] == [EntryKind.RUN, EntryKind.DEPLOYMENT, EntryKind.DEPLOYMENT]
    assert [each.file for each in leaves if each.kind is EntryKind.FILE] == sorted(places.receipts)[:1] + sorted(
        places.receipts
    )[2:]
    places.wait()
    assert run(places) == Notarised(size=314, added=0, behind_seconds=0.0)


def test_a_run_that_finds_nothing_new_reads_no_receipts_and_few_files() -> None:
    places = world()
    run(places)
    places.asked.clear()
    run(places)
    assert not [each for each in places.asked if each.startswith(("PUT", "Sign", "GET receipts", "GetTemplate"))]
    assert len(places.asked) < 15


def requests_of_a_run(lines: int = 3) -> list[str]:
    places = world(lines)
    places.asked.clear()
    run(places)
    return places.asked


class At:
    """Does something at the so many-th request."""

    def __init__(self, number: int, act: Callable[[], object]) -> None:
        self.left, self.act = number, act

    def __call__(self, _what: str) -> None:
        self.left -= 1
        if self.left == -1:
            self.act()


def killed() -> None:
    raise KilledError


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_request_it_is_made_up_for_by_the_next_run(when: str) -> None:
    number = len(requests_of_a_run(300))
    assert number > 25
    for at in range(number):
        places = world(300)
        setattr(places, when, At(at, killed))
        if when == "before":
            with pytest.raises(KilledError):
                run(places)
        else:
            with contextlib.suppress(KilledError):
                run(places)
        setattr(places, when, lambda _: None)
        run(places)
        check_each_is_logged_once(places, 300)


def test_two_at_once_log_each_once_wherever_the_one_overtakes_the_other() -> None:
    for at in range(len(requests_of_a_run())):
        places = world()
        places.before = At(at, lambda places=places: run(places))  # type: ignore[misc]
        run(places)
        check_each_is_logged_once(places)


def test_two_at_once_one_of_which_is_killed_log_each_once() -> None:
    number = len(requests_of_a_run())
    for at in range(0, number, 2):
        for later in range(0, number, 3):
            places = world()

            def overtake(places: MemoryPlaces = places, later: int = later) -> None:
                places.before = At(later, killed)
                with contextlib.suppress(KilledError):
                    run(places)
                places.before = lambda _: None

            places.before = At(at, overtake)
            run(places)
            run(places)
            check_each_is_logged_once(places)


def test_another_that_logs_several_batches_meanwhile_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notary, "BATCH_ENTRIES", 2)
    number = len(requests_of_a_run())
    for at in range(number):
        places = world()
        places.before = At(at, lambda places=places: run(places))  # type: ignore[misc]
        run(places)
        check_each_is_logged_once(places)


@pytest.mark.parametrize("is_another_running", [True, False])
def test_what_was_deployed_while_it_ran_is_not_followed_by_what_was_there_before(*, is_another_running: bool) -> None:
    name, told = "exports-push-orders", dict[str, str]()
    for at in range(len(requests_of_a_run())):
        places = world()

        def overtake(places: MemoryPlaces = places) -> None:
            places.before = lambda _: None
            places.deploy(name, {"name": "orders", "users": ["alpha_user_eve"]}, places.now + timedelta(minutes=1))
            if is_another_running:
                run(places)

        places.before = At(at, overtake)
        run(places)
        run(places)
        records = [json.loads(places.evidence[each.record].body) for each in leaves_of(places) if each.stack == name]
        users = [each["metadata"]["DataExports"]["declaration"].get("users") for each in records]
        assert [*users[:1], *users[-1:]] == [["alpha_user_ana"], ["alpha_user_eve"]], f"{at}: {users}"
        assert users[1:-1] in ([], [["alpha_user_bo"]]), f"{at}: {users}"
        for each, who in zip(records, users, strict=True):
            assert told.setdefault(each["changed_at"], str(who)) == str(who)
        assert check_of(places) == []


def test_what_there_is_no_time_for_waits_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notary, "BATCH_ENTRIES", 2)
    places = world()
    places.wait(2)
    times = iter([False, True])
    done = run(places, is_time_up=lambda: next(times))
    assert done.added == 6
    assert done.behind_seconds == 7200
    assert [(each.kind, each.where.split("/")[1]) for each in check_of(places)] == [
        (DeviationKind.NOT_LOGGED, "dataset=orders"),
    ]
    run(places)
    check_each_is_logged_once(places)


def test_a_file_that_is_none_is_recorded_as_damaged_and_so_is_a_line() -> None:
    places = MemoryPlaces()
    folder = "deliveries/dataset=orders/date=2031-03-31/"
    good = gzip.decompress(places.receipts[places.add_receipts("orders", 1)].body)
    places.receipts |= {
        f"{folder}20310331T120001Z-b.jsonl.gz": Kept(b"no gzip", NOW),
        f"{folder}20310331T120002Z-c.jsonl.gz": Kept(gzip.compress(b'{"key": 1}\n' + good), NOW),
        f"{folder}20310331T120003Z-d.jsonl.gz": Kept(gzip.compress(b""), NOW),
    }
    run(places)
    found = [(each.kind.value, each.file[-10:-9], each.line, each.lines) for each in leaves_of(places)[1:]]
    assert found == [
        *[("file", "a", 0, 1), ("receipt", "a", 1, 0)],
        *[("file", "b", 0, 0), ("damaged", "b", 0, 0)],
        *[("file", "c", 0, 2), ("damaged", "c", 1, 0), ("receipt", "c", 2, 0)],
        ("file", "d", 0, 0),
    ]
    assert check_of(places) == []
    size = run(places).size
    assert size == 9


def test_a_file_beyond_all_bounds_is_damaged_and_does_not_stop_the_others() -> None:
    places = MemoryPlaces()
    places.add_receipts("orders", 1)
    places.receipts["deliveries/" + "x" * 1000] = Kept(gzip.compress(bytes(70 << 20), 1), NOW)
    run(places)
    assert [each.kind.value for each in leaves_of(places)] == ["run", "file", "receipt", "file", "damaged"]


def test_a_stack_that_is_being_changed_is_recorded_once_it_is_at_rest() -> None:
    places = world()
    places.busy = {"exports-push-orders", "exports-push-old"}
    run(places)
    assert [each.stack for each in leaves_of(places)[7:] if each.stack] == []
    places.busy = set()
    run(places)
    check_each_is_logged_once(places)


def test_a_log_whose_head_somebody_else_signed_goes_no_further() -> None:
    places = world()
    places.evidence[HEAD].body = places.evidence[HEAD].body.replace(b"\n7\n", b"\n8\n")
    with pytest.raises(DamagedLogError, match="its signature is not of this text"):
        run(places)
    places, stranger = world(), Signer(2)
    text = places.evidence[HEAD].body.decode().rpartition("\n\n")[0] + "\n"
    places.evidence[HEAD].body = signed_note(text, stranger.verifier, stranger.sign)
    with pytest.raises(DamagedLogError, match="no key that is known has signed it"):
        run(places)


@pytest.mark.parametrize("path", ["tile/0/000.p/7", "tile/entries/000.p/7"])
def test_a_log_whose_edge_was_changed_goes_no_further(path: str) -> None:
    places = world()
    body = places.evidence[path].body
    places.evidence[path].body = body[:-1] + bytes([body[-1] ^ 1])
    with pytest.raises(DamagedLogError, match="the tiles at the edge of 7 leaves are not those"):
        run(places)
    del places.evidence[path]
    with pytest.raises(DamagedLogError, match="is gone, which the head rests on"):
        run(places)


def test_a_batch_that_somebody_else_settled_is_not_signed() -> None:
    other = MemoryPlaces(Signer(2))
    other.add_receipts("orders", 1)
    run(other)
    places = world()
    places.evidence["batches/0000000000000007"] = other.evidence["batches/0000000000000000"]
    with pytest.raises(DamagedLogError, match="no key that is known has signed it"):
        run(places)
    own = world()
    own.evidence["batches/0000000000000007"] = own.evidence["batches/0000000000000000"]
    with pytest.raises(DamagedLogError, match="is not what was signed"):
        run(own)


def test_after_an_old_head_was_put_back_the_same_log_comes_about_and_it_shows() -> None:
    places = world()
    old = places.evidence[HEAD].body
    run(places)
    files = {path: kept.body for path, kept in places.evidence.items()}
    places.evidence[HEAD] = Kept(old, NOW, [old, places.evidence[HEAD].body])
    run(places)
    assert {path: kept.body for path, kept in places.evidence.items()} == files
    assert [each.what for each in check_of(places)] == ["the log went back from 17 leaves to 7"]


class History:
    """What happens to an honest estate, drawn step by step."""

    def __init__(self, data: st.DataObject) -> None:
        self.places, self.draw = MemoryPlaces(), data.draw
        self.kept: list[bytes] = []

    def step(self, number: int) -> None:
        """One thing that happens."""
        places, name = self.places, f"exports-push-{self.draw(st.sampled_from(['orders', 'lists']))}"
        match self.draw(st.integers(0, 9)):
            case 0 | 1:
                late = timedelta(minutes=self.draw(st.integers(0, 3000)))
                lines = self.draw(st.integers(0, 3))
                places.add_receipts(
                    self.draw(st.sampled_from(["orders", "lists"])), lines, places.now - late, f"f{number}"
                )
            case 2:
                self.add_damaged(number)
            case 3:
                places.deploy(name, {"step": number})
            case 4:
                places.templates.pop(name, None)
            case 5:
                places.busy ^= {name}
            case 6:
                self.run_with(killed)
            case 7:
                self.run_with(lambda: run(places))
            case 8:
                times = iter(self.draw(st.lists(st.booleans(), max_size=3)))
                run(places, is_time_up=lambda: next(times, True))
                self.kept += [places.evidence[HEAD].body] if HEAD in places.evidence else []
            case 9:
                places.wait(self.draw(st.floats(0, 4)))

    def run_with(self, act: Callable[[], object]) -> None:
        """A run, to which something happens at some request."""
        self.places.before = At(self.draw(st.integers(0, 40)), act)
        with contextlib.suppress(KilledError):
            run(self.places)
        self.places.before = lambda _: None

    def add_damaged(self, number: int) -> None:
        """A file that is none, or that holds a line that is no receipt."""
        key = self.places.add_receipts("orders", 2, identifier=f"d{number}")
        whole = self.places.receipts[key].body
        lines = gzip.compress(b"[]\n" + gzip.decompress(whole))
        self.places.receipts[key].body = self.draw(st.sampled_from([b"", b"none", whole[:-9], lines]))

    def found(self) -> list[Deviation]:
        """What whoever verifies finds, also whoever kept a head at some time."""
        return [each for since in (None, *self.kept) for each in check_of(self.places, since=since)]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_nothing_is_found_in_honest_histories(data: st.DataObject) -> None:
    history = History(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(notary, "BATCH_ENTRIES", data.draw(st.sampled_from([1, 3, 20_000])))
        for step in range(data.draw(st.integers(1, 14))):
            history.step(step)
        assert {each.kind for each in history.found()} <= {DeviationKind.NOT_LOGGED, DeviationKind.BEHIND}
        history.places.busy.clear()
        run(history.places)
    assert history.found() == []
    receipts = Counter((each.file, each.line) for each in leaves_of(history.places) if each.file)
    assert {file for file, _ in receipts} == set(history.places.receipts)
    assert all(number == 1 for (_, line), number in receipts.items() if line)
