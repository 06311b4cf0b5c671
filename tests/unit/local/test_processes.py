"""What the operating system says about a process."""

import os
import subprocess
import sys

from data_exports.local.processes import command_line_of, is_alive, start_mark_of


def test_a_process_is_alive_until_it_ends_even_before_anybody_waits_for_it() -> None:
    command = [sys.executable, "-c", "input(print(flush=True))", "a word"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout
    child.stdout.readline()  # while it starts, a process has no command line for a moment
    assert is_alive(child.pid)
    assert command_line_of(child.pid)[-1].endswith("word")
    assert start_mark_of(child.pid) not in ("", start_mark_of(os.getpid()))
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table
    assert not is_alive(child.pid)
    child.communicate()
    assert not is_alive(child.pid)
    assert (command_line_of(child.pid), start_mark_of(child.pid)) == ([], "")


def test_this_process_is_alive() -> None:
    assert is_alive(os.getpid())
    assert start_mark_of(os.getpid()) == start_mark_of(os.getpid()) != ""
