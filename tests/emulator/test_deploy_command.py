"""`exports deploy` and `exports destroy` as people run them: exit codes, messages, Ctrl-C, confirmation."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from data_exports.local.clients import environment_of
from data_exports.local.emulator import LocalAws
from data_exports.names import RoleName
from tests.emulator.deploying import Ground, ground_of, write_estate
from tests.envelopes import check_printed, read_json
from tests.patience import PATIENCE_SECONDS
from tests.terminal import CTRL_C, CTRL_D, Answer, OnTerminal, run_on_terminal

pytestmark = pytest.mark.emulator

EXPORTS = str(Path(sys.executable).parent / "exports")
ANA = RoleName("alpha_user_ana")


@pytest.fixture
def ground(local_aws: LocalAws, unique: Callable[[str], str], unique_account: Callable[[], str]) -> Ground:
    return ground_of(local_aws, unique_account(), unique("d"))


@pytest.fixture
def folder(ground: Ground, tmp_path: Path) -> Path:
    return write_estate(tmp_path / "estate", ground, names=["orders"], users=[ANA])


def _environment(ground: Ground, **changes: str) -> dict[str, str]:
    keys = {"AWS_ACCESS_KEY_ID": str(ground.platform.account)}
    return {**os.environ, **environment_of(ground.local), **keys, **changes}


def _run(ground: Ground, folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [EXPORTS, *words, "--estate", str(folder)],
        env=_environment(ground, **changes),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    check_printed(words, done.stdout, done.stderr, done.returncode)
    return done


def test_deploying_prints_plan_and_result_on_stdout_and_progress_on_stderr(ground: Ground, folder: Path) -> None:
    ground.make_roles([ANA])
    done = _run(ground, folder, "deploy")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"Plan: the local AWS, account {ground.platform.account}")
    assert "  create    exports-push-orders" in lines
    assert "  created    exports-push-orders" in lines
    assert "created exports-push-orders" in done.stderr.splitlines()
    again = _run(ground, folder, "deploy")
    assert again.returncode == 0
    assert "Nothing to do: all 4 stacks are as declared" in again.stdout


def test_missing_role_is_prominent_and_gives_exit_code_4(ground: Ground, folder: Path) -> None:
    done = _run(ground, folder, "deploy", "--json")
    assert done.returncode == 4
    facts = json.loads(done.stdout)
    assert facts["missing_roles"] == {"orders": [ANA]}
    assert facts["complete"] is False
    assert [(each["stack"], each["result"]) for each in facts["stacks"]] == [
        ("exports-foundation", "created"),
        ("exports-access-logs", "created"),
        ("exports-push-orders", "created"),
        ("exports-hub", "created"),
    ]
    assert f"orders: no such role: {ANA}" in done.stderr
    assert f"orders: no such role: {ANA}" in _run(ground, folder, "deploy").stdout


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, 3, "unreachable: Could not connect to the endpoint URL"),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, 3, "no credentials: Unable to locate credentials"),
        (
            {"AWS_PROFILE": "nobody", "AWS_DEFAULT_PROFILE": "nobody"},
            3,
            "The config profile (nobody) could not be found",
        ),
        ({"AWS_ACCESS_KEY_ID": "111111111111"}, 1, "the credentials are of account 111111111111"),
        ({"AWS_ENDPOINT_URL": "nonsense"}, 3, "Invalid endpoint: nonsense"),
    ],
    ids=["unreachable", "no credentials", "no profile", "other account", "no URL"],
)
def test_what_stops_us_is_said_in_one_line_with_a_next_step(
    ground: Ground, folder: Path, changes: Mapping[str, str], code: int, said: str
) -> None:
    done = _run(ground, folder, "deploy", **changes)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "  next: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def _deploy_interrupted(ground: Ground, folder: Path) -> tuple[int, str]:
    """Deploy, and press Ctrl-C when the first dataset is made: exit code, and what stderr said."""
    with subprocess.Popen(
        [EXPORTS, "deploy", "--estate", str(folder)],
        env=_environment(ground),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stderr
        said = ""
        for line in running.stderr:
            said += line
            if line.startswith("created exports-push-"):
                running.send_signal(signal.SIGINT)
                break
        said += running.stderr.read()
        return running.wait(timeout=PATIENCE_SECONDS), said


def test_ctrl_c_ends_with_130_and_the_next_run_completes(ground: Ground, tmp_path: Path) -> None:
    ground.make_roles([ANA])
    for count in (13, 26, 52):  # until so many are to be made that this machine is quick enough to interrupt it
        names = [f"orders{number}" for number in range(count)]
        folder = write_estate(tmp_path / f"{count}", ground, names=names, users=[ANA])
        code, said = _deploy_interrupted(ground, folder)
        if code != 0:
            break
        assert _run(ground, folder, "destroy", "--yes").returncode == 0
    assert code == 130, said
    assert "interrupted" in said
    assert "run `exports deploy` again" in said
    assert "exports-hub" not in ground.statuses()
    assert _run(ground, folder, "deploy").returncode == 0
    assert len(ground.rules()) == count


def test_a_removal_is_refused_until_it_is_allowed(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "two", ground, names=["orders", "moves"], users=[ANA])
    ground.make_roles([ANA])
    assert _run(ground, folder, "deploy").returncode == 0
    (folder / "push_datasets" / "moves.yaml").unlink()
    needs = "NEEDS --allow removal: it removes datasets that are no longer declared"
    planned = _run(ground, folder, "plan").stdout
    assert any(line.startswith(needs) for line in planned.splitlines())
    refused = _run(ground, folder, "deploy")
    assert (refused.returncode, refused.stdout) == (1, planned)
    assert "error: nothing was deployed:" in refused.stderr
    assert "  next: if this is meant: `exports deploy --allow removal`" in refused.stderr.splitlines()
    assert "exports-push-moves" in ground.statuses()
    wrong = _run(ground, folder, "deploy", "--allow", "everything")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'everything' is not one of 'removal', 'takeover', 'adoption', 'provider', 'account', " in wrong.stderr
    assert _run(ground, folder, "deploy", "--allow", "removal").returncode == 0
    assert "exports-push-moves" not in ground.statuses()


def test_destroy_without_terminal_asks_for_yes(ground: Ground, folder: Path) -> None:
    done = _run(ground, folder, "destroy")
    assert (done.returncode, done.stdout) == (2, "")
    assert "next: add --yes" in done.stderr


def test_destroy_with_yes_removes_everything_and_says_so(ground: Ground, folder: Path) -> None:
    ground.make_roles([ANA])
    _run(ground, folder, "deploy")
    done = _run(ground, folder, "destroy", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert {each["result"] for each in facts["stacks"]} == {"deleted"}
    names = [each["stack"] for each in facts["stacks"]]
    assert names[:2] == ["exports-hub", "exports-push-orders"]
    assert {*names[2:]} == {"exports-foundation", "exports-access-logs"}
    assert facts["complete"] is True
    assert ground.statuses() == {}
    again = _run(ground, folder, "destroy", "--yes")
    assert (again.returncode, again.stdout.splitlines()[1]) == (0, "  nothing is deployed")


@pytest.mark.parametrize(("typed", "code", "left"), [("no", 1, 4), (CTRL_C, 130, 4), ("hub", 0, 0)])
def test_destroy_on_a_terminal_wants_the_hubs_name_typed(
    ground: Ground, folder: Path, typed: str, code: int, left: int
) -> None:
    ground.make_roles([ANA])
    _run(ground, folder, "deploy")
    hub = str(ground.platform.hub_bucket)
    done = run_on_terminal(
        [EXPORTS, "destroy", "--estate", str(folder)],
        env=_environment(ground, NO_COLOR="1"),
        streams=["stdin", "stderr"],
        dialogue=[(f"Type {hub} to destroy all this:\r\n", hub if typed == "hub" else typed)],
    )
    assert done.code == code, done.shown
    assert len(ground.statuses()) == left


def test_data_stays_on_stdout_while_stderr_is_a_terminal(ground: Ground, folder: Path) -> None:
    ground.make_roles([ANA])
    done = run_on_terminal(
        [EXPORTS, "deploy", "--estate", str(folder)],
        env=_environment(ground, TERM="xterm", NO_COLOR=""),
        streams=["stderr"],
    )
    assert done.code == 0, done.shown
    lines = done.out.splitlines()
    assert (lines[0][:5], lines[-1].split(" (")[0]) == ("Plan:", "4 created")
    assert "created exports-hub" in done.shown
    assert "0/4" in done.shown, "how far it has come"
    assert "Plan:" not in done.shown


def test_a_plan_is_what_deploying_would_do_and_changes_nothing(ground: Ground, folder: Path) -> None:
    ground.make_roles([ANA])
    before = _run(ground, folder, "plan")
    assert before.returncode == 0, before.stderr
    assert "  create    exports-push-orders" in before.stdout.splitlines()
    assert _run(ground, folder, "plan").stdout == before.stdout
    assert _run(ground, folder, "deploy").stdout.startswith(before.stdout)
    after = json.loads(_run(ground, folder, "plan", "--json").stdout)
    assert {each["action"] for each in after["stacks"]} == {"unchanged"}


# --- asked first, or reviewed before --------------------------------------------------------------------------------

QUESTION = " Deploy? Type yes:\r\n"


def _at_terminal(
    ground: Ground,
    folder: Path,
    *words: str,
    answer: Answer | None = None,
    streams: Sequence[str] = ("stdin", "stdout", "stderr"),
) -> OnTerminal:
    return run_on_terminal(
        [EXPORTS, "deploy", *words, "--estate", str(folder)],
        env=_environment(ground, NO_COLOR="1", TERM="xterm"),
        streams=streams,
        dialogue=[] if answer is None else [(QUESTION, answer)],
    )


@pytest.mark.parametrize(("typed", "code"), [("no", 1), ("", 1), (CTRL_D, 1), (CTRL_C, 130)])
def test_on_a_terminal_whatever_is_not_yes_changes_nothing(ground: Ground, folder: Path, typed: str, code: int) -> None:
    done = _at_terminal(ground, folder, answer=typed)
    assert done.code == code, done.shown
    lines = done.shown.splitlines()
    assert f"4 stacks of account {ground.platform.account} would change. Deploy? Type yes:" in lines
    assert lines[0].startswith("Plan: the local AWS")
    assert lines[-1] == ("error: interrupted" if code == 130 else "error: nothing was deployed")
    assert ground.statuses() == {}
    assert ground.buckets() == []


def test_on_a_terminal_yes_deploys_and_a_plan_that_changes_nothing_is_not_asked_about(
    ground: Ground, folder: Path
) -> None:
    ground.make_roles([ANA])
    done = _at_terminal(ground, folder, answer="yes")
    assert done.code == 0, done.shown
    assert done.shown.count("Plan: the local AWS") == 1
    assert "4 created" in done.shown
    again = _at_terminal(ground, folder)
    assert again.code == 0, again.shown
    assert "Nothing to do: all 4 stacks are as declared" in again.shown
    assert "Type yes" not in again.shown


def test_nothing_is_asked_with_yes_and_what_cannot_be_asked_is_refused(ground: Ground, folder: Path) -> None:
    ground.make_roles([ANA])
    blind = _at_terminal(ground, folder, streams=["stdin"])
    assert (blind.code, blind.out, ground.statuses()) == (2, "", {})
    done = _at_terminal(ground, folder, "--yes")
    assert done.code == 0, done.shown
    assert "Type yes" not in done.shown


def test_who_is_asked_sees_the_plan_though_stdout_is_no_terminal(ground: Ground, folder: Path) -> None:
    ground.make_roles([ANA])
    done = _at_terminal(ground, folder, "--json", answer="y", streams=["stdin", "stderr"])
    assert done.code == 0, done.shown
    assert done.shown.startswith("Plan: the local AWS")
    assert json.loads(done.out)["complete"] is True


def test_consents_are_wanted_before_the_question_and_named_in_it(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "two", ground, names=["orders", "moves"], users=[ANA])
    ground.make_roles([ANA])
    assert _run(ground, folder, "deploy").returncode == 0
    (folder / "push_datasets" / "moves.yaml").unlink()
    refused = _at_terminal(ground, folder)
    assert refused.code == 1, refused.shown
    assert "Type yes" not in refused.shown
    assert "  next: if this is meant: `exports deploy --allow removal`" in refused.shown.splitlines()
    allowed = _at_terminal(ground, folder, "--allow", "removal", answer="no")
    assert allowed.code == 1, allowed.shown
    assert " would change. You consent to: removal. Deploy? Type yes:" in allowed.shown
    assert "exports-push-moves" in ground.statuses()


def test_what_aws_has_otherwise_since_the_question_was_asked_is_refused(ground: Ground, folder: Path) -> None:
    def lose_a_role() -> str:
        ground.client("iam").delete_role(RoleName=ANA)
        return "yes"

    ground.make_roles([ANA])
    done = _at_terminal(ground, folder, answer=lose_a_role)
    assert done.code == 1, done.shown
    assert "error: nothing was deployed: AWS has changed since the plan was shown:" in done.shown
    assert f'users\' roles of "orders": "{ANA}" does not exist any more' in done.shown
    assert "next: deploy again, and look at the plan that it shows then" in done.shown
    assert ground.statuses() == {}


def test_a_kept_plan_is_carried_out_once_and_refused_when_declarations_or_aws_have_changed(
    ground: Ground, folder: Path, tmp_path: Path
) -> None:
    ground.make_roles([ANA])
    file = tmp_path / "plan of today.json"
    assert _run(ground, folder, "plan", "--out", "/dev/null").returncode == 2
    assert Path("/dev/null").is_char_device()
    kept = _run(ground, folder, "plan", "--out", str(file))
    assert kept.returncode == 0, kept.stderr
    assert kept.stderr.splitlines()[-1] == f"the plan is kept; to carry it out: exports deploy '{file}'"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []

    orders = folder / "push_datasets" / "orders.yaml"
    written = orders.read_text()
    orders.write_text(written.replace("DPIA-1", "DPIA-2"))
    changed = _run(ground, folder, "deploy", str(file))
    assert changed.returncode == 1
    assert f'error: nothing was deployed: what is to be done now is not what "{file}" holds:' in changed.stderr
    assert '  "push_datasets/orders.yaml" has changed' in changed.stderr.splitlines()
    assert '  "exports-push-orders": it is to become template ' in changed.stderr
    assert "  next: plan again, and have that reviewed: `exports plan --out FILE`" in changed.stderr.splitlines()
    assert ground.statuses() == {}

    orders.write_text(written)
    done = _at_terminal(ground, folder, str(file))  # reviewed before, so nobody is asked
    assert (done.code, "Type yes" in done.shown, "4 created" in done.shown) == (0, False, True), done.shown
    again = _run(ground, folder, "deploy", str(file))
    assert again.returncode == 1
    assert '  "exports-hub": AWS has "CREATE_COMPLETE" of template ' in again.stderr


def test_a_kept_plan_needs_its_consents_and_the_advice_is_to_deploy_that_plan(ground: Ground, tmp_path: Path) -> None:
    folder = write_estate(tmp_path / "two", ground, names=["orders", "moves"], users=[ANA])
    ground.make_roles([ANA])
    assert _run(ground, folder, "deploy").returncode == 0
    (folder / "push_datasets" / "moves.yaml").unlink()
    file, link = tmp_path / "plan.json", tmp_path / "link.json"
    link.symlink_to(file)
    assert _run(ground, folder, "plan", "--out", str(link), "--json").returncode == 0
    assert (link.is_symlink(), read_json(file.read_text())["schema"]) == (True, "data-exports/plan-file/1")
    refused = _run(ground, folder, "deploy", str(file))
    assert refused.returncode == 1
    advice = f"  next: if this is meant: `exports deploy '{file}' --allow removal`"
    assert advice in refused.stderr.splitlines()
    assert _run(ground, folder, "deploy", str(file), "--allow", "removal").returncode == 0
    assert "exports-push-moves" not in ground.statuses()
