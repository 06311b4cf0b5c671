"""``exports demo``: the example estate deployed and used for real on this machine, told as it happens."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from data_exports.cli.options import JsonOption
from data_exports.cli.output import painted, wants_colour, write_answer, write_progress
from data_exports.errors import ExportsError
from data_exports.text import printable, printable_lines

if TYPE_CHECKING:
    from data_exports.local.demo.stage import Expectation


def demo(*, as_json: JsonOption = False) -> None:
    """See it all once: the example estate, deployed and used.

    Files arrive, and the wrong people are refused. Needs nothing but this program: the AWS it deploys to runs on this
    machine, with IAM enforced, and is gone afterwards. Ends with a table; exit code 0 only if every expectation held.

    Example:
      exports demo
    """
    from data_exports.local.demo.show import play

    narrator = TerminalNarrator(quiet=as_json)
    play(narrator)
    conclude(narrator, as_json=as_json)


def conclude(narrator: "TerminalNarrator", *, as_json: bool) -> None:
    """Print what held and what did not. Raises `ExpectationsError` when anything did not, or nothing was checked."""
    from data_exports.views.local import DemoData, ExpectationData, render_demo

    told = [ExpectationData(scene, each.text, each.held, each.found) for scene, each in narrator.expectations]
    write_answer("demo", DemoData(told), f"\n{render_demo(told, narrator.seconds)}", as_json=as_json)
    failed = sum(not each.held for _, each in narrator.expectations)
    if failed or not narrator.expectations:
        raise ExpectationsError(f"{failed} of {len(narrator.expectations)} expectations did not hold")


class ExpectationsError(ExportsError):
    """Something in the demo was not as it must be."""

    kind = "expectations"


class TerminalNarrator:
    """Tells the story line by line; on a terminal with colour, and with a spinner while something is under way."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet
        self.expectations: list[tuple[str, Expectation]] = []
        self.seconds: dict[str, float] = {}
        self._scene = ""
        self._began = time.monotonic()

    def begin(self, title: str) -> None:
        """A new scene begins."""
        self.end()
        self._scene, self._began = title, time.monotonic()
        self._write(f"\n{painted(title, 'cyan', stream=sys.stderr, bold=True)}")

    def end(self) -> None:
        """The scene is over."""
        if self._scene:
            self.seconds[self._scene] = time.monotonic() - self._began

    def say(self, text: str) -> None:
        """Something happens."""
        self._write(f"  {printable_lines(text)}")

    def expect(self, expectation: "Expectation") -> None:
        """Something was checked."""
        self.expectations.append((self._scene, expectation))
        sign = _sign(held=expectation.held)
        detail = f"  ({expectation.found})" if expectation.found else ""
        self._write(f"    {sign} {printable(expectation.text)}{printable(detail)}")

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something takes its time."""
        if self.quiet or not wants_colour(sys.stderr):
            self.say(f"{text} ...")
            yield
            return
        from rich.console import Console
        from rich.text import Text

        with Console(stderr=True).status(Text(f"{printable(text)} ...")):
            yield
        self.say(text)

    def _write(self, text: str) -> None:
        if not self.quiet:
            write_progress(text, styled=True)


def _sign(*, held: bool) -> str:
    return painted("ok", "green", stream=sys.stderr) if held else painted("FAILED", "red", stream=sys.stderr, bold=True)
