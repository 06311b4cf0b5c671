"""`make conformance`: holds every S3 to every scenario, and prints what came of it.

In: names of servers, or none for all of them; `named`: those alone that the environment names (`servers`,
`named_stores`), which take part with any others, too. Out: a table on stdout. Exit code 1: something failed; 2: a name
or a setting is refused, before anything is started; 3: AWS does not say whose the credentials are. Effects: the
servers' processes and files, gone afterwards; what is done to what the environment names.
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

from data_exports.errors import ExportsError, UsageError
from data_exports.local import emulator
from tests.conformance.destinations import SUITE
from tests.conformance.judged import Kind, Server, Verdict, judge, local_aws_server, memory_server
from tests.conformance.kinds import OutsideServer, judge_outside, name_of_check, outside_servers
from tests.conformance.named_stores import AZURE, GOOGLE, NamedStore, named_stores
from tests.conformance.scenarios import SCENARIOS
from tests.conformance.servers import S3, localstack, moto, named_s3, seaweedfs
from tests.emulator.steps import ACCOUNT, REGION

Verdicts = Mapping[str, Sequence[Verdict]]
NO_LOCALSTACK = "left out: LocalStack (it needs Python 3.13; name one with: make conformance LOCALSTACK_PYTHON=...)"

_STARTS = {"moto": moto, "seaweedfs": seaweedfs, "localstack": localstack}
NAMED = "named"
KNOWN = ("memory", "local", *_STARTS, "azure", "google", "azurite", "fake-gcs", NAMED)
_REAL = {S3: "AWS itself", AZURE: "Azure Blob Storage itself", GOOGLE: "Google Cloud Storage itself"}
"""By the variable that names it."""


def main(names: Sequence[str]) -> int:
    """Judge the servers of these names."""
    started = time.monotonic()
    try:
        known, stores = _named(names)
    except ExportsError as refused:
        print(refused, file=sys.stderr)
        return refused.exit_code
    with ExitStack() as stack:
        servers, outside = [*_servers(names, stack), *known], _outside(names, stores, stack)
        with ThreadPoolExecutor(max_workers=len(servers) or 1) as pool:
            judged = pool.map(lambda server: [judge(server, scenario) for scenario in SCENARIOS], servers)
            verdicts = dict(zip((server.name for server in servers), judged, strict=True))
        verdicts_outside = _judged_outside(outside, stack)  # alone: the mover's environment is the process's
    scenarios, checks = [scenario.name for scenario in SCENARIOS], [name_of_check(check) for check in SUITE]
    for rows, columns in ((scenarios, verdicts), (checks, verdicts_outside)):
        if columns:
            print(*_table(rows, columns), *_reasons(rows, columns), sep="\n")
    counts = Counter(verdict.kind for column in (*verdicts.values(), *verdicts_outside.values()) for verdict in column)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in Kind)
    asked = f"{len(scenarios)} scenarios, {len(verdicts)} S3s; {len(checks)} checks, {len(verdicts_outside)} elsewhere"
    print(f"{asked}: {told}; {time.monotonic() - started:.0f} s")
    return 1 if counts[Kind.FAILED] else 0


def _named(names: Sequence[str]) -> tuple[list[Server], Mapping[str, NamedStore]]:
    """What the environment names, and can be reached; what it does not name is told. Raises `ExportsError`."""
    if unknown := [name for name in names if name not in KNOWN]:
        raise UsageError(f"{', '.join(unknown)}: no such server", next_step=f"there are {', '.join(KNOWN)}")
    servers, stores = named_s3(os.environ), named_stores(os.environ)
    if not names or NAMED in names:
        for variable, what in _REAL.items():
            if not os.environ.get(variable):
                print(f"left out: {what} ({variable} is not set: docs/local-aws.md)")
    if set(names) == {NAMED} and not servers and not stores:
        raise UsageError("the environment names none", where=NAMED, next_step=f"set {', '.join(_REAL)}")
    for store in stores.values():
        store.check_access()
    return servers, stores


def _outside(names: Sequence[str], stores: Mapping[str, NamedStore], stack: ExitStack) -> list[OutsideServer]:
    """Start the servers outside AWS that are asked for."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True)))
    return stack.enter_context(outside_servers(names, stores, folder))


def _judged_outside(servers: Sequence[OutsideServer], stack: ExitStack) -> Verdicts:
    """Hold them to the suite of destinations, from a hub on the local AWS."""
    if not servers:
        return {}
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="conformance-", ignore_cleanup_errors=True)))
    local = emulator.start(folder / "local-aws", account=ACCOUNT, region=REGION, owner_pid=os.getpid())
    stack.callback(emulator.stop, local)
    return {server.name: judge_outside(server, local) for server in servers}


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
        if name not in wanted:
            continue
        if name == "localstack" and not os.environ.get("LOCALSTACK_BIN"):
            print(NO_LOCALSTACK)
        else:
            servers.append(stack.enter_context(start(folder / name)))
    return servers


def _table(names: Sequence[str], verdicts: Verdicts) -> list[str]:
    width = max(map(len, names))
    head = "  ".join([" " * width, *verdicts])
    rows = [
        "  ".join(
            [row.ljust(width), *(str(column[n].kind).ljust(len(name)) for name, column in verdicts.items())]
        ).rstrip()
        for n, row in enumerate(names)
    ]
    return [head, *rows, ""]


def _reasons(names: Sequence[str], verdicts: Verdicts) -> list[str]:
    """Why something is not held, server by server."""
    lines = []
    for name, column in verdicts.items():
        for kind in (Kind.LEFT_OUT, Kind.FAILED):
            found = [(row, v) for row, v in zip(names, column, strict=True) if v.kind is kind]
            lines += [f"{kind} by {name}: {row} ({verdict.words})" for row, verdict in found]
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
