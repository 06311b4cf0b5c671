"""`exports open`, installed, in a process of its own: what it serves, when it builds anew, how it ends."""

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.patience import PATIENCE_SECONDS
from tests.unit.reviews.git_estate import commit_all, write_repository

EXPORTS = str(Path(sys.executable).parent / "exports")
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def opened(folder: Path, cache: Path, *words: str, **variables: str) -> Iterator["subprocess.Popen[str]"]:
    """The command while it runs; it has ended behind this, by Ctrl-C unless it has before."""
    running = subprocess.Popen(
        [EXPORTS, "open", *words, "--estate", str(folder)],
        env={**os.environ, "XDG_CACHE_HOME": str(cache), "AWS_ENDPOINT_URL": "http://127.0.0.1:1", **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Also where the tests run under `nohup`; no thread is about when it is started.
        preexec_fn=partial(signal.signal, signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
    )
    with running:
        try:
            yield running
        finally:
            if running.poll() is None:
                running.send_signal(signal.SIGINT)
            running.wait(PATIENCE_SECONDS)


def read(address: str) -> str:
    with _DIRECTLY.open(address, timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def line(running: "subprocess.Popen[str]") -> str:
    assert running.stdout
    return running.stdout.readline().strip()


def said_until(running: "subprocess.Popen[str]", words: str) -> str:
    """What stderr says up to a line that holds the words."""
    said = ""
    assert running.stderr
    for each in running.stderr:
        said += each
        if words in each:
            return said
    raise AssertionError(f"it ended without {words!r}: {said}")


def left(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.name != "lock" and path.name not in ("data-exports", "registers")]


def test_it_serves_what_is_declared_builds_anew_when_that_changes_and_leaves_nothing(tmp_path: Path) -> None:
    folder, cache = write_repository(tmp_path / "repository"), tmp_path / "cache"
    (dataset,) = (folder / "pull_datasets").iterdir()
    with opened(folder, cache, "--no-browser") as running:
        address = line(running)
        assert "they name people" in said_until(running, "Ctrl-C ends it")
        assert "first of all" not in read(address)
        assert "All of it" not in read(address)

        whole = dataset.read_text()
        dataset.write_text(f"{whole}description: first of all\n")
        assert "built anew: reload the page" in said_until(running, "built anew")
        assert "first of all" in read(address)

        dataset.write_text("nonsense: [\n")
        assert "error in the declarations: the pages show the last commit" in said_until(running, "built anew")
        page = read(address)
        assert "The declarations hold errors" in page
        assert "first of all" not in page

        dataset.write_text(f"{whole}description: at last\n")
        said_until(running, "built anew")
        commit_all(folder, "All of it")
        said_until(running, "built anew")
        assert "changed: All of it" in read(f"{address}datasets/tables.html")

        (folder / "exports.yaml").rename(folder / "away")
        assert "not built anew, the pages stay as they were: " in said_until(running, "not built anew")
        assert "at last" in read(address)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(address.replace(address.split("/")[3], "guessed"))
        assert left(cache) != []

        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=PATIENCE_SECONDS)
        assert (running.returncode, err.splitlines()[-1], "Traceback" in err) == (130, "error: interrupted", False)
    assert left(cache) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=str)
def test_ended_in_another_way_it_leaves_nothing_either(number: signal.Signals, tmp_path: Path) -> None:
    folder, cache = write_repository(tmp_path / "repository"), tmp_path / "cache"
    with opened(folder, cache, "--no-browser") as running:
        line(running)
        assert left(cache) != []
        running.send_signal(number)
        _, err = running.communicate(timeout=PATIENCE_SECONDS)
        assert (running.returncode, err.splitlines()[-1]) == (130, "error: interrupted")
    assert left(cache) == []


def test_the_browser_is_started_with_a_file_for_its_user_alone_that_leads_there_once(tmp_path: Path) -> None:
    folder, cache, kept = write_repository(tmp_path / "repository"), tmp_path / "cache", tmp_path / "kept"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > {kept}\n')
    browser.chmod(0o700)
    with opened(folder, cache, BROWSER=f"{browser} %s") as running:
        address = line(running)
        said_until(running, "Ctrl-C ends it")
        while not kept.exists() or not kept.read_text().endswith("\n"):
            assert running.poll() is None
        (page,) = cache.rglob("open.html")
        assert kept.read_text() == f"{page.as_uri()}\n"
        assert (page.stat().st_mode & 0o777, page.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        (launched,) = {*re.findall(r'http://127[^"]+', page.read_text())}
        assert address.split("/")[3] not in page.read_text()
        assert read(launched) == read(address)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(launched)
        assert "somebody else asked for it; Ctrl-C ends this" in said_until(running, "a second time")
    assert left(cache) == []


def test_what_is_read_is_not_written_over_after_a_failure_either(tmp_path: Path) -> None:
    folder, cache = write_repository(tmp_path / "repository"), tmp_path / "cache"
    with opened(folder, cache, "--no-browser") as running:
        line(running)
        said_until(running, "Ctrl-C ends it")
        (first,) = cache.rglob("index.html")
        (folder / "exports.yaml").rename(folder / "away")
        said_until(running, "not built anew")
        (folder / "away").rename(folder / "exports.yaml")
        said_until(running, "built anew: reload the page")
        assert first in cache.rglob("index.html")
        assert len([*cache.rglob("index.html")]) == 2


def test_without_a_browser_it_says_so_and_goes_on(tmp_path: Path) -> None:
    folder = write_repository(tmp_path / "repository")
    with opened(folder, tmp_path / "cache", BROWSER="false") as running:
        address = line(running)
        assert "no browser was found: open the address yourself" in said_until(running, "no browser")
        assert "<h1>Exports</h1>" in read(address)


def test_what_cannot_be_built_at_first_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    with opened(tmp_path, cache, "--no-browser") as running:
        out, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert (running.returncode, out) == (2, "")
    assert "no exports.yaml here" in err
    folder = write_repository(tmp_path / "repository", platform="nonsense: [\n")
    with opened(folder, cache, "--no-browser") as running:
        out, err = running.communicate(timeout=PATIENCE_SECONDS)
    assert (running.returncode, out, left(cache)) == (1, "", [])
    assert "in the declarations" in err
