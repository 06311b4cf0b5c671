"""The process that is the local AWS: ``python -m data_exports.local.server --port … --folder …``.

In: where to listen (127.0.0.1 only), which account and region, a folder for its files, optionally the process whose
end is its own, and on stdin the secret of this start (a command line is open to every user of a computer). Effects:
sets its environment, mends the emulator's differences from AWS, serves until SIGTERM, and then ends its function
workers and removes its temporary files. Refuses to start when the installed emulator is not the one the mends are
written for.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from data_exports.errors import LocalAwsError
from data_exports.local.processes import start_watching

SERVICES = (
    "cloudformation",
    "cloudwatch",
    "events",
    "glue",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sns",
    "sqs",
    "sts",
    "tagging",
    "transfer",
)
"""What the product uses; the emulator's other hundred services are off, and so are the ports some of them open."""

_EXIT_REFUSED = 3


def server_settings_of(*, port: int, account: str, region: str, folder: Path) -> Mapping[str, str]:
    """The environment variables the emulator reads, all of those that matter here: nothing is left to the caller's."""
    temporary = folder / "tmp"
    return {
        "AUTH": "true",
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": region,
        "MINISTACK_HOST": "127.0.0.1",
        "SERVICES": ",".join(SERVICES),
        "TMPDIR": str(temporary),
        "STATE_DIR": str(folder / "state"),
        "S3_DATA_DIR": str(folder / "state" / "s3"),
        "PERSIST_STATE": "0",
        "S3_PERSIST": "0",
        "USE_SSL": "0",
        "LOG_LEVEL": "WARNING",
        # No listener but the gateway's and those of `gaps.sftp_listeners`, and no container: functions run as plain
        # processes.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LAMBDA_EXECUTOR": "local",
        "DOCKER_HOST": f"unix://{temporary / 'no-docker'}",
    }


def _read_secret() -> str:
    secret = sys.stdin.readline().strip()
    if not secret:
        raise LocalAwsError("nobody gave it a secret on stdin", next_step="start it with: exports local up")
    return secret


def _serve(secret: str) -> None:
    """Mend the emulator, close its door to strangers and serve until SIGTERM; then end the functions' processes."""
    from data_exports.local.gaps import mend_all
    from data_exports.local.gaps.patching import check_emulator_version

    check_emulator_version()
    from data_exports.local.gate import Gate
    from data_exports.local.keys import require_the_secret

    require_the_secret(secret)
    Gate(secret).close()
    mend_all()
    from ministack.app import main as serve_forever
    from ministack.core import lambda_runtime

    try:
        serve_forever()
    finally:
        lambda_runtime.reset()


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m data_exports.local.server", description="Serve the local AWS.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--account", required=True, help="the account of callers that name none; 12 digits")
    parser.add_argument("--region", required=True)
    parser.add_argument("--folder", type=Path, required=True, help="for temporary files; must exist")
    parser.add_argument("--owner-pid", type=int, help="end when this process ends")
    return parser.parse_args(words)


def run_server() -> int:
    """Serve until SIGTERM; the exit code is 0, or 3 when the emulator is not one we can mend."""
    asked = _arguments(sys.argv[1:])
    folder = asked.folder.resolve()
    for name in [name for name in os.environ if name.startswith(("AWS_", "LOCALSTACK", "EDGE_PORT"))]:
        del os.environ[name]
    settings = server_settings_of(port=asked.port, account=asked.account, region=asked.region, folder=folder)
    os.environ.update(settings)
    for key in ("TMPDIR", "STATE_DIR"):
        Path(settings[key]).mkdir(mode=0o700, parents=True, exist_ok=True)
    sys.argv = sys.argv[:1]  # the emulator reads the rest as its own
    if asked.owner_pid:
        start_watching(asked.owner_pid)
    try:
        _serve(_read_secret())
    except LocalAwsError as error:
        print(f"the local AWS refuses to start: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return _EXIT_REFUSED
    finally:
        shutil.rmtree(settings["TMPDIR"], ignore_errors=True)
        shutil.rmtree(settings["STATE_DIR"], ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(run_server())
