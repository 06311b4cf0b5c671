"""A server as a process of this machine, for the time of a block.

In: its words, a folder for its output, the URL at which it answers. Out: nothing. Effects: the process, gone when the
block ends.
"""

import os
import ssl
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.usage import BenchmarkError

_START_TIMEOUT_SECONDS = 90


@contextmanager
def process(
    words: Sequence[str], folder: Path, url: str, environment: Mapping[str, str], *, certificate: Path | None = None
) -> Iterator[None]:
    """Run a server for the time of the block, once it answers at the URL, with this certificate if it has one.

    Raises BenchmarkError, with the end of what it said, if it does not.
    """
    folder.mkdir(parents=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            words,
            env={**kept, **environment},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_SECONDS
        while not _answers(url, certificate):
            if server.poll() is not None or time.monotonic() > deadline:
                said = (folder / "output").read_text(errors="replace")[-2000:]
                raise BenchmarkError(f"{' '.join(words)} does not answer; it said:\n{said}")
            time.sleep(0.1)
        yield
    finally:
        server.kill()
        server.wait()


def _answers(url: str, certificate: Path | None) -> bool:
    trusting = ssl.create_default_context(cafile=str(certificate)) if certificate else None
    try:
        with urllib.request.urlopen(url, timeout=2, context=trusting):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
