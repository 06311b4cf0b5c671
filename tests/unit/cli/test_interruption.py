"""Ctrl-C at whatever step of a command: one line, 130, and no file that is half written."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

# Interrupts the command at its step of this number. A step is a call, or a line of the functions that are looked at.
# Python ignores what is raised in callbacks that it makes while it tidies up: then Ctrl-C is pressed again.
AT_STEP = """
import signal, sys
from data_exports.__main__ import run

number, watched, sys.argv = int(sys.argv[1]), sys.argv[2], ["exports", *sys.argv[3:]]
steps = 0

def trace(frame, event, argument):
    global steps
    if not f"{frame.f_globals['__name__']}.{frame.f_code.co_name}".startswith(watched):
        return None
    steps += 1
    if 0 < number <= steps:
        sys.settrace(None)
        signal.raise_signal(signal.SIGINT)
    return trace if watched else None

def press_again(ignored):
    assert ignored.exc_type is KeyboardInterrupt
    sys.settrace(trace)

sys.unraisablehook = press_again
sys.settrace(trace)
code = run()
sys.settrace(None)
print(steps)
sys.exit(code)
"""
NEW = ["new", "push", "daily", "--target-bucket", "landing", "--user", "alpha_user_ana"]
MOMENTS = 12


def _run(estate: Path, step: int, *words: str, watched: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", AT_STEP, str(step), watched, *words]
    return subprocess.run(command, cwd=estate, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("watched", ["", "data_exports.estate.atomic_files", "data_exports.cli.app._take_debug"])
def test_ctrl_c_at_any_step_is_one_line_and_130_and_leaves_no_half_of_a_file(watched: str, estate: Path) -> None:
    folder = estate / "push_datasets"
    steps = int(_run(estate, 0, *NEW, watched=watched).stdout.splitlines()[-1])
    file = folder / "daily.yaml"
    whole = file.read_text(encoding="utf-8")
    file.unlink()
    every = max(1, steps // MOMENTS)
    for number in range(every, steps, every):
        done = _run(estate, number, *NEW, watched=watched)
        if done.returncode in (0, -signal.SIGINT) and done.stderr.endswith("open a pull request\n"):
            break  # all was said: in its last steps the signal ends the process at once
        assert (done.returncode, done.stderr.splitlines()[-1:]) == (130, ["error: interrupted"]), done.stderr
        assert "Traceback" not in done.stderr
        left = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.name != "a.yaml"}
        assert left in ({}, {"daily.yaml": whole}), number
        file.unlink(missing_ok=True)


def test_ctrl_c_while_the_process_stops_hearing_it_is_one_line_and_130(estate: Path) -> None:
    """The last lines of the process's own function, in which nothing of the command is left to be interrupted."""
    words, watched = ["check"], "data_exports.__main__.run"
    steps = int(_run(estate, 0, *words, watched=watched).stdout.splitlines()[-1])
    for number in (steps - 2, steps - 1):
        done = _run(estate, number, *words, watched=watched)
        assert (done.returncode, done.stderr.splitlines()[-1:]) == (130, ["error: interrupted"]), done.stderr


def test_a_start_with_ctrl_c_ignored_ignores_it(estate: Path) -> None:
    command = ["/bin/sh", "-c", "trap '' INT; exec \"$@\"", "sh", sys.executable, "-c", AT_STEP, "1", "", "check"]
    done = subprocess.run(command, cwd=estate, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_ctrl_c_of_which_python_makes_another_error_is_ctrl_c(estate: Path) -> None:
    """As it does while a class is made or a name imported; here the finder of modules does it."""
    code = (
        "import signal, sys\n"
        "from data_exports.__main__ import run\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name != 'data_exports.estate.new_declaration': return None\n"
        "        try: signal.raise_signal(signal.SIGINT)\n"
        "        except KeyboardInterrupt: raise TypeError('expected a message argument') from None\n"
        "sys.meta_path.insert(0, Finder())\n"
        f"sys.argv = ['exports', *{NEW}]\n"
        "sys.exit(run())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=estate, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "error: interrupted\n")
