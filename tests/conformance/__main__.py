"""`make conformance`: holds every S3 to every scenario, and prints what came of it.

In: names of servers, or none for all of them. Out: a table on stdout; exit code 1 if something failed. Effects: the
servers' processes and files, gone afterwards; what the environment names (`servers`).
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from data_exports.local import emulator
from tests.conformance.judged import Kind, Server, Verdict, judge, local_aws_server, memory_server
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.servers import is_named, localstack, moto, named, seaweedfs
from tests.emulator.steps import ACCOUNT, REGION

Verdicts = Mapping[str, Sequence[Verdict]]
NO_LOCALSTACK = "left out: LocalStack (it needs Python 3.13; name one with: make conformance LOCALSTACK_PYTHON=...)"

_STARTS = {"moto": moto, "seaweedfs": seaweedfs, "localstack": localstack}


def main(names: Sequence[str]) -> int:
    """Judge the servers of these names."""
    started = time.monotonic()
    with ExitStack() as stack:
        servers = _servers(names, stack)
        with ThreadPoolExecutor(max_workers=len(servers)) as pool:
            judged = pool.map(lambda server: [judge(server, scenario) for scenario in SCENARIOS], servers)
            verdicts = dict(zip((server.name for server in servers), judged, strict=True))
    print(*_table(verdicts), *_reasons(verdicts), sep="\n")
    counts = Counter(verdict.kind for column in verdicts.values() for verdict in column)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in Kind)
    print(f"{len(SCENARIOS)} scenarios, {len(verdicts)} S3s: {told}; {time.monotonic() - started:.0f} s")
    return 1 if counts[Kind.FAILED] else 0


def _servers(names: Sequence[str], stack: ExitStack) -> list[Server]:
    """Start what is asked for; all of it lasts as long as the stack."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True)))
    servers: list[Server] = []
    wanted = names or ("memory", "local", *_STARTS)
    if "memory" in wanted:
        servers += [memory_server(may_list=True), memory_server(may_list=False)]
    if "local" in wanted:
        local = emulator.start(folder / "local-aws", account=ACCOUNT, region=REGION, owner_pid=os.getpid())
        stack.callback(emulator.stop, local)
        servers += [local_aws_server(local, may_list=True), local_aws_server(local, may_list=False)]
    for name, start in _STARTS.items():
        if name == "localstack" and not os.environ.get("LOCALSTACK_BIN"):
            print(NO_LOCALSTACK)
        elif name in wanted:
            servers.append(stack.enter_context(start(folder / name)))
    if is_named(os.environ):
        servers.append(named(os.environ))
    return servers


def _table(verdicts: Verdicts) -> list[str]:
    width = max(len(scenario.name) for scenario in SCENARIOS)
    head = "  ".join([" " * width, *verdicts])
    rows = [
        "  ".join(
            [scenario.name.ljust(width), *(str(column[n].kind).ljust(len(name)) for name, column in verdicts.items())]
        ).rstrip()
        for n, scenario in enumerate(SCENARIOS)
    ]
    return [head, *rows, ""]


def _reasons(verdicts: Verdicts) -> list[str]:
    """Why something is not held, server by server."""
    lines = []
    for name, column in verdicts.items():
        for kind in (Kind.LEFT_OUT, Kind.FAILED):
            found = [(s, v) for s, v in zip(SCENARIOS, column, strict=True) if v.kind is kind]
            lines += [f"{kind} by {name}: {scenario.name} ({verdict.words})" for scenario, verdict in found]
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
