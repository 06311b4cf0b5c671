"""What holds for every test, whatever started pytest."""

import signal
from collections.abc import Generator
from functools import cache

import botocore.session
import pytest
from hypothesis import HealthCheck, settings

from tests.browser import chromium

# A shell starts what it puts in the background with Ctrl-C ignored, and children inherit that: then nothing could show
# how a command takes an interruption. https://docs.python.org/3/library/signal.html#signal.default_int_handler
signal.signal(signal.SIGINT, signal.default_int_handler)

# A process reads AWS's models of its services once, and not once for each session that a test makes: megabytes.
# https://botocore.amazonaws.com/v1/documentation/api/latest/reference/loaders.html
botocore.session.create_loader = cache(botocore.session.create_loader)

# How long the fuzzers look: `make fuzz` takes "long". https://hypothesis.readthedocs.io/en/latest/tutorial/settings.html
settings.register_profile("quick", max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("long", settings.get_profile("quick"), max_examples=10_000)
settings.load_profile("quick")

collect_ignore = [] if chromium.is_here() else ["browser"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what a run of everything has left out."""
    if collect_ignore and config.args_source is config.ArgsSource.TESTPATHS:
        terminalreporter.write_line(chromium.LEFT_OUT)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that hangs, by name, and go on with the next.

    What does not even heed a signal, in C or in another thread, ends with its process (pyproject.toml). The limits are
    so far above what any test takes on a busy machine that only what hangs meets them.
    """
    share = 0.9 if item.get_closest_marker("emulator") else 0.4
    seconds = share * float(item.config.getini("faulthandler_timeout"))

    def end(*_: object) -> None:
        pytest.fail(f"hung: not done after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return (yield)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
