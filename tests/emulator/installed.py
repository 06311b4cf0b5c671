"""The installed command in a process of its own, as one of the estate's people."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from data_exports.local.clients import environment_of
from data_exports.local.folders import example_estate_folder
from data_exports.names import RoleArn, RoleName
from tests.emulator.deployed import DeployedEstate
from tests.envelopes import check_printed
from tests.patience import PATIENCE_SECONDS
from tests.terminal import run_on_terminal

EXAMPLE = example_estate_folder()
EXPORTS = str(Path(sys.executable).parent / "exports")


@dataclass(frozen=True)
class Done:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True)
class Person:
    """Somebody at a terminal, with `exports` installed and credentials of their own."""

    deployed: DeployedEstate
    role: RoleArn | None = None
    """None is the owner of the platform's account."""
    folder: Path = EXAMPLE

    def environment(self, **changes: str) -> dict[str, str]:
        return {**os.environ, **environment_of(self.deployed.local, self.role), **changes}

    def start(self, *words: str, **changes: str) -> subprocess.Popen[str]:
        """Start a command, to be met while it runs."""
        return subprocess.Popen(
            [EXPORTS, *words, "--estate", str(self.folder)],
            env=self.environment(**changes),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, typed: str = "", **changes: str) -> Done:
        done = subprocess.run(
            [EXPORTS, *words, "--estate", str(self.folder)],
            env=self.environment(**changes),
            input=typed,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        assert "Traceback" not in done.stderr, done.stderr
        check_printed(words, done.stdout, done.stderr, done.returncode)
        return Done(done.returncode, done.stdout, done.stderr)

    def run_on_terminal(self, *words: str) -> Done:
        """Run a command whose stderr is a terminal, while stdout is none; `err` is all that the terminal showed."""
        done = run_on_terminal(
            [EXPORTS, *words, "--estate", str(self.folder)],
            env=self.environment(TERM="xterm", NO_COLOR="", COLUMNS="120"),
            streams=["stderr"],
        )
        return Done(done.code, done.out, done.shown)


def interrupt(running: subprocess.Popen[str]) -> Done:
    """Press Ctrl-C."""
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert "Traceback" not in err, err
    return Done(running.returncode, out, err)


def owner_of(deployed: DeployedEstate) -> Person:
    """The owner of the platform's account."""
    return Person(deployed)


def user_of(deployed: DeployedEstate, name: str) -> Person:
    """A user of the platform."""
    return Person(deployed, deployed.estate.platform.user_role_arn(RoleName(name)))
