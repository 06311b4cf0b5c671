"""`make mutants`: a sample of small faults put into the code, each to be found by the unit and the model tests.

In: a seed, how many, which folders. Out: a score by folder, and in `.mutants/results.json` every mutant and what became
of it. Effects: a copy of the repository in `.mutants/tree`, in which the faults are made; runs tests, one mutant at a
time. Interrupted, or out of its time, it goes on where it stopped: what was decided is not tried again while its line
stays as it is (`--survivors` tries those again that lived).
"""

import argparse
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from importlib.util import cache_from_source
from pathlib import Path

from tests.mutants.mutations import Mutation, mutations_of
from tests.mutants.relevant import Relevance, read_relevance

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".mutants"
TREE = PLACE / "tree"
RESULTS = PLACE / "results.json"
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
LEFT_OUT = (
    "data_exports/local/",  # the emulator as a process and its mends: the emulator's tests are theirs
    "data_exports/operate/canary/",  # a test by itself, of what AWS does
    "data_exports/cli/canary.py",  # these three only ask for them
    "data_exports/cli/demo.py",
    "data_exports/cli/local.py",
)
SECONDS_FOR_ONE = 300
CPU_SECONDS_FOR_ONE = 120
SMALLEST_SHARE = 3


@dataclass(frozen=True, slots=True)
class Mutant:
    """A mutation of a module."""

    module: str
    mutation: Mutation = field(repr=False)

    @property
    def identifier(self) -> str:
        """What it is, told by the text of its line: it stays the same while others move around it."""
        return f"{self.module}: {self.mutation.before} → {self.mutation.after}"

    @property
    def folder(self) -> str:
        """The folder that it counts for; of a module outside of folders, the package."""
        return self.module.rpartition("/")[0].removeprefix("data_exports").removeprefix("/") or "(package)"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant: killed, timed out (killed, too), survived, or not run by any test."""

    mutant: str
    kind: str
    folder: str
    line: int
    outcome: str
    killed_by: str
    cpu_seconds: float


def draw_sample(mutants: Sequence[Mutant], *, count: int, seed: int) -> list[Mutant]:
    """A sample: from each folder by its share, and a few at least.

    Each mutant has its place in the draw by itself, so the sample stays nearly the same while the code changes.
    """

    def place(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.identifier}".encode()).digest()

    by_folder = defaultdict[str, dict[str, Mutant]](dict)
    for mutant in mutants:
        by_folder[mutant.folder].setdefault(mutant.identifier, mutant)
    drawn: list[Mutant] = []
    for there in by_folder.values():
        share = max(SMALLEST_SHARE, round(count * len(there) / len(mutants)))
        drawn += sorted(there.values(), key=place)[:share]
    return sorted(drawn, key=place)


def all_mutants(source: Path) -> Iterator[Mutant]:
    """Every mutant of the modules that are looked at."""
    for path in sorted(source.rglob("*.py")):
        module = path.relative_to(source).as_posix()
        if not module.startswith(LEFT_OUT):
            yield from (Mutant(module, mutation) for mutation in mutations_of(path.read_text()))


def copy_repository() -> None:
    """Make the copy the same as the working tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shutil.rmtree(TREE, ignore_errors=True)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (TREE / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, TREE / name)


def environment() -> dict[str, str]:
    """Every Python of a test imports the copy."""
    return {**os.environ, "PYTHONPATH": str(TREE / "src"), "PYTHONHASHSEED": "0"}


