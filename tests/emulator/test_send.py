"""`exports send` on the deployed example: as a sender uses it, and as everybody else may not."""

import json
import os
import re
from pathlib import Path

import pytest

from data_exports.contract.settings import MIB
from data_exports.estate.models import PushDataset
from data_exports.local.clients import client
from data_exports.local.world import stranger_of
from data_exports.names import AccountId
from tests.emulator.deployed import DeployedEstate
from tests.emulator.installed import EXAMPLE, EXPORTS, Person, interrupt, owner_of, user_of
from tests.emulator.movers import mover_at_rest, mover_settings
from tests.emulator.steps import wait_until
from tests.patience import PATIENCE_SECONDS
from tests.terminal import run_on_terminal

pytestmark = [pytest.mark.emulator, pytest.mark.xdist_group("operate")]

ANNIKA, PRIYA = "alpha_user_annika-lindqvist", "alpha_user_priya-raman"


@pytest.fixture
def annika(operated_example: DeployedEstate) -> Person:
    """A sender of court_hearings and court_outcomes."""
    return user_of(operated_example, ANNIKA)


@pytest.fixture
def push(operated_example: DeployedEstate) -> PushDataset:
    return operated_example.stage.push("court_hearings")


def write(path: Path, body: bytes = b"case,room\n1,A\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return path


def arrived(deployed: DeployedEstate, push: PushDataset, key: str) -> tuple[bytes, str] | None:
    found = deployed.stage.object_at_recipient(push, key)
    return (found["Body"].read(), found["ContentType"]) if found else None


def test_a_file_is_followed_to_its_receipt(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    file = write(tmp_path / "send one.csv")
    done = annika.run("send", str(file), "court_hearings", "--wait")
    assert done.code == 0, done.err
    _, entry = done.lines
    assert entry.split()[2:] == ["delivered", "14", "B", "court_hearings/send", "one.csv"]
    assert done.err.splitlines() == [line for line in done.err.splitlines() if line.startswith("warning: ")] + [
        "sending 1 file, 14 B, for court_hearings",
        "uploaded court_hearings/send one.csv (14 B)",
        "waiting for 1 receipt",
        "delivered court_hearings/send one.csv",
    ]
    assert arrived(operated_example, push, "court_hearings/send one.csv") == (file.read_bytes(), "text/csv")


def test_a_folder_arrives_with_its_paths_and_large_files_go_up_in_parts(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    large = os.urandom(20 * MIB)
    write(tmp_path / "july/deep/large.bin", large)
    write(tmp_path / "july/ü & + .txt", b"odd")
    write(tmp_path / "july/.hidden", b"not this")
    done = annika.run("send", str(tmp_path / "july"), "court_hearings", "--prefix", "sent/july", "--wait", "--json")
    assert done.code == 0, done.err
    assert f"left out, because hidden: {tmp_path}/july/.hidden" in done.err
    facts = json.loads(done.out)
    assert [(each["key"], each["size_bytes"], each["receipt"]["outcome"]) for each in facts["uploaded"]] == [
        ("court_hearings/sent/july/deep/large.bin", len(large), "delivered"),
        ("court_hearings/sent/july/ü & + .txt", 3, "delivered"),
    ]
    assert facts["not_uploaded"] == []
    assert all(each["version_id"] == each["receipt"]["version_id"] for each in facts["uploaded"])
    found = arrived(operated_example, push, "court_hearings/sent/july/deep/large.bin")
    assert found is not None
    assert found[0] == large
    assert arrived(operated_example, push, "court_hearings/sent/july/.hidden") is None


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["court_hearing"], 2, "did you mean court_hearings?"),
        (["victim_survey"], 2, "victim_survey is a pull dataset"),
        (["court_hearings", "--timeout", "soon"], 2, "--timeout: 'soon' is no length of time"),
        (["court_hearings", "--prefix", "../x"], 2, "'../x' is no path below the dataset"),
        (["prison_population"], 1, "it is not among the dataset's users: alpha_user_priya-raman, alpha_user_joseph"),
    ],
)
def test_what_cannot_be_sent_is_said_before_anything_is(
    annika: Person, operated_example: DeployedEstate, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    done = annika.run("send", str(write(tmp_path / "a.csv")), *words)
    assert (done.code, done.out) == (code, "")
    assert said in done.err
    kept = operated_example.stage.push("prison_population")
    assert "prison_population/a.csv" not in operated_example.stage.keys_in_hub(kept)


def test_a_role_of_another_account_is_told_whose_hub_it_is(operated_example: DeployedEstate, tmp_path: Path) -> None:
    role = stranger_of(operated_example.estate, AccountId("203591025782"))
    done = Person(operated_example, role).run("send", str(write(tmp_path / "a.csv")), "court_hearings")
    assert (done.code, done.out) == (1, "")
    assert 'the hub is in "Analytical Platform" (593291632749)' in done.err


def test_an_upload_that_waits_is_said_to_be_superseded_and_ends_as_that(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    with mover_at_rest(operated_example, push):
        first = annika.start("send", str(write(tmp_path / "twice.csv", b"first")), "court_hearings", "--wait")
        wait_until(lambda: "court_hearings/twice.csv" in operated_example.stage.keys_in_hub(push))
        second = annika.run("send", str(write(tmp_path / "twice.csv", b"second")), "court_hearings")
    out, err = first.communicate(timeout=PATIENCE_SECONDS)
    assert first.returncode == 1, err
    assert out.splitlines()[1].split()[2:] == ["superseded", "5", "B", "court_hearings/twice.csv"]
    assert "error: 1 file of 1 did not arrive: 1 superseded" in err
    assert (second.code, second.out.startswith("court_hearings/twice.csv  version ")) == (0, True)
    assert "note: still waiting under the same name, and now superseded: court_hearings/twice.csv" in second.err


def test_without_a_receipt_in_time_the_exit_code_is_4_and_says_where_to_look(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    with mover_at_rest(operated_example, push):
        done = annika.run("send", str(write(tmp_path / "late.csv")), "court_hearings", "--wait", "--timeout", "1s")
    assert (done.code, done.lines) == (4, ["no receipts yet"])
    assert "1 file of 1 has no receipt yet; the delivery goes on\n  next: exports history court_hearings" in done.err
    wait_until(lambda: arrived(operated_example, push, "court_hearings/late.csv") is not None)


def test_ctrl_c_while_waiting_says_that_the_delivery_goes_on(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    with mover_at_rest(operated_example, push):
        running = annika.start("send", str(write(tmp_path / "patience.csv")), "court_hearings", "--wait")
        assert running.stderr
        for line in running.stderr:
            if line.startswith("waiting for"):
                break
        done = interrupt(running)
    assert (done.code, done.out) == (130, "")
    assert "everything is uploaded, and its delivery goes on; see later: exports history court_hearings" in done.err


def test_ctrl_c_while_uploading_tells_what_was_not_and_leaves_no_parts(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    for number in range(5):
        with (tmp_path / f"{number}.bin").open("wb") as file:
            file.truncate(200 * MIB)
    running = annika.start("send", *(str(path) for path in sorted(tmp_path.iterdir())), "court_hearings")
    platform = operated_example.estate.platform
    s3 = client(operated_example.local, "s3", account=platform.account)

    def parts() -> list[str]:
        found = s3.list_multipart_uploads(Bucket=platform.hub_bucket, Prefix=push.prefix)
        return [each["Key"] for each in found.get("Uploads", [])]

    wait_until(lambda: bool(parts()))
    done = interrupt(running)
    assert (done.code, done.out) == (130, "")
    told = re.search(r"(\d) files? uploaded, and will be delivered; (\d) files? not:", done.err)
    assert told is not None, done.err
    through, left = int(told[1]), int(told[2])
    assert (through + left, left > 0) == (5, True)
    assert len([line for line in done.err.splitlines() if line.startswith(f"  {tmp_path}/")]) == left
    assert parts() == []


def test_what_the_recipient_refuses_is_told_with_its_reason(
    operated_example: DeployedEstate, annika: Person, push: PushDataset, tmp_path: Path
) -> None:
    file = write(tmp_path / "refused.csv")
    with mover_settings(operated_example, push, receives=1000, TARGET_ACCOUNT="999988887777"):
        done = annika.run("send", str(file), "court_hearings", "--wait", "--timeout", "10m")
    assert done.code == 1, done.err
    assert "1 file of 1 did not arrive: 1 failed\n  next: exports failures court_hearings" in done.err
    assert done.lines[1].split()[2] == "failed"
    assert "AccessDenied" in done.lines[2]
    wait_until(lambda: arrived(operated_example, push, "court_hearings/refused.csv") is not None)


def test_senders_read_the_history_of_their_own_dataset_only(annika: Person, operated_example: DeployedEstate) -> None:
    assert annika.run("history", "court_hearings", "--since", "1d").code == 0
    done = annika.run("history", "prison_population")
    assert (done.code, done.out) == (3, "")
    assert (
        f"{ANNIKA} may not do s3:ListBucket and s3:GetObject on "
        "mojap-hub-exports-log/deliveries/dataset=prison_population/"
    ) in done.err
    assert owner_of(operated_example).run("history", "prison_population").code == 0


def test_on_a_terminal_a_bar_shows_the_bytes_and_stdout_stays_clean(
    annika: Person, tmp_path: Path, push: PushDataset, operated_example: DeployedEstate
) -> None:
    file = write(tmp_path / "bar.bin", os.urandom(9 * MIB))
    done = annika.run_on_terminal("send", str(file), "court_hearings")
    assert done.code == 0, done.err
    assert done.out.startswith("court_hearings/bar.bin  version ")
    assert "uploaded court_hearings/bar.bin (9.4 MB)" in done.err
    assert "/9.4 MB" in done.err
    wait_until(lambda: arrived(operated_example, push, "court_hearings/bar.bin") is not None)


def test_without_a_dataset_those_that_the_sender_may_send_to_are_named(annika: Person, tmp_path: Path) -> None:
    file = str(write(tmp_path / "unnamed.csv"))
    done = annika.run("send", file)
    assert (done.code, done.out) == (2, "")
    assert done.err.endswith(
        f"error: no dataset is named\n  next: end with its name; {ANNIKA} may send to: court_hearings, court_outcomes\n"
    )
    for words, said in (
        (["court_hearings"], "error: no file is named\n  next: exports send FILE court_hearings\n"),
        ([file, "court_hearing"], "error: no dataset is named 'court_hearing'\n  next: did you mean court_hearings?\n"),
        ([str(tmp_path / "gone.csv")], f"error: {tmp_path}/gone.csv: there is no such file\n  next: check its name\n"),
    ):
        done = annika.run("send", *words)
        assert (done.code, done.out, done.err.endswith(said)) == (2, "", True), done.err


def test_somebody_who_may_send_to_none_is_told_so(operated_example: DeployedEstate, tmp_path: Path) -> None:
    done = owner_of(operated_example).run("send", str(write(tmp_path / "unnamed.csv")))
    assert (done.code, done.out) == (2, "")
    assert "error: no dataset is named, and none has arn:aws:iam::593291632749:root among its users\n" in done.err


@pytest.mark.parametrize("answer", ["1", "court_hearings"])
def test_on_a_terminal_the_sender_chooses_the_dataset(
    answer: str, annika: Person, push: PushDataset, operated_example: DeployedEstate, tmp_path: Path
) -> None:
    file = write(tmp_path / f"chosen-{answer}.csv")
    question = "  dataset, by name or number: "
    done = run_on_terminal(
        [EXPORTS, "send", str(file), "--wait", "--estate", str(EXAMPLE)],
        env=annika.environment(NO_COLOR="1"),
        dialogue=[(question, "prison_population"), (question, answer)],
    )
    assert done.code == 0, done.shown
    for said in (
        f"{ANNIKA} may send to:\r\n  1 court_hearings  Daily listing of hearings, for the court diary service\r\n",
        "  2 court_outcomes",
        "  'prison_population' is none of them\r\n",
        "sending 1 file, 14 B, for court_hearings\r\n",
    ):
        assert said in done.shown
    assert arrived(operated_example, push, f"court_hearings/{file.name}") == (file.read_bytes(), "text/csv")
