"""The fenced blocks of the guides, and how each is kept true.

A block that nobody can run here stands below ``<!-- illustration -->``, one that needs AWS below
``<!-- local AWS -->``. All others are run, or read, without AWS.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.patience import PATIENCE_SECONDS

ROOT = Path(__file__).parents[1]
GENERATED = {"findings.md"}
"""Its examples are declarations that tests/unit/estate/test_explanations.py loads."""
GUIDES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in GENERATED),
]

ILLUSTRATION = "illustration"
LOCAL_AWS = "local AWS"
_FENCE = re.compile(
    r"^(?P<indent> *)(?:<!-- (?P<marker>[^\n]*?) -->\n *)?```(?P<language>\S*)\n(?P<text>.*?)^ *```$",
    flags=re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide."""

    page: str
    line: int
    marker: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def script(self) -> str:
        """What somebody types: the lines behind a prompt, and those that go on with one."""
        typed: list[str] = []
        for line in self.text.splitlines():
            if line.lstrip().startswith("$ "):
                typed.append(line.lstrip()[2:])
            elif typed and typed[-1].endswith(("&&", "\\")):
                typed.append(line)
        return "\n".join(typed)


def _blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start("text"))
        yield Block(page.name, line, found["marker"] or "", found["language"], found["text"])


BLOCKS = [block for page in GUIDES for block in _blocks_of(page)]


def consoles(marker: str) -> list[Block]:
    """The blocks of commands with this marker, in the order of their pages."""
    return [block for block in BLOCKS if block.language == "console" and block.marker == marker]


def run_script(
    block: Block, folder: Path, environment: Mapping[str, str], *, before: str = ""
) -> subprocess.CompletedProcess[str]:
    """Type the block's commands in this folder, `before` them something else; it ends with the first that fails."""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{before}\n{block.script}"],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