def run(mutant: Mutant, relevance: Relevance) -> Result:
    """Make the fault, run the tests that run its line, most relevant first, until one fails; mend it."""

    def result(outcome: str, killed_by: str, before: float) -> Result:
        spent = round(_cpu_seconds() - before, 1)
        mutation = mutant.mutation
        return Result(mutant.identifier, mutation.kind, mutant.folder, mutation.line, outcome, killed_by, spent)

    before = _cpu_seconds()
    tests = relevance.tests_of(mutant.module, mutant.mutation.line)
    if not tests:
        return result("not run", "", before)
    path = TREE / "src" / mutant.module
    original = path.read_bytes()
    try:
        path.write_text(mutant.mutation.text)
        _forget_compiled(path)
        outcome, killed_by = _first_failure(tests)
    finally:
        path.write_bytes(original)
        _forget_compiled(path)
    return result(outcome, killed_by, before)


def _first_failure(tests: Sequence[str]) -> tuple[str, str]:
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=no", "-p", "no:cacheprovider", *tests]
    limit = (CPU_SECONDS_FOR_ONE, CPU_SECONDS_FOR_ONE)
    process = subprocess.Popen(
        command,
        cwd=TREE,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, limit),  # noqa: PLW1509 there are no threads here
    )
    try:
        output, _ = process.communicate(timeout=SECONDS_FOR_ONE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        process.communicate()
        return "timed out", ""
    if process.returncode == 0:
        return "survived", ""
    if process.returncode < 0:
        return "timed out", ""
    failed = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return "killed", failed[0][:200] if failed else output[-200:]


def _forget_compiled(path: Path) -> None:
    Path(cache_from_source(str(path))).unlink(missing_ok=True)


def _cpu_seconds() -> float:
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def equivalent() -> set[str]:
    """Mutants that change nothing anybody could see; the file says of each why."""
    return {line for line in EQUIVALENT.read_text().splitlines() if line and not line.startswith("#")}


def table(results: Sequence[Result]) -> str:
    """The score by folder, as Markdown."""
    same = equivalent()
    lines = ["| folder | mutants | killed | equivalent | survived |", "|---|---:|---:|---:|---:|"]
    folders = sorted({each.folder for each in results})
    for folder in [*folders, "all"]:
        here = [each for each in results if folder in ("all", each.folder)]
        killed = sum(each.outcome in ("killed", "timed out") for each in here)
        equal = sum(each.mutant in same and each.outcome not in ("killed", "timed out") for each in here)
        lines.append(f"| {folder} | {len(here)} | {killed} | {equal} | {len(here) - killed - equal} |")
    return "\n".join(lines)


def main() -> int:
    """Draw a sample, try each, and tell the score."""
    parser = argparse.ArgumentParser(
        prog="make mutants", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--only", default="", help="folders or modules that begin so, such as deploy/drift")
    parser.add_argument("--cpu-minutes", type=float, default=60)
    parser.add_argument("--survivors", action="store_true", help="try those again that survived")
    parser.add_argument("--where", action="append", default=[], help="only mutants whose identifier holds this text")
    asked = parser.parse_args()
    copy_repository()
    relevance = read_relevance(TREE, PLACE, environment())
    sample = draw_sample(list(all_mutants(TREE / "src")), count=asked.count, seed=asked.seed)
    sample = [each for each in sample if each.module.startswith(f"data_exports/{asked.only}")]
    sample = [each for each in sample if all(text in each.identifier for text in asked.where)]
    known = {each["mutant"]: Result(**each) for each in json.loads(RESULTS.read_text())} if RESULTS.exists() else {}
    results: list[Result] = []
    for number, mutant in enumerate(sample, 1):
        found = known.get(mutant.identifier)
        alive = found and found.outcome in ("survived", "not run")
        if not found or (alive and asked.survivors):
            if _cpu_seconds() > asked.cpu_minutes * 60:
                print("out of its time: run it again to go on")
                break
            found = run(mutant, relevance)
            known[mutant.identifier] = found
            RESULTS.write_text(json.dumps([asdict(each) for each in known.values()], indent=1, ensure_ascii=False))
        results.append(found)
        if found.outcome in ("survived", "not run"):
            print(
                f"{number}/{len(sample)} {found.outcome}: {found.mutant} (line {found.line}, {found.kind})", flush=True
            )
    print(table(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
