"""The options that `aws` has for how it is reached, on every command that reaches AWS."""

import inspect
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from data_exports.cli import connecting
from data_exports.cli.app import build_command, modules_for
from tests.unit.aws_server import caller
from tests.unit.mover.loopback import serving

EXPORTS = str(Path(sys.executable).parent / "exports")
ESTATE = str(Path(__file__).parents[3] / "examples" / "estate")
OPTIONS = ["--profile", "--region", "--endpoint-url"]


def commands(group: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for name, command in getattr(group, "commands", {}).items():
        inner = commands(command, (*path, name))
        found |= inner or {(*path, name): command}
    return found


MODULES = modules_for([])
ALL = commands(build_command(MODULES))
WITHOUT_AWS = {"fmt", "schema", "new", "demo", "local"}
OF_FILES_ALONE = {("evidence", "witness"), *(("review", name) for name in ("decide", "status", "show", "close"))}


def test_every_command_that_reaches_aws_takes_them_and_no_other_does() -> None:
    taking = {path for path, command in ALL.items() if {"--profile", "--endpoint-url"} <= _options_of(command)}
    expected = {path for path in ALL if path[0] not in WITHOUT_AWS} - OF_FILES_ALONE
    assert taking == expected
    assert {path for path in taking if "--region" not in _options_of(ALL[path])} == set()


def _options_of(command: Any) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def test_no_command_makes_its_own_way_to_aws() -> None:
    for module in (each for each in MODULES if each is not connecting):
        source = inspect.getsource(module)
        assert " Aws(" not in source, module.__name__


def run(*words: str, **environment: str) -> tuple[int, str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [EXPORTS, *words, "--estate", ESTATE], env=kept | environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def configured(tmp_path: Path) -> dict[str, str]:
    """A configuration of AWS with one profile, and keys of somebody else in the environment."""
    (tmp_path / "config").write_text("[profile theirs]\nregion = eu-west-1\n")
    (tmp_path / "credentials").write_text("[theirs]\naws_access_key_id = OFPROFILE\naws_secret_access_key = s\n")
    files = {"AWS_CONFIG_FILE": str(tmp_path / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials")}
    return {**files, "AWS_ACCESS_KEY_ID": "OFENVIRONMENT", "AWS_SECRET_ACCESS_KEY": "s"}


def test_a_profile_that_is_named_goes_before_keys_in_the_environment(configured: dict[str, str]) -> None:
    for words, key in (((), "OFENVIRONMENT"), (("--profile", "theirs"), "OFPROFILE")):
        with serving(caller("arn:aws:iam::999988887777:user/other")) as server:
            ended, _, err = run("status", "--endpoint-url", server.url, *words, **configured)
            assert (ended, "the credentials are of account 999988887777" in err) == (1, True), err
            (asked,) = server.asked
            assert f"Credential={key}/" in asked.headers["authorization"]


@pytest.mark.parametrize(
    ("words", "code", "said", "next_step"),
    [
        (("--profile", "nobody"), 3, "nobody", ""),
        (("--region", "Middle Earth"), 2, "--region: ", ""),
        (("--region", "eu-west-2"), 2, "--region is eu-west-2, and the stacks are in eu-west-1", "leave --region out"),
        (("--endpoint-url", "127.0.0.1:4566"), 2, "--endpoint-url: this is no address", "as http://127.0.0.1:4566"),
        (("--endpoint-url", "http://[::1"), 2, "--endpoint-url: this is no address", "as http://127.0.0.1:4566"),
        (("--endpoint-url", "http://127.0.0.1:1"), 3, "127.0.0.1:1", ""),
    ],
)
def test_what_leads_nowhere_is_said_in_one_message(
    words: tuple[str, ...], code: int, said: str, next_step: str, configured: dict[str, str]
) -> None:
    ended, out, err = run("status", *words, **configured)
    assert (ended, out) == (code, "")
    assert said in err, err
    assert next_step in err
    assert "Traceback" not in err
    as_json = run("status", "--json", *words, **configured)[2]
    assert json.loads(as_json.splitlines()[-1])["schema"] == "data-exports/error/1"


def test_a_region_that_is_that_of_the_estate_is_taken(configured: dict[str, str]) -> None:
    ended, _, err = run("status", "--region", "eu-west-1", "--endpoint-url", "http://127.0.0.1:1", **configured)
    assert (ended, "--region" in err) == (3, False)
