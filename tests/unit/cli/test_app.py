"""The frame of the command: exit codes, what goes to which stream, and what is imported when."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import typer

from data_exports import __version__, cli
from data_exports.cli import app as frame
from data_exports.errors import AwsError, DeclarationError, PartlyDoneError, RefusedError, UsageError
from tests.terminal import run_on_terminal
from tests.unit.estate import written

ESTATE = Path(__file__).parents[3] / "examples" / "estate"
NAMED_SHELL = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
"""Which shell it is stands in the words, whatever started the tests."""
REPORT_IT = "  next: this is a defect of exports; run again with --debug and report what it shows\n"
EXPORTS = [sys.executable, "-m", "data_exports"]


def _run(*words: str, env: dict[str, str] | None = None, check: bool = False) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("EXPORTS_", "NO_COLOR"))}
    return subprocess.run(
        [*EXPORTS, *words], capture_output=True, text=True, env={**environment, **(env or {})}, check=check
    )


def _command_that_raises(error: BaseException) -> ModuleType:
    """The module of a command `status` that ends so."""

    def status() -> None:
        raise error

    module = ModuleType("status")
    module.status = status  # type: ignore[attr-defined]
    return module


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("no such dataset", next_step="look"), 2, "error: no such dataset\n  next: look\n"),
        (DeclarationError("2 errors"), 1, "error: 2 errors\n"),
        (RefusedError("will not", where="orders"), 1, "error: orders: will not\n"),
        (AwsError("no", code="AccessDenied", request_id="R1"), 3, "error: no\n  AWS request id: R1\n"),
        (PartlyDoneError("1 of 2"), 4, "error: 1 of 2\n"),
        (KeyboardInterrupt(), 130, "error: interrupted\n"),
        (typer.Exit(1), 1, ""),
        (KeyError("gone"), 70, f"error: unexpected KeyError: 'gone'\n{REPORT_IT}"),
        (
            BrokenPipeError(32, "Broken pipe"),
            70,
            f"error: unexpected RuntimeError: a connection broke off\n{REPORT_IT}",
        ),
    ],
)
def test_every_end_has_its_exit_code_and_its_line_on_stderr(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(["status"], modules=[_command_that_raises(error)]) == code
    assert capsys.readouterr() == ("", said)


def test_words_behind_a_dash_that_is_no_hyphen_get_a_hint() -> None:
    done = _run("check", "\u2014strict", "--estate", str(ESTATE))
    hint = "an option begins with two hyphens, --, and '\u2014strict' with U+2014 EM DASH\n"
    assert (done.returncode, done.stdout, done.stderr.endswith(hint)) == (2, "", True)
    done = _run("drift", "\u2014json", "--estate", str(ESTATE))
    assert done.stderr.endswith("  next: an option begins with two hyphens, --, and '\u2014json' with U+2014 EM DASH\n")
    told = json.loads(_run("check", "\u2013-strict", "--json").stderr)
    assert (
        told["error"]["next_step"]
        == "check its name; an option begins with two hyphens, --, and '\u2013-strict' with U+2013 EN DASH"
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--install-completion", "bash"], 1, "error: /dev/null: completion cannot be set up: File exists\n"),
        (["local", "status", "--estate", str(ESTATE)], 3, "error: no local AWS runs for this estate\n"),
        (["local", "up", "--estate", str(ESTATE)], 3, "the folder of the local AWS cannot be used: Not a directory\n"),
    ],
)
def test_without_a_home_folder_what_needs_one_says_so(words: list[str], code: int, said: str) -> None:
    done = _run(*words, env={**NAMED_SHELL, "HOME": "/dev/null", "XDG_STATE_HOME": ""})
    assert (done.returncode, done.stdout, said in done.stderr) == (code, "", True), done.stderr
    assert "defect" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (TypeError("expected a message argument"), 130, "error: interrupted\n"),
        (PartlyDoneError("interrupted between stacks"), 4, "error: interrupted between stacks\n"),
    ],
)
def test_what_python_makes_of_ctrl_c_is_no_defect_and_what_a_command_says_of_it_stands(
    error: Exception, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(["status"], modules=[_command_that_raises(error)], was_interrupted=lambda: True) == code
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("words", [["--debug", "status"], ["status", "--debug"]])
def test_a_traceback_is_shown_with_debug_wherever_it_stands(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(words, modules=[_command_that_raises(KeyError("gone"))]) == 70
    said = capsys.readouterr().err
    assert said.startswith("Traceback (most recent call last):")
    assert said.endswith("error: unexpected KeyError: 'gone'\n  next: this is a defect of exports\n")


def test_no_arguments_show_the_help() -> None:
    assert _run().stdout == _run("--help").stdout
    assert _run().returncode == 0


def test_the_help_lists_every_command_below_its_section_with_one_line() -> None:
    lines = [line.split() for line in _run("--help", check=True).stdout.splitlines()]
    declare = lines.index(["Declare:"])
    assert ["check", "Find", "every", "mistake", "in", "the", "declarations."] in lines[declare:]


def test_the_version_is_shown() -> None:
    assert _run("--version").stdout == f"exports {__version__}\n"


@pytest.mark.parametrize(
    "words", [("chekc",), ("check", "--strickt"), ("drift", "surplus"), ("--estate", ".", "check")]
)
def test_a_wrong_call_ends_with_2_and_data_stays_empty(words: tuple[str, ...]) -> None:
    done = _run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr


def test_a_mistyped_command_is_offered_the_nearest() -> None:
    assert "Did you mean 'check'?" in _run("chekc").stderr


def test_output_that_cannot_be_written_is_an_error() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*EXPORTS, "check", "--estate", str(ESTATE)], stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 141
    assert "error: the output could not be written: No space left on device\n" in done.stderr


def test_a_reader_that_goes_away_is_no_news() -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [*EXPORTS, "check", "--estate", str(ESTATE)], stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_colour_is_for_terminals_that_want_it() -> None:
    assert "\x1b[" in _on_terminal({})
    assert "\x1b[" not in _on_terminal({"NO_COLOR": "1"})
    assert "\x1b[" not in _on_terminal({"TERM": "dumb"})
    assert "\x1b[" not in _run("check", "--estate", str(ESTATE)).stdout


def _on_terminal(env: dict[str, str]) -> str:
    environment = {**os.environ, "TERM": "xterm", **env}
    if "NO_COLOR" not in env:
        environment.pop("NO_COLOR", None)
    done = run_on_terminal([*EXPORTS, "check", "--estate", str(ESTATE)], env=environment, streams=["stdout"])
    assert done.code == 0
    return done.shown


def test_shell_completion_offers_commands_and_options() -> None:
    def offered(line: str, position: int) -> list[str]:
        env = {"_EXPORTS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(position)}
        return _run(env=env).stdout.split()

    assert offered("exports ch", 1) == ["check"]
    assert "--strict" in offered("exports check --", 2)
    assert "_EXPORTS_COMPLETE=complete_bash" in _run("--show-completion", "bash", env=NAMED_SHELL).stdout


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("exports status court_", ["court_hearings", "court_outcomes"]),
        ("exports handover re", ["reoffending_statistics"]),
        ("exports redrive re", []),
        ("exports history court_hearings court_o", ["court_outcomes"]),
        ("exports history --by alpha_app_h", ["alpha_app_hearings-extract"]),
        ("exports send hearings.csv court_h", ["court_hearings"]),
        ("exports send court_h", []),  # the shell offers files
        ("exports who alpha_app_h", ["alpha_app_hearings-extract"]),
        ("exports evidence court_h", ["court_hearings"]),
        ("exports evidence bundle court_h", ["court_hearings"]),
        ("exports who did court_h", ["court_hearings"]),
        ("exports new push more --user alpha_app_h", ["alpha_app_hearings-extract"]),
        ("exports new push more --target-bucket hear", ["hearings-landing-prod"]),
        (
            "exports local env --as arn:aws:iam::754256621582:user",
            ["arn:aws:iam::754256621582:user/cloud-platform/custody-dashboard-loader"],
        ),
        ("exports local up --without-handover he", ["health_referrals"]),
        ("exports check --explain ex406", ["ex406"]),
    ],
)
@pytest.mark.parametrize("named", ["by a variable", "by the option"])
def test_shell_completion_offers_datasets_roles_and_codes(
    line: str, offered: list[str], named: str, tmp_path: Path
) -> None:
    words = line.split(" ")
    if named == "by the option":
        words[-1:] = ["--estate", str(ESTATE), words[-1]]
        if words[1] == "check" or words[-4].startswith("--"):
            return
    env = {"_EXPORTS_COMPLETE": "complete_bash", "COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    estate = {"EXPORTS_ESTATE": str(ESTATE)} if named == "by a variable" else {}
    done = _run(env={**env, **estate})
    assert (done.stdout.split(), done.stderr) == (offered, "")


def test_shell_completion_offers_the_roles_of_readers_outside_aws(tmp_path: Path) -> None:
    reader = "{issuer: 'https://token.example', subject: main, audience: us}"
    pull = f"name: tables\npull_identities: [{{oidc: {reader}}}]\nusers: [alpha_user_ana]\npaperwork: DPIA-2\n"
    line = "exports local token token.jwt --of export_"
    env = {"_EXPORTS_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": "5"}
    (offered,) = _run(env={**env, "EXPORTS_ESTATE": str(written.write_estate(tmp_path, pull=pull))}).stdout.split()
    assert re.fullmatch("export_tables-pull-[0-9a-f]{8}", offered)


@pytest.mark.parametrize("part", ["issuer", "subject", "audience"])
def test_shell_completion_offers_what_other_files_say_of_readers(part: str, tmp_path: Path) -> None:
    said = {"issuer": "https://token.example/main", "subject": "main", "audience": "us"}
    pull = f"name: tables\npull_identities: [{{oidc: {said}}}]\nusers: [alpha_user_ana]\npaperwork: DPIA-2\n"
    env = {
        "_EXPORTS_COMPLETE": "complete_bash",
        "COMP_WORDS": f"exports new pull more --oidc-{part} ",
        "COMP_CWORD": "5",
    }
    done = _run(env={**env, "EXPORTS_ESTATE": str(written.write_estate(tmp_path, pull=pull))})
    assert (done.stdout.split(), done.stderr) == ([said[part]], "")


def test_shell_completion_says_nothing_where_there_is_no_estate(tmp_path: Path) -> None:
    env = {"_EXPORTS_COMPLETE": "complete_bash", "COMP_WORDS": "exports status c", "COMP_CWORD": "2"}
    done = _run(env={**env, "EXPORTS_ESTATE": str(tmp_path / "nowhere")})
    assert (done.stdout.strip(), done.stderr) == ("", "")


def _parameters_of(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """Every option and argument of a command and those below it: the words of the command, itself, the parameter."""
    for inner in getattr(command, "commands", {}).values():
        yield from _parameters_of(inner, (*path, inner.name))
    yield from ((path, command, parameter) for parameter in command.params)


def test_no_option_and_no_argument_takes_an_empty_word_for_everything() -> None:
    refused = []
    for path, command, parameter in _parameters_of(frame.build_command(frame.modules_for([]))):
        is_option = parameter.param_type_name == "option"
        if is_option and parameter.is_flag:
            continue
        words = [parameter.opts[0], ""] if is_option else ["word"] * _before(command, parameter) + [""]
        with pytest.raises(UsageError, match=" is empty\n") as stopped:
            command.make_context(path[-1], words)
        refused.append(" ".join((*path, stopped.value.what)))
    assert len(refused) > 100
    assert {"handover --account is empty", "handover --since is empty", "who --account is empty"} < {*refused}
    assert {"history --account is empty", "history --key is empty", "history NAME is empty"} < {*refused}
    assert {"cancel KEY is empty", "review decide --dataset is empty", "local env --as is empty"} < {*refused}


def _before(command: Any, parameter: Any) -> int:
    """How many arguments stand before this one."""
    return [each for each in command.params if each.param_type_name == "argument"].index(parameter)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_letter_for_an_account_that_a_variable_does_not_name_is_not_written(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["handover", "custody_dashboard", "--account", "", "--as", form, "--estate", str(ESTATE)]
    assert frame.main(words) == 2
    out, err = capsys.readouterr()
    assert (out, "--account is empty" in err, "give it a value, or leave it out" in err) == ("", True, True)


def test_help_and_the_shells_completion_stand_beside_an_empty_word() -> None:
    done = _run("handover", "--account", "", "--help")
    assert (done.returncode, done.stdout.startswith("Usage: ")) == (0, True)
    env = {
        "_EXPORTS_COMPLETE": "complete_bash",
        "COMP_WORDS": "exports handover --account '' court_h",
        "COMP_CWORD": "4",
    }
    done = _run(env={**env, "EXPORTS_ESTATE": str(ESTATE)})
    assert (done.stdout.split(), done.stderr) == (["court_hearings"], "")


def test_every_word_that_names_a_dataset_a_role_or_a_code_is_completed() -> None:
    named = re.compile(r"\b(NAME|WHAT|ROLE|WHO|CODE)\b")
    missing = [
        " ".join(("exports", *path, parameter.name))
        for path, _, parameter in _parameters_of(frame.build_command(frame.modules_for([])))
        if named.search(parameter.metavar or "") and not parameter._custom_shell_complete
    ]
    # What is purged is no longer declared, and what is remembered gets a name that there was not before.
    assert missing == ["exports purge name", "exports purge confirm", "exports use name"]


def test_checking_imports_nothing_that_only_aws_and_tables_need() -> None:
    code = (
        "import sys\n"
        "from data_exports.cli.app import main\n"
        f"code = main(['check', '--estate', {str(ESTATE)!r}])\n"
        "heavy = {'boto3', 'botocore', 'troposphere', 'rich', 'ministack', 'urllib3'}\n"
        "print('imported', sorted(heavy & set(sys.modules)), code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported [] 0"


def test_showing_the_help_imports_nothing_that_only_aws_and_tables_need() -> None:
    code = (
        "import sys\n"
        "from data_exports.cli.app import main\n"
        "code = main(['--help'])\n"
        "heavy = {'boto3', 'botocore', 'troposphere', 'rich', 'ministack', 'urllib3', 'yaml._yaml_'}\n"
        "print('imported', sorted(heavy & set(sys.modules)), code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "imported [] 0"


def _all_commands() -> dict[str, Any]:
    """Every command of the package, as typer's object."""
    files = sorted(path.stem for path in Path(cli.__path__[0]).glob("[!_]*.py"))
    group = frame.build_command([import_module(f"{cli.__name__}.{name}") for name in files])
    return dict(group.commands)


def test_every_command_has_its_place_in_a_section() -> None:
    placed = {name for names in frame.SECTIONS.values() for name in names}
    assert set(_all_commands()) - placed == set()


def test_every_command_is_in_the_file_of_its_name() -> None:
    assert [name for name in _all_commands() if not (Path(cli.__path__[0]) / f"{name}.py").is_file()] == []


def _without_example(commands: dict[str, Any]) -> list[str]:
    """Commands whose help does not end with an example; one that only groups others needs none."""
    lacking = []
    for name, command in commands.items():
        inner = getattr(command, "commands", {})
        last = command.help.split("\n\n")[-1].lstrip("\b\n")
        if not inner and not last.startswith("Example"):
            lacking.append(name)
        lacking += _without_example(inner)
    return lacking


def test_the_help_of_every_command_ends_with_an_example() -> None:
    assert _without_example(_all_commands()) == []


def test_examples_are_shown_line_by_line() -> None:
    lines = _run("check", "--help").stdout.splitlines()
    start = lines.index("  Examples:")
    assert lines[start : start + 3] == [
        "  Examples:",
        "    exports check",
        "    exports check push_datasets/court_hearings.yaml",
    ]
