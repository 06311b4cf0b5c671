"""Builds every stack of an estate and writes nothing: what `benchmarks.control_plane` measures as a process.

In: the estate's folder, as the only argument. Out: how many stacks, and their bytes. Effects: reads the folder.
"""

import sys
from pathlib import Path

from data_exports.deploy.deployed import Deployed
from data_exports.deploy.plan.planning import plan_deploy
from data_exports.estate.loader import load_estate
from data_exports.stacks.stack import Surroundings


def main() -> None:
    """Load, build, count."""
    estate = load_estate(Path(sys.argv[1])).require()
    plan = plan_deploy(estate, Deployed(()), Surroundings(code_key="code/bench.zip"))
    bodies = [step.stack.body for step in plan.steps if step.stack]
    print(f"{len(bodies):,} stacks, {sum(map(len, bodies)):,} characters")


if __name__ == "__main__":
    main()
