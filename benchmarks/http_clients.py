"""What an HTTP client costs: the mover's own connections, libcurl's multi interface, `http.client` in threads, s5cmd.

In: how many files, how many rounds. Out: a table; with --json `{"files", "rounds", "results": {client: {"wall_s",
"files_per_s", "cpu_ms_per_file", "peak_mb"}}}`. Effects: for each run a SeaweedFS of its own, gone afterwards.

Each client copies the same small files from one bucket to another, 64 requests at once, and does nothing else; CPU and
memory are those of its whole process. Each client's round with the least CPU counts.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.copying_client import CLIENTS
from benchmarks.files import DATASET, HUB, TARGET, Upload, check_copied, fill_hub, make_files
from benchmarks.mover import Case, figures_of
from benchmarks.programs import program, versions
from benchmarks.seaweed import seaweed
from benchmarks.tables import show, tell, write_json
from benchmarks.usage import BenchmarkError, Usage, usage_of


def command_of(client: str, uploads: Sequence[Upload], folder: Path) -> list[str]:
    """What to run; s5cmd as at its best in `contenders`."""
    if client == "s5cmd":
        settings = ["--sse=AES256", "--acl=bucket-owner-full-control"]
        where = [f"s3://{HUB}/{DATASET}/*", f"s3://{TARGET}/{DATASET}/"]
        return [program("s5cmd"), "--log=error", "--numworkers=64", "cp", *settings, *where]
    keys = folder / "keys"
    keys.write_text("".join(f"{upload.key}\n" for upload in uploads))
    return [sys.executable, "-m", "benchmarks.copying_client", client, str(keys)]


def run(client: str, files: Path, folder: Path) -> Usage:
    """Let one client copy the files on a fresh server."""
    with seaweed(folder / "server") as server:
        uploads = fill_hub(server, files)
        usage = usage_of(command_of(client, uploads, folder), server.environment())
        check_copied(server, uploads)
    return usage


def measure(case: Case) -> dict[str, dict[str, float]]:
    """Let each client copy the files, in turn, round after round."""
    runs: dict[str, list[Usage]] = {client: [] for client in (*CLIENTS, "s5cmd")}
    with tempfile.TemporaryDirectory(prefix="benchmark-http-clients-") as made:
        files = make_files(Path(made) / "files", count=case.files, size_bytes=case.size_bytes)
        for number in range(case.rounds):
            for client, usages in runs.items():
                tell(f"{case}, round {number + 1} of {case.rounds}: {client}")
                with tempfile.TemporaryDirectory(dir=made) as own:
                    usages.append(run(client, files, Path(own)))
    return {name: figures_of(min(usages, key=lambda usage: usage.cpu_s), case) for name, usages in runs.items()}


def main() -> None:
    """Measure, show and write the figures."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.http_clients", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--files", type=int, default=5_000, help="how many files (default: 5000)")
    parser.add_argument("--rounds", type=int, default=3, help="in how many rounds (default: 3)")
    asked = parser.parse_args()
    print(", ".join(f"{package} {version}" for package, version in versions("pycurl", "s5cmd").items()))
    case = Case(asked.files, 1_000, asked.rounds)
    results = measure(case)
    show(f"{case} copied, {asked.rounds} rounds", results)
    write_json(asked.json, {"files": asked.files, "rounds": asked.rounds, "results": results})


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.http_clients: {error}")
