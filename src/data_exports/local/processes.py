"""What the operating system says about a process, on Linux and macOS.

In: a pid. Out: whether it lives, its command line, when it started. Effects: reads ``/proc`` or runs ``ps``; a process
that watches another one ends with it.
"""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

_PROC = Path("/proc")
_OWNER_POLL_SECONDS = 0.5
_GRACE_SECONDS = 10.0


def _ps(pid: int, column: str) -> str:
    """One column of ``ps`` for one process, ``""`` when there is none."""
    answer = subprocess.run(  # noqa: S603 - a fixed program and two values of our own
        ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)],  # noqa: S607 - macOS and the BSDs keep it elsewhere
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip()


def _stat_fields(pid: int) -> list[str]:
    """The fields of ``/proc/<pid>/stat`` after the program's name: state first. Empty when there is no process."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def is_alive(pid: int) -> bool:
    """Whether a process with this id exists and has not ended (a zombie has)."""
    if (_PROC / "self").exists():
        fields = _stat_fields(pid)
        return bool(fields) and fields[0] not in {"Z", "X"}
    return _ps(pid, "stat")[:1] not in {"", "Z"}


def start_mark_of(pid: int) -> str:
    """A text that tells this process from a later one with the same id; ``""`` when there is none."""
    if (_PROC / "self").exists():
        fields = _stat_fields(pid)
        return fields[19] if len(fields) > 19 else ""
    return _ps(pid, "lstart")


def command_line_of(pid: int) -> list[str]:
    """The words of the process's command line, empty when there is no such process.

    Without ``/proc`` the words come from ``ps`` split at blanks, so compare single words without blanks only.
    """
    if (_PROC / "self").exists():
        try:
            raw = (_PROC / str(pid) / "cmdline").read_bytes()
        except OSError:
            return []
        return [word.decode(errors="replace") for word in raw.split(b"\0") if word]
    return _ps(pid, "command").split()


def start_watching(owner_pid: int) -> None:
    """Watch a process from now on; when it is gone, end this one."""
    mark = start_mark_of(owner_pid)

    def watch() -> None:
        while is_alive(owner_pid) and start_mark_of(owner_pid) == mark:
            time.sleep(_OWNER_POLL_SECONDS)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_SECONDS)
        if os.getpgid(0) == os.getpid():  # started on its own: its children are in its group, and nobody else
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="owner-watch", daemon=True).start()
